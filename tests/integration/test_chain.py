# SPDX-License-Identifier: Apache-2.0
"""
A source that is a replica itself: the target copies from it, the primary above it is paused and demoted, and
both follow the target in the end, without a full copy.
"""
import contextlib
import os

import pytest
from harness import full_syncs, node_spec, wait_for
from waiting import stays
from writers import check_no_lost

QUIET = ("waiting-complete",)


class Chain:
    """primary <- source <- target, each a server of its own."""

    def __init__(self, lab, *args, levels=1, keys=1000, **options):
        self.primary = lab.node(*args, name="primary", **options)
        self.primary.fill(keys)
        above = self.primary
        self.between = []
        for level in range(levels):
            node = lab.node(*args, "--replicaof", "127.0.0.1", str(above.port), name=f"level{level}", **options)
            if options.get("password"):
                node.cmd("CONFIG", "SET", "masterauth", options["password"])
            self.between.append(node)
            above = node
        self.source = self.between[-1]
        self.target = lab.node(*args, name="target", **options)
        for node in self.between:
            wait_for(lambda n=node: n.info("replication")["master_link_status"] == "up", 20, f"{node.name} in sync")
        self.copies = self.full_syncs()

    def full_syncs(self):
        return [full_syncs(n) for n in (self.primary, *self.between, self.target)]

    def follow_target(self):
        return all(link_to(n) == (self.target.port, "up") for n in (self.primary, self.source))

    def check_switched(self, writers):
        writers.wait_acks(200)
        report = check_no_lost(writers, self.target)
        assert [s["to"] for s in report["switches"]] == [self.target.port]
        assert self.target.role() == "master"
        wait_for(self.follow_target, 15, "both to follow the target")
        expected = list(self.copies)
        expected[len(self.between)] += 1  # the target's, at the source
        assert self.full_syncs() == expected
        for node in (self.primary, *self.between):
            wait_for(lambda n=node: n.cmd("DBSIZE") == self.target.cmd("DBSIZE"), 10, f"{node.name} to have all keys")


def link_to(node):
    info = node.info("replication")
    return int(info.get("master_port", 0)), info.get("master_link_status")


def reason(daemon, job):
    return (daemon.job(job)["reason"] or {}).get("code")


def test_both_follow_the_target_and_nothing_is_copied_twice(lab, daemon):
    chain = Chain(lab)
    before = [n.config() for n in (chain.primary, chain.source, chain.target)]
    writers = lab.writers(chain.primary, chain.target, n=4)
    daemon.migrate("chain", chain.source, chain.target)
    job = daemon.job("chain")
    assert (job["source"]["role"], job["primary"]["role"]) == ("replica", "primary")
    assert job["primary"]["endpoint"] == chain.primary.endpoint
    check = next(c for c in job["checks"]["results"] if c["id"] == "source-is-replica")
    assert check["severity"] == "notice" and chain.primary.endpoint in check["message"]

    job = daemon.complete("chain")
    assert 0 < job["cutover"]["write_gap_ms"] < 1000
    chain.check_switched(writers)
    job = daemon.job("chain")
    assert [job[n]["role"] for n in ("primary", "source", "target")] == ["replica", "replica", "primary"]
    assert job["link"]["up"] and job["target"]["replicas"] == []
    shown = daemon.ctl("status", "chain").stdout
    assert all(f"{label}:" in shown for label in ("Source", "Primary", "Target"))
    for node, was in zip((chain.primary, chain.source, chain.target), before):
        left = {k for k in was if was[k] != node.config().get(k)} - {"replicaof", "slaveof"}
        assert not left, (node.name, left)


def test_its_primary_is_no_target_of_another_job(lab, daemon):
    chain = Chain(lab)
    daemon.migrate("has-it", chain.source, chain.target)
    daemon.write_job("wants-it", lab.node(name="other"), chain.primary)
    daemon.wait_job("wants-it")
    daemon.wait_phase("wants-it", "failed")
    assert daemon.job("wants-it")["reason"]["code"] == "node-taken"


