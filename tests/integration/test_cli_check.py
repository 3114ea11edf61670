# SPDX-License-Identifier: Apache-2.0
"""What ecmigratectl makes of the checks of a job: for people, as a report, in the status; and that its lines work."""
import json
import os
import re
import subprocess

import pytest
import yaml

from ctl_runner import DONE, FAILED, NO_JOB, TIMED_OUT, TIMEOUT, USAGE, ctl, fake, orders  # noqa: F401
from fake_daemon import checks, result
from harness import node_spec
from waiting import wait_for

NASTY = "\x1b[31mred\x9b2J\r\nnext \u202e reversed"
LINE = "redis-cli -h 10.0.0.241 -p 6379 ACL SETUSER ecmigrate '+replicaof' '+config|get' '+config|set' '+client|pause'"
OTHER = "redis-cli -h 10.0.1.7 -p 6379 CONFIG SET maxmemory 2147483648"
MIXED = [
    result("source-unreachable", title="the source answers"),
    result("backlog-small", "notice", message="it is small", source="1.0 MiB", remedy=[OTHER]),
    result("persistence-off", "warning", message="nothing on disk"),
    result("source-rights", "error", message="user 'ecmigrate' may not", source="without +replicaof", target="all",
           why="Found late, this costs write pauses.", remedy=[LINE, OTHER]),
    result("maxmemory", "error", passed=True, waived=True, message="too little"),
    result("target-not-empty", "error", message="it holds 5 keys"),
    result("rdb-version", source="redis 7.0.15", target="valkey 8.0.1"),
]
RUNNING = {"at": None, "running": True, "source": "10.0.0.241:6379", "passed": None, "errors": 0, "warnings": 0,
           "notices": 0, "results": []}


def answering(fake, *results, name="orders"):
    """Each check of the job gives these."""
    def run(daemon, value, body):
        at = f"2026-11-22T20:18:00.{len(daemon.posts):03}Z"
        daemon.change(name, checks=checks(*results, at=at, source=body.get("source", "10.0.0.241:6379")))
        return daemon.jobs[name]

    fake.verbs["check"] = run


# --- for people ---


def test_check_waits_for_checks_newer_than_the_request(ctl, orders):
    orders.change("orders", checks=checks(result("target-not-empty", "error", message="of an earlier time")))

    def begin(fake, value, body):
        fake.jobs["orders"]["checks"] = RUNNING
        return fake.jobs["orders"]

    orders.verbs["check"] = begin
    waiting = ctl.start("check", "orders")
    wait_for(lambda: "waiting for the checks" in waiting.err, 10, "the first look")
    orders.change("orders", checks=checks(result("loop"), result("sentinel"), at="2026-11-22T20:17:00.000Z"))
    assert waiting.wait() == DONE
    assert orders.posts == [("/v1/jobs/orders/check", {})]
    assert waiting.out == ("Job:        orders, from 10.0.0.241:6379 to 10.0.1.7:6379\n"
                           "Checks:     passed: 2 passed\n\npassed      loop, sentinel\n")


def test_check_ends_when_nothing_comes_of_it(ctl, orders):
    orders.verbs["check"] = lambda fake, value, body: orders.jobs["orders"]
    orders.change("orders", checks=RUNNING)
    assert ctl("check", "orders", "--timeout", "100ms").returncode == TIMED_OUT
    waiting = ctl.start("check", "orders")
    wait_for(lambda: "waiting for the checks" in waiting.err, 10, "the first look")
    orders.change("orders", checks=None)
    assert waiting.wait() == FAILED and "the checks are gone" in waiting.err
    assert ctl("check", "nobody").returncode == NO_JOB


