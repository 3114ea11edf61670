# SPDX-License-Identifier: Apache-2.0
"""
The operator: drives each pair from a to b, back from b to a, and so on, and clears up what only a human can.

He says `complete` when a job waits for it, `start --again` to one that would undo a switch-over, takes a completed
job's file away and drops the next one with the endpoints swapped. A job that has failed is taken away, one that
halts or does not move for STUCK_S is aborted first. Then he makes one node the primary, if none is, or the one with
more writes, if both are, empties the other one by hand, and begins anew. All of that is in the journal: what he
overwrites is not the daemon's doing.
"""
import collections
import contextlib
import random
import time

from waiting import FACTOR

SILENT_S = 6 * FACTOR   # a job that stands still for so long must have said why; an action takes up to five
STUCK_S = 12 * FACTOR
OWED_S = 15 * FACTOR    # an ended job is left in peace while it owes a node its settings
LINK_S = 6 * FACTOR     # what a link between the nodes gets to come up
LOST_S = 10 * FACTOR
THINKING_S = 1.5
JOB = {"attach": {"attempts": 5, "timeout": "4s", "backoff_initial": "100ms", "backoff_max": "500ms"}}


class Driver:
    def __init__(self, fleet, seed):
        self.fleet, self.dice = fleet, random.Random(f"driver {seed}")
        self.silent = {}         # (pair, job, phase): (when, what was wrong with what it said)
        self.given_up = collections.Counter()  # jobs that were aborted for standing still, by phase and reason

    def turn(self):
        jobs = self.fleet.jobs()
        if jobs is not None:
            for pair in self.fleet.pairs:
                if pair.job is None:
                    self.begin(pair)
                elif pair.job in jobs:
                    self.follow(pair, jobs[pair.job])
                else:
                    self.unknown(pair)

    def still(self, pair, *stands):
        """For how long a pair has been standing where it stands."""
        if stands != pair.stands:
            pair.stands, pair.since = stands, time.time()
            pair.thinking = self.dice.uniform(0, THINKING_S)
        return time.time() - max(pair.since, self.fleet.daemon_since)

    def unknown(self, pair):
        if pair.leaving:
            pair.end()
        elif self.still(pair, "unknown") > LOST_S:
            self.silent[pair.number, pair.job, "unknown"] = time.time(), "not known to the daemon any more"
            pair.end()

    def follow(self, pair, job):
        pair.phase = job["phase"]
        still = self.still(pair, job["phase"], job["run"], (job["attempt"] or {}).get("number"),
                           (job["progress"] or {}).get("percent"))
        code = (job["reason"] or {}).get("code")
        self.listen(pair, job, still)
        if pair.leaving or still < pair.thinking:
            return
        if job["phase"] in ("completed", "failed"):
            if code != "restore-owed" or still > OWED_S:
                self.ended(pair, job, still)
        elif job["phase"] == "halted":
            self.say(pair, "abort")
        elif code in ("waiting-complete", "cutover-given-up"):
            self.say(pair, "complete")
        elif code == "already-switched":
            self.say(pair, "start", again=True)
        elif still > STUCK_S and job["phase"] != "switching":  # from there it gets out by itself
            self.given_up[f"{job['phase']}: {code}"] += 1
            self.say(pair, "abort")

    def say(self, pair, verb, **options):
        self.fleet.verb("operator", pair, verb, **options)
        pair.stands = None

    def listen(self, pair, job, still):
        """Whoever does not move says why, and what to do next."""
        if job["phase"] == "completed" or (still < SILENT_S and job["phase"] not in ("failed", "halted")):
            return
        reason = job["reason"] or {}
        said = {"a reason's code": reason.get("code"), "its message": reason.get("message"),
                "a next step": job["next_step"]}
        missing = [name for name, value in said.items() if not value]
        if missing:
            self.silent.setdefault((pair.number, pair.job, job["phase"]),
                                   (time.time(), f"{job['phase']} for {still:.0f} s without {', '.join(missing)}"))

    def ended(self, pair, job, still):
        if job["phase"] == "completed":
            old = pair.nodes[pair.source].look()
            linked = old is not None and old[0].get("master_link_status") == "up"
            pair.rested = linked and pair.begun > self.fleet.healed
            if pair.rested or (not linked and still < LINK_S):
                return
        self.fleet.journal.note("operator", pair.number, -1, "take away", f"{pair.job}, {job['phase']}")
        self.fleet.daemon.remove_job(pair.job)
        pair.leaving = True

    # --- the next job ---

    def begin(self, pair):
        """When there is a primary, and the other node follows it or is empty."""
        looks = [node.look() for node in pair.nodes]
        if None in looks:
            return
        source = self.primary(pair, looks)
        info, _, keys = looks[1 - source]
        follows = info["role"] == "slave" and info["master_port"] == str(pair.nodes[source].link.port)
        linked = follows and info["master_link_status"] == "up"
        if looks[source][0]["role"] != "master":
            self.by_hand(pair, source, "promote", ("REPLICAOF", "NO", "ONE"))
        elif linked or (info["role"] == "master" and keys == 0):
            self.drop(pair, source)
        elif not follows or self.still(pair, "begin") > LINK_S:
            self.fleet.crew.lure(pair.number, source)
            self.by_hand(pair, 1 - source, "flush", ("REPLICAOF", "NO", "ONE"), ("FLUSHALL",))

    @staticmethod
    def primary(pair, looks):
        masters = [i for i, (info, *_) in enumerate(looks) if info["role"] == "master"]
        return max(masters or (0, 1), key=lambda i: (looks[i][1].bit_count(), i == pair.source))

    def by_hand(self, pair, node, act, *commands):
        self.fleet.journal.note("operator", pair.number, node, act, "; ".join(" ".join(c) for c in commands))
        with contextlib.suppress(OSError):  # the next turn sees what came of it
            pair.nodes[node].ask(*commands)
            self.fleet.journal.note("operator", pair.number, node, act, "done")

    def drop(self, pair, source):
        job = pair.start(source)
        self.fleet.journal.note("operator", pair.number, source, "drop", f"{job}, from here to the other node")
        cutover = {"mode": "auto" if self.dice.random() < 0.3 else "manual", "pause": "3s"}
        self.fleet.daemon.write_job(job, *(pair.nodes[i].spec() for i in (source, 1 - source)), cutover=cutover, **JOB)
