# SPDX-License-Identifier: Apache-2.0
"""TLS to the nodes, and between them: migrations to the end and back, with certificates on both sides."""
import contextlib
import json
import os
import shutil
import signal
import socket
import threading

import pytest
from certificates import Authority
from harness import QUICK, REVERSE_LINK, config_changes, full_syncs, node_spec, wait_for
from secured_node import password_of, servers
from test_rights import DAEMON_USER, PAUSE_PROBE, REPLICATION, REPLICATION_USER, SOURCE, TARGET
from tls_node import tls_node
from waiting import FACTOR
from writers import check_no_lost

VERSIONS = ("redis70", "redis80", "valkey81", "valkey91")
REVERSE = REVERSE_LINK | {"tls-replication", "primaryauth", "primaryuser"}
WRITER = ("on", ">writers", "~*", "+set")


class Stage:
    """An authority, a certificate for the daemon, and nodes."""

    def __init__(self, lab, daemon, tmp_path):
        self.lab, self.daemon = lab, daemon
        self.authority = Authority(tmp_path / "authority")
        self.client = self.authority.issue("client", "DNS:client")

    def node(self, name, *args, **options):
        options.setdefault("client", self.client)
        return tls_node(self.lab, self.authority, self.authority.issue(name), *args, name=name, **options)

    def pair(self, *args, **options):
        return self.node("source", *args, **options), self.node("target", *args, **options)

    def ends_in(self, job, phase="failed", timeout=20):
        return self.daemon.wait_phase(job, phase, timeout=timeout)


@pytest.fixture
def stage(lab, daemon, tmp_path):
    return Stage(lab, daemon, tmp_path)


def link_up(node):
    return node.info("replication").get("master_link_status") == "up"


def as_before(before, node, but=()):
    """Waits until nothing is."""
    wait_for(lambda: not config_changes(before, node.config(), but), 5,
             lambda: f"{node.name} to be as it was: {config_changes(before, node.config(), but)}")


# --- the whole way ---


def least(stage, node, rights):
    """Users of the least rights, for the daemon, the other node and the writers."""
    node.secure()
    node.user(DAEMON_USER, rights + PAUSE_PROBE)
    node.user(REPLICATION_USER, REPLICATION)
    node.cmd("ACL", "SETUSER", "default", "reset", *WRITER)
    return node_spec(node, username=DAEMON_USER, password=password_of(DAEMON_USER), replication_user={
        "username": REPLICATION_USER, "password": password_of(REPLICATION_USER)})


@servers(*VERSIONS)
@pytest.mark.parametrize("end", ["complete", "abort"])
def test_nothing_but_tls_and_the_least_rights(stage, server, end):
    """Both nodes have no plain port, ask for certificates, and let the users do no more than they must."""
    daemon = stage.daemon
    source, target = stage.pair(server=server, tls_only=True)
    spec = {"source": least(stage, source, SOURCE), "target": least(stage, target, TARGET), "attach": QUICK}
    for n in range(200):
        source.cmd("SET", f"key:{n}", n)
    before = {node: node.config() for node in (source, target)}
    files = (stage.authority.file, stage.client.cert, stage.client.key)
    writers = stage.lab.writers(source, target, password="writers", tls=files)
    daemon.write_file("tls.yaml", json.dumps(spec))
    daemon.wait_job("tls")
    job = daemon.wait_phase("tls", "replicating", timeout=30)
    assert job["source"]["tls"] is True and job["target"]["tls"] is True
    assert target.cmd("CONFIG", "GET", "tls-replication")[1] == "yes"
    writers.wait_acks(200)
    if end == "abort":
        daemon.verb("tls", "abort")
        stage.ends_in("tls")
        assert target.role() == "master"
        check_no_lost(writers, source)
        as_before(before[source], source)
    else:
        assert daemon.complete("tls")["cutover"]["write_gap_ms"] < 1000
        wait_for(lambda: link_up(source), 10, "the way back")
        writers.wait_acks(200)
        check_no_lost(writers, target)
        assert source.cmd("CONFIG", "GET", "tls-replication")[1] == "yes", "the reverse link needs it"
        assert full_syncs(source) == 1 and full_syncs(target) == 0
        as_before(before[source], source, REVERSE)
    as_before(before[target], target)
    refused = [e["message"] for e in daemon.events("tls") if "NOPERM" in e["message"]]
    assert not refused, refused


MIXES = [(s, t) for s in (True, False) for t in (True, False)]