def test_what_is_the_matter_comes_first_and_says_what_to_do(ctl, orders):
    answering(orders, *MIXED)
    done = ctl("check", "orders", "--source", "10.0.0.9:6379")
    assert done.returncode == FAILED
    assert orders.posts == [("/v1/jobs/orders/check", {"source": "10.0.0.9:6379"})]
    blocks = done.out.split("\n\n")
    assert blocks[0] == ("Job:        orders, from 10.0.0.9:6379 to 10.0.1.7:6379\n"
                         "Checks:     not passed: 2 errors, 1 waived error, 1 warning, 1 notice, 2 passed")
    assert "as a user who may do that" in blocks[1] and done.out.count("as a user who may do that at the node") == 1
    assert blocks[2].splitlines() == [
        "ERROR       source-rights: user 'ecmigrate' may not",
        "  Source:   without +replicaof",
        "  Target:   all",
        "  Why:      Found late, this costs write pauses.",
        f"    {LINE}",
        f"    {OTHER}",
        "  Next:     Run the lines above at the source, as a user who may change users; then: ecmigratectl check "
        "orders.",
        "  Or:       put source-rights into checks: {waive: [...]} of the job file"]
    assert [block.split(":")[0] for block in blocks[3:]] == [
        "ERROR       target-not-empty", "waived      maxmemory", "warning     persistence-off",
        "notice      backlog-small", "passed      source-unreachable, rdb-version\n"]
    assert "Or:" not in "".join(blocks[3:]), "what cannot be waived, or need not"
    assert "JOB" not in done.out


def test_a_step_that_speaks_of_lines_stands_below_some(ctl, orders):
    answering(orders, result("source-rights", "error", remedy=[]), result("ping-period", "error", remedy=[LINE]))
    out = ctl("check", "orders").out
    assert "Run the lines above" not in out
    assert f"{LINE}\n  Next:     Run the line above at the source" in out


def test_a_way_around_is_said_once(ctl, orders):
    answering(orders, result("source-cluster-mode", "error"), result("unheard-of", "error"))
    out = ctl("check", "orders").out
    assert out.count("checks: {waive: [...]}") == 1 and "Or:" not in out
    assert "ERROR       unheard-of: message of unheard-of\n  Why:      why unheard-of matters\n" in out


def test_an_error_that_is_waived_stops_nothing(ctl, orders):
    answering(orders, result("maxmemory", "error", passed=True, waived=True, remedy=[OTHER]))
    done = ctl("check", "orders")
    assert done.returncode == DONE
    assert "\nChecks:     passed: 1 waived error\n\n" in done.out
    assert "waived      maxmemory: message of maxmemory\n" in done.out and f"    {OTHER}\n" in done.out


def test_wide_shows_all_with_what_was_seen(ctl, orders):
    answering(orders, *MIXED)
    out = ctl("check", "orders", "-o", "wide").out
    assert out.endswith("\n\npassed      source-unreachable: the source answers\n"
                        "passed      rdb-version: title of rdb-version\n"
                        "  Source:   redis 7.0.15\n  Target:   valkey 8.0.1\n")
    assert out.split("\n\n")[:-1] == ctl("check", "orders").out.split("\n\n")[:-1]


def test_documents(ctl, orders):
    answering(orders, *MIXED)
    assert json.loads(ctl("check", "orders", "-o", "json").out) == orders.jobs["orders"]["checks"]
    assert yaml.safe_load(ctl("check", "orders", "-o", "yaml").out) == orders.jobs["orders"]["checks"]
    assert ctl("check", "orders", "-o", "name").out == "failed\n"


# --- terminals ---


def test_lines_to_paste_are_never_broken(ctl, orders):
    answering(orders, *MIXED)
    assert len(LINE) > 100
    for args in (["check", "orders"], ["check", "orders", "-o", "wide"]):
        terminal = ctl.terminal(*args, columns=80)
        assert terminal.wait(TIMEOUT) == FAILED
        lines = terminal.screen().text().splitlines()
        assert [line for line in lines if len(line) > 80] == [f"    {LINE}"]
        assert any(line.endswith("as a user who may change users;") for line in lines), "the rest is wrapped"
        assert f"\r\n    {LINE}\r\n" in terminal.output(), "nothing else is on that line, not even a colour"


