# SPDX-License-Identifier: Apache-2.0
"""Replicas of the target and of the source: shown, waited for, and taken along."""
import json

import pytest
import secured_node
from certificates import Authority
from checks_stage import paste
from harness import REVERSE_LINK, config_changes, full_syncs, node_spec, wait_for
from tls_node import tls_node
from waiting import stays
from writers import check_no_lost


def follow(lab, primary, *args, name="replica", **options):
    replica = lab.node(*args, name=name, **options)
    replica.cmd("REPLICAOF", "127.0.0.1", primary.port)
    follows(replica, primary)
    return replica


def follows(replica, primary, timeout=15):
    """Its link to this one is up."""
    def up():
        info = replica.info("replication")
        return info.get("master_port") == str(primary.port) and info["master_link_status"] == "up"

    wait_for(up, timeout, lambda: f"{replica.name} to follow {primary.name}: {replica.info('replication')}")


def replicas(daemon, job, side):
    """By endpoint."""
    return {r["endpoint"]: r for r in daemon.job(job)[side]["replicas"] or []}


def same_data(*nodes):
    """All hold the same, as soon as all have caught up."""
    digests = {}

    def equal():
        digests.update({node.name: node.cmd("DEBUG", "DIGEST") for node in nodes})
        return len(set(digests.values())) == 1

    wait_for(equal, 15, lambda: f"equal digests: {digests}")


# --- those of the target ---


def test_those_of_the_target_are_shown_and_follow_through_the_copy(lab, daemon):
    source, target = lab.pair(keys=2000)
    near = [follow(lab, target, name=f"near{i}") for i in range(2)]
    writers = lab.writers(source, target)
    daemon.migrate("shop", source, target)
    wait_for(lambda: {r["state"] for r in replicas(daemon, "shop", "target").values()} == {"online"}, 15,
             lambda: f"both to be online: {replicas(daemon, 'shop', 'target')}")
    wait_for(lambda: all(r["offset"] for r in replicas(daemon, "shop", "target").values()), 15, "acknowledgements")
    shown = replicas(daemon, "shop", "target")
    assert set(shown) == {node.endpoint for node in near}
    assert all(r["lag_bytes"] >= 0 for r in shown.values()), shown
    assert near[0].endpoint in daemon.ctl("status", "shop").stdout
    syncs = full_syncs(target)
    daemon.complete("shop")
    writers.wait_acks(500)
    assert full_syncs(target) == syncs, "a partial resynchronisation at the switch"
    assert set(replicas(daemon, "shop", "target")) == {node.endpoint for node in near}, "and not the old source"
    check_no_lost(writers, target)
    same_data(target, source, *near)


def held_by(daemon, job, *words):
    """The switch-over waits for replicas, and says for which and where it is."""
    def waits():
        reason = daemon.job(job)["reason"] or {}
        return reason.get("code") == "gate-replicas" and all(word in reason["message"] for word in words)

    wait_for(waits, 15, lambda: f"{words}: {daemon.job(job)['reason']}")
    assert daemon.job(job)["phase"] == "replicating"


def test_named_one_is_known_by_what_it_announces(lab, daemon):
    source, target = lab.pair()
    away = follow(lab, target, "--replica-announce-ip", "203.0.113.9", "--replica-announce-port", "6400", name="away")
    daemon.migrate("shop", source, node_spec(target, replicas=["203.0.113.9:6400"]))
    wait_for(lambda: replicas(daemon, "shop", "target")["203.0.113.9:6400"]["state"] == "online", 15, "its name")
    daemon.complete("shop")
    same_data(source, away)


def test_named_one_that_is_missing_holds_it(lab, daemon):
    source, target = lab.pair()
    late = lab.node(name="late")
    daemon.migrate("shop", source, node_spec(target, replicas=[late.endpoint]))
    missing = replicas(daemon, "shop", "target")[late.endpoint]
    assert (missing["state"], missing["offset"], missing["lag_bytes"]) == ("missing", None, None)
    daemon.verb("shop", "complete")
    held_by(daemon, "shop", late.endpoint, "is not connected")
    late.cmd("REPLICAOF", "127.0.0.1", target.port)
    daemon.wait_phase("shop", "completed")
    same_data(source, late)


