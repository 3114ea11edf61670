# SPDX-License-Identifier: Apache-2.0
"""The daemon, its jobs and its control socket, as a test sees them; and a Lab that cleans up."""
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile

from proxy import BlackHole, Mute, Proxy
from redis_node import RedisNode
from waiting import FACTOR, wait_for
from writers import Writers

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ECMIGRATED = os.path.abspath(os.environ.get("ECMIGRATED", os.path.join(ROOT, "build/ecmigrated")))
ECMIGRATECTL = os.path.abspath(os.environ.get("ECMIGRATECTL", os.path.join(ROOT, "build/ecmigratectl")))

# What the reverse link needs on the old source: who it follows, and how it logs in there.
REVERSE_LINK = {"replicaof", "slaveof", "masterauth", "masteruser"}
ENDED = ("completed", "failed", "halted")
QUICK = {"timeout": "5s", "backoff_initial": "100ms", "backoff_max": "300ms"}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def node_spec(node, **more):
    """What a job file says of a node; more: endpoint, reachable_as, username, password_file, …"""
    spec = {"endpoint": node if isinstance(node, str) else node.endpoint}
    if getattr(node, "password", None) and not {"password_file", "credential"} & set(more):
        spec["password"] = node.password
    if getattr(node, "tls", None) and "tls" not in more:
        spec["tls"] = node.tls
    spec.update(more)
    return spec


def job_spec(source, target, **sections):
    """A job with quick retries; sections replace or add to what is there. source None: none."""
    spec = {"target": target if isinstance(target, dict) else node_spec(target)}
    if source is not None:
        spec["source"] = source if isinstance(source, dict) else node_spec(source)
    spec["attach"] = {**QUICK, **sections.pop("attach", {})}
    spec.update(sections)
    return spec


