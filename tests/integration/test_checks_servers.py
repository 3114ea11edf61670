# SPDX-License-Identifier: Apache-2.0
"""Checks of which servers they are, how they stand and whose they are. Foreign products: tests/unit/test_check_servers.c."""
import pytest
from checks_stage import Stage
from harness import wait_for
from redis_node import Redis, RedisError


def follow(replica, primary):
    replica.cmd("REPLICAOF", "127.0.0.1", primary.port)
    wait_for(lambda: replica.info("replication")["master_link_status"] == "up", 10, "a link")


def test_one_server_twice(lab, daemon):
    source, target = lab.pair(keys=0)
    stage = Stage(daemon, source, target, of_source={"endpoint": f"localhost:{target.port}"})
    stage.finds("same-node", "error", target.info("server")["run_id"])
    stage.write()  # two different servers
    stage.is_fine("same-node")


def test_source_that_follows_the_target(lab, daemon):
    source, target = lab.pair(keys=0)
    follow(source, target)
    stage = Stage(daemon, source, target)
    stage.finds("loop", "error", "the source is a replica of the target")
    assert not {"source-is-replica", "source-link-down"} & set(stage.results())
    source.cmd("REPLICAOF", "NO", "ONE")
    stage.is_fine("loop")


def test_source_that_follows_the_target_by_way_of_another(lab, daemon):
    source, target = lab.pair(keys=0)
    middle = lab.node(name="middle")
    follow(middle, target)
    follow(source, middle)
    stage = Stage(daemon, source, target)
    stage.finds("loop", "error", middle.endpoint, "follows the target", source=middle.endpoint)
    middle.cmd("REPLICAOF", "NO", "ONE")
    wait_for(lambda: stage.result("loop")["severity"] == "ok", 10, "the end of the loop")
    stage.finds("source-is-replica", "notice", middle.endpoint)


def test_siblings_are_no_loop(lab, daemon):
    """Two that followed one primary have a history in common, and nothing else."""
    primary, source = lab.pair(keys=10)
    target = lab.node(name="target")
    follow(source, primary)
    follow(target, primary)
    stage = Stage(daemon, source, target)
    stage.is_fine("loop")
    stage.finds("target-is-replica", "error", primary.endpoint)
    stage.cures("target-is-replica")
    stage.is_fine("loop")
    stage.finds("source-is-replica", "notice", primary.endpoint, source=f"replica of {primary.endpoint}")


def test_source_that_is_a_replica_becomes_a_primary(lab, daemon):
    primary, source = lab.pair(keys=10)
    target = lab.node(name="target")
    follow(source, primary)
    stage = Stage(daemon, source, target)
    stage.finds("source-is-replica", "notice", "pauses and demotes")
    stage.write(of_source={"endpoint": primary.endpoint})  # its primary instead
    stage.is_fine("source-is-replica")
    stage.write()
    source.cmd("REPLICAOF", "NO", "ONE")  # or a primary of its own
    stage.is_fine("source-is-replica")


def test_source_whose_own_link_is_down(lab, daemon):
    primary, source = lab.pair(keys=10)
    target = lab.node(name="target")
    follow(source, primary)
    primary.sigstop()
    primary.kill9()
    wait_for(lambda: source.info("replication")["master_link_status"] == "down", 10, "the link to break")
    stage = Stage(daemon, source, target)
    stage.finds("source-link-down", "error", primary.endpoint, source="link down")
    primary.start()
    wait_for(lambda: stage.result("source-link-down")["severity"] == "ok", 15, "the link to be repaired")


def load_slowly(node):
    """Restarts it with a data set that it loads for a long time."""
    node.fill(5000)
    node.cmd("SAVE")
    node.kill9()
    args, node.args = node.args, (*node.args, "--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
    answers, node.answers = node.answers, lambda: loads(node)
    node.start()
    node.args, node.answers = args, answers


def loads(node):
    try:
        client = Redis(node.port)
        return client.cmd("INFO", "persistence").count("loading:1") == 1
    except (OSError, RedisError):
        return False


@pytest.mark.parametrize("side", ["source", "target"])
def test_node_that_is_loading(lab, daemon, side):
    source, target = lab.pair(keys=0)
    node = {"source": source, "target": target}[side]
    load_slowly(node)
    stage = Stage(daemon, source, target, of_target={"allow_flush": True})
    stage.finds(f"{side}-loading", "error", " %)")
    Redis(node.port).cmd("CONFIG", "SET", "key-load-delay", "0")
    wait_for(lambda: stage.result(f"{side}-loading")["severity"] == "ok", 20, "it to have loaded")


def test_target_of_another_job(lab, daemon):
    source, target = lab.pair(keys=10)
    other = lab.node(name="other")
    daemon.migrate("first", source, target)
    stage = Stage(daemon, other, target, job="second")
    stage.finds("node-taken", "error", "'first'", "to this target")
    daemon.verb("first", "abort")
    daemon.wait_phase("first", "failed")
    stage.is_fine("node-taken")


def test_another_ecmigrate(lab, daemon):
    source, target = lab.pair()
    stranger = target.connect()
    stranger.cmd("CLIENT", "SETNAME", "ecmigrate:theirs:1:0123456789abcdef")
    stage = Stage(daemon, source, target)
    message = stage.finds("another-daemon", "error", "'ecmigrate:theirs:1:0123456789abcdef'", "the target")["message"]
    assert target.cmd("CLIENT", "KILL", "ADDR", message.rsplit(" ", 1)[1]) == 1  # as next_step has it
    stage.is_fine("another-daemon")


def test_pair_that_was_switched_over(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("there", source, target)
    daemon.complete("there")
    source.cmd("REPLICAOF", "NO", "ONE")
    daemon.remove_job("there")
    wait_for(lambda: not daemon.job("there"), 10, "the first job to go")
    stage = Stage(daemon, source, target, job="again", of_target={"allow_flush": True})
    stage.finds("already-switched", "error", "took over from this source at")
    back = Stage(daemon, target, source, job="back", of_target={"allow_flush": True})  # exchanged
    back.is_fine("already-switched")


def test_target_that_follows_another(lab, daemon):
    primary, source = lab.pair(keys=0)
    target = lab.node(name="target")
    follow(target, primary)
    stage = Stage(daemon, source, target)
    stage.finds("target-is-replica", "error", primary.endpoint, target=f"replica of {primary.endpoint}", lines=1)
    stage.cures("target-is-replica")
    assert target.role() == "master"


def test_target_that_holds_keys(lab, daemon):
    source, target = lab.pair(keys=10)
    target.fill(7)
    target.cmd("SELECT", "3")
    target.fill(5)
    stage = Stage(daemon, source, target)
    stage.finds("target-not-empty", "error", "12 keys in 2 databases", source="10 keys", target="12 keys", lines=0)
    stage.write(of_target={"allow_flush": True})
    stage.is_fine("target-not-empty")
    stage.write()
    target.cmd("FLUSHALL")
    stage.is_fine("target-not-empty")


def test_nothing_is_said_of_a_pair_that_is_well(lab, daemon):
    source, target = lab.pair("--save", "3600 1", keys=10)
    assert not Stage(daemon, source, target).results()


