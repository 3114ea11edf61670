# SPDX-License-Identifier: Apache-2.0
"""The daemon's API from a script: jobs, events and answers are what a test puts into it."""
import copy
import http.server
import json
import os
import socket
import socketserver
import threading
import urllib.parse


def job(name="orders", **changes):
    """A JOB with all its members."""
    base = {
        "id": name, "description": None, "state": "migrating", "phase": "replicating",
        "since": "2026-11-22T20:15:01.250Z",
        "reason": {"code": "waiting-complete", "message": "in sync; waits for your word"},
        "next_step": f"ecmigratectl complete {name}", "run": 1,
        "attempt": {"number": 1, "max": 5, "next_at": None},
        "source": {"endpoint": "10.0.0.241:6379", "role": "primary", "server": "redis", "version": "7.0.15",
                   "replid": "8371b4fb1155b71f4a04d3e1bc3e18c4a990aeeb", "offset": 4100, "reachable": True,
                   "replicas": []},
        "target": {"endpoint": "10.0.1.7:6379", "role": "replica", "server": "valkey", "version": "8.0.1",
                   "replid": "8371b4fb1155b71f4a04d3e1bc3e18c4a990aeeb", "offset": 4094, "reachable": True,
                   "replicas": []},
        "link": {"up": True, "since": "2026-11-22T20:15:01.000Z", "last_io_seconds": 0},
        "progress": {"bytes_total": 1073741824, "bytes_done": 671088640, "percent": 62.5,
                     "bytes_per_second": 83886080.5, "eta_seconds": 5},
        "lag": {"bytes": 6, "seconds": 0}, "checks": None, "cutover": None, "verify": None,
        "file": f"/etc/ecmigrate.d/{name}.yaml",
    }
    base.update(changes)
    return base


def result(name, severity="ok", **changes):
    """One result of the checks, with all its members."""
    fine = severity == "ok"
    base = {"id": name, "title": f"title of {name}", "severity": severity, "passed": severity != "error",
            "waived": False, "source": None, "target": None, "message": None if fine else f"message of {name}",
            "why": None if fine else f"why {name} matters", "remedy": None if fine else []}
    base.update(changes)
    return base


def checks(*results, **changes):
    """The checks of a JOB that are through."""
    count = {s: sum(r["severity"] == s for r in results) for s in ("error", "warning", "notice")}
    base = {"at": "2026-11-22T20:16:00.000Z", "running": False, "source": "10.0.0.241:6379",
            "passed": all(r["passed"] for r in results), "errors": count["error"], "warnings": count["warning"],
            "notices": count["notice"], "results": list(results)}
    base.update(changes)
    return base


def jobs_in_three_states(fake):
    """One that goes on, one that has failed, one that has not begun."""
    fake.put(job("orders"))
    fake.put(job("carts", state="failed", phase="failed", progress=None, lag=None,
                 reason={"code": "auth-refused", "message": "the source refuses the password"}))
    fake.put(job("idle-one", state="pending", phase="idle", source=None, run=None, attempt=None,
                 progress=None, lag=None, link=None, reason=None))


class Refusal(Exception):
    def __init__(self, status, code, message, hint=None):
        super().__init__(message)
        self.status, self.code, self.hint = status, code, hint


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


class FakeDaemon:
    """verbs: name -> function(daemon, job, body) that answers with a JSON value or raises Refusal."""

    def __init__(self, path):
        self.path = str(path)
        self.jobs = {}
        self.events = []
        self.verbs = {}
        self.posts = []       # (path, body)
        self.streams = []     # (query, Last-Event-ID) of each follower that came
        self.raw = {}         # path -> bytes that are sent instead of an answer
        self.changed = threading.Condition()
        self.server = None
        self.open = set()
        self.start()

    def start(self):
        self.server = Server(self.path, self._handler())
        self.stopping = False
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def stop(self):
        """Like a daemon that is killed: connections break, and the socket is gone."""
        if not self.server:
            return
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        os.unlink(self.path)
        self.server = None

    def put(self, value):
        with self.changed:
            self.jobs[value["id"]] = copy.deepcopy(value)

    def change(self, name, **changes):
        with self.changed:
            self.jobs[name] = {**self.jobs[name], **changes}

    def emit(self, name, job="orders", level="info", message="", run=1, **data):
        with self.changed:
            event = {"seq": len(self.events) + 1, "time": "2026-11-22T20:15:01.500Z", "job": job, "run": run,
                     "level": level, "name": name, "message": message, "data": data}
            self.events.append(event)
            self.changed.notify_all()

    # --- what the handler asks ---

    def selected(self, query, after):
        wanted = query.get("job")
        return [e for e in self.events if e["seq"] > after and (wanted is None or e["job"] == wanted)]

    def get(self, path, query):
        with self.changed:
            if path == "/v1/jobs":
                return {"jobs": list(self.jobs.values())}
            if path == "/v1/events":
                events = self.selected(query, int(query.get("after", 0)))
                limit = int(query.get("limit", 100))
                return {"events": events[:limit] if "after" in query else events[-limit:]}
            return self.find(path.split("/")[3])

    def find(self, name):
        name = urllib.parse.unquote(name)
        if name not in self.jobs:
            raise Refusal(404, "no-such-job", f"there is no job '{name}'", "ecmigratectl list shows all jobs.")
        return self.jobs[name]

    def post(self, path, body):
        _, _, _, name, verb = path.split("/")
        with self.changed:
            self.posts.append((path, body))
            value = self.find(name)
        if verb in self.verbs:
            return self.verbs[verb](self, value, body)
        return value

    def _handler(fake):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                fake.open.add(self.connection)

            def finish(self):
                fake.open.discard(self.connection)
                try:
                    super().finish()
                except OSError:
                    pass

            def log_message(self, *args):
                pass

            def address_string(self):
                return "unix"

            def answer(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def serve(self, status, make):
                try:
                    self.answer(status, make())
                except Refusal as refusal:
                    self.answer(refusal.status, {"error": {"code": refusal.code, "message": str(refusal),
                                                           "hint": refusal.hint}})

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                if url.path in fake.raw:
                    self.wfile.write(fake.raw[url.path])
                    self.close_connection = True
                elif "event-stream" in self.headers.get("Accept", ""):
                    self.stream(query)
                else:
                    self.serve(200, lambda: fake.get(url.path, query))

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                self.serve(202, lambda: fake.post(self.path, body))

            def stream(self, query):
                last = self.headers.get("Last-Event-ID")
                with fake.changed:
                    fake.streams.append((query, last))
                    sent = int(last or query.get("after", len(fake.events)))
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                self.close_connection = True
                # Heartbeats, mixed ends of lines and data in two halves: all of it is allowed.
                self.wfile.write(b": hello\r\n\r\n")
                try:
                    while not fake.stopping:
                        with fake.changed:
                            fake.changed.wait_for(lambda: fake.stopping or fake.selected(query, sent), 1)
                            events = fake.selected(query, sent)
                        for event in events:
                            text = f"id: {event['seq']}\nevent: {event['name']}\ndata: {json.dumps(event)}\n\n"
                            half = len(text) // 2
                            self.wfile.write(text[:half].encode())
                            self.wfile.write(text[half:].encode())
                            sent = event["seq"]
                        self.wfile.write(b":\n\n")
                except OSError:
                    pass

        return Handler
