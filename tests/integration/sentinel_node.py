# SPDX-License-Identifier: Apache-2.0
"""A Sentinel of the test's own, and clients that ask it where the primary is."""
import os
import threading
import time

import pytest
import redis
import redis.sentinel
from redis_node import RedisError, RedisNode
from waiting import wait_for

NAME = "pair"
# What takes minutes, because Sentinel does.
long = pytest.mark.skipif("ECMIGRATE_LONG" not in os.environ, reason="make sentinel runs it")


def table(flat):
    """"name", "value", … as a dict."""
    return dict(zip(flat[::2], flat[1::2]))


class Sentinel(RedisNode):
    """Watches a primary."""

    def __init__(self, watched, quorum=1, down_after_ms=1000, name=NAME):
        super().__init__(name="sentinel")
        self.watched, self.quorum, self.down_after_ms, self.watches = watched, quorum, down_after_ms, name

    def start(self):
        path = os.path.join(self.dir, "sentinel.conf")
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"sentinel monitor {self.watches} 127.0.0.1 {self.watched.port} {self.quorum}\n"
                           f"sentinel down-after-milliseconds {self.watches} {self.down_after_ms}\n"
                           f"sentinel failover-timeout {self.watches} 5000\n")
            self.before, self.program = (self.program, path), "--sentinel"  # the file comes first
        super().start()

    def options(self):
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.dir, "logfile": self.log}
        return {**options, "requirepass": self.password} if self.password else options

    def port_of_primary(self):
        return int(self.cmd("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.watches)[1])

    def primary(self):
        return table(self.cmd("SENTINEL", "MASTER", self.watches))

    def replicas(self):
        """Ports of the replicas it looks after, and what it knows of each."""
        listed = [table(r) for r in self.cmd("SENTINEL", "REPLICAS", self.watches)]
        return {int(r["port"]): r for r in listed}

    def remove(self):
        assert self.cmd("SENTINEL", "REMOVE", self.watches) == "OK"


def watch(lab, node, n=1, quorum=1, **options):
    """n Sentinels that watch the node, and know of each other."""
    sentinels = [lab._keep(Sentinel(node, quorum, **options), start=True) for _ in range(n)]
    wait_for(lambda: "sentinel-" in node.cmd("CLIENT", "LIST"), 10, "Sentinel to come")
    wait_for(lambda: all(s.primary()["num-other-sentinels"] == str(n - 1) for s in sentinels), 15,
             "the Sentinels to know of each other")
    return sentinels


def knows_replica(sentinel, node):
    return sentinel.replicas().get(node.port, {}).get("runid")


class Asking:
    """Writes through redis-py's Sentinel client, and remembers what was acknowledged."""

    def __init__(self, *sentinels):
        ask = redis.sentinel.Sentinel([("127.0.0.1", s.port) for s in sentinels], socket_timeout=0.5)
        self.primary = ask.master_for(NAME, socket_timeout=0.5)
        self.acked, self.longest, self.stopping = [], 0.0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        n, last = 0, time.monotonic()
        while not self.stopping.is_set():
            n += 1
            try:
                self.primary.set(f"asked:{n}", n)
            except redis.RedisError:
                self.stopping.wait(0.01)
                continue
            now = time.monotonic()
            self.longest, last = max(self.longest, now - last), now
            self.acked.append(n)
            self.stopping.wait(0.001)

    def close(self):
        self.stopping.set()
        self.thread.join(5)

    def missing(self, node):
        """Acknowledged writes that the node does not have."""
        return [n for n in self.acked if node.cmd("GET", f"asked:{n}") != str(n)]