def test_one_that_is_far_behind_holds_it_named_or_not(lab, daemon):
    """It is online all the time; what it has acknowledged tells."""
    source, target = lab.pair()
    far = follow(lab, target, name="far")
    daemon.migrate("shop", source, target, cutover={"max_lag": "10KiB"})
    wait_for(lambda: replicas(daemon, "shop", "target")[far.endpoint]["lag_bytes"] == 0, 15, "it to catch up")
    far.sigstop()
    for i in range(40):
        source.cmd("SET", f"big:{i}", "x" * 1000)
    daemon.verb("shop", "complete")
    held_by(daemon, "shop", far.endpoint, "bytes behind")
    assert replicas(daemon, "shop", "target")[far.endpoint]["state"] == "online"
    far.sigcont()
    daemon.wait_phase("shop", "completed")
    same_data(source, far)


def test_target_announced_elsewhere_is_none_of_the_sources_others(lab, daemon):
    source = lab.node(name="source")
    source.fill(100)
    target = lab.node("--replica-announce-ip", "203.0.113.9", "--replica-announce-port", "6400", name="target")
    other = follow(lab, source, name="other")
    daemon.migrate("shop", source, target)
    wait_for(lambda: set(replicas(daemon, "shop", "source")) == {other.endpoint}, 35,
             lambda: f"the other one alone: {replicas(daemon, 'shop', 'source')}")


# --- the source's other ones ---


class Kin:
    """A source with two other replicas, a target with one of its own, and writers."""

    def __init__(self, lab, daemon, reverse=True, replicas="follow", args=(), program=None, writers=True, **sections):
        self.daemon = daemon
        self.source, self.target = pair_of(lab, program, *args)
        self.others = [self.replica(lab, program, self.source, f"other{i}", *args) for i in range(2)]
        self.own = self.replica(lab, program, self.target, "own", *args)
        self.writers = lab.writers(self.source, self.target) if writers else None
        daemon.migrate("kin", node_spec(self.source, replicas=replicas), self.target,
                       cutover={"reverse": reverse}, **sections)
        wait_for(lambda: set(replicas_of(daemon)) == {o.endpoint for o in self.others}, 15, "both to be shown")
        wait_for(lambda: [r["state"] for r in daemon.job("kin")["target"]["replicas"]] == ["online"], 15,
                 "the target's own to have copied")
        self.syncs = full_syncs(self.target)

    @staticmethod
    def replica(lab, program, primary, name, *args):
        node = new_node(lab, program, name, *args)
        node.cmd("REPLICAOF", "127.0.0.1", primary.port)
        follows(node, primary)
        return node

    def complete(self):
        self.daemon.complete("kin", timeout=30)

    def states(self):
        return {name: r["state"] for name, r in replicas_of(self.daemon).items()}

    def ends(self, node, state, timeout=20):
        wait_for(lambda: self.states().get(node.endpoint) == state, timeout,
                 lambda: f"{node.name} to be '{state}': {replicas_of(self.daemon)}")
        return replicas_of(self.daemon)[node.endpoint]

    def all_follow(self, *others):
        for other in others or self.others:
            self.ends(other, "follows")
            follows(other, self.target)
        assert full_syncs(self.target) == self.syncs, "by partial resynchronisation alone"

    def nothing_lost(self, *nodes):
        if self.writers:
            self.writers.wait_acks(200)
            check_no_lost(self.writers, self.target)
        same_data(self.target, self.own, *nodes)


def replicas_of(daemon):
    return replicas(daemon, "kin", "source")


def new_node(lab, program, name, *args):
    if not program:
        return lab.node(*args, name=name)
    node = secured_node.SecuredNode(program, *args, name=name)
    lab.things.append(node)
    node.start()
    return node


def pair_of(lab, program, *args):
    source, target = (new_node(lab, program, name, *args) for name in ("source", "target"))
    source.fill(500)
    return source, target