@servers("redis60", *VERSIONS)
@pytest.mark.parametrize("source_tls, target_tls", MIXES, ids=["tls-tls", "tls-plain", "plain-tls", "plain-plain"])
def test_every_mix_of_plain_and_tls(stage, server, source_tls, target_tls):
    """tls-replication is what the other's port speaks, there and back, whatever it was before."""
    wrong = {True: "no", False: "yes"}
    source = stage.node("source", "--tls-replication", wrong[target_tls], server=server)
    target = stage.node("target", "--tls-replication", wrong[source_tls], server=server)
    for node, speaks in ((source, source_tls), (target, target_tls)):
        if not speaks:
            node.tls = None
    source.fill(100) if "redis60" not in server else source.cmd("DEBUG", "POPULATE", 100)
    before = {node: node.config() for node in (source, target)}
    stage.daemon.migrate("mix", source, target)
    assert link_up(target)
    port = source.tls_port if source_tls else source.port
    assert target.info("replication")["master_port"] == str(port)
    stage.daemon.complete("mix")
    wait_for(lambda: link_up(source), 10, "the way back")
    target.cmd("SET", "after", "1")
    wait_for(lambda: source.cmd("GET", "after") == "1", 5, "the write to come back")
    assert full_syncs(source) == 1 and full_syncs(target) == 0
    assert source.cmd("CONFIG", "GET", "tls-replication")[1] == wrong[not target_tls], "for the reverse link"
    as_before(before[source], source, REVERSE)
    as_before(before[target], target)


# --- what is refused, and in which words ---


def fails(stage, source, target, *words, code="tls-failed", job="fails"):
    """The job fails, and says why; the target is left alone."""
    stage.daemon.write_job(job, source, target, attach={"attempts": 1})
    stage.daemon.wait_job(job)
    reason = stage.ends_in(job)["reason"]
    assert reason["code"] == code, reason
    for word in words:
        assert word in reason["message"], reason


@pytest.fixture
def target(stage):
    """At its plain port."""
    node = stage.node("target")
    node.tls = None
    return node


def with_tls(node, **more):
    return node_spec(node, tls={**node.tls, **more})


def without_certificate(node):
    return {name: value for name, value in node.tls.items() if name not in ("cert_file", "key_file")}


def test_an_authority_that_is_not_known(stage, target, tmp_path):
    other = Authority(tmp_path / "other", "Other Authority")
    source = stage.node("source")
    fails(stage, with_tls(source, ca_file=other.file), target, "Test Authority", "not in tls.ca_file, …", "/other/ca.pem")
    system = {name: value for name, value in source.tls.items() if name != "ca_file"}
    fails(stage, node_spec(source, tls=system), target, "not among the system's authorities", job="system")
    stage.daemon.migrate("unverified", with_tls(source, ca_file=other.file, verify="none"), target)


def test_a_certificate_of_another_name(stage, target):
    source = tls_node(stage.lab, stage.authority,
                      stage.authority.issue("db1", "DNS:db1.example,DNS:db1.internal,IP:10.9.8.7"), client=stage.client,
                      name="source")
    fails(stage, source, target, "not for '127.0.0.1', but for: db1.example, db1.internal, 10.9.8.7",
          "tls.server_name")
    fails(stage, with_tls(source, server_name="db2.example"), target, "not for 'db2.example'", job="db2")
    stage.daemon.migrate("named", with_tls(source, server_name="db1.internal"), target)
    stage.daemon.verb("named", "abort")
    stage.ends_in("named")
    stage.daemon.migrate("chain-only", with_tls(source, verify="ca"), node_spec(target, allow_flush=True))


@pytest.mark.parametrize("begin, end, words", [(-9 * 86400, -3600, "has expired: it ended at"),
                                               (7200, 864000, "is not valid yet: it begins at")])
def test_a_certificate_out_of_its_time(stage, target, begin, end, words):
    certificate = stage.authority.issue("odd", begin=begin, end=end)
    source = tls_node(stage.lab, stage.authority, certificate, client=stage.client, name="source")
    date = certificate.ends() if end < 0 else ""
    fails(stage, source, target, words, date)


def test_a_certificate_that_the_server_wants(stage, target, tmp_path):
    source = stage.node("source")
    fails(stage, node_spec(source, tls=without_certificate(source)), target,
          "asks for a client certificate", "tls.cert_file and tls.key_file")
    stranger = Authority(tmp_path / "other").issue("stranger")
    fails(stage, with_tls(source, cert_file=stranger.cert, key_file=stranger.key), target,
          "refuses the client certificate", "/other/stranger.pem", "unknown CA", job="stranger")
    old = stage.authority.issue("old", begin=-864000, end=-60)
    fails(stage, with_tls(source, cert_file=old.cert, key_file=old.key), target, "refuses the client certificate",
          "/authority/old.pem", f"it ended at {old.ends()}", job="old")


