# SPDX-License-Identifier: Apache-2.0
"""Checks of settings that a copy and a switch-over rest on, and of what goes on at the nodes."""
import contextlib
import os
import shutil
import subprocess

import pytest
from checks_stage import Stage, plain_node
from harness import wait_for
from redis_node import RedisError


def test_short_repl_timeouts(lab, daemon):
    source, target = lab.pair()
    stage = Stage(daemon, source, target)
    source.set_config("repl-timeout", 5)
    stage.finds("repl-timeout", "warning", "5 s at the source", source="5 s", target="60 s", lines=1)
    target.set_config("repl-timeout", 9)
    stage.finds("repl-timeout", "warning", "5 s at the source, 9 s at the target", lines=2)
    stage.cures("repl-timeout")


def test_repl_timeout_below_the_others_ping(lab, daemon):
    """An idle link would be cut for its silence."""
    source, target = lab.pair()
    source.set_config("repl-ping-replica-period", 70)
    stage = Stage(daemon, source, target)
    stage.finds("repl-timeout", "warning", "60 s at the target", lines=1)
    stage.cures("repl-timeout")
    assert target.config()["repl-timeout"] == "210"
    target.set_config("repl-ping-replica-period", 60)  # after the switch-over it is the target that pings
    stage.finds("repl-timeout", "warning", "60 s at the source", lines=1)
    stage.cures("repl-timeout")


def test_source_that_pings_too_rarely(lab, daemon):
    source, target = lab.pair()
    source.set_config("repl-ping-replica-period", 14)
    stage = Stage(daemon, source, target)
    stage.is_fine("ping-period")
    source.set_config("repl-ping-replica-period", 15)
    stage.finds("ping-period", "warning", "every 15 s", source="15 s", lines=1)
    stage.cures("ping-period")


@pytest.mark.parametrize("reverse", [True, False])
def test_target_that_wants_more_replicas(lab, daemon, reverse):
    source, target = lab.pair()
    stage = Stage(daemon, source, target, cutover={"reverse": reverse})
    wanted = 2 if reverse else 1
    target.set_config("min-replicas-to-write", wanted - 1)
    stage.is_fine("min-replicas")
    target.set_config("min-replicas-to-write", wanted)
    stage.finds("min-replicas", "error", f"with {wanted} replicas only", f"will have {wanted - 1}",
                target=f"min-replicas-to-write {wanted}", lines=1)
    replica = lab.node(name="replica")
    replica.cmd("REPLICAOF", "127.0.0.1", target.port)  # as next_step has it first
    wait_for(lambda: "state=online" in target.info("replication").get("slave0", ""), 10, "the replica")
    stage.is_fine("min-replicas")
    replica.cmd("REPLICAOF", "NO", "ONE")
    wait_for(lambda: stage.result("min-replicas")["severity"] == "error", 10, "the replica to be missed")
    stage.cures("min-replicas")


def test_a_run_waits_for_what_is_cured_meanwhile(lab, daemon):
    source, target = lab.pair()
    target.set_config("min-replicas-to-write", 5)
    daemon.write_job("patient", source, target, attach={"attempts": 50})
    daemon.wait_phase("patient", "backoff")
    assert daemon.job("patient")["reason"]["code"] in ("min-replicas", "waiting-backoff")
    target.set_config("min-replicas-to-write", 0)
    daemon.wait_phase("patient", "replicating")


def fail_to_save(node):
    """A directory where the dump is to go; returns what takes it away."""
    blocked = os.path.join(node.dir, "dump.rdb")
    os.mkdir(blocked)
    node.cmd("BGSAVE")
    wait_for(lambda: node.info("persistence")["rdb_last_bgsave_status"] == "err", 10, "the dump to fail")
    return lambda: os.rmdir(blocked)


def test_target_that_could_not_save(lab, daemon):
    source, target = lab.pair()
    stage = Stage(daemon, source, target)
    make_room = fail_to_save(target)
    stage.is_fine("target-refuses-writes")  # it saves by itself never, and so refuses nothing
    target.set_config("save", "3600 1")
    stage.finds("target-refuses-writes", "error", "stop-writes-on-bgsave-error", target="rdb_last_bgsave_status err",
                lines=1)
    make_room()
    stage.cures("target-refuses-writes")


def test_target_that_cannot_write_its_append_only_file(lab, daemon):
    source = lab.node(name="source")
    target = plain_node(lab, "--appendonly", "yes", "--appendfsync", "everysec", name="target",
                        before=["env", "--ignore-signal=XFSZ"])
    limit(target, "100")  # bytes; what is appended goes beyond
    with contextlib.suppress(RedisError):
        for i in range(20):
            target.cmd("SET", f"key:{i}", "x" * 100)
    wait_for(lambda: target.info("persistence")["aof_last_write_status"] == "err", 10, "a write to fail")
    stage = Stage(daemon, source, target, of_target={"allow_flush": True})
    stage.finds("target-refuses-writes", "error", "append-only file", target="aof_last_write_status err", lines=0)
    limit(target, "unlimited")
    wait_for(lambda: stage.result("target-refuses-writes")["severity"] == "ok", 10, "it to be tried again")


def limit(node, size):
    subprocess.run(["prlimit", "--pid", str(node.process.pid), f"--fsize={size}:unlimited"], check=True)


