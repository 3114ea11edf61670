# SPDX-License-Identifier: Apache-2.0
"""
Disturbs a fleet at random moments: one act after the other, each with its end, all from one seed.

Two of three acts go to a pair that is in motion, if one is: a switch-over is short. An act for which the moment is
wrong (there is no replica to promote, the node is down already) is not done and not counted.
"""
import collections
import contextlib
import heapq
import random
import signal
import time

PACE_S = 0.5             # between two acts, on average, for eight pairs
LONGEST_S = 8.0
SHUTDOWN_S = 12.0        # a server waits up to ten for its replicas
MOVING = {"checking", "attaching", "syncing", "freezing", "switching", "rolling_back", "backoff"}


class Gremlin:
    def __init__(self, fleet, seed, acts=None):
        self.acts = {act: weight for act, weight in ACTS.items() if acts is None or act.__name__ in acts}
        self.fleet, self.dice = fleet, random.Random(f"gremlin {seed}")
        self.ends = []           # heap of (when, number, function)
        self.number = 0
        self.next_act = 0.0
        self.ending = False
        self.counts = collections.Counter()

    def turn(self):
        """What is due."""
        now = time.time()
        while self.ends and self.ends[0][0] <= now:
            heapq.heappop(self.ends)[2]()
        if now >= self.next_act:
            self.next_act = now + self.dice.expovariate(1 / PACE_S) * 8 / len(self.fleet.pairs)
            self.act()

    def act(self):
        moving = [p for p in self.fleet.pairs if p.phase in MOVING]
        pair = self.dice.choice(moving if moving and self.dice.random() < 2 / 3 else self.fleet.pairs)
        node = self.dice.choice(pair.nodes)
        act = self.dice.choices(list(self.acts), list(self.acts.values()))[0]
        with contextlib.suppress(OSError):
            if act(self, pair, node):
                self.counts[act.__name__] += 1

    def finish(self):
        """No more acts; what was begun comes to its end at once."""
        self.ending = True
        while self.ends:
            heapq.heappop(self.ends)[2]()

    # --- what acts are made of ---

    def note(self, pair, node, act, text=""):
        self.fleet.journal.note("gremlin", pair.number if pair else -1, node.side if node else -1, act, text)

    def later(self, seconds, function):
        self.number += 1
        heapq.heappush(self.ends, (time.time() + seconds, self.number, function))

    def duration(self):
        return self.dice.uniform(0.1, LONGEST_S) if self.dice.random() < 0.3 else self.dice.uniform(0.1, 1.5)

    def order(self, pair, node, act, *command):
        """A command by hand. An answer that does not come does not mean that it will not be carried out."""
        self.note(pair, node, act, " ".join(map(str, command)))
        node.ask(command)
        return True

    def start_again(self, pair, node, wiped, kept):
        if wiped:
            node.wipe()
        data = "without its data" if wiped else "with its data" if kept else "from its last dump"
        self.note(pair, node, "start", data)
        node.start()
        node.away = False

    # --- the acts: true when done ---

    def kill_node(self, pair, node):
        if node.away:
            return False
        node.away = True
        wiped = self.dice.random() < 0.25
        self.note(pair, node, "kill -9")
        node.kill9()
        self.later(self.dice.uniform(0, 2), lambda: self.start_again(pair, node, wiped, node.append_only))
        return True

    def shut_down(self, pair, node):
        if node.away:
            return False
        node.away = True
        self.note(pair, node, "SHUTDOWN SAVE")
        with contextlib.suppress(OSError):  # it does not answer, it goes
            node.ask(("SHUTDOWN", "SAVE"))
        deadline = time.time() + SHUTDOWN_S

        def gone():
            if node.process.poll() is None and time.time() < deadline and not self.ending:
                self.later(0.1, gone)
                return
            kept = node.process.poll() is not None
            node.kill9()
            self.start_again(pair, node, False, kept)

        self.later(self.dice.uniform(0.1, 2), gone)
        return True

    def stop_node(self, pair, node):
        if node.away:
            return False
        node.away = True
        seconds = self.duration()
        self.note(pair, node, "SIGSTOP", f"for {seconds:.1f} s")
        node.sigstop()

        def go_on():
            self.note(pair, node, "SIGCONT")
            node.sigcont()
            node.away = False

        self.later(seconds, go_on)
        return True

    def save(self, pair, node):
        return not node.away and self.order(pair, node, "save", "SAVE")

    def promote(self, pair, node):
        seen = node.look()
        if not seen or seen[0]["role"] != "slave":
            return False
        self.order(pair, node, "promote", "REPLICAOF", "NO", "ONE")
        share = self.dice.randrange(3)
        if share:
            self.note(pair, node, "clients", f"{share} writers go there")
            self.fleet.crew.lure(pair.number, node.side, share)
        return True

    def fail_over(self, pair, node):
        seen = node.look()
        other = pair.nodes[1 - node.side]
        if not seen or seen[0]["role"] != "master" or "slave0" not in seen[0]:
            return False
        return self.order(pair, node, "fail over", "FAILOVER", "TO", "127.0.0.1", other.link.port, "TIMEOUT", 1000)

    def repoint(self, pair, node):
        seen = node.look()
        if not seen or seen[0]["role"] != "slave":
            return False
        port = self.dice.choice([self.fleet.stranger.port, 9])
        return self.order(pair, node, "repoint", "REPLICAOF", "127.0.0.1", port)

    def pause(self, pair, node):
        return not node.away and self.order(pair, node, "pause", "CLIENT", "PAUSE", self.dice.randrange(50, 3000),
                                            self.dice.choice(["WRITE", "ALL"]))

    def make_writable(self, pair, node):
        """An operator who knows what he does; for a while."""
        if node.away:
            return False
        self.later(self.dice.uniform(1, 15), lambda: self.make_read_only(pair, node))
        return self.order(pair, node, "writable", "CONFIG", "SET", "replica-read-only", "no")

    def make_read_only(self, pair, node):
        if not node.away:
            with contextlib.suppress(OSError):
                self.order(pair, node, "read-only", "CONFIG", "SET", "replica-read-only", "yes")

    def road(self, node):
        name = self.dice.choice(["door", "link"])
        return getattr(node, name), {"door": "the daemon's way", "link": "the other node's way"}[name]

    def cut(self, pair, node):
        road, name = self.road(node)
        self.note(pair, node, "cut", name)
        road.cut()
        return True

    def refuse(self, pair, node):
        road, name = self.road(node)
        if road in self.fleet.closed:
            return False
        seconds = self.duration()
        self.note(pair, node, "refuse", f"{name} for {seconds:.1f} s")
        self.fleet.closed.add(road)
        road.refuse()

        def accept():
            self.note(pair, node, "accept", name)
            road.accept()
            self.fleet.closed.discard(road)

        self.later(seconds, accept)
        return True

    def stall(self, pair, node):
        road, name = self.road(node)
        seconds = self.duration()
        self.note(pair, node, "stall", f"{name} for {seconds:.1f} s")
        road.stall()

        def flow():
            self.note(pair, node, "flow", name)
            road.flow()

        self.later(seconds, flow)
        return True

    def slow(self, pair, node):
        """What takes a millisecond takes a second: so others meet it halfway."""
        road, name = self.road(node)
        seconds = self.dice.uniform(2, LONGEST_S)
        road.delay = self.dice.uniform(0.02, 0.4)
        self.note(pair, node, "slow", f"{name}, {road.delay * 1000:.0f} ms for {seconds:.1f} s")
        self.later(seconds, lambda: setattr(road, "delay", 0.0))
        return True

    def stop_daemon(self, _pair, _node):
        if self.fleet.daemon_away:
            return False
        self.fleet.daemon_away = True
        seconds = self.duration()
        self.note(None, None, "SIGSTOP of the daemon", f"for {seconds:.1f} s")
        self.fleet.daemon.process.send_signal(signal.SIGSTOP)

        def go_on():
            self.note(None, None, "SIGCONT of the daemon")
            self.fleet.daemon.process.send_signal(signal.SIGCONT)
            self.fleet.daemon_away = False

        self.later(seconds, go_on)
        return True

    def kill_daemon(self, _pair, _node):
        if self.fleet.daemon_away:
            return False
        self.fleet.daemon_away = True
        self.note(None, None, "kill -9 of the daemon")
        self.fleet.daemon.kill9()

        def start():
            self.note(None, None, "start of the daemon")
            self.fleet.daemon.spawn()
            self.fleet.daemon_away = False

        self.later(self.dice.uniform(0, 2), start)
        return True

    def verb(self, pair, _node):
        verb = self.dice.choice(["complete", "complete", "abort", "retry"])
        return pair.job is not None and self.fleet.verb("gremlin", pair, verb)


ACTS = {
    Gremlin.kill_node: 4, Gremlin.shut_down: 2, Gremlin.stop_node: 3, Gremlin.save: 1, Gremlin.promote: 3,
    Gremlin.fail_over: 2, Gremlin.repoint: 2, Gremlin.pause: 2, Gremlin.make_writable: 1, Gremlin.cut: 3,
    Gremlin.refuse: 2, Gremlin.stall: 4, Gremlin.slow: 6, Gremlin.stop_daemon: 1, Gremlin.kill_daemon: 1,
    Gremlin.verb: 2,
}
