# SPDX-License-Identifier: Apache-2.0
"""Somebody else acts on a node while a job looks after it: an operator, FAILOVER, a restart."""
import os
import signal

import pytest
from harness import config_changes, full_syncs, node_spec, wait_for
from writers import check_no_lost

NOBODY = "127.0.0.1:1"
# With this a switch-over that is asked for waits until the job is aborted.
HELD = {"replicas": [NOBODY]}


def wait_halted(daemon, job, code):
    """The job stands still and says why, with the choices there are."""
    seen = daemon.wait_phase(job, "halted")
    assert seen["reason"]["code"] == code, seen["reason"]
    assert "ecmigratectl abort" in seen["next_step"]
    halted = daemon.events(job, "job_halted")[-1]
    assert halted["data"]["reason"] == code and halted["level"] in ("warn", "error")
    return seen


def check_abort_changes_no_role(daemon, job, *nodes):
    roles = [node.role() for node in nodes]
    daemon.verb(job, "abort")
    daemon.wait_phase(job, "failed")
    assert [node.role() for node in nodes] == roles


def migrate(daemon, job, source, target, waits=False):
    """In sync; waits: and a switch-over asked for, which something holds back."""
    daemon.migrate(job, source, node_spec(target, **(HELD if waits else {})))
    if waits:
        daemon.verb(job, "complete")
        wait_for(lambda: (daemon.job(job)["reason"] or {}).get("code") == "gate-replicas", 10,
                 "the switch-over to be held back")


both = pytest.mark.parametrize("waits", [False, True], ids=["replicating", "waiting-to-complete"])


@both
def test_target_promoted_by_an_operator_keeps_what_it_acknowledged(lab, daemon, waits):
    source, target = lab.pair()
    before = source.config(), target.config()
    migrate(daemon, "kept", source, target, waits)
    target.cmd("REPLICAOF", "NO", "ONE")
    for i in range(100):
        target.cmd("SET", f"new:{i}", i)
    wait_halted(daemon, "kept", "target-promoted")
    assert source.role() == target.role() == "master"
    check_abort_changes_no_role(daemon, "kept", source, target)
    assert target.cmd("DBSIZE") == 200
    for node, config in zip((source, target), before):
        wait_for(lambda n=node, c=config: not config_changes(c, n.config()), 5, "the settings to be as they were")


