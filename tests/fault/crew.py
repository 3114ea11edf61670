# SPDX-License-Identifier: Apache-2.0
"""
Writers and probes of all pairs, in one process without threads; the class Crew is the fleet's end of it.

A writer sends a write nobody sent before, waits for the answer, and after a moment sends the next. A node that
refuses, is gone, or says nothing for PATIENCE_S makes it go to the other node of the pair. A probe asks one node,
again and again, what it is, what it holds, and for a write that changes nothing: DEL of a key that is not there is
refused by whoever is read-only, held by whoever is paused, and neither counted nor replicated by whoever takes it.
"""
import json
import os
import pickle
import selectors
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))

from ledger import BITMAP, PairLedger, Run, Write, bit_offset, bits_of  # noqa: E402
from redis_node import encode  # noqa: E402

WRITERS = 2            # of each pair
WRITE_EVERY_S = 0.04   # each writer
PROBE_EVERY_S = 0.04   # each node
PATIENCE_S = 1.0
PROBE_PATIENCE_S = 10.0
RETRY_S = 0.02
LAST_LOOK_S = 3.0


def take_reply(buffer):
    """(reply, what is left of the buffer), or None when it is not whole yet. An error is an Exception."""
    line, end, rest = buffer.partition(b"\r\n")
    if not end:
        return None
    kind, word = line[:1], line[1:]
    if kind == b"-":
        return Exception(word.decode()), rest
    if kind != b"$":
        return word, rest
    size = int(word)
    if size < 0:
        return None, rest
    return (rest[:size], rest[size + 2:]) if len(rest) >= size + 2 else None


class Client:
    """One connection, made when it is needed; one request at a time, of several commands."""
    patience = PATIENCE_S

    def __init__(self, selector, port):
        self.selector, self.port = selector, port
        self.sock, self.buffer, self.wanted, self.sent = None, b"", 0, 0.0
        self.due = time.time()

    def ask(self, *commands):
        self.sent, self.wanted = time.time(), len(commands)
        self.due = self.sent + self.patience
        try:
            if self.sock is None:
                self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=1)
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.selector.register(self.sock, selectors.EVENT_READ, self.readable)
            self.sock.sendall(b"".join(map(encode, commands)))
        except OSError:
            self.fail()

    def readable(self):
        try:
            chunk = self.sock.recv(1 << 16)
        except OSError:
            chunk = b""
        if not chunk:
            self.fail()
            return
        self.buffer += chunk
        replies, rest = [], self.buffer
        while len(replies) < self.wanted:
            taken = take_reply(rest)
            if taken is None:
                return
            replies.append(taken[0])
            rest = taken[1]
        self.buffer, self.wanted = rest, 0
        self.answered(replies)

    def fail(self):
        self.hang_up()
        self.lost()

    def hang_up(self):
        if self.sock is not None:
            self.selector.unregister(self.sock)
            self.sock.close()
        self.sock, self.buffer, self.wanted = None, b"", 0

    def turn(self, now):
        """Its time has come: for the next request, or to give up the one that is under way."""
        if now >= self.due:
            if self.wanted:
                self.fail()
            else:
                self.next()


class Writer(Client):
    def __init__(self, selector, ports, ledger):
        super().__init__(selector, ports[0])
        self.ports, self.ledger, self.at, self.lure = ports, ledger, 0, None
        self.write = None

    def next(self):
        if self.lure is not None:
            self.go(self.lure)
        number = len(self.ledger.writes)
        self.write = Write(self.at, time.time())
        self.ledger.writes.append(self.write)
        self.ask(("SET", f"w:{number}", 1), ("SETBIT", BITMAP, bit_offset(number), 1))

    def answered(self, replies):
        now = time.time()
        if any(isinstance(reply, Exception) for reply in replies):
            self.lost()
        else:
            self.write.acked = now
            self.due = now + WRITE_EVERY_S

    def lost(self):
        self.go(1 - self.at)
        self.due = time.time() + RETRY_S

    def go(self, node):
        if node != self.at:
            self.hang_up()
        self.at, self.port, self.lure = node, self.ports[node], None


class Probe(Client):
    patience = PROBE_PATIENCE_S

    def __init__(self, selector, port, runs):
        super().__init__(selector, port)
        self.runs, self.run = runs, None

    def next(self):
        self.ask(("INFO", "replication"), ("GET", BITMAP), ("DEL", "nosuch"))

    def answered(self, replies):
        now = time.time()
        info, bitmap, took = replies
        self.due = now + PROBE_EVERY_S
        if isinstance(bitmap, Exception):  # it is loading
            self.run = None
            return
        fields = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
        bits, run = bits_of(bitmap), self.run
        seen = (fields["role"], fields["master_replid"], not isinstance(took, Exception))
        if run is None or (run.role, run.replid, run.takes) != seen or run.bits & ~bits:
            run = self.run = Run(*seen, self.sent, now)
            self.runs.append(run)
        run.last_sent, run.last_answered, run.bits = self.sent, now, bits

    def lost(self):
        self.run = None
        self.due = time.time() + RETRY_S


class Desk:
    """All writers and probes, until standard input ends."""

    def __init__(self, pairs):
        self.selector = selectors.DefaultSelector()
        self.ledgers = [PairLedger() for _ in pairs]
        self.writers, self.probes = [], []
        for ports, ledger in zip(pairs, self.ledgers):
            self.writers += [Writer(self.selector, ports, ledger) for _ in range(WRITERS)]
            self.probes += [Probe(self.selector, port, runs) for port, runs in zip(ports, ledger.runs)]
        self.ended = None
        self.selector.register(0, selectors.EVENT_READ, self.order)

    def order(self):
        words = [int(word) for word in os.read(0, 4096).split()]
        for pair, node, share in zip(words[::3], words[1::3], words[2::3]):
            for writer in self.writers[pair * WRITERS:][:share]:
                writer.lure = node
        if not words:
            self.selector.unregister(0)
            self.ended = time.time()

    def busy(self):
        """Who has something to do; at the end what is under way is waited for, and each node looked at once more."""
        if self.ended is None:
            return self.writers + self.probes
        if time.time() > self.ended + LAST_LOOK_S:
            return []
        return [w for w in self.writers if w.wanted] or [p for p in self.probes if p.sent < self.ended + PATIENCE_S]

    def run(self):
        while clients := self.busy():
            now = time.time()
            for client in clients:
                client.turn(now)
            pause = min(client.due for client in clients) - time.time()
            for key, _ in self.selector.select(max(0.001, min(pause, 0.1))):
                key.data()


class Crew:
    def __init__(self, pairs):
        self.dir = tempfile.TemporaryDirectory(prefix="ecmigrate-crew-")
        self.path = os.path.join(self.dir.name, "ledgers")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, "-B", os.path.abspath(__file__), self.path,
             json.dumps([[node.port for node in nodes] for nodes in pairs])],
            stdin=subprocess.PIPE, start_new_session=True)

    def lure(self, pair, node, share=WRITERS):
        """So many of the pair's writers go to that node."""
        self.process.stdin.write(b"%d %d %d\n" % (pair, node, share))
        self.process.stdin.flush()

    def stop(self):
        """The ledger of each pair."""
        self.process.stdin.close()
        assert self.process.wait(30) == 0, "the crew did not end well"
        with open(self.path, "rb") as ledgers:
            return pickle.load(ledgers)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.dir.cleanup()


def main():
    path, pairs = sys.argv[1:]
    desk = Desk(json.loads(pairs))
    desk.run()
    with open(path, "wb") as out:
        pickle.dump(desk.ledgers, out)


if __name__ == "__main__":
    main()
