# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that misbehaves when told to, and addresses that never answer."""
import contextlib
import socket
import struct
import threading

CHUNK = 65536


class Proxy:
    """
    Passes connections on to a port of 127.0.0.1.

    delay: seconds each chunk is held back, in each direction.
    stall(): nothing passes, nothing is closed, new connections are accepted and hang; flow() ends it.
    cut(): resets every connection; refuse(): also stops listening, accept() listens again.
    orphan(): from here on the server hears nothing more of the connections there are, not even that they end.
    """

    def __init__(self, port):
        self.target = port
        self.delay = 0.0
        self.flowing = threading.Event()
        self.flowing.set()
        self.closed = threading.Event()
        self.connections = set()
        self.orphans = set()
        self.lock = threading.Lock()
        self.listener = None
        self.port = 0
        self.accept()

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.port}"

    def accept(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                server.settimeout(None)
            except ConnectionError:
                client.close()
                continue
            except OSError:
                return
            with self.lock:
                self.connections |= {client, server}
            for a, b in ((client, server), (server, client)):
                a.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    def _pump(self, source, sink):
        try:
            while True:
                data = source.recv(CHUNK)
                if self.delay:
                    self.closed.wait(self.delay)
                self.flowing.wait()
                if not data:
                    break
                sink.sendall(data)
        except OSError:
            pass
        if {source, sink} & self.orphans:
            return
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        with self.lock:
            self.connections -= {source, sink}

    def stall(self):
        self.flowing.clear()

    def flow(self):
        self.flowing.set()

    def cut(self):
        with self.lock:
            victims, self.connections = self.connections, set()
        for sock in victims:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.shutdown(socket.SHUT_RDWR)
                sock.close()

    def orphan(self):
        with self.lock:
            self.orphans |= self.connections

    def refuse(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()

    def close(self):
        self.closed.set()
        self.flow()
        self.refuse()
        for sock in self.orphans:
            sock.close()


class BlackHole:
    """An address where a connection attempt is neither accepted nor refused: a full listen queue."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.queue = []
        for _ in range(8):
            sock = socket.socket()
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                sock.connect(("127.0.0.1", self.port))
            self.queue.append(sock)

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        for sock in [*self.queue, self.listener]:
            sock.close()


class Mute:
    """A server that accepts and then says what it is told to, or nothing."""

    def __init__(self, answer=b""):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.held = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.port}"

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.held.append(sock)
                if self.answer:
                    sock.sendall(self.answer)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        for sock in [*self.held, self.listener]:
            sock.close()