def test_a_server_that_only_would_like_a_certificate(stage, target):
    source = stage.node("source", clients="optional")
    stage.daemon.migrate("optional", node_spec(source, tls=without_certificate(source)), target)


def test_tls_12_and_no_version_in_common(stage, target):
    source = stage.node("source", "--tls-protocols", "TLSv1.2")
    fails(stage, node_spec(source, tls=without_certificate(source)), target, "asks for a client certificate")
    stage.daemon.migrate("twelve", source, target)
    stage.daemon.verb("twelve", "abort")
    stage.ends_in("twelve")
    old = stage.node("old", "--tls-protocols", "TLSv1.1", "--tls-ciphers", "ALL:@SECLEVEL=0")
    fails(stage, old, target, "no TLS version in common", job="old")
    odd = stage.node("odd", "--tls-protocols", "TLSv1.2", "--tls-ciphers", "ECDHE-RSA-AES128-GCM-SHA256")
    fails(stage, odd, target, "no cipher in common", job="odd")


def test_tls_to_a_plain_port(stage, target):
    source = stage.node("source")
    fails(stage, node_spec(source, endpoint=f"127.0.0.1:{source.port}"), target, "does this port speak TLS?",
          code="source-unreachable")


def test_plain_to_a_port_that_speaks_tls(stage, target):
    source = stage.node("source")
    spec = {"endpoint": source.endpoint}
    fails(stage, spec, target, "tls: {enabled: true}", code="source-unreachable")


@pytest.mark.parametrize("file, text, words", [
    ("cert_file", None, "is not the key of the certificate in"),
    ("key_file", "garbage", "no private key in PEM"),
    ("ca_file", "garbage", "no certificate in PEM")])
def test_files_that_cannot_be_used(stage, target, tmp_path, file, text, words):
    source = stage.node("source")
    path = tmp_path / "file.pem"
    if text is None:
        path = stage.authority.issue("another").cert
    else:
        path.write_text(text)
    fails(stage, with_tls(source, **{file: str(path)}), target, words, os.path.basename(path))


def test_files_that_are_not_there_are_refused_at_once(stage, target, tmp_path):
    source = stage.node("source")
    name = stage.daemon.write_job("gone", with_tls(source, key_file=f"{tmp_path}/gone.key"), target)
    done = stage.daemon.ctl("validate", name)
    assert done.returncode == 1 and "error[tls-file]" in done.stderr + done.stdout, done
    assert f"{tmp_path}/gone.key: No such file" in done.stderr + done.stdout


# --- while it runs ---


def rotate(node, authority, certificate):
    """The server goes on with other files."""
    assert node.cmd("CONFIG", "SET", "tls-cert-file", certificate.cert, "tls-key-file", certificate.key,
                    "tls-ca-cert-file", authority.file) == "OK"


def test_certificates_are_rotated_while_it_runs(stage, tmp_path):
    """All of them, the authority's too: the job waits until its files are the new ones, and goes on by itself."""
    daemon = stage.daemon
    source, target = stage.pair()
    source.fill(100)
    daemon.migrate("rotated", source, target)
    new = Authority(tmp_path / "new", "New Authority")
    for node in (source, target):
        rotate(node, new, new.issue(node.name))
        node.cmd("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    lost = wait_for(lambda: (job := daemon.job("rotated"))["source"]["reachable"] is False and job, 10, "the loss")
    assert lost["phase"] == "replicating"
    wait_for(lambda: "New Authority" in (daemon.job("rotated")["reason"] or {}).get("message", ""), 10, "the sentence")
    stage.client.replace(new.issue("client", "DNS:client"))
    shutil.copy(new.file, stage.authority.file)
    wait_for(lambda: daemon.job("rotated")["source"]["reachable"] and daemon.job("rotated")["target"]["reachable"], 15,
             "both nodes to be reached again")
    daemon.complete("rotated")
    assert target.role() == "master"


def test_a_reload_changes_nothing_that_is_there(stage):
    source, target = stage.pair()
    stage.daemon.migrate("there", source, target)
    ids = source.cmd("CLIENT", "LIST").count("name=ecmigrate:there")
    stage.daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: any('"reloaded"' in line for line in stage.daemon.log_lines()), 5, "the reload")
    assert source.cmd("CLIENT", "LIST").count("name=ecmigrate:there") == ids
    stage.daemon.complete("there")