def test_severity_is_a_word_and_a_colour_at_most(ctl, orders):
    answering(orders, *MIXED)
    coloured, plain = (ctl.terminal("check", "orders", **env) for env in ({}, {"NO_COLOR": "1"}))
    for terminal in (coloured, plain):
        assert terminal.wait(TIMEOUT) == FAILED
    assert "\x1b[31m" in coloured.output() and "\x1b" not in plain.output() + ctl("check", "orders").out
    for terminal in (coloured, plain):
        for word in ("ERROR", "waived", "warning", "notice", "passed"):
            assert word in terminal.screen().text()


HOSTILE = [result(NASTY, "error", title=NASTY, message=NASTY, source=NASTY, target=NASTY, why=NASTY,
                  remedy=[f"redis-cli {NASTY}", 7, None]),
           result(f"{NASTY} fine", title=NASTY, source=NASTY)]


@pytest.mark.parametrize("form", ["table", "wide", "markdown"])
def test_control_characters_never_reach_the_output(ctl, orders, form):
    answering(orders, *HOSTILE)
    out = ctl("check", "orders", "-o", form).out
    for char in "\x1b\x9b\r\u202e":
        assert char not in out
    assert "redis-cli \\x1b[31mred\\u009b2J\\r\\nnext \\u202e reversed\n" in out
    status = ctl.ok("status", "orders", "-o", "wide")
    assert not any(char in status for char in "\x1b\x9b\r\u202e") and "redis-cli \\x1b[31mred" in status
    assert ctl("check", "orders", "-o", form, LC_ALL="C").out.isascii()


# --- a report ---


