#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
A fleet of pairs that migrates to and fro while a seeded gremlin disturbs it; oracle.py says what must hold.

    make fault MINUTES=10 SEED=1 PAIRS=8
"""
import argparse
import collections
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))

from crew import Crew  # noqa: E402
from driver import Driver  # noqa: E402
from gremlin import Gremlin  # noqa: E402
from harness import Lab  # noqa: E402
from history import Journal, read_daemon_log, read_orders, stamp  # noqa: E402
from member import Member  # noqa: E402
from oracle import Case, Violation  # noqa: E402
from waiting import FACTOR  # noqa: E402

TURN_S = 0.02
OPERATOR_TURN_S = 0.1
REST_S = 80 * FACTOR       # a job may stand in `switching` for a minute before it halts
API_S = 2
REPORTED = 40              # violations that are told in full


class Pair:
    """Two nodes, and the job that moves them at present."""

    def __init__(self, number, nodes):
        self.number, self.nodes = number, nodes
        self.sources = {}      # job: its source, 0 or 1
        self.job, self.source, self.begun = None, 0, 0.0
        self.leaving = self.rested = False
        self.phase, self.stands, self.since, self.thinking = "", None, 0.0, 0.0

    def start(self, source):
        self.job, self.source, self.begun = f"p{self.number}-{len(self.sources) + 1}", source, time.time()
        self.sources[self.job] = source
        return self.job

    def end(self):
        self.job, self.leaving, self.phase = None, False, ""


class Fleet:
    def __init__(self, lab, seed, pairs, acts=None, verbose=False):
        self.journal = Journal(verbose)
        self.stranger = lab.node(name="stranger")
        self.stranger.cmd("SET", "strange", 1)
        self.pairs = [Pair(number, [self.member(lab, number, side) for side in (0, 1)]) for number in range(pairs)]
        self.daemon = lab.daemon(start=False)
        self.daemon.configure(max_parallel_syncs=pairs, max_parallel_syncs_per_host=pairs)
        self.daemon.start()
        self.daemon_away = False
        self.daemon_since = 0.0        # since when it answers; inf: it does not
        self.healed = float("inf")     # since when nothing is disturbed any more
        self.closed = set()            # roads that the gremlin has closed
        self.crew = Crew([pair.nodes for pair in self.pairs])
        lab.things.append(self.crew)
        self.gremlin, self.driver = Gremlin(self, seed, acts), Driver(self, seed)

    @staticmethod
    def member(lab, pair, side):
        node = Member(pair, side, append_only=pair % 2 == 1)
        lab.things.append(node)
        node.start()
        node.config_at_start = node.config()
        return node

    # --- the daemon, when it answers ---

    def http(self, *request):
        if self.daemon_away:
            return None, None
        try:
            return self.daemon.http(*request, timeout=API_S)
        except OSError:
            assert self.daemon.running(), f"the daemon ended by itself:\n{self.daemon.log_tail()}"
            return None, None

    def jobs(self):
        """{id: job}; None: it does not answer, or has not taken up all job files yet."""
        waited = self.daemon_since == float("inf")
        status, answer = self.http("GET", "/readyz") if waited else (200, None)
        if status == 200:
            status, answer = self.http("GET", "/v1/jobs")
        if status != 200:
            self.daemon_since = float("inf")
            return None
        if waited:
            self.daemon_since = time.time()
        return {job["id"]: job for job in answer["jobs"]}

    def verb(self, who, pair, verb, **options):
        status, _ = self.http("POST", f"/v1/jobs/{pair.job}/{verb}", options)
        self.journal.note(who, pair.number, -1, verb, f"{pair.job}: {status}")
        return status == 202

    # --- the run ---

    def run(self, seconds):
        """Violations, lost writes first; and what there is to be counted."""
        self.turns(time.time() + seconds, lambda: False, self.gremlin.turn)
        self.gremlin.finish()
        self.healed = time.time()
        self.journal.note("gremlin", -1, -1, "ends", "everything heals")
        self.turns(time.time() + REST_S, lambda: all(pair.rested for pair in self.pairs))
        return self.judge(self.crew.stop())

    def turns(self, until, done, *more):
        pace, operator_at = threading.Event(), 0.0
        while time.time() < until and not done():
            for turn in more:
                turn()
            if time.time() >= operator_at:
                self.driver.turn()
                operator_at = time.time() + OPERATOR_TURN_S
            pace.wait(TURN_S)

    def judge(self, ledgers):
        self.events = read_daemon_log(self.daemon.log_lines())
        counts, found, self.cases = collections.Counter(), [], []
        for pair, ledger in zip(self.pairs, ledgers):
            ports = {port: node.side for node in pair.nodes for port in (node.port, node.link.port)}
            orders = []
            for node in pair.nodes:
                with open(node.log, encoding="utf-8", errors="replace") as log:
                    given, syncs = read_orders(log, node.side, ports)
                orders += given
                counts["full synchronisations"] += syncs
            case = Case(pair, ledger, orders, self.journal, [e for e in self.events if e.get("job") in pair.sources])
            self.cases.append(case)
            found += self.judge_pair(case, counts)
        found += [Violation(3, pair, at, f"{job} {text}") for (pair, job, _), (at, text) in self.driver.silent.items()]
        self.count(counts, ledgers)
        return sorted(found, key=lambda violation: violation.part), counts

    def judge_pair(self, case, counts):
        pair, final = case.pair, 1 - case.pair.source
        yield from case.two_primaries(counts)
        if not pair.rested:
            job = self.daemon.job(pair.job) if pair.job else None
            said = job and f"{job['phase']}, {job['reason']}"
            yield Violation(3, pair.number, time.time(), f"{pair.job} has not come to rest: {said}")
            return
        seen = pair.nodes[final].look()
        assert seen, "everything is healed"
        yield from case.lost_writes(final, seen[1], counts)
        yield from case.settings()
        if pair.nodes[final].cmd("SET", "in the end", 1) != "OK":
            yield Violation(1, pair.number, time.time(), "the final primary takes no writes")

    def count(self, counts, ledgers):
        for event in self.events:
            if event.get("event") == "cutover_completed":
                counts["switch-overs"] += 1
                source = self.pairs[int(event["job"][1:].split("-")[0])].sources[event["job"]]
                counts["ways back"] += source
            elif event.get("event") in ("job_halted", "migration_failed"):
                counts[f"{event['event']}: {event.get('reason')}"] += 1
        counts["acknowledged writes"] = sum(bool(w.acked) for ledger in ledgers for w in ledger.writes)
        for name, n in self.gremlin.counts.items():
            counts[f"gremlin: {name}"] = n
        for name, n in self.driver.given_up.items():
            counts[f"aborted for standing still: {name}"] = n

    def report(self, found, counts):
        lines = [f"{n:8} {name}" for name, n in sorted(counts.items(), key=lambda c: (":" in c[0], c[0]))]
        for number, violation in enumerate(found):
            lines.append(f"VIOLATION of {violation.part}, pair {violation.pair}, {violation.text}")
            if number < REPORTED:
                lines += self.cases[violation.pair].around(violation.at, self.events)
        return "\n".join(lines + [f"{len(found)} violations"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--acts", type=lambda names: names.split(","), help="of the gremlin: these only")
    parser.add_argument("--verbose", action="store_true", help="print each act as it is done")
    args = parser.parse_args()
    print(f"seed {args.seed}, {args.minutes:g} minutes, {args.pairs} pairs, from {stamp(time.time())}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lab = Lab()
    try:
        fleet = Fleet(lab, args.seed, args.pairs, args.acts, args.verbose)
        found, counts = fleet.run(args.minutes * 60)
        print(fleet.report(found, counts))
        return 1 if found else 0
    finally:
        lab.close()


if __name__ == "__main__":
    sys.exit(main())
