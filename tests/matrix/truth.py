# SPDX-License-Identifier: Apache-2.0
"""What two servers do by themselves: REPLICAOF on a throw-away target that has keys, and a look at the outcome."""
import contextlib

from compare import contents, differences, tell
from dataset import fill
from harness import Lab, full_syncs
from node import Node
from redis_node import RedisError
from rules import Rule
from waiting import wait_for

HOPELESS_SYNCS = 2     # who asks for a second copy could not load the first
RELAXED = ("rdb-version-check", "relaxed")


class Attempt:
    """A target attached once; then equal, in words how it went, and whether the target could be set up so."""

    def __init__(self, case, programs, relaxed=False):
        self.equal, self.possible, self.story = False, True, "in sync, and equal"
        with contextlib.closing(Lab()) as lab:
            self.source, self.target = (self.node(lab, programs, name) for name in (case.source, case.target))
            fill(self.source, "data", case.extra)
            fill(self.target, "own")
            if relaxed:
                self.possible = self.target.accepts(*RELAXED)
            if self.possible:
                self.attach()

    @staticmethod
    def node(lab, programs, server):
        node = Node(server, programs[server], server)
        lab.things.append(node)
        node.start()
        return node

    def attach(self):
        self.target.cmd("REPLICAOF", "127.0.0.1", self.source.port)
        if wait_for(self.outcome, 60, f"{self.target.name} to follow, or to fail") == "up":
            self.become_equal()
        elif self.gone():
            self.story = "the target's process ended"
        else:
            left = self.target.cmd("DBSIZE")
            self.story = "no copy is loaded, " + ("the target's keys are kept" if left else "the target is empty")

    def become_equal(self):
        try:
            wait_for(self.is_equal, 10, "equal contents")
            self.equal = True
        except AssertionError:
            found = differences(contents(self.source), contents(self.target))
            self.story = f"in sync, but not equal: {tell(found)}"

    def gone(self):
        return self.target.process.poll() is not None

    def outcome(self):
        """ "up", "failed", or nothing yet. """
        if self.gone():
            return "failed"
        with contextlib.suppress(OSError, RedisError, ValueError):
            if self.target.link_up():
                return "up"
        return "failed" if full_syncs(self.source) >= HOPELESS_SYNCS else None

    def is_equal(self):
        with contextlib.suppress(OSError, RedisError, ValueError):  # it may still be loading
            return not differences(contents(self.source), contents(self.target))
        return False


def observe(case, programs):
    """(the Rule that the servers follow, in words what was seen)."""
    plain = Attempt(case, programs)
    if plain.equal:
        return Rule.WORKS, plain.story
    relaxed = Attempt(case, programs, relaxed=True)
    if relaxed.possible and relaxed.equal:
        return Rule.RELAXED, f"{plain.story}; relaxed: {relaxed.story}"
    return Rule.REFUSED, plain.story + (f"; relaxed: {relaxed.story}" if relaxed.possible else "")