def test_source_that_could_not_save(lab, daemon):
    source, target = lab.pair()
    stage = Stage(daemon, source, target)
    make_room = fail_to_save(source)
    stage.finds("source-save-failed", "warning", "could not save", source="rdb_last_bgsave_status err", lines=1)
    make_room()
    stage.cures("source-save-failed")


def test_nodes_that_are_writable_as_replicas(lab, daemon):
    source, target = lab.pair("--replica-read-only", "no")
    stage = Stage(daemon, source, target)
    stage.finds("replica-writable", "notice", "both nodes", source="replica-read-only no",
                target="replica-read-only no", lines=2)
    source.set_config("replica-read-only", "yes")
    stage.finds("replica-writable", "notice", "no at the target", lines=1)
    stage.cures("replica-writable")


def test_source_that_keeps_nothing(lab, daemon):
    source, target = lab.pair()
    stage = Stage(daemon, source, target)
    stage.finds("persistence-off", "warning", "keeps nothing on disk", source="no save, no appendonly", lines=1)
    stage.cures("persistence-off")
    source.set_config("save", "")
    source.set_config("appendonly", "yes")
    stage.is_fine("persistence-off")


def test_source_whose_clients_are_paused(lab, daemon):
    source, target = lab.pair()
    stage = Stage(daemon, source, target)
    source.cmd("CLIENT", "PAUSE", "60000", "WRITE")
    found = stage.finds("source-paused", "warning", "CLIENT PAUSE", lines=1)
    assert "UNPAUSE" in found["remedy"][0]
    stage.cures("source-paused")


def test_failover_at_the_source(lab, daemon):
    source, target = lab.pair()
    other = lab.node(name="other")
    other.cmd("REPLICAOF", "127.0.0.1", source.port)
    wait_for(lambda: "online" in source.info("replication").get("slave0", ""), 10, "the other replica")
    other.sigstop()
    source.cmd("SET", "more", "1")
    source.cmd("FAILOVER", "TO", "127.0.0.1", other.port)
    stage = Stage(daemon, source, target)
    stage.finds("failover-under-way", "error", "FAILOVER", lines=1)
    stage.cures("failover-under-way")
    other.sigcont()


SHIFT = """
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
long syscall(long number, ...);
int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    long r = syscall(SYS_gettimeofday, tv, tz);
    tv->tv_sec += atol(getenv("SHIFT"));
    return (int)r;
}
"""


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    """A library that moves a process's clock by $SHIFT seconds."""
    if not shutil.which("cc"):
        pytest.skip("no cc, to build what moves a clock")
    directory = tmp_path_factory.mktemp("clock")
    text, library = directory / "shift.c", directory / "shift.so"
    text.write_text(SHIFT)
    subprocess.run(["cc", "-shared", "-fPIC", "-w", "-O1", "-o", library, text], check=True)
    return lambda seconds: ["env", f"LD_PRELOAD={library}", f"SHIFT={seconds}"]


@pytest.mark.parametrize("version", [None, "redis60"])
def test_clocks_that_differ(lab, daemon, shifted, version):
    source = plain_node(lab, name="source", version=version)
    ahead = plain_node(lab, name="ahead", version=version, before=shifted(5))
    behind = plain_node(lab, name="behind", version=version, before=shifted(-5))
    stage = Stage(daemon, source, ahead)
    stage.finds("clock-skew", "warning", "s ahead: keys expire early", target="s to the source's", lines=0)
    assert 4.5 < float(stage.result("clock-skew")["target"].split()[0]) < 5.5
    Stage(daemon, source, behind, job="behind").finds("clock-skew", "warning", "s behind: keys expire late")
    right = plain_node(lab, name="right", version=version)
    Stage(daemon, source, right, job="right").is_fine("clock-skew")


def test_scripts(lab, daemon):
    source, target = lab.pair()
    stage = Stage(daemon, source, target)
    stage.is_fine("scripts")
    source.cmd("EVAL", "return 1", 0)
    source.cmd("EVAL", "return 2", 0)
    stage.finds("scripts", "notice", "2 times", source="2 calls", lines=0)
    source.cmd("CONFIG", "RESETSTAT")  # and none since
    stage.is_fine("scripts")


def test_scripts_at_a_source_whose_fence_lets_them_through(lab, daemon):
    source, target = plain_node(lab, version="redis60", name="source"), lab.node(name="target")
    source.cmd("EVAL", "return 1", 0)
    Stage(daemon, source, target).finds("scripts", "warning", "fence")


@pytest.mark.parametrize("version", [None, "redis60"])
def test_target_that_lets_in_fewer_clients(lab, daemon, version):
    source = lab.node(name="source")
    target = plain_node(lab, "--maxclients", "20", name="target", version=version)
    stage = Stage(daemon, source, target)
    stage.is_fine("target-maxclients")
    clients = [source.connect() for _ in range(25)]
    stage.finds("target-maxclients", "warning", "lets in 20", source="clients", target="maxclients 20", lines=1)
    stage.cures("target-maxclients")
    for client in clients:
        client.close()


def test_checks_under_way_disturb_nobody(lab, daemon):
    """Writers go on while both nodes are asked."""
    source, target = lab.pair()
    writers = lab.writers(source)
    stage = Stage(daemon, source, target)
    for _ in range(5):
        stage.report()
    writers.wait_acks(100)
