# SPDX-License-Identifier: Apache-2.0
"""A node of a pair: a server that keeps its data, the two roads that lead to it, and what a hand does to it."""
import os
import shutil

from harness import node_spec
from ledger import BITMAP, bits_of
from proxy import Proxy
from redis_node import RedisNode
from waiting import FACTOR

QUICK_S = 0.5


class Member(RedisNode):
    def __init__(self, pair, side, append_only):
        super().__init__(name=f"p{pair}{'ab'[side]}")
        self.pair, self.side, self.append_only = pair, side, append_only
        self.door = Proxy(self.port)  # the daemon's way here
        self.link = Proxy(self.port)  # the other node's
        self.args = ("--replica-announce-ip", "127.0.0.1", "--replica-announce-port", str(self.link.port),
                     "--appendonly", "yes" if append_only else "no", "--appendfsync", "no")
        self.away = False             # down, or stopped, by the gremlin

    def spec(self):
        return node_spec(self.door.endpoint, reachable_as=self.link.endpoint)

    def ask(self, *commands):
        """By hand: the answers to some commands, soon, or OSError. The server's log shows it was not the daemon."""
        client = self.connect(QUICK_S * FACTOR)
        try:
            return client.pipeline(commands)
        finally:
            client.close()

    def look(self):
        """(INFO replication, the writes it holds, the number of its keys), or None."""
        if self.away:
            return None
        try:
            info, bitmap, keys = self.ask(("INFO", "replication"), ("GET", BITMAP), ("DBSIZE",))
            fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
            return fields, bits_of((bitmap or "").encode(errors="surrogateescape")), keys
        except (OSError, ValueError, AttributeError):  # gone, cut short, or loading
            return None

    def wipe(self):
        """What is on its disk goes; not its log."""
        for name in ("dump.rdb", "appendonlydir"):
            path = os.path.join(self.dir, name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.unlink(path)

    def close(self):
        self.door.close()
        self.link.close()
        super().close()
