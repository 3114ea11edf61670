# SPDX-License-Identifier: Apache-2.0
"""The console in a real browser: the labs of the scenarios in tests/browser, each run by node."""
import contextlib
import http.server
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading

import pytest
from harness import ECMIGRATED, ROOT, node_spec, wait_for
from redis_node import free_port
from waiting import FACTOR

BROWSER = os.path.join(ROOT, "tests/browser")
BUILD = os.path.dirname(ECMIGRATED)
MODULES = os.path.join(BUILD, "browser")
ARTEFACTS = os.path.join(BUILD, "artefacts/console")
MARKUP = "<b>bold</b><img src=x onerror=\"window.broken=1\"><script>window.broken=1</script> & more"
# Big values that are not compressed: the target reads whole blocks of 2 MiB, and answers between them.
SLOW = ("--rdbcompression", "no", "--rdb-key-save-delay", "400")


@pytest.fixture(scope="session")
def modules():
    """Where node finds playwright-core."""
    for program, package in (("chromium", "chromium"), ("node", "nodejs"), ("npm", "npm")):
        assert shutil.which(program), \
            f"the browser tests need {program}: install the package {package} (make deps does)"
    wanted = os.path.join(BROWSER, "package.json")
    have = os.path.join(MODULES, "package.json")
    if not os.path.isdir(os.path.join(MODULES, "node_modules/playwright-core")) or read(wanted) != read(have):
        os.makedirs(MODULES, exist_ok=True)
        shutil.copy(wanted, have)
        subprocess.run(["npm", "install", "--no-package-lock", "--no-fund", "--no-audit", "--ignore-scripts"],
                       cwd=MODULES, check=True, timeout=300)
    return MODULES


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


class Steps:
    """What a scenario asks the lab to do: POST /NAME with a JSON argument. All in one thread that lives as long
    as the lab: processes end with the thread that started them."""

    def __init__(self, functions):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802, the name is given
                argument = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    status, answer = 200, functions[self.path[1:]](*([] if argument is None else [argument]))
                except Exception as e:  # it is the scenario that fails, and shows this
                    status, answer = 500, repr(e)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def console(lab):
    """A daemon with the console, at .url."""
    port = free_port()
    daemon = lab.daemon("--listen", f"127.0.0.1:{port}")
    daemon.url = f"http://127.0.0.1:{port}"
    return daemon


@pytest.fixture
def play(lab, modules):
    """play(name, daemon, steps, NAME=value…) runs a scenario to its end."""
    def run(name, daemon, steps=None, **variables):
        lab.things.insert(0, Steps(steps or {}))
        env = {**os.environ, **variables, "CONSOLE_URL": daemon.url, "STEPS_URL": lab.things[0].url,
               "BROWSER_MODULES": modules, "ARTEFACTS": ARTEFACTS}
        result = subprocess.run(["node", "--test-reporter=spec", os.path.join(BROWSER, f"{name}.mjs")],
                                env=env, capture_output=True, text=True, check=False, timeout=170 * FACTOR)
        assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
        assert "pass" in result.stdout, result.stdout

    return run


def slow_pair(lab, keys):
    source, target = lab.pair(*SLOW, keys=0)
    source.fill(keys, size=1000)
    return source, target


def test_migration_from_an_endpoint(lab, console, play):
    source, target = slow_pair(lab, 20000)
    for name, about in (("catalogue", "product catalogue, read mostly"), ("search-index", "")):
        console.write_job(name, None, lab.node(name=name), description=about)
    console.write_job("payments", "127.0.0.1:1", lab.node(name="payments"), attach={"attempts": 1},
                      description="payment tokens")
    console.write_job("sessions", None, target, description="web sessions", attach={"timeout": "20s"})
    console.wait_job("sessions")

    def expect_moved():
        return source.cmd("DBSIZE") == target.cmd("DBSIZE") == 20000 and target.role() == "master"

    play("migrate", console, {"expect_moved": expect_moved}, SOURCE=source.endpoint)
    assert console.event("sessions", "run_started")["data"]["source"] == source.endpoint


def test_failures_and_markup(lab, console, play):
    target = lab.node(name="target")
    console.write_job("payments", None, target, description=MARKUP, attach={"attempts": 2})
    console.wait_job("payments")
    play("failing", console, {"target_role": target.role}, DEAD=f"127.0.0.1:{free_port()}", DESCRIPTION=MARKUP)