@pytest.mark.parametrize("reverse", [True, False])
@secured_node.servers("redis60", "redis70", "valkey91", default=False)
def test_they_follow_the_target(lab, daemon, server, reverse):
    kin = Kin(lab, daemon, reverse, program=server)
    kin.complete()
    kin.all_follow()
    assert {e["data"]["replica"] for e in daemon.events("kin", "replica_attached")} == \
        {other.endpoint for other in kin.others}
    kin.nothing_lost(*kin.others, *([kin.source] if reverse else []))
    assert daemon.job("kin")["alarms"] == []


def test_left_they_follow_through_the_old_source(lab, daemon):
    kin = Kin(lab, daemon, replicas="leave")
    kin.complete()
    for other in kin.others:
        follows(other, kin.source)
    kin.nothing_lost(kin.source, *kin.others)
    assert full_syncs(kin.target) == kin.syncs and set(kin.states()) == {o.endpoint for o in kin.others}


def test_left_without_a_way_back_they_hang(lab, daemon):
    """As the check has said."""
    kin = Kin(lab, daemon, reverse=False, replicas="leave")
    found = next(r for r in daemon.job("kin")["checks"]["results"] if r["id"] == "source-replicas")
    assert found["severity"] == "warning" and "dead end" in found["message"], found
    kin.complete()
    kin.writers.wait_acks(200)
    offsets = [other.info("replication")["slave_repl_offset"] for other in kin.others]
    kin.writers.wait_acks(200)
    assert [other.info("replication")["slave_repl_offset"] for other in kin.others] == offsets
    assert {other.info("replication")["master_port"] for other in kin.others} == {str(kin.source.port)}
    check_no_lost(kin.writers, kin.target)


@pytest.mark.parametrize("reverse", [True, False])
def test_one_that_does_not_answer_at_the_switch_comes_later(lab, daemon, reverse):
    kin = Kin(lab, daemon, reverse)
    late, other = kin.others
    late.sigstop()
    kin.complete()
    kin.all_follow(other)
    wait_for(lambda: replicas_of(daemon)[late.endpoint]["message"], 15, "what is the matter with it")
    assert kin.states()[late.endpoint] == "waiting"
    assert daemon.job("kin")["state"] == "available"
    wait_for(lambda: [a["code"] for a in daemon.job("kin")["alarms"]] == ["replica-left-behind"], 15, "an alarm")
    late.sigcont()
    kin.all_follow(late)
    kin.nothing_lost(*kin.others)
    wait_for(lambda: daemon.job("kin")["alarms"] == [], 15, "no alarm")


def test_one_that_is_gone_is_given_up_with_a_line_to_paste(lab, daemon):
    kin = Kin(lab, daemon, attach={"timeout": "1s"})
    gone, other = kin.others
    gone.sigstop()
    kin.complete()
    kin.all_follow(other)
    found = kin.ends(gone, "unreachable", timeout=40)
    assert found["message"] and daemon.event("kin", "replica_left")
    gone.sigcont()
    wait_for(lambda: gone.answers(), 10, "it to be back")
    status = daemon.ctl("status", "kin").stdout
    for line in found["remedy"]:
        assert line in status
        paste(line)
    follows(gone, kin.target)
    kin.nothing_lost(*kin.others)


def test_what_it_needs_to_be_let_in_at_the_target_is_set(lab, daemon):
    """The daemon logs in to it as to the source; it logs in at the target with what the target wants."""
    source = lab.node("--masterauth", "source-pw", name="source", password="source-pw")
    source.fill(100)
    other = follow(lab, source, "--masterauth", "source-pw", name="other", password="source-pw")
    target = lab.node(name="target", password="target-pw")
    before = other.config()
    daemon.migrate("kin", source, target, cutover={"reverse": False})
    wait_for(lambda: replicas_of(daemon)[other.endpoint]["state"] == "online", 10, "it to be known")
    assert replicas_of(daemon)[other.endpoint]["message"] is None
    syncs = full_syncs(target)
    daemon.complete("kin")
    follows(other, target)
    assert config_changes(before, other.config(), REVERSE_LINK) == {} and other.config()["masterauth"] == "target-pw"
    assert full_syncs(target) == syncs
    same_data(target, other)
    assert "target-pw" not in "".join(daemon.log_lines()) + json.dumps(daemon.events("kin"))


