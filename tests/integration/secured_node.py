# SPDX-License-Identifier: Apache-2.0
"""Nodes of several versions whose default user is off: an administrator, and users with the rights that are given."""
import os
import re
import subprocess

import pytest
from redis_node import REDIS_SERVER, Redis, RedisNode, free_port

ADMIN, ADMIN_PASSWORD = "root", "root-pw"
NAMES = ("redis60", "redis70", "redis80", "valkey80", "valkey91")
DIRECTORY = os.environ.get("ECMIGRATE_SERVERS", "")


def servers(*names, default=True):
    """Parameters for tests: the servers NAME-server in $ECMIGRATE_SERVERS, and the one that is always there."""
    params = [pytest.param(REDIS_SERVER, id="default")] if default else []
    for name in names or NAMES:
        path = os.path.join(DIRECTORY, f"{name}-server")
        there = DIRECTORY and os.access(path, os.X_OK)
        params.append(pytest.param(path, id=name, marks=() if there else pytest.mark.skip(
            reason=f"no {name}-server in the directory that $ECMIGRATE_SERVERS names")))
    return pytest.mark.parametrize("server", params)


def version_of(server):
    """("Valkey", 9, 1)"""
    text = subprocess.run([server, "--version"], capture_output=True, text=True, check=True).stdout
    product, major, minor = re.match(r"(\w+) server v=(\d+)\.(\d+)", text).groups()
    return product, int(major), int(minor)


class SecuredNode(RedisNode):
    """secure() turns the default user off; from then on it is the administrator who asks."""
    client_tls = None  # an ssl.SSLContext: how the test's own connections get there

    def __init__(self, server, *args, **options):
        super().__init__(*args, port=low_port(), **options)
        self.program = server
        self.product, *version = version_of(server)
        self.version = tuple(version)
        self.secured = False

    @property
    def pauses(self):
        """Writes can be paused (CLIENT PAUSE WRITE)."""
        return self.product != "Redis" or self.version >= (6, 2)

    @property
    def tells_of_pauses(self):
        """INFO says whether clients are paused."""
        return "paused_reason" in self.info("clients")

    def secure(self):
        everything = ("+@all", "~*") + (("&*",) if self.pauses else ())
        self.cmd("ACL", "SETUSER", ADMIN, "on", f">{ADMIN_PASSWORD}", *everything)
        self.cmd("ACL", "SETUSER", "default", "off")
        self.disconnect()
        self.secured = True

    def connect(self, timeout=5.0):
        if not self.secured:
            return super().connect(timeout)
        return Redis(self.port, username=ADMIN, password=ADMIN_PASSWORD, timeout=timeout, tls=self.client_tls)

    def user(self, name, rights):
        """With these rights and nothing else."""
        self.cmd("ACL", "SETUSER", name, "reset", "on", f">{password_of(name)}", *rights)

    def takes_writes(self, timeout=0.7):
        """False: its clients are paused."""
        client = self.connect(timeout)
        try:
            return client.cmd("SET", "written", "1") == "OK"
        except TimeoutError:
            return False
        finally:
            client.close()

    def paste(self, line):
        """A line into a shell of an administrator."""
        shell = 'redis-cli() { command redis-cli ${ADMIN:+--user "$ADMIN"} "$@"; }\n' + line
        env = {**os.environ, "REDISCLI_AUTH": ADMIN_PASSWORD, "ADMIN": ADMIN} if self.secured else os.environ
        done = subprocess.run(["bash", "-c", shell], env=env, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0 and done.stdout.strip() == "OK", (line, done)


def low_port():
    """In cluster mode a server listens ten thousand ports above, too."""
    return next(port for port in iter(free_port, None) if port <= 55535)


def password_of(user):
    return f"{user}-pw"


def secured(lab, server, *args, **options):
    node = SecuredNode(server, *args, **options)
    lab.things.append(node)
    node.start()
    node.secure()
    return node
