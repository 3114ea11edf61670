# SPDX-License-Identifier: Apache-2.0
"""What keeps writes off the old source: it is set, looked at, and what is refused keeps its words."""
import threading

import pytest
from harness import REVERSE_LINK, config_changes, full_syncs, node_spec, wait_for
from redis_node import RedisError
from writers import check_no_lost


def code_of(daemon, job):
    return (daemon.job(job)["reason"] or {}).get("code")


def test_a_source_whose_replicas_are_writable_loses_no_write(lab, daemon):
    """replica-read-only no: the demoted source would go on acknowledging what nobody ever gets."""
    source, target = lab.pair("--replica-read-only", "no")
    writers = lab.writers(source, target)
    daemon.migrate("open", source, target)
    writers.wait_acks(500)
    daemon.complete("open")
    writers.wait_acks(1000)
    report = check_no_lost(writers, target)
    assert [s["to"] for s in report["switches"]] == [target.port]
    with pytest.raises(RedisError, match="READONLY"):
        source.cmd("SET", "too-late", "1")
    assert source.config()["replica-read-only"] == "yes", "as long as it follows"
    wait_for(lambda: target.config()["replica-read-only"] == "no", 5, "the target's own setting to be restored")


def test_a_source_that_does_not_let_itself_be_fenced_keeps_its_role(lab, daemon):
    source, target = lab.pair("--replica-read-only", "no")
    source.cmd("ACL", "SETUSER", "mig", "on", ">pw", "+@all", "-config|set", "~*", "&*")
    writers = lab.writers(source, target)
    daemon.migrate("locked", node_spec(source, username="mig", password="pw"), target, sync={"tune": False},
                   checks={"waive": ["source-rights"]})
    daemon.verb("locked", "complete")
    wait_for(lambda: code_of(daemon, "locked") == "acl-denied", 10, "the refusal to be said")
    assert "replica-read-only" in daemon.job("locked")["reason"]["message"]
    writers.wait_acks(500)
    report = check_no_lost(writers, source)
    assert report["switches"] == [] and source.role() == "master"


def test_what_is_set_open_again_after_the_order_is_seen_before_the_promotion(lab, daemon):
    source, target = lab.pair()
    replicas = [f"127.0.0.1:{lab.node(name='absent').port}"]
    writers = lab.writers(source, target)
    daemon.migrate("late", source, node_spec(target, replicas=replicas))
    daemon.verb("late", "complete")
    wait_for(lambda: code_of(daemon, "late") == "gate-replicas", 10, "the switch-over to be held back")
    source.set_config("replica-read-only", "no")
    daemon.verb("late", "complete", force=True)
    daemon.wait_phase("late", "completed")
    writers.wait_acks(500)
    check_no_lost(writers, target)


def test_what_a_demoted_source_took_is_copied_anew(lab, daemon):
    """Opened within the pause: its writes as a replica are in no stream, so that in sync is not enough any more."""
    source, target = lab.pair()
    to_target = lab.proxy(target)
    daemon.migrate("open", source, node_spec(to_target.endpoint, reachable_as=target.endpoint), cutover={"pause": "8s"})
    assert full_syncs(source) == 1
    to_target.delay = 0.4
    daemon.verb("open", "complete")
    daemon.wait_phase("open", "freezing", "switching", interval=0.002)
    source.set_config("replica-read-only", "no")
    wait_for(lambda: source.role() == "slave", 10, "the demotion", interval=0.002)
    source.cmd("CLIENT", "UNPAUSE")
    source.cmd("SET", "taken", "by a replica")
    to_target.delay = 0
    wait_for(lambda: full_syncs(source) == 2, 20, lambda: f"the copy: {daemon.job('open')}")
    daemon.wait_phase("open", "replicating")
    told = [e["data"]["reason"] for e in daemon.events("open") if e["data"].get("reason") == "source-writable"]
    assert told and source.role() == "master"
    daemon.complete("open")
    assert target.cmd("GET", "taken") == "by a replica"


