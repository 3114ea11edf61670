# SPDX-License-Identifier: Apache-2.0
"""The daemon as a service: its directories, its socket, its job files, its signals."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading

import pytest
from harness import ECMIGRATED, job_spec, wait_for
from waiting import FACTOR, stays

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a file system")
IDLE = {"start": "manual"}


def run_to_end(daemon, *args):
    """Starts a daemon that is expected to refuse; (exit status, what it said)."""
    done = subprocess.run([*daemon.argv(), *args], capture_output=True, text=True, timeout=20 * FACTOR,
                          check=False)
    return done.returncode, done.stdout + done.stderr


def idle_jobs(daemon, n):
    for i in range(n):
        daemon.write_job(f"job-{i:04}", "127.0.0.1:1", "127.0.0.1:2", **IDLE)


# --- start and stop ---

def test_help_and_version():
    for option in ("--help", "--version"):
        done = subprocess.run([ECMIGRATED, option], capture_output=True, text=True,
                              timeout=10 * FACTOR, check=False)
        assert done.returncode == 0 and done.stdout


def test_bad_command_line(lab):
    status, said = run_to_end(lab.daemon(start=False), "--jobs-dri", "/tmp")
    assert status not in (0, -6, -11)
    assert "jobs-dri" in said


def test_clean_stop_leaves_replication_as_it_is(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("stay", source, target)
    daemon.stop()
    assert target.info("replication")["master_link_status"] == "up"
    source.cmd("SET", "after", "1")
    wait_for(lambda: target.cmd("GET", "after") == "1", 5, "writes to flow without the daemon")
    daemon.start()
    daemon.wait_phase("stay", "replicating")
    daemon.complete("stay")


def test_stop_with_everything_under_way(lab, daemon):
    """Connections being made, names being resolved, followers, a synchronisation: all let go at once."""
    source, target = lab.slow_pair()
    daemon.write_job("a-sync", source, target)
    daemon.wait_job("a-sync")
    daemon.wait_phase("a-sync", "syncing")
    daemon.write_job("b-hole", lab.black_hole().endpoint, lab.mute().endpoint)
    daemon.write_job("c-name", "no-such-host.invalid:1", "127.0.0.1:2")
    with follower(daemon):
        daemon.stop()


def test_second_daemon_on_one_state_directory_is_refused(lab, daemon):
    second = lab.daemon(state_dir=daemon.state_dir, start=False)
    status, said = run_to_end(second)
    assert status not in (0, -6, -11)
    assert daemon.state_dir in said and str(daemon.process.pid) in said
    assert daemon.ready()


def test_second_daemon_may_start_after_kill(lab, daemon):
    idle_jobs(daemon, 1)
    daemon.wait_job("job-0000")
    daemon.kill9()
    daemon.start()
    assert daemon.wait_job("job-0000")["phase"] == "idle"


def test_missing_job_directory_is_waited_for(lab):
    daemon = lab.daemon(start=False)
    os.rmdir(daemon.jobs_dir)
    daemon.start()
    os.mkdir(daemon.jobs_dir)
    idle_jobs(daemon, 1)
    daemon.wait_job("job-0000")


def test_reload(lab, daemon):
    idle_jobs(daemon, 1)
    daemon.wait_job("job-0000")
    for _ in range(20):
        daemon.process.send_signal(signal.SIGHUP)
    idle_jobs(daemon, 2)
    daemon.wait_job("job-0001")
    assert daemon.ready()


def test_bad_configuration_is_named(lab):
    daemon = lab.daemon(start=False)
    daemon.configure(max_paralel_syncs=3)
    status, said = run_to_end(daemon)
    assert status not in (0, -6, -11)
    assert "max_paralel_syncs" in said and "max_parallel_syncs" in said


# --- the state directory ---

def test_missing_state_directory(lab, tmp_path):
    daemon = lab.daemon(state_dir=str(tmp_path / "no" / "such" / "directory"), start=False)
    status, said = run_to_end(daemon)
    assert status not in (0, -6, -11)
    assert "/no/such/directory" in said


def test_state_that_is_no_database_is_refused_and_kept(lab):
    daemon = lab.daemon(start=False)
    path = os.path.join(daemon.state_dir, "state.db")
    with open(path, "wb") as state:
        state.write(b"this is not a database " * 1000)
    os.chmod(path, 0o600)
    status, said = run_to_end(daemon)
    assert status not in (0, -6, -11)
    assert "state.db" in said
    with open(path, "rb") as state:
        assert state.read().startswith(b"this is not a database")


@contextlib.contextmanager
def small_file_system(path, size="1m"):
    os.makedirs(path, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def remount(path, mode):
    return subprocess.run(["mount", "-o", f"remount,{mode}", path], capture_output=True, check=False)


@pytest.fixture
def small_state(tmp_path):
    try:
        with small_file_system(str(tmp_path / "state")) as path:
            yield path
    except subprocess.CalledProcessError:
        pytest.skip("no file system can be mounted here")


@ROOT_ONLY
def test_full_state_directory_is_a_condition(small_state, lab):
    """Nothing new is begun, what replicates goes on, and it is said; with room again it goes on."""
    daemon = lab.daemon(state_dir=small_state)
    source, target = lab.pair()
    daemon.migrate("steady", source, target)
    filler = os.path.join(small_state, "filler")
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    daemon.http("POST", "/v1/jobs/steady/complete", {})
    wait_for(lambda: "no space" in daemon.log_tail().lower() or "full" in daemon.log_tail().lower(), 10,
             "the log to say so")
    stays(lambda: target.role() == "slave" and source.role() == "master", 0.5, "no step without a record")
    assert target.info("replication")["master_link_status"] == "up"
    os.unlink(filler)
    daemon.wait_phase("steady", "completed", timeout=30)
    daemon.stop()


@ROOT_ONLY
def test_state_directory_that_is_full_from_the_start(small_state, lab):
    with open(os.path.join(small_state, "filler"), "wb", buffering=0) as file, \
            contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    daemon = lab.daemon(state_dir=small_state, start=False)
    status, said = run_to_end(daemon)
    assert status not in (0, -6, -11)
    assert small_state in said


@ROOT_ONLY
def test_read_only_state_directory(small_state, lab):
    if remount(small_state, "ro").returncode:
        pytest.skip("cannot remount")
    status, said = run_to_end(lab.daemon(state_dir=small_state, start=False))
    assert status not in (0, -6, -11)
    assert small_state in said and "read-only" in said.lower()


# --- the control socket ---

def raw(daemon, data, close=False):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(5 * FACTOR)
    sock.connect(daemon.socket)
    with contextlib.suppress(OSError):
        sock.sendall(data)
    if close:
        sock.close()
    return sock


def test_garbage_on_the_control_socket(daemon):
    for data in (b"\0\1\2\3" * 1000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 100000,
                 b"POST /v1/jobs/x/start HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
                 b"GET /v1/jobs HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
                 b"POST /v1/jobs/x/start HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"):
        raw(daemon, data, close=True)
        sock = raw(daemon, data)
        with contextlib.suppress(OSError):
            sock.recv(100)
        sock.close()
    assert daemon.ready()


@pytest.mark.parametrize("method, path, body, status", [
    ("GET", "/v1/jobs/nosuch", None, 404),
    ("GET", "/v1/nosuch", None, 404),
    ("DELETE", "/v1/jobs/job-0000", None, 405),
    ("POST", "/v1/jobs/job-0000/dance", {}, 404),
    ("POST", "/v1/jobs/nosuch/start", {}, 404),
    ("POST", "/v1/jobs/job-0000/complete", {}, 409),
    ("POST", "/v1/jobs/job-0000/start", {"sauce": "a:1"}, 400),
    ("POST", "/v1/jobs/job-0000/start", {"source": 7}, 400),
    ("POST", "/v1/jobs/job-0000/start", ["no", "object"], 400),
    ("GET", "/v1/events?after=minus", None, 400),
])
def test_bad_requests_are_told_what_is_wrong(daemon, method, path, body, status):
    idle_jobs(daemon, 1)
    daemon.wait_job("job-0000")
    got, answer = daemon.http(method, path, body)
    assert got == status, answer
    assert {"code", "message"} <= set(answer["error"])


def test_body_that_is_no_json_and_body_that_is_too_large(daemon):
    idle_jobs(daemon, 1)
    daemon.wait_job("job-0000")
    for body in (b"{not json", b"[" * 100000, b"x" * (8 << 20)):
        head = b"POST /v1/jobs/job-0000/start HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        sock = raw(daemon, head + body)
        with contextlib.suppress(OSError):
            answer = sock.recv(1000)
            assert not answer or answer.split()[1] in (b"400", b"413"), answer
        sock.close()
    assert daemon.ready()


def test_many_idle_connections_do_not_shut_others_out(daemon):
    idle = [raw(daemon, b"GET /v1") for _ in range(100)]
    wait_for(daemon.ready, 20, "an answer beside a hundred silent connections")
    for sock in idle:
        sock.close()


@contextlib.contextmanager
def follower(daemon, query=""):
    """A connection that follows the events; its socket."""
    sock = raw(daemon, f"GET /v1/events{query} HTTP/1.1\r\nHost: x\r\n"
                       "Accept: text/event-stream\r\n\r\n".encode())
    try:
        assert b"200" in sock.recv(15)
        yield sock
    finally:
        sock.close()


def test_follower_hears_events_as_they_come(lab, daemon):
    source, target = lab.pair()
    with follower(daemon) as sock:
        daemon.migrate("heard", source, target)
        text = b""
        while b"in_sync" not in text:
            chunk = sock.recv(65536)
            assert chunk, text
            text += chunk
    assert b'"heard"' in text


def test_followers_that_go_away(lab, daemon):
    """Gone, or there and not reading: nothing is kept for them without a limit, nobody else waits."""
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            with follower(daemon):
                pass
        for _ in range(5):
            stack.enter_context(follower(daemon))
        idle_jobs(daemon, 300)
        wait_for(lambda: len(daemon.jobs()) == 300, 30, "300 jobs")
        assert daemon.ready()
    descriptors = f"/proc/{daemon.process.pid}/fd"
    wait_for(lambda: len(os.listdir(descriptors)) < 40, 60, "the descriptors of those that left",
             interval=0.2)


def test_socket_is_for_the_group_alone(daemon):
    assert os.stat(daemon.socket).st_mode & 0o777 == 0o660
    assert os.stat(os.path.join(daemon.state_dir, "state.db")).st_mode & 0o077 == 0


def test_machine_is_shown(daemon):
    fsm = daemon.get("/v1/fsm")
    assert "freezing" in json.dumps(fsm)
    dot = daemon.ctl("fsm", "--dot")
    assert dot.returncode == 0 and "digraph" in dot.stdout


def test_client_without_a_daemon(lab):
    done = lab.daemon(start=False).ctl("list")
    assert done.returncode == 3 and done.stderr


# --- job files ---

BAD_FILES = {
    "empty-target": "source: {endpoint: 'a:1'}\n",
    "port": "target: {endpoint: 'a:70000'}\n",
    "unknown-key": "target: {endpoint: 'a:1'}\ntaget: {endpoint: 'a:1'}\n",
    "duplicate": "target: {endpoint: 'a:1'}\ntarget: {endpoint: 'a:2'}\n",
    "alias": "x: &a {endpoint: 'a:1'}\ntarget: *a\n",
    "tag": "target: !!map {endpoint: 'a:1'}\n",
    "type": "target: [1, 2]\n",
    "deep": "target: " + "[" * 1000 + "\n",
    "no-yaml": "target: {endpoint: 'a:1'\n\tx: }}}\n",
    "binary": "target: \x01\x02\n",
    "tls-half": "target: {endpoint: 'a:1', tls: {enabled: true, cert_file: /c.pem}}\n",
    "verify-later": "target: {endpoint: 'a:1'}\nverify: {mode: full}\n",
    "duration": "target: {endpoint: 'a:1'}\nattach: {timeout: soon}\n",
    "huge": "# " + "x" * 300000 + "\ntarget: {endpoint: 'a:1'}\n",
    "name": "replication_group: Not_A_Name\ntarget: {endpoint: 'a:1'}\n",
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_job_file_is_refused_with_its_place(daemon, kind):
    idle_jobs(daemon, 1)
    path = daemon.write_file(f"{kind}.yaml", BAD_FILES[kind])
    wait_for(lambda: path in daemon.log_tail(), 10, "the log to name the file")
    assert daemon.job(kind) is None
    daemon.wait_job("job-0000")
    checked = subprocess.run([ECMIGRATED, "--check", path], capture_output=True, text=True,
                             timeout=10 * FACTOR, check=False)
    assert checked.returncode == 1
    said = checked.stdout + checked.stderr
    assert path in said and "error" in said
    assert daemon.ctl("validate", path).returncode == 1


def test_all_errors_of_a_file_at_once(daemon, tmp_path):
    path = tmp_path / "three.yaml"
    path.write_text("taget: {endpoint: 'a:1'}\ntarget: {endpoint: 'a:70000'}\nattach: {attempts: many}\n")
    done = daemon.ctl("validate", str(path))
    said = done.stdout + done.stderr
    for place in (":1:1:", ":2:20:", ":3:20:"):
        assert f"{path}{place}" in said, said
    assert "did you mean 'target'" in said and "^~~~" in said


def test_check_says_yes_to_what_is_right(daemon, tmp_path):
    path = tmp_path / "right.yaml"
    path.write_text(json.dumps(job_spec("a:1", "b:2")))
    done = subprocess.run([ECMIGRATED, "--check", str(path)], capture_output=True, text=True,
                          timeout=10 * FACTOR, check=False)
    assert done.returncode == 0, done.stderr


def test_bad_change_leaves_the_running_job_alone(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("steady", source, target)
    daemon.write_file("steady.yaml", "target: {endpoint: 'half-writ")
    wait_for(lambda: "steady.yaml" in daemon.log_tail(), 10, "the log to name the file")
    assert daemon.job("steady")["phase"] == "replicating"
    daemon.complete("steady")


def test_strange_files_in_the_job_directory(lab, daemon, tmp_path):
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(json.dumps(job_spec("a:1", "b:2", **IDLE)))
    text = json.dumps(job_spec("a:1", "b:2", **IDLE))
    os.mkfifo(os.path.join(daemon.jobs_dir, "fifo.yaml"))
    os.mkdir(os.path.join(daemon.jobs_dir, "directory.yaml"))
    os.symlink(elsewhere, os.path.join(daemon.jobs_dir, "link.yaml"))
    os.symlink("/dev/zero", os.path.join(daemon.jobs_dir, "zero.yaml"))
    for name in (".hidden.yaml", "backup.yaml~", "x.yaml.swp", "y.yaml.dpkg-new", "readme.txt"):
        with open(os.path.join(daemon.jobs_dir, name), "w", encoding="utf-8") as file:
            file.write(text)
    with open(os.path.join(daemon.jobs_dir, "huge.yaml"), "wb") as file:
        file.truncate(1 << 30)
    idle_jobs(daemon, 1)
    daemon.wait_job("job-0000")
    stays(lambda: [j["id"] for j in daemon.jobs()] == ["job-0000"], 0.7, "one job only")


def test_password_in_a_file_that_others_can_read(daemon):
    spec = job_spec({"endpoint": "a:1", "password": "open-secret"}, "b:2", **IDLE)
    path = daemon.write_file("open.yaml", json.dumps(spec), mode=0o644)
    wait_for(lambda: path in daemon.log_tail(), 10, "the log to name the file")
    assert daemon.job("open") is None
    assert "open-secret" not in daemon.log_tail()
    os.chmod(path, 0o600)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_job("open")


def test_several_jobs_in_one_file(daemon):
    one, two = (json.dumps({"replication_group": name, **job_spec("a:1", "b:2", **IDLE)})
                for name in ("one", "two"))
    daemon.write_file("both.yaml", f"{one}\n---\n{two}\n")
    daemon.wait_job("one")
    daemon.wait_job("two")


def test_file_written_in_pieces(daemon):
    """Taken up when it is whole; what is seen in between disturbs nothing."""
    text = json.dumps(job_spec("a:1", "b:2", **IDLE), indent=1)
    with open(os.path.join(daemon.jobs_dir, "pieces.yaml"), "w", encoding="utf-8") as file:
        for char in text:
            file.write(char)
            file.flush()
    daemon.wait_job("pieces")
    assert daemon.events("pieces", "job_rejected") == []


def test_removed_idle_job_is_forgotten(daemon):
    idle_jobs(daemon, 2)
    wait_for(lambda: len(daemon.jobs()) == 2, 10, "two jobs")
    daemon.remove_job("job-0000")
    wait_for(lambda: daemon.job("job-0000") is None, 10, "the job to be forgotten")
    assert daemon.job("job-0001")


def test_thousand_job_files_at_once(lab, daemon):
    """Taken up while the control socket goes on answering."""
    slowest = 0.0
    probe = lab.node(name="clock")
    idle_jobs(daemon, 1000)

    def all_there():
        nonlocal slowest
        begin = probe.cmd("TIME")
        daemon.http("GET", "/healthz")
        end = probe.cmd("TIME")
        slowest = max(slowest, int(end[0]) - int(begin[0]) + (int(end[1]) - int(begin[1])) / 1e6)
        return len(daemon.get("/v1/jobs")["jobs"]) == 1000

    wait_for(all_there, 30, "a thousand jobs", interval=0.05)
    assert slowest < 0.1 * FACTOR, f"the control socket was silent for {slowest:.3f} s"
    daemon.restart()
    wait_for(lambda: len(daemon.jobs()) == 1000, 10, "a thousand jobs after a restart")


def test_hundred_jobs_started_at_dead_nodes(daemon):
    attach = {"attempts": 2, "timeout": "1s", "backoff_initial": "50ms", "backoff_max": "100ms"}
    for i in range(100):
        daemon.write_job(f"dead-{i}", f"127.0.0.1:{i + 1}", f"127.0.0.2:{i + 1}", attach=attach)
    wait_for(lambda: [j["phase"] for j in daemon.jobs()].count("failed") == 100, 60, "all to have failed",
             interval=0.1)


def test_idle_daemon_is_small(daemon):
    if FACTOR == 1:
        assert daemon.rss_kb() <= 12 * 1024


def test_many_clients_at_once(daemon):
    idle_jobs(daemon, 20)
    wait_for(lambda: len(daemon.jobs()) == 20, 10, "twenty jobs")
    failures = []

    def ask():
        for _ in range(50):
            try:
                daemon.get("/v1/jobs")
            except Exception as e:  # told by the main thread
                failures.append(e)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