@pytest.mark.parametrize("source_tls, target_tls", [(True, True), (True, False), (False, True)])
def test_it_speaks_to_the_target_as_the_target_does(lab, daemon, tmp_path, source_tls, target_tls):
    authority = Authority(tmp_path / "authority")
    client = authority.issue("client", "DNS:client")
    source, other, target = (tls_node(lab, authority, authority.issue(name), name=name, client=client)
                             for name in ("source", "other", "target"))
    source.tls, target.tls = source.tls if source_tls else None, target.tls if target_tls else None
    source.fill(100)
    other.set_config("tls-replication", "yes" if source_tls else "no")
    other.cmd("REPLICAOF", "127.0.0.1", source.endpoint.split(":")[1])
    wait_for(lambda: other.info("replication")["master_link_status"] == "up", 15, "its link")
    daemon.migrate("kin", source, target, cutover={"reverse": False})
    at = f"127.0.0.1:{other.tls_port if source_tls else other.port}"
    wait_for(lambda: replicas_of(daemon)[at]["state"] == "online", 10, lambda: f"{at}: {replicas_of(daemon)}")
    syncs = full_syncs(target)
    daemon.complete("kin")
    wait_for(lambda: replicas_of(daemon)[at]["state"] == "follows", 15, lambda: f"{at}: {replicas_of(daemon)}")
    info = other.info("replication")
    assert (info["master_port"], info["master_link_status"]) == (target.endpoint.split(":")[1], "up")
    assert other.config()["tls-replication"] == ("yes" if target_tls else "no")
    assert full_syncs(target) == syncs
    same_data(target, other)


def test_one_that_is_not_let_in_at_the_target_is_given_back(lab, daemon):
    """Its settings, too; then it goes on behind the old source."""
    source = lab.node(name="source")
    target = lab.node(name="target")
    for node in (source, target):
        node.cmd("ACL", "SETUSER", "copier", "on", ">copier-pw", "+psync", "+replconf", "+ping")
    source.fill(100)
    other = follow(lab, source, name="other")
    copier = {"username": "copier", "password": "copier-pw"}
    daemon.migrate("kin", source, node_spec(target, replication_user=copier), attach={"timeout": "2s"})
    wait_for(lambda: replicas_of(daemon)[other.endpoint]["state"] == "online", 10, "it to be known")
    before = other.config()
    other.sigstop()
    daemon.complete("kin")
    target.cmd("ACL", "SETUSER", "copier", "resetpass", ">another")
    other.sigcont()
    found = wait_for(lambda: (r := replicas_of(daemon)[other.endpoint])["state"] == "stays" and r, 30,
                     lambda: f"it to be given back: {replicas_of(daemon)}")
    assert "link to the target did not come up" in found["message"], found
    assert found["remedy"][-1].endswith(f"replicaof 127.0.0.1 {target.port}")
    assert daemon.event("kin", "replica_returned")
    follows(other, source)
    assert config_changes(before, other.config()) == {}
    target.cmd("SET", "after", "1")
    same_data(target, source, other)


def test_one_that_lacks_a_right_is_told_before_and_left(lab, daemon):
    source, target = lab.pair()
    other = follow(lab, source, name="other")
    for node in (source, target, other):
        node.cmd("ACL", "SETUSER", "boss", "on", ">pw", "+@all", "~*", "&*")
    other.cmd("ACL", "SETUSER", "boss", "-replicaof")
    login = {"username": "boss", "password": "pw"}
    daemon.migrate("kin", node_spec(source, **login), target)
    wait_for(lambda: "REPLICAOF" in (replicas_of(daemon)[other.endpoint]["message"] or ""), 10,
             lambda: f"what it lacks: {replicas_of(daemon)}")
    assert [a["code"] for a in daemon.job("kin")["alarms"]] == ["replica-left-behind"]
    daemon.complete("kin")
    found = wait_for(lambda: (r := replicas_of(daemon)[other.endpoint])["state"] == "stays" and r, 20, "its end")
    assert "REPLICAOF" in found["message"] and found["remedy"]
    follows(other, source)
    same_data(target, source, other)