@pytest.mark.parametrize("drain", ["auto", True, False])
def test_a_script_that_swallows_errors_is_not_told_that_all_is_well(lab, daemon, drain):
    """It was held by the pause. Told "done" by a server that is read-only by then, its write would be lost."""
    source, target = lab.pair()
    script = "redis.pcall('set', KEYS[1], '1') return 'done'"
    source.cmd("EVAL", script, 1, "first")
    to_target = lab.proxy(target)
    daemon.migrate("script", source, node_spec(to_target.endpoint, reachable_as=target.endpoint),
                   cutover={"drain_clients": drain, "pause": "5s"})
    answers = []

    def ask(number):
        client = source.connect(timeout=20)
        try:
            answers.append((number, client.cmd("EVAL", script, 1, f"held:{number}")))
        except (OSError, RedisError, ValueError) as e:
            answers.append((number, e))

    to_target.delay = 0.3
    daemon.verb("script", "complete")
    daemon.wait_phase("script", "freezing", "switching", interval=0.002)
    held = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in held:
        thread.start()
    daemon.wait_phase("script", "completed")
    for thread in held:
        thread.join()
    told_done = [n for n, answer in answers if answer == "done"]
    lost = [n for n in told_done if target.cmd("GET", f"held:{n}") is None]
    if drain is False:
        assert lost, "then this test shows nothing"
    else:
        assert not lost and len(answers) == 8


def test_subscribers_are_drained_too(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("pubsub", source, target, cutover={"drain_clients": True})
    subscriber = source.connect(timeout=20)
    subscriber.cmd("SUBSCRIBE", "news")
    daemon.complete("pubsub")
    with pytest.raises((ConnectionError, OSError)):
        subscriber.cmd("PING")


class Refused:
    """A source that refuses one command of the switch-over, with writers."""

    def __init__(self, lab, daemon, source, spec):
        self.source, self.daemon = source, daemon
        self.target = lab.node(name="target")
        source.fill(100)
        self.before = source.config()
        self.writers = lab.writers(source, self.target)
        daemon.migrate("refused", spec, self.target, checks={"waive": ["source-rights"]})
        daemon.verb("refused", "complete")

    def check(self, code, word):
        """Given up after one attempt, with the server's words, which status goes on showing."""
        daemon = self.daemon
        wait_for(lambda: daemon.events("refused", "cutover_aborted"), 15, "the attempt to be given up")
        wait_for(lambda: code_of(daemon, "refused") == "cutover-given-up", 5, "no further attempt to be made")
        self.writers.wait_acks(2000)
        event = daemon.event("refused", "cutover_aborted")
        assert event["data"]["reason"] == code, event
        assert word in event["message"] and word in daemon.job("refused")["reason"]["message"]
        report = check_no_lost(self.writers, self.source)
        assert report["switches"] == [] and report["longest_gap_ms"] < 2500
        daemon.verb("refused", "abort")
        daemon.wait_phase("refused", "failed")
        wait_for(lambda: not config_changes(self.before, self.source.config(), REVERSE_LINK), 5,
                 "the source's settings to be restored")


def test_a_source_without_replicaof_costs_one_pause(lab, daemon):
    source = lab.node("--rename-command", "REPLICAOF", "", name="source")
    Refused(lab, daemon, source, node_spec(source)).check("command-refused", "unknown command")


def test_a_user_that_may_not_demote_costs_one_pause(lab, daemon):
    source = lab.node(name="source")
    source.cmd("ACL", "SETUSER", "mig", "on", ">pw", "+@all", "-replicaof", "-slaveof", "~*", "&*")
    Refused(lab, daemon, source, node_spec(source, username="mig", password="pw")).check("acl-denied", "NOPERM")


def test_a_user_that_may_not_pause_costs_none(lab, daemon):
    source = lab.node(name="source")
    source.cmd("ACL", "SETUSER", "mig", "on", ">pw", "+@all", "-client|pause", "~*", "&*")
    Refused(lab, daemon, source, node_spec(source, username="mig", password="pw")).check("acl-denied", "NOPERM")


def test_a_target_that_may_not_be_promoted_leaves_the_source_the_primary(lab, daemon):
    """It was attached before its rights were taken away."""
    source, target = lab.pair()
    target.cmd("ACL", "SETUSER", "mig", "on", ">pw", "+@all", "~*", "&*")
    writers = lab.writers(source, target)
    daemon.migrate("rights", source, node_spec(target, username="mig", password="pw"))
    target.cmd("ACL", "SETUSER", "mig", "-replicaof", "-slaveof")
    daemon.verb("rights", "complete")
    wait_for(lambda: code_of(daemon, "rights") == "cutover-given-up", 15, "the switch-over to be given up")
    assert daemon.event("rights", "cutover_aborted")["data"]["reason"] == "acl-denied"
    writers.wait_acks(1000)
    report = check_no_lost(writers, source)
    assert report["switches"] == [] and (source.role(), target.role()) == ("master", "slave")
