# SPDX-License-Identifier: Apache-2.0
"""
ecmigratectl without a daemon, with one that makes no sense, and with words that make none; and the commands that
need no daemon.
"""
import json
import os
import re
import socket
import subprocess

import pytest
import yaml

from ctl_runner import BINARY, DONE, FAILED, NO_DAEMON, TIMEOUT, USAGE, ctl, fake, orders  # noqa: F401
from fake_daemon import job
from waiting import wait_for


# --- no daemon, or not the right one ---


def test_no_daemon(ctl):
    for command in (["list"], ["status", "x"], ["watch"], ["watch", "x"], ["events"], ["complete", "x", "--wait"],
                    ["start", "x"], ["wait", "x", "--for", "state=available"]):
        result = ctl(*command)
        assert result.returncode == NO_DAEMON, command
        assert result.err == (f"error: no daemon on the control socket '{ctl.socket}': No such file or directory\n"
                              "hint: is the daemon running? systemctl status ecmigrated\n")


def test_a_socket_that_nobody_listens_on(ctl):
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(ctl.socket)
    result = ctl("list")
    assert result.returncode == NO_DAEMON and "Connection refused" in result.err


@pytest.mark.skipif(os.geteuid() != 0, reason="root may use any socket; only root can become somebody else")
def test_permission_denied_names_the_group(ctl, fake):
    os.chmod(ctl.directory, 0o755)
    os.chmod(ctl.socket, 0o660)
    os.chown(ctl.socket, 0, 4)  # adm, on every Debian
    result = subprocess.run([BINARY, "list"], env=ctl.env, capture_output=True, text=True, timeout=TIMEOUT,
                            user=65534, group=65534, extra_groups=[])
    assert result.returncode == NO_DAEMON
    assert f"no permission to use the control socket '{ctl.socket}'" in result.stderr
    assert "group 'adm'" in result.stderr


@pytest.mark.parametrize("answer", [
    b"+PONG\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"])
def test_something_else_answers(ctl, fake, answer):
    fake.raw["/v1/jobs"] = answer
    result = ctl("list")
    assert result.returncode == FAILED
    assert ctl.socket in result.err