@pytest.mark.parametrize("reverse", [True, False])
def test_one_that_somebody_promotes_keeps_its_writes(lab, daemon, reverse):
    kin = Kin(lab, daemon, reverse)
    taken, other = kin.others
    taken.sigstop()
    kin.complete()
    taken.sigcont()
    taken.cmd("REPLICAOF", "NO", "ONE")
    taken.cmd("SET", "its", "own")
    found = kin.ends(taken, "left", 30)
    assert "primary" in found["message"] and found["remedy"] is None, found
    kin.all_follow(other)
    assert taken.role() == "master" and taken.cmd("GET", "its") == "own"
    kin.nothing_lost(other)
    assert taken.cmd("GET", "its") == "own"


def test_one_that_somebody_points_elsewhere_stays_there(lab, daemon):
    kin = Kin(lab, daemon)
    taken, other = kin.others
    third = lab.node(name="third")
    third.cmd("SET", "third", "1")
    taken.sigstop()
    kin.complete()
    taken.sigcont()
    taken.cmd("REPLICAOF", "127.0.0.1", third.port)
    found = kin.ends(taken, "left", 30)
    assert str(third.port) in found["message"] and found["remedy"] is None, found
    kin.all_follow(other)
    follows(taken, third)
    assert taken.cmd("GET", "third") == "1"
    kin.nothing_lost(other)


def of_one(others, target):
    return any(other.info("replication").get("master_port") == str(target.port) for other in others)


MOMENTS = {
    "promoted": lambda kin: kin.target.role() == "master",
    "completed": lambda kin: kin.daemon.job("kin")["phase"] == "completed",
    "moving": lambda kin: "moving" in kin.states().values() or "follows" in kin.states().values(),
    "pointed": lambda kin: of_one(kin.others, kin.target),
    "attached": lambda kin: "follows" in kin.states().values(),
}


@pytest.mark.parametrize("reverse", [True, False])
@pytest.mark.parametrize("moment", MOMENTS)
def test_daemon_killed_right_after_the_switch(lab, daemon, reverse, moment):
    kin = Kin(lab, daemon, reverse)
    daemon.verb("kin", "complete")
    wait_for(lambda: MOMENTS[moment](kin), 20, moment, interval=0.0005)
    daemon.kill9()
    daemon.start()
    daemon.wait_phase("kin", "completed", timeout=30)
    kin.all_follow()
    kin.nothing_lost(*kin.others)


def test_what_has_ended_is_not_begun_again(lab, daemon):
    """Somebody points one back, days later; a restart of the daemon is no reason to touch it."""
    kin = Kin(lab, daemon)
    kin.complete()
    kin.all_follow()
    back = kin.others[0]
    back.cmd("REPLICAOF", "127.0.0.1", kin.source.port)
    follows(back, kin.source)
    daemon.restart()
    daemon.wait_job("kin")
    wait_for(lambda: (daemon.job("kin")["target"] or {}).get("reachable"), 15, "the target to be seen")
    stays(lambda: back.info("replication")["master_port"] == str(kin.source.port), 2, "where it was put")
    kin.nothing_lost(*kin.others)


def test_of_a_chain_it_is_the_primarys_others_that_come_along(lab, daemon):
    """The chained source comes by itself, and what follows that stays with it."""
    top = lab.node(name="top")
    top.fill(500)
    source = follow(lab, top, name="source")
    other, below = follow(lab, top, name="other"), follow(lab, source, name="below")
    target = lab.node(name="target")
    writers = lab.writers(top, target)
    daemon.migrate("kin", source, target)
    wait_for(lambda: set(replicas(daemon, "kin", "primary")) == {other.endpoint}, 15,
             lambda: f"the primary's other one: {replicas(daemon, 'kin', 'primary')}")
    assert set(replicas(daemon, "kin", "source")) == {below.endpoint}
    syncs = full_syncs(target)
    daemon.complete("kin", timeout=30)
    wait_for(lambda: replicas(daemon, "kin", "primary")[other.endpoint]["state"] == "follows", 20, "it to follow")
    follows(other, target)
    follows(below, source)
    assert full_syncs(target) == syncs
    writers.wait_acks(200)
    check_no_lost(writers, target)
    same_data(target, top, source, other, below)
