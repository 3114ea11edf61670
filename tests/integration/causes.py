# SPDX-License-Identifier: Apache-2.0
"""
What keeps a replication link from coming up, or from staying up: each cause seeded at real servers of the loopback.

    scene = CAUSES["maxclients"].seed(lab)
    daemon.write_job("job", *scene.pair, **scene.sections)
    …                       # the link is up
    scene.after()           # where there is one: the cause arises only now, after all checks

No row needs more than $REDIS_SERVER and, for rdb-version, $REDIS_SERVER_NEWER: a server whose dumps the former
cannot load. A row that cannot be seeded on this host skips the test and says why.
"""
import dataclasses
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import redis_node
from harness import node_spec
from redis_node import RedisError, RedisNode, free_port, major_version
from waiting import wait_for

NEWER = os.environ.get("REDIS_SERVER_NEWER", "")
USER, PASSWORD = "copier", "copier-secret"
NOBODY = 61234  # a user of no name and with no other process, whom a limit on processes binds
KIB, MIB = 1 << 10, 1 << 20


class Scene(NamedTuple):
    """
    What a cause has set up. sections are those of the job file. after() is to be called once the link is up.
    node: what the job file says of the source, where that is more than its address.
    """
    source: "Server"
    target: "Server"
    sections: dict[str, Any]
    after: Callable[[], None] | None = None
    node: dict[str, Any] | None = None

    @property
    def pair(self):
        """Source and target, as a job file names them."""
        return self.node or self.source, self.target


@dataclasses.dataclass(frozen=True)
class Cause:
    """
    code: the reason a diagnosis must settle on. says: what its message must name, each a regular expression.
    ends: the job fails; else the link was up and the reason shows while the job waits for it.
    precheck: the check that could see it beforehand, and must then be waived; "" where none can.
    """
    name: str
    code: str
    says: tuple[str, ...]
    make: Callable[[Any], Scene]
    ends: bool = True
    precheck: str = ""

    def seed(self, lab):
        return self.make(lab)


CAUSES: dict[str, Cause] = {}


def cause(name, code, *says, **more):
    """Enters a function into the table."""
    def enter(make):
        CAUSES[name] = Cause(name, code, says, make, **more)
        return make
    return enter


# --- servers ---