def test_an_answer_that_breaks_off(ctl, fake):
    fake.raw["/v1/jobs"] = b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"jobs":['
    result = ctl("list")
    assert result.returncode == NO_DAEMON and "lost" in result.err


def test_members_that_are_missing_or_odd_do_no_harm(ctl, fake):
    fake.jobs["x"] = {"id": "x", "phase": 7, "reason": "text", "progress": [], "lag": {"bytes": "many"},
                      "source": "here", "since": "yesterday", "attempt": {"number": None}}
    for args in (["list", "-o", "wide"], ["status", "x"], ["complete", "x"], ["events", "x"]):
        assert ctl(*args).returncode == DONE, args
    terminal = ctl.terminal("watch", "x")
    wait_for(lambda: "JOB" in terminal.output(), 10, "a frame")


def test_proxy_settings_do_not_matter(ctl, orders):
    assert ctl.ok("list", "-o", "name", http_proxy="http://127.0.0.1:1", ALL_PROXY="http://127.0.0.1:1") == "orders\n"


def test_job_names_are_quoted_for_the_url(ctl, fake):
    for name in ("..", "a/b", "x?y=1", "%2e", "a b", "ü"):
        fake.put(job(name))
        assert ctl.ok("status", name, "-o", "name") == name + "\n"


def test_output_that_cannot_be_written(ctl, orders):
    with open("/dev/full", "wb") as full:
        result = subprocess.run([BINARY, "list"], env=ctl.env, stdout=full, stderr=subprocess.PIPE, text=True,
                                timeout=TIMEOUT)
    assert result.returncode == FAILED and "No space left" in result.stderr


# --- usage ---


@pytest.mark.parametrize("args,word", [
    ([], "no command"), (["lst"], "did you mean 'list'?"), (["frobnicate"], "unknown command"),
    (["reverse", "x"], "unknown command"), (["check"], "needs JOB"), (["completion", "tcsh"], "bash, zsh and fish"),
    (["doctor", "-o", "name"], "no output format"), (["check", "x", "--timeout", "soon"], "--timeout"),
    (["status"], "needs JOB"), (["status", "a", "b"], "unexpected 'b'"), (["status", ""], "empty"),
    (["list", "--sokcet", "x"], "did you mean '--socket'?"), (["list", "-x"], "unknown option '-x'"),
    (["list", "--force"], "list has no option --force"), (["list", "-o", "jsn"], "did you mean '-o json'?"),
    (["list", "-o"], "needs a value"), (["complete", "x", "--force=1"], "takes no value"),
    (["watch", "-o", "name"], "no output format"), (["events", "--limit", "0"], "--limit"),
    (["events", "--after", "-1"], "--after"), (["wait", "x"], "--for"),
    (["wait", "x", "--for", "state=available", "--timeout", "soon"], "--timeout"),
    (["complete", "x", "--timeout", "3s"], "--wait"), (["complete", "x", "--wait", "--dry-run"], "--dry-run"),
    (["list", "--socket", "/" + "x" * 200], "socket")])
def test_wrong_usage(ctl, args, word):
    result = ctl(*args)
    assert result.returncode == USAGE and result.out == ""
    assert result.err.startswith("error: ") and word in result.err


def test_help(ctl):
    out = ctl.ok("--help")
    for command in ("list", "status JOB", "watch [JOB]", "events [JOB]", "start JOB", "complete JOB", "abort JOB",
                    "retry JOB", "wait JOB", "check JOB", "doctor", "validate FILE...", "explain [CODE]", "fsm",
                    "schema", "completion SHELL"):
        assert f"\n  {command} " in out
        assert ctl.ok(command.split()[0], "--help").startswith(f"ecmigratectl {command}")
    assert max(map(len, out.splitlines())) <= 100
    assert "--dry-run" in ctl.ok("complete", "-h")
    assert re.fullmatch(r"ecmigratectl \d+\.\d+\.\d+\n", ctl.ok("--version"))


def test_options_may_stand_anywhere(ctl, orders):
    for args in (["-o", "name", "list"], ["list", "-oname"], ["--output=name", "list"], ["list", "--output", "name"],
                 ["-o", "json", "list", "-o", "name"], ["-o", "name", "--", "list"]):
        assert ctl.ok(*args) == "orders\n"


# --- without a daemon ---


def test_validate(ctl, tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text('source: {endpoint: "10.0.0.241:6379"}\ntarget: {endpoint: "10.0.1.7:6379"}\n')
    bad.write_text('source: {endpoint: "10.0.0.241:70000"}\ntarget: {endpoit: "10.0.1.7:6379"}\n')
    assert ctl.ok("validate", str(good)) == f"{good}: ok\n"
    result = ctl("validate", str(good), str(bad), str(tmp_path / "none.yaml"))
    assert result.returncode == FAILED
    assert f"{bad}:1:20: error[bad-endpoint]: port 70000 is outside 1..65535\n" in result.err
    assert "did you mean 'endpoint'?" in result.err and "^~~~" in result.err
    assert "none.yaml" in result.err and result.out == f"{good}: ok\n"


def test_explain(ctl):
    out = ctl.ok("explain", "source-unreachable")
    assert "source-unreachable" in out and "cannot reach the source" in out and "What to do:" in out
    assert json.loads(ctl.ok("explain", "loop", "-o", "json"))["code"] == "loop"
    codes = ctl.ok("explain", "-o", "name").split()
    assert len(codes) == len(set(codes)) > 30
    assert [line.split()[0] for line in ctl.ok("explain").splitlines()] == ["CODE", *codes]
    assert [r["code"] for r in yaml.safe_load(ctl.ok("explain", "-o", "yaml"))["reasons"]] == codes
    for code in codes:
        assert ctl.ok("explain", code, "-o", "name") == code + "\n"


def test_explain_unknown(ctl):
    result = ctl("explain", "source-unreachabel")
    assert result.returncode == FAILED and "did you mean 'source-unreachable'?" in result.err


def test_fsm(ctl):
    phases = ctl.ok("fsm", "-o", "name").split()
    table = ctl.ok("fsm")
    dot = ctl.ok("fsm", "--dot")
    document = json.loads(ctl.ok("fsm", "-o", "json"))
    assert [p["name"] for p in document["phases"]] == phases
    assert document == yaml.safe_load(ctl.ok("fsm", "-o", "yaml"))
    for way in document["transitions"]:
        assert f'    {way["from"]} -> {way["to"]} [label="{way["event"]}: ' in dot
        assert re.search(rf'^{way["from"]} +{way["event"]} +{way["to"]} ', table, re.M)
    assert dot.startswith("digraph ") and dot.count("{") == dot.count("}")
    assert ctl("fsm", "--dot", "-o", "json").returncode == USAGE
