# SPDX-License-Identifier: Apache-2.0
"""What may go wrong. Every case ends with a reason, with the nodes as they were, and nothing lost."""
import signal

import pytest
from harness import REVERSE_LINK, config_changes, full_syncs, node_spec, wait_for
from redis_node import free_port
from waiting import FACTOR
from writers import check_no_lost

FAST = {"attempts": 3, "timeout": "1s", "backoff_initial": "50ms", "backoff_max": "100ms"}


class Before:
    """What a node was like before, and the proof that it is so again."""

    def __init__(self, *nodes):
        self.seen = [(node, node.config(), node.cmd("DBSIZE")) for node in nodes]

    def check(self, keys=True):
        for node, config, size in self.seen:
            assert node.role() == "master", f"{node.name} is no primary any more"
            wait_for(lambda n=node, c=config: not config_changes(c, n.config()), 5,
                     lambda n=node, c=config: f"{n.name}'s settings: {config_changes(c, n.config())}")
            if keys:
                assert node.cmd("DBSIZE") == size


def check_failed(daemon, job, *codes, run=1):
    """The job is failed with one of the reasons, said so in an event, and the client can explain it."""
    seen = daemon.wait_phase(job, "failed", timeout=30)
    assert seen["state"] == "failed"
    assert seen["reason"]["code"] in codes, seen["reason"]
    assert seen["reason"]["message"] and seen["next_step"]
    failed = daemon.events(job, "migration_failed")
    assert len(failed) == run and failed[-1]["data"]["reason"] == seen["reason"]["code"]
    explained = daemon.ctl("explain", seen["reason"]["code"])
    assert explained.returncode == 0 and len(explained.stdout) > 40
    return seen


def reason(daemon, job):
    return (daemon.job(job)["reason"] or {}).get("code")


def unreachable_addresses(lab):
    return {
        "refused": f"127.0.0.1:{free_port()}",
        "black-hole": lab.black_hole().endpoint,
        "mute": lab.mute().endpoint,
        "unresolvable": "no-such-host.invalid:6379",
        "no-route": "[100::1]:6379",
    }


@pytest.mark.parametrize("kind", ["refused", "black-hole", "mute", "unresolvable", "no-route"])
@pytest.mark.parametrize("side", ["source", "target"])
def test_unreachable_node_uses_up_the_attempts(lab, daemon, kind, side):
    alive = lab.node(name="alive")
    alive.cmd("SET", "own", "1")
    before = Before(alive)
    dead = unreachable_addresses(lab)[kind]
    pair = (dead, node_spec(alive, allow_flush=True)) if side == "source" else (alive, dead)
    daemon.write_job("dead", *(node_spec(n) if isinstance(n, str) else n for n in pair), attach={**FAST, "attempts": 2})
    daemon.wait_job("dead")
    job = check_failed(daemon, "dead", f"{side}-unreachable")
    assert job["attempt"]["number"] == 2
    assert len(daemon.events("dead", "check_failed")) == 2
    assert dead.rsplit(":", 1)[0].strip("[]") in job["reason"]["message"], "the message names the host"
    before.check()


