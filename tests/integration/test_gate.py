# SPDX-License-Identifier: Apache-2.0
"""What holds a switch-over back, at real servers: it is said, and the switch-over goes on by itself when it is over."""
import os

import pytest
from harness import full_syncs, node_spec, wait_for
from waiting import stays
from writers import check_no_lost

MIB = 1 << 20


class Held:
    """In sync; then the obstacle, then the order."""

    def __init__(self, lab, daemon, source=None, target=None, **sections):
        if source is None:
            source, target = lab.pair()
        self.daemon, self.source, self.target = daemon, source, target
        daemon.migrate("held", source, target if isinstance(target, dict) else node_spec(target), **sections)

    def check(self, code, *words):
        plan = self.daemon.http("POST", "/v1/jobs/held/complete", {"dry_run": True})[1]
        self.daemon.verb("held", "complete")
        wait_for(lambda: (self.daemon.job("held")["reason"] or {}).get("code") == code, 15,
                 lambda: f"{code}; it is {self.daemon.job('held')['reason']}, the plan was {plan}")
        job = wait_for(lambda: self._job_with(words), 5, lambda: f"{words} to be said: {self.daemon.job('held')}")
        assert job["phase"] == "replicating" and self.source.role() == "master"
        assert job["next_step"]

    def _job_with(self, words):
        job = self.daemon.job("held")
        return job if all(word in job["reason"]["message"] for word in words) else None

    def goes_on(self):
        self.daemon.wait_phase("held", "completed", timeout=20)
        assert self.target.role() == "master"


def codes(daemon):
    plan = daemon.http("POST", "/v1/jobs/held/complete", {"dry_run": True})[1]
    return [blocker["code"] for blocker in plan["blockers"]]


def test_target_beyond_its_maxmemory(lab, daemon):
    held = Held(lab, daemon)
    used = int(held.target.info("memory")["used_memory"])
    held.target.set_config("maxmemory", used - 1000)
    held.check("maxmemory", str(used - 1000))
    held.target.set_config("maxmemory", 0)
    held.goes_on()


