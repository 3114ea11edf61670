# SPDX-License-Identifier: Apache-2.0
"""Checks of who else has to do with the nodes: Sentinel, replicas, and what is not data."""
import subprocess

import pytest
from checks_stage import Stage, paste
from harness import wait_for
from sentinel_node import long, watch
from waiting import stays


def follow(lab, primary):
    replica = lab.node(name="replica")
    replica.cmd("REPLICAOF", "127.0.0.1", primary.port)
    wait_for(lambda: replica.info("replication")["master_link_status"] == "up", 10, "a replica")
    return replica


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("heir, severity", [(False, "warning"), (True, "error")])
def test_sentinel(lab, daemon, side, heir, severity):
    source, target = lab.pair()
    node = {"source": source, "target": target}[side]
    stage = Stage(daemon, source, target)
    stage.is_fine("sentinel")
    if heir:
        follow(lab, node)
    sentinel, = watch(lab, node)
    found = stage.finds("sentinel", severity, f"the {side} as 'pair'", **{side: "'sentinel-"},
                        lines=1 if heir and side == "target" else 0)
    assert ("promote" in found["message"]) == heir
    assert "SENTINEL REMOVE" in daemon.ctl("explain", "sentinel").stdout
    for line in found["remedy"] or []:
        assert paste(line) == "OK"
    if not found["remedy"]:
        sentinel.remove()
    wait_for(lambda: stage.result("sentinel")["severity"] == "ok", 10, "Sentinel to go")


def test_sentinel_at_both_tells_of_the_worse(lab, daemon):
    source, target = lab.pair()
    watch(lab, source)
    follow(lab, target)
    watch(lab, target)
    found = Stage(daemon, source, target).finds("sentinel", "error", "the target as 'pair'")
    assert "replicas" in found["target"] and "replicas" not in found["source"]


def test_sentinel_that_may_not_be_listed_is_heard(lab, daemon):
    source, target = lab.pair()
    source.cmd("ACL", "SETUSER", "eve", "on", ">pw", "+@all", "-client|list", "~*", "&*")
    watch(lab, source)
    stage = Stage(daemon, source, target, of_source={"username": "eve", "password": "pw"})
    stage.finds("sentinel", "warning", "the source", source="Sentinel listens")


@pytest.mark.parametrize("replicas, reverse, severity, word", [
    ("follow", True, "notice", "pointed to the target"), ("follow", False, "notice", "pointed to the target"),
    ("leave", True, "notice", "through it"), ("leave", False, "warning", "dead end")])
def test_replicas_of_the_source(lab, daemon, replicas, reverse, severity, word):
    source, target = lab.pair()
    replica = follow(lab, source)
    stage = Stage(daemon, source, target, of_source={"replicas": replicas}, cutover={"reverse": reverse})
    stage.finds("source-replicas", severity, "1 other replica,", word, source=replica.endpoint, lines=0)
    daemon.verb(stage.job, "start")
    daemon.wait_phase(stage.job, "replicating")
    daemon.complete(stage.job)
    syncs = int(target.info("stats")["sync_full"])
    if replicas == "leave":
        replica.cmd("REPLICAOF", "127.0.0.1", target.port)  # as next_step has it
    target.cmd("SET", "after", "1")
    wait_for(lambda: replica.cmd("GET", "after") == "1", 10, "the replica to follow the target")
    assert int(target.info("stats")["sync_full"]) == syncs


def test_target_that_follows_already_is_none_of_the_sources_other_replicas(lab, daemon):
    source, target = lab.pair()
    target.cmd("REPLICAOF", "127.0.0.1", source.port)
    wait_for(lambda: "online" in source.info("replication").get("slave0", ""), 10, "the link")
    Stage(daemon, source, target).is_fine("source-replicas")


def test_replicas_of_the_target(lab, daemon):
    source, target = lab.pair()
    replica = follow(lab, target)
    stage = Stage(daemon, source, target)
    stage.finds("target-replicas", "notice", "1 replica,", target=replica.endpoint, lines=0)
    daemon.verb(stage.job, "start")
    daemon.wait_phase(stage.job, "replicating")
    daemon.complete(stage.job)  # waits for it
    assert replica.cmd("DBSIZE") == source.cmd("DBSIZE")


def test_what_is_not_replicated(lab, daemon):
    source, target = lab.pair()
    stage = Stage(daemon, source, target)
    stage.is_fine("not-replicated")
    source.set_config("maxmemory-policy", "allkeys-lru")
    source.set_config("save", "3600 1")
    stage.finds("not-replicated", "notice", "differ: maxmemory-policy, save",
                source="maxmemory-policy allkeys-lru, save on", target="maxmemory-policy noeviction, save off", lines=0)
    target.set_config("maxmemory-policy", "allkeys-lru")  # as next_step has it
    target.set_config("save", "3600 1")
    stage.is_fine("not-replicated")
    source.set_config("notify-keyspace-events", "Ex")
    source.cmd("ACL", "SETUSER", "app", "on", ">pw", "+@all", "~*")
    stage.finds("not-replicated", "notice", "no such user at the target: app", "notify-keyspace-events", source="notify-keyspace-events xE",
                target="none")
    target.set_config("notify-keyspace-events", "Ex")
    target.cmd("ACL", "SETUSER", "app", "on", ">pw", "+@all", "~*")
    stage.is_fine("not-replicated")


def test_a_target_that_goes_another_way_to_the_source(lab, daemon):
    source, target = lab.pair()
    road = lab.proxy(source)
    stage = Stage(daemon, source, target, of_source={"reachable_as": road.endpoint})
    stage.finds("nat", "notice", road.endpoint, source=f"{source.endpoint} for the daemon, {road.endpoint} for the target",
                lines=0)
    host, port = road.endpoint.split(":")  # the hint, word for word
    assert subprocess.run(["redis-cli", "-h", host, "-p", port, "ping"], capture_output=True, text=True,
                          check=True).stdout == "PONG\n"
    stage.write()
    stage.is_fine("nat")


def told(message, verb):
    """The line of a warning, with what is to be said."""
    line = message[message.index("redis-cli"):].split(";")[0]
    return line.replace("FAILOVER", verb)


def test_the_lines_for_after_the_switch_over(lab, daemon):
    source, target = lab.pair()
    sentinel, = watch(lab, source)
    stage = Stage(daemon, source, target)
    message = stage.finds("sentinel", "warning", "After the switch-over: ").get("message")
    daemon.verb(stage.job, "start")
    daemon.wait_phase(stage.job, "replicating")
    wait_for(lambda: sentinel.replicas().get(target.port, {}).get("runid"), 15, "Sentinel to notice the target")
    daemon.complete(stage.job)
    assert paste(told(message, "FAILOVER")) == "OK"
    wait_for(lambda: sentinel.port_of_primary() == target.port, 5, "Sentinel to name the target")


@long
def test_the_lines_for_after_an_abort(lab, daemon):
    source, target = lab.pair()
    sentinel, = watch(lab, source)
    stage = Stage(daemon, source, target)
    message = stage.finds("sentinel", "warning", "after an abort RESET").get("message")
    daemon.verb(stage.job, "start")
    daemon.wait_phase(stage.job, "replicating")
    wait_for(lambda: sentinel.replicas().get(target.port, {}).get("runid"), 15, "Sentinel to notice the target")
    daemon.verb(stage.job, "abort")
    daemon.wait_phase(stage.job, "failed")
    assert paste(told(message, "RESET")) == "1"
    stays(lambda: target.role() == "master", 20, "the target is a primary")