def cells(row):
    """What stands between the bars that are bars."""
    return [re.sub(r"\\(.)", r"\1", cell.strip()) for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def test_markdown(ctl, orders):
    answering(orders, *MIXED)
    done = ctl("check", "orders", "-o", "markdown")
    assert done.returncode == FAILED
    assert done.out.startswith(
        "# Checks of orders\n\n"
        "- **Verdict:** not passed: 2 errors, 1 waived error, 1 warning, 1 notice, 2 passed\n"
        "- **Source:** 10.0.0.241:6379\n- **Target:** 10.0.1.7:6379\n- **Time:** 2026-11-22T20:18:00.001Z\n\n"
        "| | Check | What was found | Source | Target |\n|---|---|---|---|---|\n"
        "| ERROR | source-rights | user 'ecmigrate' may not | without +replicaof | all |\n"
        "| ERROR | target-not-empty | it holds 5 keys | - | - |\n| waived | maxmemory |")
    assert ("\n## ERROR: source-rights\n\nuser 'ecmigrate' may not\n\n"
            "**Why:** Found late, this costs write pauses.\n\n"
            f"```sh\n{LINE}\n{OTHER}\n```\n\n"
            "**Next:** Run the lines above at the source, as a user who may change users; then: ecmigratectl check "
            "orders.\n\n"
            "**Or:** put source-rights into checks: {waive: \\[...\\]} of the job file\n") in done.out
    assert done.out.endswith("\n## Passed\n\n- source-unreachable: the source answers\n"
                             "- rdb-version: title of rdb-version\n")
    assert done.out.count("as a user who may do that at the node") == 1


def test_markdown_without_findings(ctl, orders):
    answering(orders, result("loop"))
    out = ctl.ok("check", "orders", "-o", "markdown")
    assert "**Verdict:** passed: 1 passed\n" in out and "|" not in out and out.endswith("## Passed\n\n- loop: title of loop\n")


def test_markdown_takes_nothing_for_markup(ctl, orders):
    odd = "a|b \\| <script>x</script> [c](d) *e* _f_ `g` ~~h~~ &lt; # $i$"
    answering(orders, result("scripts", "warning", message=odd, source=odd, target="|", why=odd,
                             remedy=["echo '```' | cat", "echo '````'"]), result("loop", title=odd))
    out = ctl.ok("check", "orders", "-o", "markdown")
    row = next(line for line in out.splitlines() if line.startswith("| warning"))
    assert cells(row) == ["warning", "scripts", odd, odd, "|"]
    for text in (row, next(line for line in out.splitlines() if line.startswith("- loop"))):
        for mark in "<>[]*_`~&$#":
            assert all(text[m.start() - 1] == "\\" for m in re.finditer(re.escape(mark), text)), mark
    assert "\n`````sh\necho '```' | cat\necho '````'\n`````\n" in out, "a fence that the lines cannot end"


def test_only_check_makes_reports(ctl, orders):
    for words in (["list"], ["status", "orders"], ["events"], ["complete", "orders"], ["doctor"], ["explain"],
                  ["watch"], ["fsm"], ["schema"], ["wait", "orders", "--for", "state=failed"]):
        done = ctl(*words, "-o", "markdown")
        assert done.returncode == USAGE and f"{words[0]} has no output format 'markdown'" in done.err, words
    assert "wide, json, yaml, name, markdown\n" in ctl.ok("check", "--help")
    assert "markdown" not in ctl.ok("list", "--help").split("Global options")[0]


# --- in the status ---


def status(ctl, label, *options):
    found = re.findall(rf"^{label} +(.*)$", ctl.ok("status", "orders", *options), re.M)
    return found[0] if found else None


def test_status_has_a_line_about_the_checks(ctl, orders):
    assert status(ctl, "Checks:") is None
    orders.change("orders", checks=RUNNING)
    assert status(ctl, "Checks:") == "running"
    orders.change("orders", checks=checks(result("loop")))
    assert status(ctl, "Checks:") == "passed"
    orders.change("orders", checks=checks(*(r for r in MIXED if r["passed"])))
    assert status(ctl, "Checks:") == ("passed: 1 waived error, 1 warning, 1 notice (ecmigratectl status orders -o "
                                      "wide)")
    assert LINE not in ctl.ok("status", "orders") and "Why: " in ctl.ok("status", "orders")
    wide = ctl.ok("status", "orders", "-o", "wide")
    assert re.search(r"^Checks: +passed: 1 waived error, 1 warning, 1 notice$", wide, re.M)
    assert "\nnotice      backlog-small: it is small\n  Source:   1.0 MiB\n" in wide and f"\n    {OTHER}\n" in wide
    assert "  Next:" not in wide, "these are for a job that has not begun"


def test_status_of_a_job_that_a_check_has_failed(ctl, orders):
    failed = dict(state="failed", phase="failed", next_step="Run the lines above; then: ecmigratectl retry orders.")
    orders.change("orders", **failed, checks=checks(*MIXED),
                  reason={"code": "acl-denied", "message": "user 'ecmigrate' may not"})
    out = ctl.ok("status", "orders")
    assert re.search(rf"Why: .*\nTo paste: .*\n    {re.escape(LINE)}\n    {re.escape(OTHER)}\nNext: +Run the lines above", out)
    terminal = ctl.terminal("status", "orders", columns=80)
    assert terminal.wait(TIMEOUT) == DONE and f"    {LINE}\r\n" in terminal.output()
    orders.change("orders", reason={"code": "target-not-empty", "message": "it holds 5 keys, still"})
    assert "To paste" not in ctl.ok("status", "orders"), "that one has no lines"
    orders.change("orders", reason={"code": "source-rights", "message": "in other words"})
    assert LINE in ctl.ok("status", "orders")
    orders.change("orders", reason={"code": "aborted", "message": "by hand"})
    assert LINE not in ctl.ok("status", "orders"), "no check has failed it"


# --- what a code means ---


def test_explain_knows_every_check(ctl):
    out = ctl.ok("explain", "source-rights")
    assert "Passes if:  the daemon may do at the source what it has to\n" in out
    assert "To waive:   checks: {waive: [source-rights]} in the job file\n" in out
    assert "Run the lines that ecmigratectl check JOB shows at the source" in out and "above" not in out
    assert "To waive:   not possible\n" in ctl.ok("explain", "target-not-empty")
    assert "To waive:   checks: {waive: [keys-differ]}" in ctl.ok("explain", "keys-differ")
    assert "To waive" not in ctl.ok("explain", "link-down")


# --- for real ---


def paste(out):
    """Into a shell, as they stand there; returns how many there were."""
    lines = re.findall(r"^    (redis-cli .*)$", out, re.M)
    for line in lines:
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=TIMEOUT, check=False,
                              env={"PATH": os.environ["PATH"]})
        assert (done.returncode, done.stdout) == (0, "OK\n"), (line, done.stdout, done.stderr)
    return len(lines)


