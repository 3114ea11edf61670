# SPDX-License-Identifier: Apache-2.0
"""
Clients that write without a pause and remember what was acknowledged.

Each writer sends SET of a key nobody used before, waits for the answer, sends the next. A node that is
read-only, or gone, makes it go to the other node. All writers live in one process without threads, so that
what they measure is the servers and not Python's scheduler; the class Writers is the test's end of it.
"""
import array
import json
import os
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import waiting
from redis_node import encode

RETRY_S = 0.0005
RECONNECT_S = 0.005


def client_context(ca=None, cert=None, key=None):
    """For connections over TLS; None without an authority."""
    if not ca:
        return None
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = False
    if cert:
        context.load_cert_chain(cert, key)
    return context


class Connection:
    """One writer's connection to one endpoint, made when it is needed."""

    def __init__(self, loop, port, password, tls):
        self.loop, self.port, self.password, self.tls = loop, port, password, tls
        self.sock, self.buffer, self.skip = None, b"", 0

    def send(self, data):
        """False when the endpoint cannot be connected to."""
        try:
            if self.sock is None:
                self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=1)
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.tls:
                    self.sock = self.tls.wrap_socket(self.sock)
                self.skip = 1 if self.password else 0
                if self.password:
                    data = encode(("AUTH", self.password)) + data
            self.sock.sendall(data)
            return True
        except OSError:
            self.close()
            return False

    def read(self):
        """A reply line; None: not yet; b"": the connection is gone."""
        try:
            chunk = self.sock.recv(4096)
        except OSError:
            chunk = b""
        if not chunk:
            self.close()
            return b""
        self.buffer += chunk
        while b"\r\n" in self.buffer:
            line, self.buffer = self.buffer.split(b"\r\n", 1)
            if not self.skip:
                return line
            self.skip -= 1
        return None

    def close(self):
        if self.sock is not None:
            self.sock.close()
        self.sock, self.buffer = None, b""


class Writer:
    def __init__(self, number, crew):
        self.number, self.crew = number, crew
        self.connections = [Connection(self, port, crew.password, crew.tls) for port in crew.ports]
        self.at = 0           # which endpoint
        self.sequence = 0
        self.acked = array.array("Q")
        self.sent_at = 0.0
        self.due = 0.0        # when to try again; 0: an answer is awaited
        self.refused = 0      # times in a row: one goes to the other endpoint at once, both are given a moment

    def send(self):
        self.sequence += 1
        connection = self.connections[self.at]
        self.sent_at = time.monotonic()
        self.due = 0.0
        if not connection.send(encode(("SET", f"w:{self.number}:{self.sequence}", self.sequence))):
            self.elsewhere(RECONNECT_S)
            return
        self.crew.selector.register(connection.sock, selectors.EVENT_READ, self)

    def elsewhere(self, pause):
        self.at = (self.at + 1) % len(self.connections)
        self.due = time.monotonic() + pause

    def answered(self, sock):
        connection = self.connections[self.at]
        line = connection.read()
        if line is None:
            return
        self.crew.selector.unregister(sock)
        if line[:1] == b"+":
            self.acked.append(self.sequence)
            self.refused = 0
            self.crew.acknowledged(self.at, self.sent_at)
            self.send()
        elif line[:1] == b"-":
            self.crew.refused(line)
            self.refused += 1
            self.elsewhere(RETRY_S if self.refused > 1 else 0)
        else:
            self.elsewhere(RECONNECT_S)


class Crew:
    """All writers, and what is true of them together."""

    def __init__(self, ports, n, password, tls):
        self.ports, self.password, self.tls = ports, password, tls
        self.selector = selectors.DefaultSelector()
        self.writers = [Writer(i, self) for i in range(n)]
        self.at = None
        self.count = 0
        self.last_ack = self.last_switch = 0.0
        self.longest = 0.0
        self.switches = []    # each time the acknowledgements began to come from another endpoint
        self.refusals = {}
        self.stopping = False

    def acknowledged(self, at, sent_at):
        now = time.monotonic()
        if self.count:
            self.longest = max(self.longest, now - self.last_ack)
        if self.at is None:
            self.at = at
        # An answer from the old endpoint to what was sent before the switch is only late.
        elif at != self.at and sent_at > self.last_switch:
            self.switches.append({"gap_ms": (now - self.last_ack) * 1000, "to": self.ports[at],
                                  "count": self.count})
            self.at, self.last_switch = at, now
        self.count += 1
        self.last_ack = now

    def refused(self, line):
        word = line[1:].split(b" ")[0].decode()
        self.refusals[word] = self.refusals.get(word, 0) + 1

    def run(self, out):
        report_at = 0.0
        for writer in self.writers:
            writer.send()
        while not self.stopping:
            now = time.monotonic()
            waiting_until = [w.due for w in self.writers if w.due]
            pause = max(0.0, min([0.1] + [due - now for due in waiting_until]))
            for key, _ in self.selector.select(pause):
                key.data.answered(key.fileobj)
            now = time.monotonic()
            for writer in self.writers:
                if writer.due and writer.due <= now:
                    writer.send()
            if now >= report_at:
                report_at = now + 0.05
                out.write(b"%d\n" % self.count)
                out.flush()