def test_findings_of_the_checks(lab, console, play):
    source, target = lab.pair(keys=1)
    allowed = ("+info", "+config|get", "+config|set", "+client", "+ping", "+command|info", "+pfcount", "~ecmigrate:none")
    source.cmd("ACL", "SETUSER", "ecmigrate", "on", ">pw", *allowed)
    target.cmd("CONFIG", "SET", "min-replicas-to-write", "3")
    console.write_job("orders", node_spec(source, username="ecmigrate", password="pw",
                                          replication_user={"username": "default", "password": "any"}),
                      target, start="manual", checks={"waive": ["min-replicas"]})
    console.wait_job("orders")
    play("checks", console, {
        "paste": lambda line: subprocess.run(["sh", "-c", line], check=True, timeout=20, capture_output=True) and None,
        "forbid": lambda: source.cmd("ACL", "SETUSER", "ecmigrate", "-replicaof"),
        "start": lambda: console.verb("orders", "start") and None,
    }, SOURCE=source.endpoint, LINE=f"redis-cli -h 127.0.0.1 -p {source.port} ACL SETUSER ecmigrate '+replicaof'")


def test_stop_and_retry(lab, console, play):
    source, target = slow_pair(lab, 12000)
    console.write_job("orders", source, target, start="manual", attach={"timeout": "20s"},
                      sync={"stall_timeout": "60s"})
    console.wait_job("orders")
    play("abort", console, {"target_role": target.role, "flush_target": lambda: target.cmd("FLUSHALL")})


def test_a_decision_is_needed(lab, console, play):
    console.write_job("orders", *lab.pair(keys=1), start="manual")
    console.wait_job("orders")
    console.stop()
    with contextlib.closing(sqlite3.connect(os.path.join(console.state_dir, "state.db"))) as db, db:
        db.execute("UPDATE job SET phase = 'halted', reason = 'undecided', message = 'the source is gone', number = 1, "
                   "attached = 1, synced = 1")
    console.start()
    play("halted", console)


def test_tokens(lab, play):
    port = free_port()
    daemon = lab.daemon("--listen", f"127.0.0.1:{port}", start=False)
    daemon.url = f"http://127.0.0.1:{port}"
    tokens = []
    for name, actions in (("watcher", "read"), ("ops", "operate")):
        path = os.path.join(daemon.dir, f"token-{name}")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(f"the-token-of-{name}-1234567890\n")
        tokens.append({"name": name, "token_file": path, "actions": actions})
    daemon.configure(api={"tokens": tokens})
    daemon.start()
    daemon.write_job("orders", *lab.pair(), start="manual")
    daemon.wait_job("orders")

    def end_tokens():
        for token in tokens:
            with open(token["token_file"], "w", encoding="ascii") as file:
                file.write("another-token-of-" + token["name"])
        daemon.process.send_signal(signal.SIGHUP)

    play("login", daemon, {"end_tokens": end_tokens}, READ_TOKEN="the-token-of-watcher-1234567890",
         OPERATE_TOKEN="the-token-of-ops-1234567890")
    assert not any("the-token-of" in line for line in daemon.log_lines())


def test_strangers(lab, console, play):
    console.write_job("orders", *lab.pair(), start="manual")
    console.wait_job("orders")
    play("strangers", console, {"phase": lambda job: console.job(job)["phase"]})
    assert console.events("orders", "run_started") == []


def test_keyboard_and_screen_reader(lab, console, play):
    console.write_job("orders", *lab.pair(), start="manual")
    for i in range(10):
        console.write_job(f"spare-{i}", None, f"127.0.0.1:{1000 + i}")
    console.wait_job("orders")
    play("keyboard", console)


def test_lost_connection(lab, console, play):
    for name in ("orders", "spare"):
        console.write_job(name, *lab.pair(keys=1), start="manual")
        console.wait_job(name)

    def remove_job():
        console.remove_job("orders")
        wait_for(lambda: console.job("orders") is None, 10, "the job to be forgotten")

    def streams():
        wait_for(lambda: "\necmigrate_api_streams 0\n" in console.http("GET", "/metrics")[1], 30, "the streams to end")
        return 0

    play("lost", console, {
        "streams": streams,
        "stop_daemon": console.stop, "start_daemon": console.start, "remove_job": remove_job,
        "freeze_daemon": lambda: console.process.send_signal(signal.SIGSTOP),
        "thaw_daemon": lambda: console.process.send_signal(signal.SIGCONT),
    })
