# SPDX-License-Identifier: Apache-2.0
"""A redis-server process of the test's own, and a client for it that is small enough to be trusted."""
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from waiting import wait_for

REDIS_SERVER = os.environ.get("REDIS_SERVER", "redis-server")


class RedisError(Exception):
    """An error reply."""


class Redis:
    """One blocking connection, RESP2. tls: an ssl.SSLContext."""

    def __init__(self, port, host="127.0.0.1", password=None, username=None, timeout=5.0, tls=None):
        self.sock = socket.create_connection((host, port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=host)
        self.file = self.sock.makefile("rb")
        if password is not None:
            self.cmd("AUTH", *([username] if username else []), password)

    def close(self):
        self.file.close()
        self.sock.close()

    def cmd(self, *args):
        reply = self.pipeline([args])[0]
        if isinstance(reply, RedisError):
            raise reply
        return reply

    def pipeline(self, commands):
        """All replies in order; an error reply is a RedisError in the list."""
        self.sock.sendall(b"".join(encode(c) for c in commands))
        return [self._reply() for _ in commands]

    def _reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("connection closed by the server")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if int(rest) < 0:
                return None
            body = self.file.read(int(rest) + 2)
            return body[:-2].decode(errors="surrogateescape")
        if kind == b"*":
            return None if int(rest) < 0 else [self._reply() for _ in range(int(rest))]
        raise ValueError(f"not RESP: {line!r}")


def encode(args):
    parts = [a if isinstance(a, bytes) else str(a).encode() for a in args]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@functools.lru_cache
def major_version(program):
    """Of the program: "Redis server v=7.0.15 sha=…"."""
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r" v=(\d+)", text)[1])


class RedisNode:
    """redis-server on a free port of 127.0.0.1, in a directory of its own; start() runs it."""
    program = REDIS_SERVER
    before = ()  # a command that runs it: env, …

    def __init__(self, *args, name="redis", password=None, port=None):
        self.name = name
        self.args = args
        self.password = password
        self.port = port or free_port()
        self.dir = tempfile.mkdtemp(prefix=f"ecmigrate-{name}-")
        self.log = os.path.join(self.dir, "redis.log")
        self.process = None
        self.client = None

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.port}"

    def options(self):
        options = {
            "port": self.port, "bind": "127.0.0.1", "dir": self.dir, "logfile": self.log,
            "save": "", "appendonly": "no", "repl-diskless-sync-delay": "0",
        }
        if major_version(self.program) >= 7:
            options["enable-debug-command"] = "yes"
        if self.password:
            options["requirepass"] = self.password
        return options

    def start(self):
        argv = [*self.before, self.program]
        for key, value in self.options().items():
            argv += [f"--{key}", str(value)]
        # The server goes when we go, however that comes about; a Ctrl-C is for us alone.
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *argv, *self.args],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        wait_for(self.answers, 20, f"{self.name} to start on port {self.port}")

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.log_tail()}")
        try:
            return self.cmd("PING") == "PONG"
        except (OSError, RedisError):
            return False

    def connect(self, timeout=5.0):
        return Redis(self.port, password=self.password, timeout=timeout)

    def cmd(self, *args):
        """Runs a command on a connection that is kept, and made anew when it is lost."""
        if self.client is None:
            self.client = self.connect()
        try:
            return self.client.cmd(*args)
        except (OSError, ValueError):
            self.disconnect()
            raise

    def disconnect(self):
        if self.client is not None:
            self.client.close()
            self.client = None

    def info(self, section="everything"):
        lines = self.cmd("INFO", section).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))

    def config(self):
        """CONFIG GET *: what a migration must leave as it was."""
        flat = self.cmd("CONFIG", "GET", "*")
        return dict(zip(flat[::2], flat[1::2]))

    def set_config(self, name, value):
        assert self.cmd("CONFIG", "SET", name, value) == "OK"

    def role(self):
        return self.info("replication")["role"]

    def fill(self, keys, size=100, prefix="key"):
        self.cmd("DEBUG", "POPULATE", keys, prefix, size)

    def kill9(self):
        self.disconnect()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        if self.process:
            self.process.wait()

    def restart(self):
        self.kill9()
        self.start()

    def sigstop(self):
        self.disconnect()
        self.process.send_signal(signal.SIGSTOP)

    def sigcont(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.kill9()
        shutil.rmtree(self.dir, ignore_errors=True)

    def log_tail(self, lines=30):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                return "".join(log.readlines()[-lines:])
        except OSError:
            return "(no log)"
