# SPDX-License-Identifier: Apache-2.0
"""One case at the real daemon: what its checks say, what a run does, and all that is wrong with either."""
import time

from compare import contents, differences, tell, without
from dataset import fill
from harness import ENDED, REVERSE_LINK, Lab, config_changes, describe, full_syncs, node_spec
from node import Node
from redis_node import RedisError
from waiting import FACTOR, wait_for

WRITERS = 2
WRITTEN = "w:"         # how the writers' keys begin
MORE_WRITES = 300      # acknowledged before and after the switch-over
REFUSED_WITHIN_S = 1
REFUSAL_AWAITED_S = 3
COPIES_AT_MOST = 2     # for a job that fails


class Trial:
    """After run(): verdict and outcome in words, problems: what should not be so."""

    def __init__(self, case, programs):
        self.case, self.programs = case, programs
        self.verdict, self.outcome, self.problems, self.logs = "none", "none", [], []
        self.false_alarm = self.missed = False    # the checks say no, or yes, and are wrong
        self.seconds = 0.0

    def expect(self, true, problem):
        if not true:
            self.problems.append(problem)

    def expect_same(self, what, found):
        self.expect(not found, f"{what}: {tell(found)}")

    def run(self):
        begun = time.monotonic()
        lab = Lab()
        try:
            self.attempt(self.go_through, lab)
            if self.problems:
                self.attempt(self.count_copies)
                self.logs = lab.logs()
        finally:
            self.attempt(lab.close)
        self.seconds = time.monotonic() - begun

    def attempt(self, step, *args):
        """What a step cannot go on from is a problem as well."""
        try:
            step(*args)
        except (AssertionError, OSError, RuntimeError, RedisError) as e:
            self.problems.append(str(e) or repr(e))

    def go_through(self, lab):
        self.prepare(lab)
        self.check()
        if self.case.refusal:
            self.is_refused()
        else:
            self.is_migrated(lab)

    def node(self, lab, server, name):
        node = Node(server, self.programs[server], name)
        lab.things.append(node)
        node.start()
        return node

    def prepare(self, lab):
        self.source = self.node(lab, self.case.source, "source")
        self.target = self.node(lab, self.case.target, "target")
        fill(self.source, "data", self.case.extra)
        if self.case.full:
            fill(self.target, "own")
        self.configs = self.source.config(), self.target.config()
        self.own, self.replid = contents(self.target), self.target.replication()["master_replid"]
        self.daemon = lab.daemon()
        self.spec = node_spec(self.target, allow_flush=True) if self.case.full else node_spec(self.target)

    # --- the checks ---

    def check(self):
        """The checks alone, of a job that does not start."""
        self.daemon.write_job("check", self.source, self.spec, start="manual")
        self.daemon.wait_job("check")
        self.daemon.verb("check", "check")
        checks = wait_for(lambda: (c := self.daemon.job("check")["checks"]) and not c["running"] and c, 10,
                          "the checks")
        failed = [r["id"] for r in checks["results"] if not r["passed"]]
        self.verdict = ", ".join(failed) or "passed"
        refusal = self.case.refusal
        self.missed = checks["passed"]  # until it is migrated
        self.false_alarm = not checks["passed"] and not refusal
        # A command that is in use, and unknown at the target, goes with the data that it made.
        others = [f for f in failed if not (self.case.extra and f == "commands-missing")]
        if others != ([refusal] if refusal else []):
            self.problems.append(f"checks: {self.verdict} instead of {refusal or 'passed'}")
        for result in checks["results"]:
            if result["id"] == refusal:
                self.expect(result.get("severity") == "error", f"the severity of {refusal} is no error")
        self.daemon.remove_job("check")
        wait_for(lambda: self.daemon.job("check") is None, 10, "the job of the checks to be gone")

    # --- a pair that cannot work ---

    def is_refused(self):
        """A run fails at once, and nothing has been touched."""
        self.fails_at_once()
        self.expect(full_syncs(self.source) == 0, "the source has copied")
        after = self.target.replication()
        self.expect((after["role"], after["master_replid"]) == ("master", self.replid), "the target was a replica")
        self.expect_same("the target's keys are not kept", differences(self.own, contents(self.target)))
        self.compare_configs()

    def fails_at_once(self):
        self.daemon.write_job("run", self.source, self.spec)
        self.daemon.wait_job("run")
        known = time.monotonic()
        try:
            job = wait_for(lambda: (j := self.daemon.job("run"))["phase"] in ENDED and j, REFUSAL_AWAITED_S, "the end")
        except AssertionError:
            self.outcome = "not refused"
            self.problems.append(f"the run goes on: {describe(self.daemon.job('run'))}")
            return
        took = time.monotonic() - known
        self.outcome = f"{job['phase']} in {took * 1000:.0f} ms"
        self.expect((job["phase"], job["reason"]["code"]) == ("failed", self.case.refusal),
                    f"the run ended in {describe(job)}")
        self.expect(took <= REFUSED_WITHIN_S * FACTOR, f"it took {took:.2f} s to fail")

    # --- a pair that works ---

    def is_migrated(self, lab):
        """Whole, under writers; then everything is still there, on both."""
        writers = lab.writers(self.source, self.target, n=WRITERS)
        self.daemon.write_job("run", self.source, self.spec)
        self.daemon.wait_job("run")
        self.daemon.wait_phase("run", "replicating")
        fill(self.source, "live")
        self.settle(self.source, self.target)
        held = contents(self.source, WRITTEN)
        self.expect_same("in sync, but not equal", differences(held, contents(self.target, WRITTEN)))

        writers.wait_acks(MORE_WRITES)
        job = self.daemon.complete("run")
        self.missed = False
        writers.wait_acks(MORE_WRITES)
        wait_for(self.source.link_up, 10, "the reverse link")
        report = writers.stop()
        lost = writers.lost(self.target)
        self.outcome = (f"gap {job['cutover']['write_gap_ms']:.2f} ms, {report['count']:,} writes, "
                        f"{len(lost)} lost")
        self.expect(not lost, f"acknowledged writes are lost: {tell(lost)}")
        self.expect([s["to"] for s in report["switches"]] == [self.target.port], "the writers moved to and fro")

        self.settle(self.target, self.source)
        kept = contents(self.target)
        self.expect_same("changed by the switch-over", differences(held, without(kept, WRITTEN)))
        self.expect_same("the old source is not equal", differences(kept, contents(self.source)))
        syncs = full_syncs(self.source), full_syncs(self.target)
        self.expect(syncs == (1, 0), f"full synchronisations of source and target: {syncs}")
        self.compare_configs(REVERSE_LINK)

    @staticmethod
    def settle(primary, replica):
        """What was written before is on the replica, too."""
        mark = f"{primary.name} {time.monotonic()}"
        primary.cmd("SET", f"{WRITTEN}mark", mark)
        wait_for(lambda: replica.cmd("GET", f"{WRITTEN}mark") == mark, 20, f"the {replica.name} to follow")

    # --- both ---

    def count_copies(self):
        """Whatever goes wrong, the source is not made to copy again and again."""
        copies = full_syncs(self.source)
        self.expect(copies <= COPIES_AT_MOST, f"the source has copied {copies} times")

    def compare_configs(self, ignore=()):
        changes = (config_changes(self.configs[0], self.source.config(), ignore),
                   config_changes(self.configs[1], self.target.config()))
        for name, changed in zip(("source", "target"), changes):
            self.expect(not changed, f"settings of the {name} are changed: {changed}")