def test_peer_that_does_not_speak_redis(lab, daemon):
    alive = lab.node()
    web = lab.mute(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    daemon.write_job("web", node_spec(web.endpoint), alive, attach=FAST)
    daemon.wait_job("web")
    check_failed(daemon, "web", "not-redis")


@pytest.mark.parametrize("side", ["source", "target"])
def test_wrong_password_fails_at_once(lab, daemon, side):
    source, target = lab.pair(password="right")
    before = Before(source, target)
    nodes = {"source": node_spec(source), "target": node_spec(target)}
    nodes[side] = node_spec(nodes[side]["endpoint"], password="wrong-password")
    daemon.write_job("locked", nodes["source"], nodes["target"])
    daemon.wait_job("locked")
    job = check_failed(daemon, "locked", "auth-refused")
    assert job["attempt"]["number"] == 1, "no retry can help, so none is made"
    assert "wrong-password" not in daemon.log_tail(1000)
    before.check()


def test_missing_password_fails_at_once(lab, daemon):
    source, target = lab.pair(password="right")
    daemon.write_job("locked", node_spec(source.endpoint), target)
    daemon.wait_job("locked")
    check_failed(daemon, "locked", "auth-refused")


def test_password_file_that_is_missing_is_an_error_of_the_job_file(lab, daemon):
    source, target = lab.pair()
    daemon.write_job("nofile", node_spec(source, password_file="/nonexistent/password"), target)
    wait_for(lambda: "/nonexistent/password" in daemon.log_tail(), 10, "the log to name the file")
    assert daemon.job("nofile") is None


def test_password_file_that_is_gone_when_it_is_needed(lab, daemon, tmp_path):
    source, target = lab.pair(password="right")
    secret = tmp_path / "password"
    secret.write_text("right")
    secret.chmod(0o600)
    daemon.write_job("nofile", node_spec(source, password_file=str(secret)), target, start="manual")
    daemon.wait_job("nofile")
    secret.unlink()
    daemon.verb("nofile", "start")
    job = check_failed(daemon, "nofile", "credential-unreadable")
    assert str(secret) in job["reason"]["message"]
    secret.write_text("right")
    daemon.verb("nofile", "retry")
    wait_for(lambda: daemon.job("nofile")["run"] == 2, 5, "the second run")
    daemon.wait_phase("nofile", "replicating")


def test_replication_user_that_cannot_log_in(lab, daemon):
    source, target = lab.pair(keys=10)
    before = Before(source, target)
    wrong = node_spec(source, replication_user={"username": "copier", "password": "nobody-knows"})
    daemon.write_job("copier", wrong, target, attach=FAST)
    daemon.wait_job("copier")
    check_failed(daemon, "copier", "auth-refused")
    before.check()


def test_target_that_holds_keys_is_left_alone(lab, daemon):
    source, target = lab.pair()
    target.cmd("SET", "precious", "1")
    before = Before(source, target)
    daemon.write_job("full", source, target)
    daemon.wait_job("full")
    check_failed(daemon, "full", "target-not-empty")
    assert target.cmd("GET", "precious") == "1"
    assert full_syncs(source) == 0
    before.check()


def test_source_and_target_are_one_server(lab, daemon):
    node = lab.node()
    door = lab.proxy(node)
    daemon.write_job("self", node, node_spec(door.endpoint))
    daemon.wait_job("self")
    check_failed(daemon, "self", "same-node")


def test_target_that_follows_another(lab, daemon):
    source, target = lab.pair()
    other = lab.node(name="other")
    target.cmd("REPLICAOF", "127.0.0.1", other.port)
    daemon.write_job("taken", source, target)
    daemon.wait_job("taken")
    check_failed(daemon, "taken", "target-is-replica")
    assert target.info("replication")["master_port"] == str(other.port), "left as it was"


def test_changed_file_starts_a_failed_job_anew(lab, daemon):
    source, target = lab.pair(password="right")
    daemon.write_job("fixed", node_spec(source.endpoint, password="wrong"), target)
    daemon.wait_job("fixed")
    check_failed(daemon, "fixed", "auth-refused")
    daemon.write_job("fixed", source, target)
    wait_for(lambda: daemon.job("fixed")["phase"] == "replicating", 10, "the new text to run")
    assert daemon.job("fixed")["run"] == 2


def test_target_cannot_reach_the_source(lab, daemon):
    source, target = lab.pair()
    before = Before(source, target)
    hole = lab.black_hole()
    daemon.write_job("wall", node_spec(source, reachable_as=hole.endpoint), target,
                     attach={**FAST, "attempts": 2})
    daemon.wait_job("wall")
    check_failed(daemon, "wall", "source-unreachable-from-target")
    assert len(daemon.events("wall", "attach_failed")) == 2
    before.check()


def test_source_dies_in_mid_sync(lab, daemon):
    source, target = lab.slow_pair()
    before = target.config()
    daemon.write_job("midsync", source, target, attach={**FAST, "attempts": 2})
    daemon.wait_job("midsync")
    daemon.wait_phase("midsync", "syncing")
    source.kill9()
    check_failed(daemon, "midsync", "source-lost", "source-unreachable", "sync-failed", "link-timeout")
    assert target.role() == "master"
    assert config_changes(before, target.config()) == {}


def test_source_restarts_in_mid_sync(lab, daemon):
    """A new replication history, and the same data: the job starts the synchronisation again."""
    source, target = lab.slow_pair(keys=3000)
    daemon.write_job("again", source, target, attach={"attempts": 10, "timeout": "5s"})
    daemon.wait_job("again")
    daemon.wait_phase("again", "syncing")
    source.restart()
    source.fill(50)
    daemon.wait_phase("again", "replicating", timeout=40)
    assert target.cmd("DBSIZE") == 50


def test_source_dies_while_replicating_and_comes_back(lab, daemon):
    source, target = lab.pair(keys=0)
    source.cmd("SET", "a", "1")
    daemon.migrate("flaky", source, target)
    wait_for(lambda: source.info("persistence")["rdb_bgsave_in_progress"] == "0", 5, "the dump's end")
    source.cmd("SAVE")
    replid = source.info("replication")["master_replid"]
    source.kill9()
    wait_for(lambda: daemon.events("flaky", "link_lost"), 10, "link_lost")
    job = daemon.job("flaky")
    assert job["phase"] == "replicating", "not a failure: it waits"
    assert target.cmd("GET", "a") == "1"
    source.start()
    assert source.info("replication")["master_replid"] != replid
    wait_for(lambda: daemon.job("flaky")["link"]["up"] and daemon.job("flaky")["phase"] == "replicating",
             30, "the link to the restarted source")
    daemon.complete("flaky")


def test_abort_with_a_dead_source(lab, daemon):
    source, target = lab.pair()
    before = target.config()
    daemon.migrate("gone", source, target)
    source.kill9()
    daemon.verb("gone", "abort")
    assert daemon.wait_phase("gone", "failed", timeout=20)["reason"]["code"] == "aborted"
    assert target.role() == "master"
    assert target.cmd("DBSIZE") == 100, "the target keeps what it has"
    assert config_changes(before, target.config()) == {}


def test_complete_waits_while_the_source_is_gone(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("wait", source, target)
    source.sigstop()
    daemon.verb("wait", "complete")
    wait_for(lambda: reason(daemon, "wait") in
             ("waiting-node", "link-down", "freeze-failed"), 20, "the obstacle to be named")
    source.sigcont()
    daemon.wait_phase("wait", "completed", timeout=40)


def test_complete_by_force_with_a_dead_source(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("force", source, target)
    source.kill9()
    daemon.verb("force", "complete", force=True)
    daemon.wait_phase("force", "completed", timeout=40)
    assert target.role() == "master" and target.cmd("DBSIZE") == 100


class Freezing:
    """A migration held in freezing or switching by slow roads from the daemon to the nodes."""

    def __init__(self, lab, daemon, pause="8s", attempts=20):
        self.daemon = daemon
        self.source, self.target = lab.pair()
        self.to_source, self.to_target = lab.proxy(self.source), lab.proxy(self.target)
        self.before = self.source.config(), self.target.config()
        self.writers = lab.writers(self.source, self.target)
        daemon.migrate(
            "held", node_spec(self.to_source.endpoint, reachable_as=self.source.endpoint),
            node_spec(self.to_target.endpoint, reachable_as=self.target.endpoint),
            cutover={"pause": pause, "attempts": attempts})

    def freeze(self, delay=0.4):
        """complete, and back when the source is paused while the target's answers are on their way."""
        self.to_target.delay = delay
        self.daemon.verb("held", "complete")
        self.daemon.wait_phase("held", "freezing", interval=0.002)

    def finish(self):
        """The switch-over succeeds in the end, and nothing is lost."""
        self.to_source.delay = self.to_target.delay = 0
        self.to_target.flow()
        self.to_source.flow()
        self.daemon.wait_phase("held", "completed", timeout=40)
        self.check_completed()

    def check_completed(self, syncs=1):
        self.writers.wait_acks(100)
        check_no_lost(self.writers, self.target)
        assert (full_syncs(self.source), full_syncs(self.target)) == (syncs, 0)
        assert config_changes(self.before[0], self.source.config(), REVERSE_LINK) == {}
        assert config_changes(self.before[1], self.target.config()) == {}


def test_target_freezes_in_freezing_and_writes_go_on(lab, daemon):
    held = Freezing(lab, daemon, pause="1s")
    held.freeze()
    held.target.sigstop()
    wait_for(lambda: daemon.events("held", "cutover_aborted"), 10, "the attempt to be given up")
    held.writers.wait_acks(100)
    assert held.source.role() == "master"
    held.target.sigcont()
    held.finish()


def test_road_to_the_target_stalls_in_freezing(lab, daemon):
    held = Freezing(lab, daemon, pause="1s")
    held.freeze()
    held.to_target.stall()
    wait_for(lambda: daemon.events("held", "cutover_aborted"), 10, "the attempt to be given up")
    held.writers.wait_acks(100)
    held.finish()


def test_target_dies_in_freezing(lab, daemon):
    held = Freezing(lab, daemon, pause="2s")
    held.freeze()
    held.target.kill9()
    wait_for(lambda: daemon.events("held", "cutover_aborted"), 10, "the attempt to be given up")
    held.writers.wait_acks(100)
    assert held.source.role() == "master"
    report = check_no_lost(held.writers, held.source)
    assert report["switches"] == []
    daemon.verb("held", "abort")
    daemon.wait_phase("held", "failed", timeout=60)
    wait_for(lambda: not config_changes(held.before[0], held.source.config()), 10, "settings restored")


def test_source_dies_in_freezing(lab, daemon):
    """Its data went with it; the target must not be promoted without an explicit word."""
    held = Freezing(lab, daemon, pause="2s")
    held.freeze()
    held.source.kill9()
    wait_for(lambda: daemon.job("held")["phase"] in ("replicating", "halted", "failed"), 20,
             "the pause to be over")
    assert held.target.role() == "slave"
    held.writers.stop()
    daemon.verb("held", "complete", force=True)
    daemon.wait_phase("held", "completed", timeout=40)
    check_no_lost(held.writers, held.target)


def test_cutover_gives_up_after_its_attempts(lab, daemon):
    held = Freezing(lab, daemon, pause="200ms", attempts=2)
    held.freeze(delay=0.3)
    wait_for(lambda: reason(daemon, "held") == "cutover-given-up", 20, "the cutover to be given up")
    assert daemon.job("held")["phase"] == "replicating"
    assert len(daemon.events("held", "cutover_aborted")) == 2
    held.to_target.delay = 0
    daemon.verb("held", "complete")
    held.finish()


def test_daemon_stopped_past_the_pause(lab, daemon):
    """The pause is a lease: who slept past half of it must not go on from it."""
    held = Freezing(lab, daemon, pause="1s")
    held.freeze()
    daemon.process.send_signal(signal.SIGSTOP)
    held.writers.wait_acks(500, timeout=10)
    daemon.process.send_signal(signal.SIGCONT)
    held.finish()


def test_target_dies_in_mid_sync(lab, daemon):
    source, target = lab.slow_pair()
    before = source.config()
    daemon.write_job("dying", source, target, attach={**FAST, "attempts": 2})
    daemon.wait_job("dying")
    daemon.wait_phase("dying", "syncing")
    target.kill9()
    job = daemon.wait_phase("dying", "failed", timeout=60 * FACTOR)
    assert job["reason"]["code"] in ("target-unreachable", "target-lost")
    wait_for(lambda: not config_changes(before, source.config()), 10,
             lambda: f"the source's settings: {config_changes(before, source.config())}")
    assert source.role() == "master"


def test_target_dies_while_replicating_and_comes_back(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("back", source, target)
    target.kill9()
    wait_for(lambda: not daemon.job("back")["target"]["reachable"], 10, "the loss to be seen")
    target.start()
    daemon.wait_phase("back", "replicating", timeout=30)
    wait_for(lambda: daemon.job("back")["link"]["up"], 30, "the target to be attached again")
    assert target.cmd("DBSIZE") == 100
    daemon.complete("back")


def test_errors_on_the_target_block_the_cutover(lab, daemon):
    """A write the target cannot apply vanishes there; only a counter shows it."""
    source, target = lab.pair()
    daemon.migrate("alarm", source, target)
    target.set_config("replica-read-only", "no")
    target.cmd("SET", "list", "no list")
    source.cmd("RPUSH", "list", "x")
    target.set_config("replica-read-only", "yes")
    wait_for(lambda: target.info("stats")["unexpected_error_replies"] == "1", 10, "the error")
    daemon.verb("alarm", "complete")
    wait_for(lambda: reason(daemon, "alarm") == "replication-errors", 10,
             "the alarm")
    assert daemon.job("alarm")["phase"] == "replicating"
    daemon.verb("alarm", "complete", force=True)
    daemon.wait_phase("alarm", "completed")
