# SPDX-License-Identifier: Apache-2.0
"""ecmigratectl as a test runs it, with a daemon that says what the test wants."""
import os
import shutil
import subprocess
import tempfile

import pytest

from fake_daemon import FakeDaemon, job
from terminal import Terminal
from waiting import FACTOR

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.abspath(os.environ.get("ECMIGRATECTL", os.path.join(ROOT, "build/ecmigratectl")))
TIMEOUT = 20 * FACTOR
DONE, FAILED, USAGE, NO_DAEMON, NO_JOB, TIMED_OUT = range(6)


class Ctl:
    def __init__(self, directory):
        self.directory = directory
        self.socket = os.path.join(directory, "control.sock")
        self.env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "xterm",
                    "ECMIGRATE_SOCKET": self.socket}
        self.env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
        self.started = []

    def __call__(self, *args, **env):
        result = subprocess.run([BINARY, *args], env={**self.env, **env}, capture_output=True,
                                stdin=subprocess.DEVNULL, timeout=TIMEOUT)
        result.out = result.stdout.decode()
        result.err = result.stderr.decode()
        return result

    def ok(self, *args, **env):
        result = self(*args, **env)
        assert result.returncode == DONE, result.err
        return result.out

    def start(self, *args):
        """In the background; what it writes grows in .out and .err."""
        process = Background([BINARY, *args], self.env, self.directory)
        self.started.append(process)
        return process

    def terminal(self, *args, columns=80, rows=24, **env):
        terminal = Terminal([BINARY, *args], {**self.env, **env}, columns, rows)
        self.started.append(terminal)
        return terminal

    def close(self):
        for process in self.started:
            process.close()


class Background:
    def __init__(self, argv, env, directory):
        names = [tempfile.mkstemp(dir=directory)[1] for _ in range(2)]
        self.paths = names
        self.process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=open(names[0], "wb"),
                                        stderr=open(names[1], "wb"))

    def _read(self, i):
        with open(self.paths[i], encoding="utf-8", errors="replace") as f:
            return f.read()

    @property
    def out(self):
        return self._read(0)

    @property
    def err(self):
        return self._read(1)

    def wait(self):
        return self.process.wait(TIMEOUT)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def ctl():
    directory = tempfile.mkdtemp(prefix="ecmctl")
    ctl = Ctl(directory)
    yield ctl
    ctl.close()
    shutil.rmtree(directory)


@pytest.fixture
def fake(ctl):
    fake = FakeDaemon(ctl.socket)
    yield fake
    fake.stop()


@pytest.fixture
def orders(fake):
    fake.put(job("orders"))
    return fake
