# SPDX-License-Identifier: Apache-2.0
"""ecmigratectl doctor: a daemon that is well, and each thing that may be wrong with one."""
import json
import os
import resource
import socket
import subprocess
import tempfile
import textwrap
import time

import pytest
import yaml

from ctl_runner import BINARY, DONE, FAILED, TIMEOUT, ctl, fake  # noqa: F401
from fake_daemon import job
from waiting import FACTOR, wait_for

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
OWN_MOUNTS = ["unshare", "-m", "--propagation", "private"]
MOUNTS_ONLY = pytest.mark.skipif(subprocess.run([*OWN_MOUNTS, "true"], capture_output=True, check=False).returncode != 0,
                                 reason="this place gives nobody mounts of their own")
CHECKS = ["config", "daemon", "ready", "unit", "journal", "descriptors", "directories", "disk", "job-files",
          "credentials", "clock", "names", "nodes", "tls"]


class Report:
    def __init__(self, done):
        self.status = done.returncode
        self.text = done.stdout if isinstance(done.stdout, str) else done.stdout.decode()
        self.document = json.loads(self.text)
        self.findings = self.document["findings"]

    def of(self, check, result=None):
        return [f for f in self.findings if f["check"] == check and result in (None, f["result"])]

    def one(self, check, result):
        found = self.of(check, result)
        assert len(found) == 1, self.of(check)
        return found[0]["message"]

    def worst(self, check):
        return next((r for r in ("fail", "warn", "skip", "ok") if self.of(check, r)), None)


class Box:
    """Directories as a daemon has them, without a daemon."""

    def __init__(self, ctl, directory):
        self.ctl, self.dir = ctl, str(directory)
        self.jobs, self.state = os.path.join(self.dir, "jobs"), os.path.join(self.dir, "state")
        self.config = os.path.join(self.dir, "ecmigrated.yaml")
        os.chmod(self.dir, 0o755)
        os.mkdir(self.jobs, 0o750)
        os.mkdir(self.state, 0o700)
        self.configure(jobs_dir=self.jobs, state_dir=self.state)

    def configure(self, **settings):
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(settings, file)

    def file(self, name, text, mode=0o640):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def job(self, name, spec, mode=0o640):
        return self.file(f"jobs/{name}.yaml", json.dumps(spec), mode)

    def argv(self, *more):
        return ["doctor", "--config", self.config, *more]

    def report(self, *more, **options):
        return Report(self.ctl(*self.argv("-o", "json", *more), **options))


@pytest.fixture
def box(ctl):
    with tempfile.TemporaryDirectory(prefix="ecmdoctor") as directory:
        yield Box(ctl, directory)


def examine(daemon, *more):
    return daemon.ctl("doctor", "--config", os.path.join(daemon.dir, "ecmigrated.yaml"), "--jobs-dir", daemon.jobs_dir,
                      "--state-dir", daemon.state_dir, *more)


# --- all is well ---