def test_target_that_evicts_while_it_follows(lab, daemon):
    """replica-ignore-maxmemory is set for the run; somebody sets it back."""
    held = Held(lab, daemon, *lab.pair(keys=20000))
    held.target.set_config("maxmemory-policy", "allkeys-random")
    held.target.set_config("replica-ignore-maxmemory", "no")
    # What goes makes room enough: where that is not so, writes are refused, and that is told first.
    held.target.set_config("maxmemory", int(held.target.info("memory")["used_memory"]) - MIB // 2)
    held.source.cmd("SET", "one", "more")
    wait_for(lambda: int(held.target.info("stats")["evicted_keys"]) > 0, 10, "evictions")
    held.target.set_config("maxmemory", 0)
    held.check("evictions")
    daemon.restart()
    daemon.wait_job("held")
    wait_for(lambda: "evictions" in codes(daemon), 10, lambda: f"a restart that does not forget: {codes(daemon)}")


def test_replica_that_ignores_maxmemory_does_not_evict(lab, daemon):
    source, target = lab.pair("--replica-ignore-maxmemory", "no", keys=20000)
    target.set_config("maxmemory-policy", "allkeys-random")
    target.set_config("maxmemory", 2 * MIB)
    daemon.migrate("full", source, target, checks={"waive": ["maxmemory"]})
    assert target.cmd("DBSIZE") == 20000 and target.info("stats")["evicted_keys"] == "0"
    daemon.verb("full", "abort")
    daemon.wait_phase("full", "failed")
    assert target.config()["replica-ignore-maxmemory"] == "no"


def test_target_that_holds_other_keys_at_the_same_offset(lab, daemon):
    held = Held(lab, daemon)
    held.target.set_config("replica-read-only", "no")
    held.target.cmd("SET", "foreign", "1")
    held.check("keys-differ", "100", "101")
    held.target.cmd("DEL", "foreign")
    held.target.set_config("replica-read-only", "yes")
    held.goes_on()


@pytest.mark.parametrize("reverse", [True, False])
def test_target_that_wants_more_replicas_than_it_will_have(lab, daemon, reverse):
    held = Held(lab, daemon, cutover={"reverse": reverse})
    held.target.set_config("min-replicas-to-write", 2 if reverse else 1)
    held.check("min-replicas")
    held.target.set_config("min-replicas-to-write", 1 if reverse else 0)
    held.goes_on()
    wait_for(lambda: held.target.cmd("SET", "x", "1") == "OK", 5, "the target to take writes")


def test_target_that_could_not_save(lab, daemon):
    """MISCONF: as a primary it would refuse every write."""
    held = Held(lab, daemon)
    held.target.set_config("save", "3600 1")
    blocked = os.path.join(held.target.dir, "dump.rdb")
    os.mkdir(blocked)
    held.target.cmd("BGSAVE")
    wait_for(lambda: held.target.info("persistence")["rdb_last_bgsave_status"] == "err", 10, "the dump to fail")
    held.check("target-refuses-writes", "stop-writes-on-bgsave-error")
    os.rmdir(blocked)
    held.target.cmd("BGSAVE")
    held.goes_on()


def test_pause_of_an_operator_is_waited_for_and_not_lifted(lab, daemon):
    held = Held(lab, daemon)
    held.source.cmd("CLIENT", "PAUSE", "6000", "WRITE")
    held.check("source-paused")
    assert held.source.role() == "master"
    writer = held.source.connect(timeout=20)
    writer.cmd("SET", "held", "1")  # answered when the pause is over, and not before
    held.goes_on()
    assert not daemon.events("held", "cutover_aborted")


def test_failover_under_way(lab, daemon):
    """To a replica that is far behind, it waits, and holds the source's writes."""
    source, target = lab.pair()
    other = lab.node(name="other")
    other.cmd("REPLICAOF", "127.0.0.1", source.port)
    wait_for(lambda: other.info("replication")["master_link_status"] == "up", 10, "the other replica")
    held = Held(lab, daemon, source, target)
    wait_for(lambda: source.info("replication").get("slave1", "").count("online"), 5, "both replicas to be online")
    other.sigstop()
    source.cmd("SET", "more", "1")
    source.cmd("FAILOVER", "TO", "127.0.0.1", other.port)
    held.check("failover-under-way")
    source.cmd("FAILOVER", "ABORT")
    other.sigcont()
    held.goes_on()


def test_named_replica_of_the_target_that_trails(lab, daemon):
    """online says little: its offset does."""
    source, target = lab.pair()
    near, far = lab.node(name="near"), lab.node(name="far")
    for replica in (near, far):
        replica.cmd("REPLICAOF", "127.0.0.1", target.port)
    held = Held(lab, daemon, source, node_spec(target, replicas=[near.endpoint, far.endpoint]),
                cutover={"max_lag": "10KiB"})
    held.target = target
    wait_for(lambda: target.info("replication")["connected_slaves"] == "2" and
             full_syncs(target) >= 2 and "online" in target.info("replication")["slave1"], 20, "both replicas")
    far.sigstop()
    for i in range(40):
        source.cmd("SET", f"big:{i}", "x" * 1000)
    held.check("gate-replicas", far.endpoint)
    far.sigcont()
    held.goes_on()


def test_replica_of_the_target_that_is_another_one(lab, daemon):
    source, target = lab.pair()
    other = lab.node(name="other")
    other.cmd("REPLICAOF", "127.0.0.1", target.port)
    held = Held(lab, daemon, source, node_spec(target, replicas=["127.0.0.1:1"]))
    held.target = target
    held.check("gate-replicas", "127.0.0.1:1")


def test_link_on_which_nothing_is_heard(lab, daemon):
    source, target = lab.pair()
    door = lab.proxy(source)
    source.set_config("repl-timeout", "600")
    target.set_config("repl-timeout", "600")
    held = Held(lab, daemon, node_spec(source, reachable_as=door.endpoint), target)
    held.source = source
    door.stall()
    wait_for(lambda: int(target.info("replication")["master_last_io_seconds_ago"]) > 15, 40, "the silence")
    held.check("link-silent", "has not heard from the source")
    door.flow()
    held.goes_on()


def test_source_that_became_a_replica_is_not_completed_by_force_either(lab, daemon):
    source, target = lab.pair()
    primary = lab.node(name="above")
    writers = lab.writers(primary)
    daemon.migrate("chain", source, target)
    source.cmd("REPLICAOF", "127.0.0.1", primary.port)
    wait_for(lambda: source.info("replication").get("master_link_status") == "up", 10, "the chain")
    daemon.verb("chain", "complete", force=True)
    wait_for(lambda: (daemon.job("chain")["reason"] or {}).get("code") == "primary-changed", 10, "the wait")
    status, plan = daemon.http("POST", "/v1/jobs/chain/complete", {"force": True, "dry_run": True})
    assert [b["code"] for b in plan["blockers"]] == ["primary-changed"] and not plan["ready"]
    stays(lambda: (target.role(), primary.role()) == ("slave", "master"), 1, "no role changed")
    check_no_lost(writers, primary)
