# SPDX-License-Identifier: Apache-2.0
"""Checks of memory and of the buffers that a copy needs; what cannot be staged here, a host that is too small, is in
tests/unit/test_check_memory.c."""
import threading

import pytest
from checks_stage import Stage, paste
from harness import wait_for

MIB = 1 << 20
UNTUNED = {"sync": {"tune": False}}


def used(node):
    return int(node.info("memory")["used_memory"])


@pytest.mark.parametrize("share, severity, policy, words", [
    (0.5, "error", "noeviction", "would refuse writes"), (0.5, "error", "allkeys-lru", "would evict keys"),
    (1.08, "warning", "allkeys-lru", "may soon evict keys"), (1.2, "ok", "allkeys-lru", "")])
def test_target_whose_maxmemory_is_too_small(lab, daemon, share, severity, policy, words):
    source, target = lab.pair(keys=20000)
    target.set_config("maxmemory-policy", policy)
    target.set_config("maxmemory", int((used(source) + MIB) * share))
    stage = Stage(daemon, source, target)
    if severity == "ok":
        stage.is_fine("maxmemory")
        return
    stage.finds("maxmemory", severity, words, source="uses ", target=policy, lines=1)
    stage.cures("maxmemory")


def test_what_is_printed_for_maxmemory_lasts_until_after_the_switch_over(lab, daemon):
    source, target = lab.pair(keys=20000)
    target.set_config("maxmemory-policy", "allkeys-lru")
    target.set_config("maxmemory", 2 * MIB)
    stage = Stage(daemon, source, target)
    stage.finds("maxmemory", "error")
    stage.cures("maxmemory")
    daemon.verb(stage.job, "start")
    daemon.wait_phase(stage.job, "replicating", timeout=30)
    daemon.complete(stage.job)
    for i in range(100):
        assert target.cmd("SET", f"more:{i}", "1") == "OK"
    assert target.cmd("DBSIZE") == 20100 and target.info("stats")["evicted_keys"] == "0"


def test_backlog_of_the_source_does_not_come_along(lab, daemon):
    source, target = lab.pair("--repl-backlog-size", "32mb", keys=10)
    target.set_config("repl-backlog-size", MIB)
    target.set_config("maxmemory", 10 * MIB)
    other = lab.node(name="other")
    other.cmd("REPLICAOF", "127.0.0.1", source.port)
    wait_for(lambda: other.info("replication")["master_link_status"] == "up", 10, "a backlog")
    for _ in range(24):
        source.cmd("SET", "big", "x" * MIB)
    source.cmd("DEL", "big")
    assert used(source) > 20 * MIB
    Stage(daemon, source, target).is_fine("maxmemory")


def test_source_that_evicts(lab, daemon):
    source, target = lab.pair(keys=0)
    source.set_config("maxmemory-policy", "allkeys-lru")
    source.set_config("maxmemory", 8 * MIB)
    stage = Stage(daemon, source, target)
    stage.is_fine("evicting-source")
    for i in range(20):
        source.fill(2000, prefix=f"fill{i}")
        source.cmd("SET", "one", "more")  # what DEBUG POPULATE wrote is evicted by the next command
    assert int(source.info("stats")["evicted_keys"]) > 0
    stage.finds("evicting-source", "warning", "allkeys-lru", source="evicted so far", lines=1)
    source.set_config("maxmemory-policy", "noeviction")
    stage.is_fine("evicting-source")
    source.set_config("maxmemory-policy", "allkeys-lru")
    stage.cures("evicting-source")


class Torrent:
    """A client that writes MiB after MiB to one key."""

    def __init__(self, node):
        self.node, self.over = node, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        client = self.node.connect(timeout=30)
        while not self.over.is_set():
            client.pipeline([("SET", "torrent", b"x" * MIB)] * 4)

    def __enter__(self):
        self.thread.start()
        wait_for(lambda: float(self.node.info("stats")["instantaneous_input_kbps"]) > 30 * 1024, 20,
                 "30 MiB to be written each second")
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(30)


def test_output_buffer_that_is_too_small(lab, daemon):
    source, target = lab.pair()
    stage = Stage(daemon, source, target, **UNTUNED)
    stage.is_fine("output-buffer")
    source.set_config("client-output-buffer-limit", "replica 1mb 1mb 60")
    stage.finds("output-buffer", "warning", "1.0 MiB", "not much can be written", source="replica 1048576 1048576 60",
                lines=1)
    stage.cures("output-buffer")
    assert "normal 0 0 0" in source.config()["client-output-buffer-limit"]


def test_output_buffer_and_backlog_under_a_torrent(lab, daemon):
    source, target = lab.pair()
    source.set_config("client-output-buffer-limit", "replica 20mb 20mb 60")
    stage = Stage(daemon, source, target, **UNTUNED)
    stage.is_fine("output-buffer")
    stage.is_fine("backlog-small")
    with Torrent(source):
        stage.finds("output-buffer", "warning", "pile up", "20.0 MiB", lines=1)
        stage.cures("output-buffer")
        stage.finds("backlog-small", "warning", "written in 10 s", "1.0 MiB", lines=1)
        for line in stage.result("backlog-small")["remedy"]:
            paste(line)
        assert int(source.config()["repl-backlog-size"]) > 300 * MIB


def test_backlog_that_is_too_small(lab, daemon):
    source, target = lab.pair()
    stage = Stage(daemon, source, target, **UNTUNED)
    stage.is_fine("backlog-small")
    source.set_config("repl-backlog-size", 16384)
    stage.finds("backlog-small", "warning", "16.0 KiB", source="16.0 KiB", lines=1)
    stage.cures("backlog-small")


def test_backlog_is_not_raised_into_an_eviction(lab, daemon):
    """What is printed must not do harm: a source near its maxmemory gets no line."""
    source, target = lab.pair(keys=20000)
    source.set_config("repl-backlog-size", 16384)
    source.set_config("maxmemory", used(source) + MIB)
    stage = Stage(daemon, source, target, **UNTUNED)
    stage.finds("backlog-small", "warning", lines=0)
    source.set_config("maxmemory", used(source) + 64 * MIB)
    stage.cures("backlog-small")


def test_tuning_does_by_itself_what_is_printed_else(lab, daemon):
    source, target = lab.pair()
    source.set_config("repl-backlog-size", 16384)
    source.set_config("client-output-buffer-limit", "replica 1mb 1mb 60")
    stage = Stage(daemon, source, target, sync={"tune": True})
    stage.is_fine("backlog-small")
    stage.is_fine("output-buffer")
    source.set_config("maxmemory", used(source))
    stage.finds("backlog-small", "warning", lines=0)