def test_a_daemon_that_is_well(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("orders", source, target)
    done = examine(daemon, "-o", "json")
    report = Report(done)
    assert report.status == DONE and report.document["ok"], done.stdout
    assert list(dict.fromkeys(f["check"] for f in report.findings)) == CHECKS
    assert {c for c in CHECKS if report.worst(c) == "ok"} >= {
        "config", "daemon", "ready", "descriptors", "directories", "job-files", "credentials", "names", "nodes"}
    assert f"(process {daemon.process.pid}, user " in report.one("daemon", "ok")
    assert report.one("nodes", "ok").startswith("2 of 2 nodes answer")
    assert report.document["counts"]["fail"] == 0
    assert yaml.safe_load(examine(daemon, "-o", "yaml").stdout)["ok"] is True
    table = examine(daemon)
    assert table.returncode == DONE
    assert "ok    daemon       ecmigrated " in table.stdout and table.stdout.endswith(" skipped\n")


def test_what_the_daemon_does_not_reach(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("orders", source, target)
    source.kill9()
    wait_for(lambda: daemon.job("orders")["source"]["reachable"] is False, 20, "the daemon to see it")
    report = Report(examine(daemon, "-o", "json"))
    assert report.status == FAILED
    assert f"127.0.0.1:{source.port} (orders): Connection refused" == report.one("nodes", "fail")
    assert "1 of 2 nodes answer" in report.one("nodes", "ok")


def test_too_few_descriptors(daemon):
    hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (100, hard))
    report = Report(examine(daemon, "-o", "json"))
    assert report.status == FAILED
    assert report.one("descriptors", "fail").startswith("the daemon may open 100 files, but 0 jobs need up to ")


# --- the daemon ---


def answer(http_status, **body):
    text = json.dumps(body)
    return f"HTTP/1.1 {http_status} X\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


def test_without_a_daemon(box):
    box.job("orders", {"target": {"endpoint": "127.0.0.1:1"}})
    result = box.ctl(*box.argv())
    assert result.returncode == FAILED
    assert f"fail  daemon       no daemon on the control socket '{box.ctl.socket}'" in result.out
    assert "systemctl start ecmigrated" in result.out
    report = box.report()
    assert report.worst("directories") == "skip" and report.worst("job-files") == "ok"
    assert report.worst("ready") == report.worst("descriptors") == "skip"
    assert report.worst("nodes") == "fail"


def test_the_socket_is_that_of_the_runtime_directory(box):
    box.configure(jobs_dir=box.jobs, state_dir=box.state, runtime_dir="/nowhere")
    del box.ctl.env["ECMIGRATE_SOCKET"]
    assert "'/nowhere/control.sock'" in box.report().one("daemon", "fail")


def test_another_version(box, fake):
    fake.raw.update({"/healthz": answer(200, status="ok", version="9.9.9"), "/readyz": answer(200, status="ready")})
    fake.put(job("orders", source=None, target=None))
    report = box.report()
    assert report.one("daemon", "warn").startswith("the daemon is version 9.9.9, this program is ")
    assert report.one("ready", "ok") == "ready, with 1 jobs"
    fake.raw["/healthz"] = answer(200, status="ok")
    assert "the daemon is version -, " in box.report().one("daemon", "warn")


def test_a_daemon_that_is_held_or_not_ready(box, fake):
    fake.raw.update({"/healthz": answer(200, status="ok"), "/readyz": answer(503, status="held")})
    assert "does not take writes" in box.report().one("ready", "fail")
    fake.raw["/readyz"] = answer(503, status="starting")
    assert box.report().one("ready", "warn") == "not ready yet: starting"


def test_a_daemon_that_does_not_answer(box):
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(box.ctl.socket)
        deaf.listen()
        start = time.monotonic()
        assert "does not answer (waited 3 s)" in box.report().one("daemon", "fail")
        assert time.monotonic() - start < 8 * FACTOR


# --- configuration and directories ---


def test_wrong_configuration(box):
    box.file("ecmigrated.yaml", "jobs_dri: /x\n")
    report = box.report()
    assert report.status == FAILED
    assert f"{box.config}:1:1: error[unknown-key]" in report.one("config", "fail")
    assert box.report("--config", "/nowhere/x.yaml").worst("config") == "fail"


def test_a_port_that_everybody_could_use(box):
    box.configure(jobs_dir=box.jobs, state_dir=box.state, listen="0.0.0.0:8600")
    assert any("open to other machines" in f["message"] for f in box.report().of("config", "fail"))
    box.configure(jobs_dir=box.jobs, state_dir=box.state, listen="127.0.0.1:8600")
    assert box.report().of("config", "fail") == []


def test_the_certificate_of_the_listener(box):
    key = box.file("key.pem", "x", 0o600)
    box.configure(jobs_dir=box.jobs, state_dir=box.state, listen="127.0.0.1:8600",
                  api={"tls": {"cert_file": f"{box.dir}/none.pem", "key_file": key}})
    assert box.report().one("credentials", "fail").startswith("api.tls.cert_file: ")
    box.file("none.pem", "x", 0o644)
    assert box.report().of("credentials", "fail") == []


def test_options_win_over_the_config_file(box):
    os.mkdir(os.path.join(box.dir, "other"), 0o750)
    report = box.report("--jobs-dir", os.path.join(box.dir, "other"), "--state-dir", os.path.join(box.dir, "none"))
    assert f"0 files with 0 jobs in {box.dir}/other" == report.one("job-files", "ok")
    assert report.one("directories", "fail") == f"state: {box.dir}/none: No such file or directory"
    assert report.worst("disk") == "skip"


def test_modes_of_directories(box):
    os.chmod(box.jobs, 0o777)
    os.chmod(box.state, 0o755)
    report = box.report()
    assert report.one("directories", "fail").startswith(f"job files: {box.jobs} has mode 0777")
    assert report.of("directories", "fail")[0]["next_step"] == f"sudo chmod 0755 {box.jobs}"
    assert "state: " in report.one("directories", "warn") and "0755" in report.one("directories", "warn")
    os.chmod(box.jobs, 0o750)
    os.chmod(box.state, 0o777)
    assert report.status == FAILED and "state: " in box.report().one("directories", "fail")


@ROOT_ONLY
def test_another_user_may_not(box):
    secret = box.file("secret", "hush", 0o600)
    box.job("orders", {"target": {"endpoint": "127.0.0.1:1", "password_file": secret}}, 0o644)
    os.chmod(box.jobs, 0o755)
    done = subprocess.run([BINARY, *box.argv("-o", "json")], env=box.ctl.env, capture_output=True, text=True,
                          timeout=TIMEOUT, user=65534, group=65534, extra_groups=[], check=False)
    report = Report(done)
    # Where there is a user ecmigrate, that one is looked at; it may as little.
    assert "may not read" in report.one("credentials", "fail") and secret in report.one("credentials", "fail")
    assert any("state: " in f["message"] and "may not" in f["message"] for f in report.of("directories", "fail"))


# --- job files and passwords ---


def test_wrong_job_files(box):
    box.job("good", {"target": {"endpoint": "127.0.0.1:1"}})
    box.job("twin", {"replication_group": "good", "target": {"endpoint": "127.0.0.1:1"}})
    bad = box.file("jobs/bad.yaml", "target: {endpoint: 'h:70000', x: 1}\n")
    box.file("jobs/.hidden.yaml", "nonsense")
    box.file("jobs/notes.txt", "nonsense")
    os.mkfifo(os.path.join(box.jobs, "fifo.yaml"))
    report = box.report()
    said = {f["subject"]: f for f in report.of("job-files", "fail")}
    assert len(said) == 3 and not report.of("job-files", "ok")
    assert said[bad]["message"] == f"{bad}:1:20: port 70000 is outside 1..65535 (and more)"
    assert said[bad]["next_step"] == f"ecmigratectl validate {bad}"
    assert said[f"{box.jobs}/fifo.yaml"]["message"].endswith("not a regular file")
    assert said[f"{box.jobs}/twin.yaml"]["message"] == \
        f"job 'good' of {box.jobs}/twin.yaml stands in {box.jobs}/good.yaml, too"


def test_passwords(box):
    target = {"endpoint": "127.0.0.1:1"}
    box.job("inline", {"target": {**target, "password": "hush"}}, 0o644)
    box.job("gone", {"target": {**target, "password_file": f"{box.dir}/gone"}})
    box.job("open", {"target": {**target, "password_file": box.file("open", "hush", 0o644)}})
    box.job("empty", {"target": {**target, "password_file": box.file("empty", "", 0o600)}})
    box.job("good", {"target": {**target, "password_file": box.file("good", "hush", 0o600)}})
    box.job("passed", {"target": {**target, "credential": "x"}})
    report = box.report()
    assert "jobs/inline.yaml holds a password and can be read by others" in report.one("job-files", "fail")
    said = {f["subject"]: f["message"] for f in report.of("credentials", "fail")}
    assert set(said) == {"target of gone", "target of open", "target of empty"}
    assert "can be read by others (mode 0644)" in said["target of open"] and "empty" in said["target of empty"]
    assert report.one("credentials", "skip").startswith("1 passwords")
    assert report.one("credentials", "ok").startswith("1 files with passwords")
    assert "hush" not in report.text


def test_credentials_of_the_daemon(lab, tmp_path):
    (tmp_path / "orders").write_text("hush")
    (tmp_path / "orders").chmod(0o400)
    daemon = lab.daemon(env={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    daemon.write_job("orders", None, {"endpoint": "127.0.0.1:1", "credential": "orders"})
    daemon.wait_job("orders")
    assert Report(examine(daemon, "-o", "json")).one("credentials", "ok").startswith("1 files with passwords")
    (tmp_path / "orders").unlink()
    assert str(tmp_path / "orders") in Report(examine(daemon, "-o", "json")).one("credentials", "fail")


# --- nodes ---


def test_nodes_that_do_not_answer(box, lab):
    node, hole = lab.node(), lab.black_hole()
    box.job("orders", {"source": {"endpoint": node.endpoint}, "target": {"endpoint": hole.endpoint}})
    box.job("carts", {"source": {"endpoint": node.endpoint}, "target": {"endpoint": "no-such-host.invalid:6379"}})
    start = time.monotonic()
    report = box.report()
    assert time.monotonic() - start < 12 * FACTOR
    assert f"{hole.endpoint} (orders): no answer" == report.one("nodes", "fail")
    assert "1 of 3 nodes answer" in report.one("nodes", "ok")
    assert report.one("names", "fail").startswith("no-such-host.invalid: ")


def test_the_daemons_view_beside_ours(box, fake, lab):
    fake.raw.update({"/healthz": answer(200, status="ok"), "/readyz": answer(200, status="ready")})
    node = lab.node()
    up, down = {"endpoint": "127.0.0.1:1", "reachable": True}, {"endpoint": node.endpoint, "reachable": False}
    fake.put(job("orders", source=up, target=down, reason={"code": "auth-refused", "message": "wrong password"}))
    fake.put(job("old", state="available", phase="completed", target=up,
                 source={"endpoint": "127.0.0.1:2", "reachable": None}))
    report = box.report()
    warned = {f["subject"]: f["message"] for f in report.of("nodes", "warn")}
    assert "the daemon reaches it, but not from here: Connection refused" in warned["127.0.0.1:1 (orders and 1 more)"]
    assert "Connection refused" in warned["127.0.0.1:2 (old)"], "a job that has ended does not need it any more"
    assert "can be connected to, but the daemon does not reach it: wrong password" in report.one("nodes", "fail")


def test_a_thousand_jobs_stay_readable(box, lab):
    port = lab.node().port
    for i in range(1000):
        box.job(f"job-{i:04}", {"source": {"endpoint": f"127.0.0.1:{port}"},
                                "target": {"endpoint": f"127.0.{1 + i // 250}.{1 + i % 250}:1"}})
    start = time.monotonic()
    result = box.ctl(*box.argv())
    assert time.monotonic() - start < 15 * FACTOR
    assert "1000 files with 1000 jobs" in result.out
    assert "fail  nodes        and 990 more: ecmigratectl doctor -o json\n" in result.out
    assert "1 of 1001 nodes answer" in result.out
    assert len(result.out.splitlines()) < 60
    assert len(box.report().of("nodes", "fail")) == 1000


# --- the machine ---


def in_a_namespace(box, script, last='exec "$@"'):
    """doctor where script has changed what is mounted; last: how it is run there."""
    done = subprocess.run([*OWN_MOUNTS, "bash", "-ec",
                           textwrap.dedent(script) + "\n" + last, "bash", BINARY, *box.argv("-o", "json")],
                          env=box.ctl.env, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.stdout, done.stderr
    return Report(done)


SYSTEMD = """
    mount -t tmpfs tmpfs /run
    mkdir -p /run/systemd/system /run/systemd/journal /run/bin
    printf '#!/bin/sh\\ncat <<X\\n%s\\nX\\n' "{answer}" >/run/bin/systemctl
    chmod 755 /run/bin/systemctl
    export PATH=/run/bin:$PATH
"""
UNIT = "LoadState={}\nActiveState={}\nSubState=x\nUnitFileState={}\nMainPID=0"


@MOUNTS_ONLY
@pytest.mark.parametrize("states,result,words", [
    (("loaded", "active", "enabled"), "ok", "is enabled and active"),
    (("loaded", "active", "disabled"), "warn", "does not start at the next boot"),
    (("loaded", "failed", "enabled"), "fail", "is failed (x)"),
    (("not-found", "inactive", ""), "warn", "does not know the unit")])
def test_unit(box, states, result, words):
    report = in_a_namespace(box, SYSTEMD.format(answer=UNIT.format(*states)))
    assert words in report.one("unit", result)
    assert report.worst("journal") == "skip"


@MOUNTS_ONLY
def test_a_systemctl_that_hangs(box):
    report = in_a_namespace(box, SYSTEMD.format(answer="") + "echo 'exec tail -f /dev/null' >/run/bin/systemctl\n"
                                                             "sed -i '1i #!/bin/sh' /run/bin/systemctl\n")
    assert report.one("unit", "warn") == "systemctl gives no answer"


@MOUNTS_ONLY
def test_journal(box):
    script = SYSTEMD.format(answer=UNIT.format("loaded", "active", "enabled"))
    with_a_listener = ("exec /usr/bin/python3 -c 'import socket, subprocess, sys; "
                       "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); "
                       's.bind("/run/systemd/journal/socket"); '
                       "sys.exit(subprocess.run(sys.argv[1:]).returncode)' \"$@\"")
    assert "journald listens" in in_a_namespace(box, script, with_a_listener).one("journal", "ok")
    box.configure(jobs_dir=box.jobs, state_dir=box.state, log_target="journal")
    assert "nobody listens" in in_a_namespace(box, script).one("journal", "fail")


@MOUNTS_ONLY
@pytest.mark.parametrize("options,result,words", [
    ("size=1m", "fail", "free for"), ("size=64m", "warn", "free for"), ("size=1g", "ok", "free for"),
    ("size=1g,ro", "fail", "read-only"), ("size=1g,nr_inodes=1", "fail", ", 0 files")])
def test_disk(box, options, result, words):
    report = in_a_namespace(box, f"mount -t tmpfs -o mode=700,{options} tmpfs {box.state}")
    assert words in report.one("disk", result)