def main():
    directory, n, password, files, *ports = sys.argv[1:]
    crew = Crew([int(p) for p in ports], int(n), password or None, client_context(*json.loads(files)))

    def stop(*_):
        crew.stopping = True

    signal.signal(signal.SIGTERM, stop)
    with open(os.path.join(directory, "count"), "wb") as out:
        crew.run(out)
    for writer in crew.writers:
        with open(os.path.join(directory, f"acked.{writer.number}"), "wb") as out:
            writer.acked.tofile(out)
    with open(os.path.join(directory, "report"), "w", encoding="utf-8") as out:
        json.dump({"longest_gap_ms": crew.longest * 1000, "switches": crew.switches,
                   "refusals": crew.refusals, "count": crew.count}, out)


class Writers:
    """n writers against the nodes, beginning with the first; context manager, or start and stop."""

    def __init__(self, *nodes, n=4, password=None, tls=()):
        """tls: the files of an authority, a certificate and its key; the nodes' ports then speak TLS."""
        self.nodes, self.n, self.password = nodes, n, password or ""
        self.dir = tempfile.TemporaryDirectory(prefix="ecmigrate-writers-")
        self.report = None
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, "-B", os.path.abspath(__file__),
             self.dir.name, str(n), self.password, json.dumps(tls), *[str(node.port) for node in nodes]],
            start_new_session=True)

    def __enter__(self):
        self.wait_acks(1)
        return self

    def __exit__(self, *_):
        self.stop()

    def count(self):
        """Acknowledged so far (as of the last twentieth of a second)."""
        try:
            with open(os.path.join(self.dir.name, "count"), "rb") as counts:
                counts.seek(max(0, os.path.getsize(counts.name) - 64))
                lines = counts.read().split(b"\n")
                return int(lines[-2]) if len(lines) > 1 else 0
        except OSError:
            return 0

    def wait_acks(self, more, timeout=20):
        """Waits until that many more writes than now are acknowledged."""
        goal = self.count() + more
        waiting.wait_for(lambda: self.count() >= goal, timeout, f"{more} more acknowledged writes")

    def stop(self):
        """Ends the writers and returns the report; a second call returns the same."""
        if self.report is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            assert self.process.wait(30) == 0, "the writers did not end well"
            with open(os.path.join(self.dir.name, "report"), encoding="utf-8") as report:
                self.report = json.load(report)
        return self.report

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.dir.cleanup()

    def acked_keys(self):
        self.stop()
        for number in range(self.n):
            path = os.path.join(self.dir.name, f"acked.{number}")
            sequences = array.array("Q")
            with open(path, "rb") as acked:
                sequences.fromfile(acked, os.path.getsize(path) // sequences.itemsize)
            for sequence in sequences:
                yield f"w:{number}:{sequence}", str(sequence)

    def lost(self, node):
        """Acknowledged keys that node does not hold with their value."""
        lost, chunk = [], []

        def check():
            values = client.cmd("MGET", *[key for key, _ in chunk])
            lost.extend(key for (key, want), got in zip(chunk, values) if got != want)
            chunk.clear()

        client = node.connect(timeout=30)
        for item in self.acked_keys():
            chunk.append(item)
            if len(chunk) == 1000:
                check()
        if chunk:
            check()
        client.close()
        return lost


def check_no_lost(writers, node):
    report = writers.stop()
    assert report["count"] > 0, "nothing was written, so nothing is shown"
    lost = writers.lost(node)
    assert not lost, f"{len(lost)} of {report['count']} acknowledged writes are lost: {lost[:5]}"
    return report


if __name__ == "__main__":
    main()