def files_of(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def test_a_thousand_connects(stage):
    """Checks connect anew, each time to both nodes, as two users."""
    source, target = stage.pair()
    stage.daemon.write_job("checked", source, target, start="manual")
    stage.daemon.wait_job("checked")

    def connections():
        return sum(int(node.info("stats")["total_connections_received"]) for node in (source, target))

    def check():
        before = (stage.daemon.job("checked")["checks"] or {}).get("at")
        stage.daemon.verb("checked", "check")
        wait_for(lambda: (c := stage.daemon.job("checked")["checks"]) and not c["running"] and c["at"] != before, 10,
                 "the checks", interval=0.002)

    for _ in range(50):
        check()
    begin, files, memory = connections(), files_of(stage.daemon), stage.daemon.rss_kb()
    while connections() - begin < 1000:
        check()
    wait_for(lambda: files_of(stage.daemon) <= files + 2, 5, "descriptors to be closed")
    grown = stage.daemon.rss_kb() - memory
    assert grown < 2048 * FACTOR, f"{grown} KiB more"


class Cutter:
    """Passes on so many bytes of a connection's answers, then closes it; the next connection gets more."""

    def __init__(self, port, limits):
        self.target, self.limits, self.cut = port, list(limits), 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.endpoint = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                limit = self.limits.pop(0) if self.limits else None
                threading.Thread(target=self.pump, args=(client, server, None), daemon=True).start()
                threading.Thread(target=self.pump, args=(server, client, limit), daemon=True).start()

    def pump(self, source, sink, limit):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data if limit is None else data[:limit])
                if limit is not None:
                    limit -= len(data)
                    if limit <= 0:
                        self.cut += 1
                        break
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
def test_a_handshake_that_is_cut_everywhere(stage, protocol):
    """Each attempt gets further; in the end it goes through, and nothing was taken for a wrong certificate."""
    source, target = stage.pair("--tls-protocols", protocol)
    limits = [1, 4, 5, 6, 50, 90, 127, 128, 160, 300, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1500, 1700, 1900]
    cutter = stage.lab._keep(Cutter(source.tls_port, limits))
    node = node_spec(source, endpoint=cutter.endpoint, reachable_as=source.endpoint)
    stage.daemon.write_job("cut", node, target, attach={"attempts": 60, "backoff_initial": "10ms",
                                                        "backoff_max": "20ms"})
    stage.daemon.wait_job("cut")
    stage.daemon.wait_phase("cut", "replicating", timeout=60)
    assert cutter.cut > 12 and not cutter.limits
    reasons = {e["data"].get("reason") for e in stage.daemon.events("cut") if e.get("data")}
    assert "tls-failed" not in reasons, reasons


# --- the doctor, and the API of ElastiCache ---


def test_the_doctor_looks_at_tls(stage, tmp_path):
    source, target = stage.pair()
    soon = tls_node(stage.lab, stage.authority, stage.authority.issue("soon", end=86400), client=stage.client,
                    name="soon")
    stranger = tls_node(stage.lab, stage.authority, stage.authority.issue("stranger", "DNS:elsewhere"),
                        client=stage.client, name="stranger")
    for job, pair in {"good": (source, target), "soon": (soon, target), "wrong": (stranger, target)}.items():
        stage.daemon.write_job(job, *pair, start="manual")
        stage.daemon.wait_job(job)
    bare = node_spec(source, tls=without_certificate(source))
    stage.daemon.write_job("bare", bare, target, start="manual")
    stage.daemon.wait_job("bare")
    done = stage.daemon.ctl("doctor", "-o", "json", "--config", os.path.join(stage.daemon.dir, "ecmigrated.yaml"),
                            "--jobs-dir", stage.daemon.jobs_dir)
    found = [f for f in json.loads(done.stdout)["findings"] if f["check"] == "tls"]
    said = {(f["result"], f["subject"]): f["message"] for f in found}
    assert "asks for a client certificate" in said["fail", f"{source.endpoint} (bare)"]
    assert "not for '127.0.0.1', but for: elsewhere" in said["fail", f"{stranger.endpoint} (wrong)"]
    assert soon.certificate.ends() in said["warn", f"{soon.endpoint} (soon)"]
    assert said["ok", None].startswith("5 of 8 nodes accept us over TLS"), said