def test_target_promoted_by_an_operator_is_copied_anew_on_his_word(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("anew", source, target)
    target.cmd("REPLICAOF", "NO", "ONE")
    target.cmd("SET", "new", 1)
    wait_halted(daemon, "anew", "target-promoted")
    daemon.verb("anew", "retry")
    refused = daemon.wait_phase("anew", "failed")
    assert refused["reason"]["code"] == "target-not-empty" and target.cmd("GET", "new") == "1"
    daemon.write_job("anew", source, node_spec(target, allow_flush=True))
    wait_for(lambda: daemon.job("anew")["phase"] == "replicating", 20, "the copy to be made anew")
    assert target.cmd("GET", "new") is None and target.cmd("DBSIZE") == 100


def test_target_pointed_elsewhere_is_left_there(lab, daemon):
    source, target = lab.pair()
    other = lab.node(name="other")
    other.fill(7)
    daemon.migrate("moved", source, target)
    target.cmd("REPLICAOF", "127.0.0.1", other.port)
    seen = wait_halted(daemon, "moved", "target-repointed")
    assert other.endpoint in seen["reason"]["message"]
    check_abort_changes_no_role(daemon, "moved", source, target)
    assert target.info("replication")["master_port"] == str(other.port)


@both
def test_roles_exchanged_by_failover_are_not_in_sync(lab, daemon, waits):
    """FAILOVER makes the target the primary and the source its replica; both are left so."""
    source, target = lab.pair()
    writers = lab.writers(source, target)
    migrate(daemon, "roles", source, target, waits)
    wait_for(lambda: "state=online" in source.info("replication").get("slave0", ""), 5, "the replica to be online")
    source.cmd("FAILOVER", "TO", "127.0.0.1", target.port)
    seen = wait_halted(daemon, "roles", "source-follows-target")
    assert not seen["link"]["up"]
    writers.wait_acks(200)
    check_abort_changes_no_role(daemon, "roles", source, target)
    assert (source.role(), target.role()) == ("slave", "master")
    check_no_lost(writers, target)


def test_nodes_that_follow_each_other_are_not_in_sync(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("ring", source, target)
    source.cmd("REPLICAOF", "127.0.0.1", target.port)
    seen = wait_halted(daemon, "ring", "source-follows-target")
    assert "nobody takes writes" in seen["reason"]["message"]
    assert not seen["link"]["up"]


@both
def test_source_that_came_back_empty_does_not_empty_the_target(lab, daemon, waits):
    source, target = lab.pair()
    door = lab.proxy(source)
    migrate(daemon, "void", node_spec(source, reachable_as=door.endpoint), target, waits)
    door.refuse()  # the target is not to be quicker than the daemon
    source.restart()
    wait_halted(daemon, "void", "source-emptied")
    door.accept()
    assert (source.role(), target.role()) == ("master", "master")
    assert target.cmd("DBSIZE") == 100
    check_abort_changes_no_role(daemon, "void", source, target)
    assert target.cmd("DBSIZE") == 100


def test_source_that_came_back_empty_and_was_copied_is_no_success(lab, daemon):
    """The target was quicker: then at least nobody is told that all is well."""
    source, target = lab.pair()
    migrate(daemon, "void", source, target, waits=True)
    daemon.process.send_signal(signal.SIGSTOP)
    source.restart()
    wait_for(lambda: target.cmd("DBSIZE") == 0, 10, "the target to copy the void")
    daemon.process.send_signal(signal.SIGCONT)
    wait_halted(daemon, "void", "source-emptied")


def test_restarted_target_is_attached_again(lab, daemon):
    """Without its data it is empty, with it it holds what the source gave it: both are harmless."""
    source, target = lab.pair()
    daemon.migrate("again", source, target)
    for saved in (True, False):
        syncs = full_syncs(source)
        target.cmd("SAVE")
        target.kill9()
        if not saved:
            os.unlink(os.path.join(target.dir, "dump.rdb"))
        wait_for(lambda: not daemon.job("again")["target"]["reachable"], 10, "the loss to be seen")
        target.start()
        wait_for(lambda s=syncs: full_syncs(source) > s and daemon.job("again")["link"]["up"], 30,
                 "the target to be attached again")
        assert target.cmd("DBSIZE") == 100
    daemon.complete("again")


def test_target_that_took_writes_after_its_restart_is_left_alone(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("wrote", source, target)
    target.cmd("SAVE")
    daemon.process.send_signal(signal.SIGSTOP)
    target.restart()
    target.cmd("SET", "new", "1")
    daemon.process.send_signal(signal.SIGCONT)
    wait_halted(daemon, "wrote", "target-promoted")
    assert target.cmd("GET", "new") == "1"


def test_source_that_becomes_a_replica_is_followed_and_not_switched(lab, daemon):
    source, target = lab.pair()
    primary = lab.node(name="primary")
    primary.cmd("SET", "from", "above")
    daemon.migrate("chain", source, target)
    source.cmd("REPLICAOF", "127.0.0.1", primary.port)
    wait_for(lambda: target.cmd("GET", "from") == "above", 15, "the target to get what the source gets")
    daemon.verb("chain", "complete")
    wait_for(lambda: (daemon.job("chain")["reason"] or {}).get("code") == "primary-changed", 10,
             lambda: f"the reason: {daemon.job('chain')}")
    assert target.role() == "slave" and primary.role() == "master"


def test_setting_that_somebody_changes_is_left_to_him(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("his", source, target)
    source.set_config("repl-backlog-size", "7654321")
    daemon.verb("his", "abort")
    daemon.wait_phase("his", "failed")
    kept = daemon.event("his", "setting_kept")
    assert kept["data"]["setting"] == "repl-backlog-size" and kept["level"] == "warn"
    assert source.config()["repl-backlog-size"] == "7654321"


@pytest.mark.parametrize("aof", ["no", "yes"])
def test_target_that_was_let_go_of_and_took_a_write_is_left_alone(lab, daemon, aof):
    """Never in sync, so without a backlog: then an offset that stands still proves nothing."""
    source, target = lab.slow_pair("--appendonly", aof)
    daemon.write_job("let-go", source, target, attach={"attempts": 50, "timeout": "2s"})
    daemon.wait_job("let-go")
    daemon.wait_phase("let-go", "syncing")
    source.kill9()
    wait_for(lambda: target.role() == "master", 20, "the target to be let go of", interval=0.002)
    target.cmd("SET", "new", "1")
    source.start()
    source.fill(100)
    seen = daemon.wait_phase("let-go", "halted", "failed", timeout=30)
    assert seen["reason"]["code"] in ("target-promoted", "target-not-empty"), seen["reason"]
    assert target.cmd("GET", "new") == "1"


# --- during the switch-over ---


@pytest.fixture
def switching(lab, daemon):
    """In sync, over slow roads: each step of the switch-over can be seen, and met."""
    source, target = lab.pair()
    roads = lab.proxy(source), lab.proxy(target)
    daemon.migrate("slow", *(node_spec(road.endpoint, reachable_as=node.endpoint)
                             for road, node in zip(roads, (source, target))), cutover={"pause": "10s"})
    return source, target, roads


def test_failover_that_begins_in_the_pause_ends_the_attempt(lab, daemon, switching):
    source, target, (_, to_target) = switching
    lab.writers(source)
    other = lab.node(name="other")
    other.cmd("REPLICAOF", "127.0.0.1", source.port)
    wait_for(lambda: "online" in source.info("replication").get("slave1", ""), 10, "the other replica")
    other.sigstop()
    to_target.delay = 0.4
    daemon.verb("slow", "complete")
    daemon.wait_phase("slow", "freezing", interval=0.002)
    source.cmd("FAILOVER", "TO", "127.0.0.1", other.port)
    to_target.delay = 0
    wait_for(lambda: daemon.events("slow", "cutover_aborted"), 20, lambda: f"its end: {daemon.job('slow')}")
    assert source.role() == "master" and target.role() == "slave"
    source.cmd("FAILOVER", "ABORT")
    other.sigcont()
    daemon.wait_phase("slow", "completed", timeout=30)


def test_old_source_that_is_promoted_before_the_end_is_left_to_a_human(daemon, switching):
    source, target, (_, to_target) = switching
    to_target.delay = 0.5
    daemon.verb("slow", "complete")
    wait_for(lambda: target.role() == "master", 20, "the promotion", interval=0.002)
    daemon.kill9()
    source.cmd("REPLICAOF", "NO", "ONE")
    source.cmd("CLIENT", "UNPAUSE")
    source.cmd("SET", "only", "here")
    to_target.delay = 0
    daemon.start()
    wait_halted(daemon, "slow", "diverged")
    assert source.cmd("GET", "only") == "here" and source.role() == target.role() == "master"