def test_without_a_way_back_the_chain_ends_at_the_fence(lab, daemon):
    chain = Chain(lab)
    writers = lab.writers(chain.primary, chain.target)
    daemon.migrate("one-way", chain.source, chain.target, cutover={"reverse": False})
    check = next(c for c in daemon.job("one-way")["checks"]["results"] if c["id"] == "source-is-replica")
    assert check["severity"] == "warning" and "no writes any more" in check["message"]
    daemon.complete("one-way")
    writers.wait_acks(200)
    check_no_lost(writers, chain.target)
    assert [n.role() for n in (chain.target, chain.primary, chain.source)] == ["master", "slave", "slave"]
    assert link_to(chain.source)[0] == chain.primary.port and chain.full_syncs()[2] == 0


def test_two_replicas_between_are_climbed(lab, daemon):
    chain = Chain(lab, levels=2)
    writers = lab.writers(chain.primary, chain.target)
    daemon.migrate("tall", chain.source, chain.target)
    assert daemon.job("tall")["primary"]["endpoint"] == chain.primary.endpoint
    daemon.complete("tall")
    chain.check_switched(writers)
    wait_for(lambda: link_to(chain.between[0]) == (chain.target.port, "up"), 15, "it to be taken along")


def test_a_primary_out_of_reach_holds_the_switch_over_only(lab, daemon):
    chain = Chain(lab)
    road = lab.proxy(chain.primary)
    source = node_spec(chain.source, primary={"endpoint": road.endpoint})
    road.hang_up = None
    road.close()
    daemon.migrate("blind", source, chain.target)
    job = daemon.job("blind")
    assert job["link"]["up"] and job["primary"]["reachable"] is False
    check = next(c for c in job["checks"]["results"] if c["id"] == "source-is-replica")
    assert check["severity"] == "warning"
    daemon.verb("blind", "complete")
    wait_for(lambda: reason(daemon, "blind") == "primary-unreachable", 10, "the gate to say why")
    stays(lambda: (chain.primary.role(), chain.target.role()) == ("master", "slave"), 1, "nothing switched")


def test_force_without_the_primary_waits_until_nothing_comes(lab, daemon):
    chain = Chain(lab)
    writers = lab.writers(chain.primary, chain.target)
    dead = lab.proxy(chain.primary)
    source = node_spec(chain.source, primary={"endpoint": dead.endpoint})
    dead.close()
    daemon.migrate("forced", source, chain.target)
    daemon.verb("forced", "complete", force=True)
    wait_for(lambda: "nothing but PINGs" in (daemon.job("forced")["reason"] or {}).get("message", ""), 10,
             "the offsets to be shown")
    stays(lambda: chain.target.role() == "slave", 2, "no promotion while writes come")
    writers.stop()
    daemon.wait_phase("forced", "completed", timeout=60)
    assert (chain.target.role(), chain.primary.role()) == ("master", "master")
    assert daemon.job("forced")["reason"]["code"] == "source-not-fenced"
    check_no_lost(writers, chain.target)


def test_log_ins_of_their_own(lab, daemon):
    chain = Chain(lab, password="secret")
    chain.primary.cmd("ACL", "SETUSER", "mover", "on", ">moving", "+@all", "~*")
    chain.primary.cmd("ACL", "SETUSER", "default", "-client")
    writers = lab.writers(chain.primary, chain.target, password="secret")
    spec = node_spec(chain.source, primary={"username": "mover", "password": "moving"})
    daemon.migrate("log-ins", spec, chain.target)
    daemon.complete("log-ins")
    chain.check_switched(writers)