def test_what_check_says_is_done_until_it_passes(lab):
    daemon, (source, target) = lab.daemon(), lab.pair(keys=10)
    users = {"username": "ecmigrate", "password": "pw", "replication_user": {"username": "ecrepl", "password": "pw"}}
    for node in (source, target):
        node.cmd("ACL", "SETUSER", "ecmigrate", "on", ">pw", "+info", "+ping")
        node.cmd("ACL", "SETUSER", "ecrepl", "on", ">pw", "+ping")
    text = {"source": node_spec(source, **users), "target": node_spec(target, **users), "start": "manual"}
    daemon.write_file("orders.yaml", json.dumps(text))
    daemon.wait_job("orders")
    done = daemon.ctl("check", "orders")
    assert done.returncode == FAILED and "4 errors" in done.stdout, done.stdout
    rounds = 0
    while paste(done.stdout) and rounds < 5:
        done = daemon.ctl("check", "orders")
        rounds += 1
    assert done.returncode == DONE and rounds < 5, done.stdout
    assert "rights" not in done.stdout.split("passed      ")[0], done.stdout
    daemon.verb("orders", "start")
    daemon.wait_phase("orders", "replicating")
    assert daemon.complete("orders")["state"] == "available" and target.cmd("DBSIZE") == 10


def test_a_job_that_a_check_has_failed_says_what_to_paste(lab):
    daemon, (source, target) = lab.daemon(), lab.pair(keys=10)
    source.cmd("ACL", "SETUSER", "ecrepl", "on", ">pw", "+ping")
    text = {"source": node_spec(source, replication_user={"username": "ecrepl", "password": "pw"}),
            "target": node_spec(target), "cutover": {"reverse": False}}
    daemon.write_file("orders.yaml", json.dumps(text))
    daemon.wait_phase("orders", "failed")
    out = daemon.ctl("status", "orders").stdout
    assert paste(out) == 1, out
    assert "\nChecks:     not passed: 1 error" in out
    assert daemon.ctl("retry", "orders").returncode == DONE
    daemon.wait_phase("orders", "replicating")
    assert daemon.ctl(*re.search(r"\(ecmigratectl (status orders -o wide)\)",
                                 daemon.ctl("status", "orders").stdout).group(1).split()).returncode == DONE


def test_an_error_is_waived_as_explain_says(lab):
    daemon, (source, target) = lab.daemon(), lab.pair(keys=10)
    target.cmd("CONFIG", "SET", "min-replicas-to-write", "3")
    text = {"source": node_spec(source), "target": node_spec(target), "start": "manual"}
    daemon.write_file("orders.yaml", json.dumps(text))
    daemon.wait_job("orders")
    done = daemon.ctl("check", "orders")
    assert done.returncode == FAILED and "ERROR       min-replicas" in done.stdout
    assert "waive" not in done.stdout, "at night nothing is suggested that may cost data"
    code = re.search(r"checks: \{waive: \[(\S+)\]\} in the job file", daemon.ctl("explain", "min-replicas").stdout).group(1)
    daemon.write_file("orders.yaml", json.dumps({**text, "checks": {"waive": [code]}}))

    def waived():
        again = daemon.ctl("check", "orders")
        return again.returncode == DONE and again

    assert "Checks:     passed: 1 waived error" in wait_for(waived, 10, "the new file").stdout