class Server(RedisNode):
    """
    A server of a given program, user and address.

    program: default $REDIS_SERVER. uid: whom it runs as.
    bind: None leaves the setting out, which before 7.0 protected-mode asks for, and a replica connects from it.
    """

    def __init__(self, *args, program=None, uid=None, bind="127.0.0.1", **options):
        super().__init__(*args, **options)
        self.program = program or redis_node.REDIS_SERVER
        self.uid, self.bind = uid, bind
        if uid is not None:
            os.chown(self.dir, uid, uid)

    def start(self):
        self.spawn()
        wait_for(self.answers, 20, f"{self.name} to start on port {self.port}")

    def spawn(self):
        """Starts the process, and does not wait for it."""
        options = {"port": self.port, "dir": self.dir, "logfile": self.log, "save": "", "appendonly": "no",
                   "repl-diskless-sync-delay": "0"}
        if self.bind is not None:
            options["bind"] = self.bind
        if major_version(self.program) >= 7:
            options["enable-debug-command"] = "yes"
        if self.password:
            options["requirepass"] = self.password
        argv = ["setpriv", "--pdeathsig", "KILL", *self.become(), self.program]
        for key, value in options.items():
            argv += [f"--{key}", str(value)]
        self.process = subprocess.Popen([*argv, *self.args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)

    def kill9(self):
        """The child that writes a dump goes, too: without its parent, one of 6.0 waits for ever."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        super().kill9()

    def limit(self, resource, value):
        """A resource limit of the running process, as prlimit calls it; set by its own user."""
        subprocess.run([*self.become(), "prlimit", f"--pid={self.process.pid}", f"--{resource}={value}"], check=True)

    def become(self):
        """What makes a command run as the server's user."""
        if self.uid is None:
            return []
        return ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--pdeathsig", "KILL"]


def version(program):
    """What it says of itself: "Redis server v=7.0.15 …"."""
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout


def product(program):
    return version(program).split()[0]


def keep(lab, thing, start=True):
    """The lab takes it down."""
    lab.things.append(thing)
    if start:
        thing.start()
    return thing


def server(lab, *args, name="source", **options):
    return keep(lab, Server(*args, name=name, **options))


def pair(lab, *args, keys=100, target=(), **options):
    """args are both servers', target's own come on top."""
    source = server(lab, *args, name="source", **options)
    follower = server(lab, *args, *target, name="target", **options)
    if keys:
        source.fill(keys)
    return source, follower


def cut(source):
    """The replicas' connections are closed; they come back by themselves."""
    source.cmd("CLIENT", "KILL", "TYPE", "replica")


def push(source, size):
    """As many bytes into the replication stream; the data set grows by four keys."""
    block = "x" * (16 * KIB)
    for i in range(size // len(block)):
        source.cmd("SET", f"filler-{i % 4}", block)


def seen_as(source, endpoint):
    """A source that the target reaches elsewhere than the daemon."""
    return node_spec(source, reachable_as=endpoint)


def copier(lab):
    """A pair whose target logs in as a user of its own; and what the job file says of the source."""
    source, target = pair(lab)
    source.cmd("ACL", "SETUSER", USER, "on", f">{PASSWORD}", "+psync", "+replconf", "+ping")
    return source, target, node_spec(source, replication_user={"username": USER, "password": PASSWORD})


class Repeater:
    """Calls something every so often, in a thread, until the lab is taken down."""

    def __init__(self, action, interval):
        self.action, self.interval = action, interval
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self.thread.start()

    def _run(self):
        while not self.ended.wait(self.interval):
            try:
                self.action()
            except (OSError, RedisError, ValueError):
                continue

    def close(self):
        self.ended.set()
        if self.thread.ident is not None:
            self.thread.join()


# --- the target does not reach the source ---


@cause("dead-port", "source-unreachable-from-target", "arrived")
def dead_port(lab):
    """Nobody listens where the target is sent to. No check sees it: the daemon is not the target."""
    source, target = pair(lab)
    return Scene(source, target, {}, node=seen_as(source, f"127.0.0.1:{free_port()}"))


@cause("black-hole", "source-unreachable-from-target", "arrived")
def black_hole(lab):
    """Where the target is sent to, an attempt to connect is neither taken nor refused: a firewall that drops."""
    source, target = pair(lab)
    return Scene(source, target, {}, node=seen_as(source, lab.black_hole().endpoint))


def outer_address():
    """An IPv4 address of this host beyond the loopback; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this host has no address but those of the loopback")
        address = sock.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this host has no address but those of the loopback")
    return address


@cause("protected-mode", "protected-mode", "protected-mode")
def protected_mode(lab):
    """The source has no password and serves its own host only; a check of the settings could warn of it."""
    address = outer_address()
    source = server(lab, "--protected-mode", "yes", bind=None)
    source.fill(100)
    target = server(lab, name="target", bind=None)
    return Scene(source, target, {}, node=seen_as(source, f"{address}:{source.port}"))


@cause("maxclients", "too-many-clients", "maxclients", "rejected_connections", ends=False)
def maxclients(lab):
    """The source is full when the target comes back. After the checks."""
    source, target = pair(lab)

    def after():
        source.set_config("maxclients", 1)
        cut(source)

    return Scene(source, target, {}, after)


# --- log-in and rights ---


@cause("password-changed", "auth-refused", "WRONGPASS|invalid", ends=False)
def password_changed(lab):
    """Whoever is logged in stays so; the target is not let in again. After the checks."""
    source, target, node = copier(lab)

    def after():
        source.cmd("ACL", "SETUSER", USER, "resetpass", ">another")
        cut(source)

    return Scene(source, target, {}, after, node)


@cause("no-psync", "acl-denied", "psync", ends=False)
def no_psync(lab):
    """The replication user loses the right to copy, and the link is cut. After the checks, which could see it."""
    source, target, node = copier(lab)

    def after():
        source.cmd("ACL", "SETUSER", USER, "-psync")
        cut(source)

    return Scene(source, target, {}, after, node)


@cause("no-replconf", "acl-denied", "replconf", ends=False)
def no_replconf(lab):
    """The target may copy and not acknowledge: each NOPERM cuts the link. After the checks, which could see it."""
    source, target, node = copier(lab)
    return Scene(source, target, {}, lambda: source.cmd("ACL", "SETUSER", USER, "-replconf"), node)


# --- TLS ---


def certificate(lab):
    """Settings of a server that speaks TLS."""
    path = keep(lab, Server(name="tls"), start=False).dir
    key, cert = os.path.join(path, "key.pem"), os.path.join(path, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=localhost", "-days", "1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return ("--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no")


@cause("tls-to-plain", "tls-expected", "tls-replication", ends=False)
def tls_to_plain(lab):
    """Somebody makes the target speak TLS to a port that does not."""
    tls = certificate(lab)
    source, target = pair(lab, *tls, target=("--tls-port", str(free_port())))

    def after():
        target.set_config("tls-replication", "yes")
        cut(source)

    return Scene(source, target, {}, after)


@cause("plain-to-tls", "tls-expected", "speaks TLS", ends=False)
def plain_to_tls(lab):
    """Somebody makes the target speak plain to a port that speaks nothing but TLS."""
    tls_port, tls = free_port(), certificate(lab)
    source = server(lab, *tls, "--tls-port", str(tls_port))
    source.fill(100)
    target = server(lab, *tls, name="target")

    def after():
        target.set_config("tls-replication", "no")
        cut(source)

    return Scene(source, target, {}, after, node=seen_as(source, f"127.0.0.1:{tls_port}"))


@cause("certificate-refused", "tls-link-failed", "does not accept the other's certificate")
def certificate_refused(lab):
    """The target knows another authority than that of the source."""
    tls_port, tls = free_port(), certificate(lab)
    source = server(lab, *tls, "--tls-port", str(tls_port))
    source.fill(100)
    target = server(lab, *certificate(lab), name="target")
    node = {"endpoint": f"127.0.0.1:{tls_port}", "tls": {"enabled": True, "ca_file": tls[1], "verify": "ca"}}
    return Scene(source, target, {}, node=node)


# --- what the target cannot load ---


@cause("rdb-version", "rdb-version", "cannot read the dump", precheck="rdb-version")
def rdb_version(lab):
    """The source's dump is of a format the target does not know. A check that sees it is waived."""
    if not NEWER:
        pytest.skip("REDIS_SERVER_NEWER names no server whose dumps $REDIS_SERVER cannot load")
    source = server(lab, program=NEWER)
    source.fill(100)
    target = server(lab, name="target")
    return Scene(source, target, {})


@cause("databases", "databases-too-few", "databases", precheck="databases-too-few")
def databases(lab):
    """Keys in a database that the target has not: its process ends. A check that sees it is waived."""
    source, target = pair(lab, target=("--databases", "4"))
    source.cmd("SELECT", "9")
    source.cmd("SET", "nine", "9")
    source.cmd("SELECT", "0")
    keep(lab, Supervisor(target))
    return Scene(source, target, {})


class Supervisor(Repeater):
    """Starts a server again whenever it has ended, as a service manager does."""

    def __init__(self, node):
        super().__init__(self._look, 0.1)
        self.node, self.starts = node, 0

    def _look(self):
        if self.node.process.poll() is not None:
            self.starts += 1
            self.node.spawn()


class Killer(Repeater):
    """Kills a target in the middle of each copy, as the kernel does when memory runs out."""

    LOOKS = 15  # … after having seen the copy so often

    def __init__(self, source, target):
        super().__init__(self._look, 0.02)
        self.source, self.target, self.seen = source.connect(), target, 0

    def _look(self):
        text = self.source.cmd("INFO", "everything")
        copying = "rdb_bgsave_in_progress:1" in text and "connected_slaves:0" not in text
        self.seen = self.seen + 1 if copying else 0
        if self.seen == self.LOOKS:
            self.target.process.kill()

    def close(self):
        super().close()
        self.source.close()


@cause("target-dies", "target-died-loading", "process|restarted|died")
def target_dies(lab):
    """The target is killed in the middle of each copy and started again, which no check foresees."""
    source, target = pair(lab, "--rdb-key-save-delay", "1000", keys=5000)
    keep(lab, Supervisor(target))
    keep(lab, Killer(source, target))
    return Scene(source, target, {})


# --- the copy breaks off ---


@cause("output-buffer", "output-buffer-overrun", "client-output-buffer-limit")
def output_buffer(lab):
    """More is written during the copy than the source keeps for a replica, and it may not be tuned."""
    source, target = pair(lab, "--rdb-key-save-delay", "400", "--repl-diskless-sync", "no", keys=5000)
    source.set_config("repl-backlog-size", 16 * KIB)
    source.set_config("client-output-buffer-limit", f"replica {64 * KIB} {64 * KIB} 1")
    writer = keep(lab, source.connect(), start=False)
    keep(lab, Repeater(lambda: push(writer, 256 * KIB), 0.02))
    return Scene(source, target, {"sync": {"tune": False}})


@cause("backlog", "backlog-too-small", "repl-backlog-size", ends=False)
def backlog(lab):
    """While the link was cut more was written than the backlog holds: the source copies again. After the checks."""
    source, target = pair(lab)
    source.set_config("repl-backlog-size", 16 * KIB)
    road = lab.proxy(source)

    def after():
        road.refuse()
        push(source, 256 * KIB)
        road.accept()

    return Scene(source, target, {"sync": {"tune": False}}, after, seen_as(source, road.endpoint))


@cause("repl-timeout", "repl-timeout", "repl-timeout", ends=False)
def repl_timeout(lab):
    """The target gives a link up that is silent for less than the source's ping period. After the checks."""
    source, target = pair(lab)
    return Scene(source, target, {}, lambda: target.set_config("repl-timeout", 2))


@cause("cannot-fork", "source-cannot-fork", "fork")
def cannot_fork(lab):
    """
    The source may have no child: a limit on its user's processes, which no setting tells. Valkey copies by way of a
    file here: at its second diskless copy after a fork that failed it runs into an assertion of its own, and ends.
    """
    if os.geteuid() != 0:
        pytest.skip("only root starts a server as another user")
    valkey = product(redis_node.REDIS_SERVER) == "Valkey"
    source, target = pair(lab, "--repl-diskless-sync", "no" if valkey else "yes", uid=NOBODY)
    source.limit("nproc", 1)
    return Scene(source, target, {"sync": {"tune": not valkey}})


@cause("cannot-save", "source-cannot-save", "rdb_last_bgsave_status")
def cannot_save(lab):
    """The source copies by way of a file and its directory is gone."""
    source = keep(lab, Server("--repl-diskless-sync", "no", name="source"), start=False)
    gone = os.path.join(source.dir, "data")
    os.mkdir(gone)
    source.args += ("--dir", gone)
    source.start()
    source.fill(100)
    os.rmdir(gone)
    target = server(lab, name="target")
    return Scene(source, target, {"sync": {"tune": False}})


# --- the source is not ready ---


@cause("source-loading", "source-loading", "load", ends=False)
def source_loading(lab):
    """The source is restarted and takes its time to load. After the checks."""
    source, target = pair(lab, "--rdbcompression", "no", keys=0)
    source.fill(4000, size=4 * KIB)

    def after():
        wait_for(lambda: source.info("persistence")["rdb_bgsave_in_progress"] == "0", 10, "the copy's end")
        source.cmd("SAVE")
        source.kill9()
        source.args += ("--key-load-delay", "4000")
        source.spawn()

    return Scene(source, target, {}, after)


@cause("chained", "source-link-down", "replica of", ends=False)
def chained(lab):
    """The source is a replica that loses its own primary, and then the target. After the checks."""
    top = server(lab, name="top")
    top.fill(100)
    source, target = pair(lab, keys=0)
    source.cmd("REPLICAOF", "127.0.0.1", top.port)
    wait_for(lambda: source.info("replication")["master_link_status"] == "up", 10, "the source's own link")

    def after():
        top.kill9()
        wait_for(lambda: source.info("replication")["master_link_status"] == "down", 10, "the source's link to end")
        cut(source)

    return Scene(source, target, {}, after)


# --- the road ---


@cause("silent", "link-silent", "not heard", ends=False)
def silent(lab):
    """Nothing passes any more between the two, and nothing is closed. After the checks."""
    source, target = pair(lab)
    road = lab.proxy(source)
    return Scene(source, target, {}, road.stall, seen_as(source, road.endpoint))


@cause("flapping", "link-flapping", "times", ends=False)
def flapping(lab):
    """Something on the road resets the connection each second; each time a partial copy heals it."""
    source, target = pair(lab)
    road = lab.proxy(source)
    resets = keep(lab, Repeater(road.cut, 1.0), start=False)
    return Scene(source, target, {}, resets.start, seen_as(source, road.endpoint))