def test_rights_that_lack_at_the_primary_are_named(lab, daemon):
    chain = Chain(lab, password="secret")
    chain.primary.cmd("ACL", "SETUSER", "mover", "on", ">moving", "+@all", "-replicaof", "~*")
    daemon.write_job("rights", node_spec(chain.source, primary={"username": "mover", "password": "moving"}),
                     chain.target)
    daemon.wait_job("rights")
    job = daemon.wait_phase("rights", "failed")
    check = next(c for c in job["checks"]["results"] if c["id"] == "primary-rights")
    assert check["severity"] == "error"
    assert check["remedy"][0] == (f"redis-cli -h 127.0.0.1 -p {chain.primary.port} ACL SETUSER mover '+replicaof'")


def test_another_primary_than_at_the_begin_holds_it(lab, daemon):
    """Somebody promotes the source: its own primary goes on taking writes, which the target would lack."""
    chain = Chain(lab)
    writers = lab.writers(chain.primary, chain.target)
    daemon.migrate("moved", chain.source, chain.target)
    chain.source.cmd("REPLICAOF", "NO", "ONE")
    daemon.verb("moved", "complete")
    wait_for(lambda: reason(daemon, "moved") == "primary-changed", 10, "the gate to say so")
    stays(lambda: chain.target.role() == "slave", 1, "no switch-over")
    chain.source.cmd("REPLICAOF", "127.0.0.1", str(chain.primary.port))
    daemon.wait_phase("moved", "completed", timeout=40)
    writers.wait_acks(200)
    check_no_lost(writers, chain.target)


def test_a_primary_that_comes_back_empty_stops_the_job(lab, daemon):
    chain = Chain(lab)
    daemon.migrate("emptied", chain.source, chain.target)
    chain.primary.kill9()
    with contextlib.suppress(FileNotFoundError):  # a copy by way of the disk leaves one
        os.remove(os.path.join(chain.primary.dir, "dump.rdb"))
    chain.primary.start()
    daemon.wait_phase("emptied", "halted", "failed", timeout=30)
    assert daemon.job("emptied")["reason"]["code"] == "source-emptied"
    assert chain.target.role() == "master", "it is let go of, with what it has"


@pytest.mark.parametrize("phase", ["checking", "attaching", "syncing", "replicating", "freezing", "switching",
                                   "completed"])
def test_kill_in_each_phase(lab, daemon, phase):
    chain = Chain(lab, keys=2000)
    chain.source.cmd("CONFIG", "SET", "rdb-key-save-delay", "200")
    writers = lab.writers(chain.primary, chain.target)
    roads = {n: lab.proxy(getattr(chain, n)) for n in ("primary", "source", "target")}
    source = node_spec(roads["source"].endpoint, reachable_as=chain.source.endpoint,
                       primary={"endpoint": roads["primary"].endpoint})
    target = node_spec(roads["target"].endpoint, reachable_as=chain.target.endpoint)
    slow = {"checking": "source", "attaching": "target", "freezing": "target", "switching": "primary"}.get(phase)
    if phase in ("checking", "attaching"):
        roads[slow].delay = 0.1
    daemon.write_job("kill", source, target, cutover={"pause": "10s", "attempts": 20})
    daemon.wait_job("kill")
    if phase in ("checking", "attaching", "syncing"):
        daemon.wait_phase("kill", phase, "replicating", interval=0.002)
    else:
        daemon.wait_phase("kill", "replicating")
        if slow:
            roads[slow].delay = 0.1
        if phase != "replicating":
            daemon.verb("kill", "complete")
            daemon.wait_phase("kill", phase, "completed", interval=0.002)
    daemon.kill9()
    for road in roads.values():
        road.delay = 0
    daemon.start()

    def completed():
        job = daemon.job("kill")
        if job["phase"] == "replicating" and (job["reason"] or {}).get("code") in QUIET:
            daemon.verb("kill", "complete")
        return job["phase"] == "completed"
    wait_for(completed, 60, lambda: f"completion: {daemon.job('kill')}", interval=0.05)
    chain.check_switched(writers)