class Daemon:
    """ecmigrated with directories of its own; start() runs it."""

    def __init__(self, *args, state_dir=None, env=None):
        self.dir = tempfile.mkdtemp(prefix="ecmigrate-daemon-")
        self.jobs_dir = os.path.join(self.dir, "jobs")
        self.run_dir = os.path.join(self.dir, "run")
        self.state_dir = state_dir or os.path.join(self.dir, "state")
        os.mkdir(self.jobs_dir, 0o750)
        os.mkdir(self.run_dir)
        if state_dir is None:
            os.mkdir(self.state_dir, 0o700)
        self.socket = os.path.join(self.run_dir, "control.sock")
        self.log = os.path.join(self.dir, "log")
        self.args, self.env = args, env or {}
        self.process = None
        self.configure()

    # --- the process ---

    def argv(self, *more):
        return [ECMIGRATED, "--config", os.path.join(self.dir, "ecmigrated.yaml"),
                "--jobs-dir", self.jobs_dir, "--state-dir", self.state_dir,
                "--runtime-dir", self.run_dir, "--log-target", "stderr", "--log-format", "json",
                *self.args, *more]

    def configure(self, **settings):
        """Writes the daemon's own configuration; for the next start or reload."""
        with open(os.path.join(self.dir, "ecmigrated.yaml"), "w", encoding="utf-8") as config:
            json.dump(settings, config)

    def spawn(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.argv()], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, env={**os.environ, **self.env}, start_new_session=True)

    def start(self):
        self.spawn()
        wait_for(self.ready, 20, "the daemon to be ready")

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log_tail()}")
        try:
            return self.http("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill9(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """A clean stop; sanitizers report what they found in its exit status."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20 * FACTOR) == 0, f"the daemon did not end well:\n{self.log_tail()}"

    def restart(self):
        if self.running():
            self.stop()
        self.start()

    def close(self):
        try:
            if self.running():
                self.process.send_signal(signal.SIGCONT)
                self.stop()
        finally:
            if self.running():
                self.kill9()
            shutil.rmtree(self.dir, ignore_errors=True)

    def log_lines(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.readlines()

    def log_tail(self, lines=60):
        return "".join(self.log_lines()[-lines:])

    def rss_kb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    # --- the control socket ---

    def http(self, method, path, body=None, timeout=10):
        """(status, decoded JSON or text)."""
        connection = UnixConnection(self.socket, timeout * FACTOR)
        try:
            headers = {}
            if body is not None:
                body, headers = json.dumps(body), {"Content-Type": "application/json"}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
        except http.client.HTTPException as e:
            raise OSError(f"no HTTP answer: {e!r}") from e
        finally:
            connection.close()
        with contextlib.suppress(ValueError):
            return response.status, json.loads(text)
        return response.status, text

    def get(self, path):
        status, answer = self.http("GET", path)
        assert status == 200, f"GET {path}: {status} {answer}"
        return answer

    def jobs(self):
        return self.get("/v1/jobs")["jobs"]

    def job(self, job):
        """The job, or None when the daemon does not know it."""
        status, answer = self.http("GET", f"/v1/jobs/{job}")
        assert status in (200, 404), f"{status} {answer}"
        return answer if status == 200 else None

    def verb(self, job, verb, **options):
        status, answer = self.http("POST", f"/v1/jobs/{job}/{verb}", options)
        assert status == 202, f"{verb} {job}: {status} {answer}"
        return answer

    def events(self, job, name=None):
        """All events of the job, or those of that name."""
        events, after = [], 0
        while True:
            page = self.get(f"/v1/events?job={job}&after={after}&limit=500")["events"]
            events += page
            if not page:
                return [e for e in events if name in (None, e["name"])]
            after = page[-1]["seq"]

    def event(self, job, name, timeout=5):
        """The one event of that name."""
        found = wait_for(lambda: self.events(job, name), timeout, f"an event {name} of {job}")
        assert len(found) == 1, found
        return found[0]

    def ctl(self, *args, timeout=30):
        return subprocess.run([ECMIGRATECTL, "--socket", self.socket, *args], capture_output=True,
                              text=True, timeout=timeout * FACTOR, check=False)

    # --- jobs ---

    def write_file(self, name, text, mode=0o600):
        """As a careful editor does it: a hidden file, then a rename."""
        path = os.path.join(self.jobs_dir, name)
        hidden = os.path.join(self.jobs_dir, f".{name}.tmp")
        with open(hidden, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(hidden, mode)
        os.rename(hidden, path)
        return path

    def write_job(self, job, source, target, **sections):
        # JSON is YAML.
        return self.write_file(f"{job}.yaml", json.dumps(job_spec(source, target, **sections), indent=1))

    def remove_job(self, job):
        os.unlink(os.path.join(self.jobs_dir, f"{job}.yaml"))

    def wait_job(self, job, timeout=10):
        return wait_for(lambda: self.job(job), timeout, f"the daemon to know job {job}")

    def wait_phase(self, job, *phases, timeout=20, interval=0.01):
        """Waits for one of the phases; at once an error when the job ended in another."""
        seen = None

        def reached():
            nonlocal seen
            seen = self.job(job)
            if seen is None or seen["phase"] in phases:
                return seen
            assert seen["phase"] not in ENDED or seen["phase"] in self._may_leave(phases), \
                f"{job} ended in {describe(seen)} instead of {'/'.join(phases)}"
            return None

        return wait_for(reached, timeout, lambda: f"{job} to be {'/'.join(phases)}: {describe(seen)}",
                        interval)

    @staticmethod
    def _may_leave(phases):
        """What a run ended in may be left by a new run, so it is no error to see it before an early phase."""
        return ENDED if set(phases) & {"idle", "queued", "checking", "attaching"} else ()

    def migrate(self, job, source, target, **sections):
        """A job file dropped in, and in sync."""
        self.write_job(job, source, target, **sections)
        self.wait_job(job)
        return self.wait_phase(job, "replicating", timeout=30)

    def complete(self, job, timeout=20, **options):
        self.verb(job, "complete", **options)
        return self.wait_phase(job, "completed", timeout=timeout)


def describe(job):
    if job is None:
        return "unknown"
    reason = job["reason"] or {}
    return f"{job['phase']} ({reason.get('code')}: {reason.get('message')})"


def config_changes(before, after, ignore=()):
    """Settings that differ, with both values."""
    return {name: (before.get(name), after.get(name))
            for name in sorted(set(before) | set(after))
            if before.get(name) != after.get(name) and name not in ignore}


def full_syncs(node):
    """How many full synchronisations this node has served."""
    return int(node.info("stats")["sync_full"])


class Lab:
    """Makes the things a test needs and takes them down again, the last one first."""

    def __init__(self):
        self.things = []

    def _keep(self, thing, start=False):
        self.things.append(thing)
        if start:
            thing.start()
        return thing

    def node(self, *args, **options):
        return self._keep(RedisNode(*args, **options), start=True)

    def pair(self, *args, keys=100, **options):
        source = self.node(*args, name="source", **options)
        target = self.node(*args, name="target", **options)
        if keys:
            source.fill(keys)
        return source, target

    def slow_pair(self, *args, keys=10000, key_delay_us=1000, **options):
        """A full synchronisation takes keys * key_delay_us."""
        return self.pair("--rdb-key-save-delay", str(key_delay_us), *args, keys=keys, **options)

    def daemon(self, *args, start=True, **options):
        return self._keep(Daemon(*args, **options), start)

    def writers(self, *nodes, **options):
        writers = self._keep(Writers(*nodes, **options))
        writers.wait_acks(1)
        return writers

    def proxy(self, node):
        return self._keep(Proxy(node.port))

    def black_hole(self):
        return self._keep(BlackHole())

    def mute(self, answer=b""):
        return self._keep(Mute(answer))

    def logs(self):
        """(title, text) of whatever keeps a log, for the report of a failed test."""
        return [(f"{type(t).__name__} {getattr(t, 'name', '')} {getattr(t, 'port', '')}", t.log_tail())
                for t in self.things if hasattr(t, "log_tail") and os.path.exists(t.log)]

    def close(self):
        problems = []
        while self.things:
            try:
                self.things.pop().close()
            except Exception as e:  # everything is taken down, then the first problem is told
                problems.append(e)
        if problems:
            raise problems[0]
