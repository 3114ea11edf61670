# SPDX-License-Identifier: Apache-2.0
"""The checks without a run, as tests see them: what they find, and whether what they print to paste cures it."""
import json
import os
import subprocess

import pytest
from harness import node_spec, wait_for
from redis_node import RedisNode
from waiting import FACTOR

SERVERS = os.environ.get("ECMIGRATE_SERVERS")
VERSIONS = ("redis60", "redis70", "redict73", "redis80", "valkey80", "valkey81", "valkey91")
FAST = {"attempts": 2, "timeout": "10s", "backoff_initial": "20ms", "backoff_max": "40ms"}


class PlainNode(RedisNode):
    """A server as its product is set by itself, but for what keeps tests apart."""

    def options(self):
        return {name: value for name, value in super().options().items()
                if name in ("port", "bind", "dir", "logfile", "requirepass")}


def plain_node(lab, *args, version=None, before=(), **options):
    """A node of one of VERSIONS, or of whatever $REDIS_SERVER is; skips the test where that server is not here."""
    node = PlainNode(*args, **options)
    node.before = before
    if version:
        node.program = os.path.join(SERVERS or "", f"{version}-server")
        if not os.path.exists(node.program):
            pytest.skip(f"ECMIGRATE_SERVERS is {SERVERS or 'not set'}: no {version}-server there")
    lab.things.append(node)
    node.start()
    return node


class Stage:
    """A source, a target, and a job that is checked and never started."""

    def __init__(self, daemon, source, target, job="stage", **sections):
        self.daemon, self.source, self.target, self.job = daemon, source, target, job
        self.write(**sections)

    def write(self, of_source=None, of_target=None, **sections):
        """The job file, anew; of_source, of_target: more of what it says of that node."""
        taken_up = self.taken_up()
        spec = {"source": node_spec(self.source, **(of_source or {})),
                "target": node_spec(self.target, **(of_target or {})),
                "start": "manual", "attach": FAST, **sections}
        self.daemon.write_file(f"{self.job}.yaml", json.dumps(spec))
        wait_for(lambda: self.taken_up() > taken_up, 10, f"{self.job}.yaml to be taken up")

    def taken_up(self):
        return sum(e["name"] in ("job_accepted", "job_changed") for e in self.daemon.events(self.job))

    def report(self):
        self.daemon.verb(self.job, "check")
        return wait_for(lambda: (c := self.daemon.job(self.job)["checks"]) and not c["running"] and c, 20,
                        f"the checks of {self.job}")

    def results(self):
        """By id, whatever is not fine, errors and what is below them."""
        return {r["id"]: r for r in self.report()["results"] if r["severity"] != "ok"}

    def result(self, code):
        """What one check says, fine or not."""
        return next(r for r in self.report()["results"] if r["id"] == code)

    def finds(self, code, severity, *words, source=None, target=None, lines=None):
        """The check says so, of these values (parts of what is shown), in these words, with so many lines to paste."""
        report = self.report()
        found = next(r for r in report["results"] if r["id"] == code)
        assert found["severity"] == severity, found
        assert report["passed"] == (not [r for r in report["results"] if not r["passed"]])
        assert found["passed"] == (severity != "error"), found
        assert found["message"] and (found["why"] is None) == (severity == "notice"), found
        for word in words:
            assert str(word) in found["message"], found
        for side, value in (("source", source), ("target", target)):
            assert value is None or str(value) in (found[side] or ""), found
        assert lines is None or len(found["remedy"]) == lines, found
        return found

    def is_fine(self, code):
        found = self.result(code)
        assert found["severity"] == "ok" and found["message"] is None and found["remedy"] is None, found

    def cures(self, code):
        """Each line that the check prints, pasted into a shell; then it has nothing to say."""
        lines = self.result(code)["remedy"]
        assert lines, f"{code} prints nothing to paste"
        for line in lines:
            paste(line)
        wait_for(lambda: self.result(code)["severity"] == "ok", 10, lambda: f"{lines} to cure it: {self.result(code)}")


def paste(line, env=None):
    done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=20 * FACTOR, check=False,
                          env={**os.environ, **(env or {})})
    answer = done.stdout.strip()
    assert done.returncode == 0 and not done.stderr.strip(), (line, answer, done.stderr)
    assert answer and not answer.startswith(("ERR", "NOAUTH", "NOPERM", "(error)")), (line, answer)
    return answer
