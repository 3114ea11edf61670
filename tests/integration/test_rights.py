# SPDX-License-Identifier: Apache-2.0
"""What the nodes must let us do, and each other: each right that is missing is named, and the line that is printed,
pasted into a shell, gives it. To ask begins nothing and ends nothing. On several versions: see secured_node.py."""
import json
import socket
import time

import pytest
from certificates import Authority
from harness import QUICK, node_spec, wait_for
from secured_node import SecuredNode, low_port, password_of, secured, servers

SAFETY_NET = ("+client|setname", "+client|id", "+client|list", "+client|kill")
TARGET = ("+info", "+ping", *SAFETY_NET, "+config|get", "+config|set", "+replicaof")
SOURCE = (*TARGET, "+client|pause", "+client|unpause")
REPLICATION = ("+psync", "+replconf", "+ping")
# Where a server hides whether its clients are paused, a write that does nothing has to show it.
PAUSE_PROBE = ("+pfcount", "~ecmigrate:none")
DAEMON_USER, REPLICATION_USER = "ecmigrate", "ecrepl"
STATS = ("sync_full", "sync_partial_ok", "sync_partial_err")
REPLICATION_STATE = ("role", "connected_slaves", "master_replid", "master_replid2")


def without(rights, *missing):
    return tuple(right for right in rights if right not in missing)


class Pair:
    """A source and a target with users of the least rights, and a job that waits for its start."""

    def __init__(self, lab, daemon, server, *args, source_args=(), target_args=()):
        self.daemon = daemon
        self.source = secured(lab, server, *args, *source_args, name="source")
        self.target = secured(lab, server, *args, *target_args, name="target")
        for node in (self.source, self.target):
            self.give(node)

    def give(self, node, *more, missing=()):
        """The daemon's user at that node gets what it must have, and more."""
        rights = SOURCE + PAUSE_PROBE if node is self.source else TARGET
        node.user(DAEMON_USER, without(rights, *missing) + more)
        node.user(REPLICATION_USER, REPLICATION)

    def node_spec(self, node, **more):
        return node_spec(node, **{
            "username": DAEMON_USER, "password": password_of(DAEMON_USER),
            "replication_user": {"username": REPLICATION_USER, "password": password_of(REPLICATION_USER)}, **more})

    def register(self, source=None, target=None, job="pair", **sections):
        spec = {"source": self.node_spec(self.source, **(source or {})),
                "target": self.node_spec(self.target, **(target or {})),
                "start": "manual", "attach": QUICK, **sections}
        self.daemon.write_file(f"{job}.yaml", json.dumps(spec))
        wait_for(lambda: (self.daemon.job(job) or {}).get("phase") == "idle", 5, "the job")
        self.job = job

    def check(self):
        """{id: result} of all that did not come out well."""
        before = (self.daemon.job(self.job)["checks"] or {}).get("at")
        self.daemon.verb(self.job, "check")

        def done():
            checks = self.daemon.job(self.job)["checks"]
            return checks and not checks["running"] and checks["at"] != before and checks

        self.checks = wait_for(done, 10, "the checks")
        return {r["id"]: r for r in self.checks["results"] if r["severity"] != "ok"}

    def reason(self):
        """Why the last check failed, as a run would."""
        return self.daemon.events(self.job, "check_failed")[-1]["data"]["reason"]


@pytest.fixture
def pair(lab, daemon, server):
    pair = Pair(lab, daemon, server)
    pair.register()
    return pair


def severities(results):
    return {id: result["severity"] for id, result in results.items()}


def expect(pair, usual, id, severity, message, remedy=None, at=None):
    """One result more than usual; pasting its remedy takes it away again."""
    results = pair.check()
    assert severities(results) == {**severities(usual), id: severity}, results
    assert results[id]["message"] == message
    assert pair.checks["passed"] == (severity != "error")
    if remedy is None:
        assert results[id]["remedy"] == []
        return
    assert results[id]["remedy"] == [f"redis-cli -h 127.0.0.1 -p {at.port} {remedy}"]
    at.paste(results[id]["remedy"][0])
    assert severities(pair.check()) == severities(usual), results[id]["remedy"]


# --- the least rights ---


@servers()
def test_the_least_rights_are_enough(pair):
    """The whole way, with every default user off: to and fro."""
    source, target = pair.source, pair.target
    usual = pair.check()
    assert pair.checks["passed"] and not [id for id in usual if "rights" in id or "auth" in id], usual
    source.fill(100)
    pair.daemon.verb("pair", "start")
    pair.daemon.wait_phase("pair", "replicating")
    source.cmd("SET", "last", "word")
    pair.daemon.complete("pair")
    assert target.role() == "master" and target.cmd("GET", "last") == "word"
    assert target.cmd("DBSIZE") == source.cmd("DBSIZE") == 101
    wait_for(lambda: source.info("replication").get("master_link_status") == "up", 10, "the way back")
    refused = [e["message"] for e in pair.daemon.events("pair") if "NOPERM" in e["message"]]
    assert not refused, refused


@servers()
def test_a_missing_right_of_the_daemon_is_named(pair):
    usual = pair.check()
    needed = {right: "error" for right in ("+replicaof", "+config|get", "+config|set")}
    paused = {right: "error" for right in ("+client|pause", "+client|unpause")} if pair.source.pauses else {}
    wanted = {right: "warning" for right in SAFETY_NET}
    for node, side, rights in ((pair.source, "source", {**needed, **paused, **wanted}),
                               (pair.target, "target", {**needed, **wanted})):
        for right, severity in rights.items():
            pair.give(node, missing=[right])
            expect(pair, usual, f"{side}-rights", severity, f"user 'ecmigrate' at the {side} may not: {right}",
                   f"ACL SETUSER ecmigrate '{right}'", node)
            if severity == "error":
                assert pair.reason() == "acl-denied"
        for right in without(SOURCE, "+info", *rights):
            pair.give(node, missing=[right])
            assert severities(pair.check()) == severities(usual), f"{right} is not needed"
        pair.give(node)


@servers()
def test_a_daemon_that_may_not_look_is_told_so(pair):
    usual = pair.check()
    for node, side in ((pair.source, "source"), (pair.target, "target")):
        pair.give(node, missing=["+info"])
        results = pair.check()
        assert severities(results) == {f"{side}-unreachable": "error"} and pair.reason() == "acl-denied"
        result = results[f"{side}-unreachable"]
        assert "NOPERM" in result["message"] and "info" in result["message"].lower()
        node.paste(result["remedy"][0])
        assert severities(pair.check()) == severities(usual)


@servers()
def test_all_that_is_missing_is_given_by_one_line(pair):
    usual = pair.check()
    for node, side in ((pair.source, "source"), (pair.target, "target")):
        node.user(DAEMON_USER, ("+info", *PAUSE_PROBE))
        results = pair.check()
        assert severities(results) == {**severities(usual), f"{side}-rights": "error"}
        result = results[f"{side}-rights"]
        assert len(result["remedy"]) == 1
        wanted = TARGET if node is pair.target or not node.pauses else SOURCE
        assert {f"'{right}'" for right in without(wanted, "+info", "+ping")} == set(result["remedy"][0].split()[8:])
        node.paste(result["remedy"][0])
        assert severities(pair.check()) == severities(usual)


@servers()
def test_a_missing_right_of_the_replication_user_is_named(pair):
    usual = pair.check()
    for node, side, id in ((pair.source, "source", "replication-rights"), (pair.target, "target", "reverse-rights")):
        for right in REPLICATION:
            node.user(REPLICATION_USER, without(REPLICATION, right))
            expect(pair, usual, id, "error", f"user 'ecrepl' at the {side} may not: {right}",
                   f"ACL SETUSER ecrepl '{right}'", node)
            assert pair.reason() == "acl-denied"
        node.user(REPLICATION_USER, ())
        expect(pair, usual, id, "error", f"user 'ecrepl' at the {side} may not: +ping, +replconf, +psync",
               "ACL SETUSER ecrepl '+ping' '+replconf' '+psync'", node)
        node.user(REPLICATION_USER, REPLICATION)
    pair.target.user(REPLICATION_USER, ())
    pair.register(cutover={"reverse": False}, job="one-way")
    assert severities(pair.check()) == severities(usual), "nobody comes back"


@servers()
def test_a_run_fails_for_a_missing_right(pair):
    pair.give(pair.source, missing=["+replicaof"])
    pair.daemon.verb("pair", "start")
    job = pair.daemon.wait_phase("pair", "failed")
    assert job["reason"]["code"] == "acl-denied" and "+replicaof" in job["reason"]["message"]
    assert pair.daemon.event("pair", "migration_failed")["data"]["reason"] == "acl-denied"
    assert pair.target.role() == "master"
    [result] = [r for r in job["checks"]["results"] if r["severity"] == "error"]
    pair.source.paste(result["remedy"][0])
    pair.daemon.verb("pair", "retry")
    pair.daemon.wait_phase("pair", "replicating")
    pair.daemon.complete("pair")


@servers("redis60", "redis80")
def test_a_user_name_is_pasted_as_it_is(lab, daemon, server):
    name = "o'brien;$HOME\"`id`\\*"
    pair = Pair(lab, daemon, server)
    usual = TARGET
    pair.target.user(name, without(usual, "+replicaof"))
    pair.register(target={"username": name, "password": password_of(name)})
    results = pair.check()
    assert pair.checks["passed"] is False and name in results["target-rights"]["message"]
    pair.target.paste(results["target-rights"]["remedy"][0])
    assert "target-rights" not in pair.check()


# --- how bad it is ---


@servers()
def test_a_source_that_is_not_to_be_set(lab, daemon, server):
    """Without CONFIG SET: fatal where the fence is a setting, where the source is open to writes as a replica, and
    where it has to log in to come back. Elsewhere the migration goes well, untuned."""
    pair = Pair(lab, daemon, server)
    pair.give(pair.source, missing=["+config|set"])
    pair.register(cutover={"reverse": False})
    result = pair.check()["source-rights"]
    if not pair.source.pauses:
        assert result["severity"] == "error"
        return
    assert result["severity"] == "warning"
    pair.source.set_config("replica-read-only", "no")
    assert pair.check()["source-rights"]["severity"] == "error"
    pair.source.set_config("replica-read-only", "yes")
    pair.daemon.verb("pair", "start")
    pair.daemon.wait_phase("pair", "replicating")
    pair.daemon.complete("pair")
    assert pair.target.role() == "master"


@servers()
def test_clients_that_cannot_be_drained(pair):
    """Where scripts run, a held one could be told that all is well by a server that is read-only by then."""
    pair.give(pair.source, missing=["+client|kill"])
    assert pair.check()["source-rights"]["severity"] == "warning"
    pair.source.cmd("EVAL", "return 1", 0)
    assert pair.check()["source-rights"]["severity"] == "error"
    pair.register(cutover={"drain_clients": False}, job="held")
    assert pair.check()["source-rights"]["severity"] == "warning"


# --- asking does nothing ---


def state_of(node):
    info = node.info()
    node.cmd("ACL", "LOG", "RESET")
    return {"config": node.config(), "users": node.cmd("ACL", "LIST"), "keys": node.cmd("DBSIZE"),
            "forks": info.get("total_forks"), "saving": info["rdb_bgsave_in_progress"],
            "pid": info["process_id"], **{name: info[name] for name in STATS + REPLICATION_STATE}}


@servers()
@pytest.mark.parametrize("more", [(), ("+@all", "~*")], ids=["least", "all"])
def test_a_check_begins_nothing_and_changes_nothing(lab, daemon, server, more):
    """A copy that was begun would show at once: without a delay, and with threads that read and write."""
    threads = ("--io-threads", "4") + (() if "redis80" in server or "valkey" in server else
                                       ("--io-threads-do-reads", "yes"))
    pair = Pair(lab, daemon, server, *threads)
    nodes = pair.source, pair.target
    for node in nodes:
        node.fill(20)
        pair.give(node, *more)
        if more:
            node.user(REPLICATION_USER, more)
    pair.register(target={"allow_flush": True})
    before = [state_of(node) for node in nodes]
    for _ in range(10):
        pair.check()
        assert pair.checks["passed"]
    assert [state_of(node) for node in nodes] == before
    for node in nodes:
        wait_for(lambda node=node: len(node.cmd("CLIENT", "LIST").splitlines()) == 1, 5, "only our own connection")


@servers()
def test_a_check_ends_nobodys_pause(pair):
    source = pair.source
    if not source.pauses:
        pytest.skip("there is no pause of writes")
    for more in ((), ("+@all", "~*")):
        pair.give(source, *more)
        source.cmd("CLIENT", "PAUSE", 60000, "WRITE")
        results = pair.check()
        assert results["source-paused"]["severity"] != "ok" and "source-rights" not in results
        assert not source.takes_writes(), "the pause was ended"
        source.cmd("CLIENT", "UNPAUSE")
        assert source.takes_writes() and "source-paused" not in pair.check()
    pair.give(source, missing=PAUSE_PROBE)
    source.cmd("CLIENT", "PAUSE", 60000, "WRITE")
    pair.check()
    assert not source.takes_writes(), "the pause was ended, unseen"
    source.cmd("CLIENT", "UNPAUSE")


@servers()
def test_a_run_that_is_tried_again_and_again_ends_nobodys_pause(lab, daemon, server):
    """Its connection stays: what was seen over it before is old by then."""
    pair = Pair(lab, daemon, server)
    source, target = pair.source, pair.target
    if not source.pauses:
        pytest.skip("there is no pause of writes")
    pair.register(attach={**QUICK, "attempts": 100, "backoff_max": "150ms"})
    target.set_config("min-replicas-to-write", "3")
    pair.daemon.verb("pair", "start")

    def checked():
        return len(pair.daemon.events("pair", "check_failed"))

    wait_for(lambda: checked() > 3, 10, "some attempts")
    source.cmd("CLIENT", "PAUSE", 60000, "WRITE")
    so_far = checked()
    wait_for(lambda: checked() > so_far + 1, 20, "more of them")
    assert not source.takes_writes(), "the pause was ended"
    source.cmd("CLIENT", "UNPAUSE")
    target.set_config("min-replicas-to-write", "0")
    pair.daemon.wait_phase("pair", "replicating")


@servers()
def test_whether_a_pause_may_be_ended_is_asked_for(pair):
    """A server that hides whether its clients are paused is told apart by a write that does nothing."""
    usual = pair.check()
    pair.give(pair.source, missing=PAUSE_PROBE)
    if not pair.source.pauses or pair.source.tells_of_pauses:
        assert severities(pair.check()) == severities(usual)
        return
    expect(pair, usual, "source-rights", "notice",
           "whether 'ecmigrate' may end a pause, and whether somebody has paused the source's clients, is not known: "
           "it may not try PFCOUNT ecmigrate:none", "ACL SETUSER ecmigrate '+pfcount' '~ecmigrate:none'", pair.source)


def calls(node):
    """How many commands it was given, whether it did them or not."""
    stats = [line.split(":", 1)[1] for line in node.cmd("INFO", "commandstats").splitlines() if ":" in line]
    fields = [dict(field.split("=") for field in line.split(",")) for line in stats]
    return sum(int(f["calls"]) + int(f.get("rejected_calls", 0)) for f in fields)


@servers()
def test_what_a_check_costs(pair, record_property):
    for node, user in ((pair.source, DAEMON_USER), (pair.target, DAEMON_USER)):
        node.user(user, ("+@all", "~*"))
    times = []
    for _ in range(5):
        for node in (pair.source, pair.target):
            node.cmd("CONFIG", "RESETSTAT")
        begun = time.monotonic()
        pair.check()
        times.append(time.monotonic() - begun)
        counts = [calls(node) - 1 for node in (pair.source, pair.target)]
        assert max(counts) <= 30, counts
    record_property("commands", counts)
    record_property("milliseconds", [round(t * 1000) for t in times])
    print(f"\n{pair.source.product} {pair.source.version}: {counts} commands, {min(times) * 1000:.0f} ms")


# --- what no right cures ---


@servers()
@pytest.mark.parametrize("command, id, told", [
    ("REPLICAOF", "rights", "REPLICAOF"), ("CONFIG", "rights", "CONFIG GET, CONFIG SET"),
    ("CLIENT", "rights", None), ("PSYNC", "copy", "PSYNC"), ("REPLCONF", "copy", "REPLCONF")])
def test_a_command_that_was_renamed_is_no_missing_right(lab, daemon, server, command, id, told):
    for side in ("source", "target"):
        renamed = ("--rename-command", command, "")
        pair = Pair(lab, daemon, server, **{f"{side}_args": renamed})
        pair.register(job=f"at-{side}")
        wanted = {"rights": f"{side}-rights", "copy": "replication-rights" if side == "source" else "reverse-rights"}[id]
        results = pair.check()
        result = results.pop(wanted)
        assert not [r for r in results.values() if r["severity"] == "error"], results
        assert result["remedy"] == [] and "does not know" in result["message"]
        if command == "CLIENT":
            pauses = side == "source" and pair.source.pauses
            assert ("CLIENT PAUSE" in result["message"]) == pauses
            assert result["severity"] == ("error" if pauses else "warning")
            told = ["CLIENT KILL", "CLIENT ID", "CLIENT SETNAME", "CLIENT LIST"]
            assert all(name in result["message"] for name in told)
        else:
            assert f" {told}: renamed" in result["message"] and result["severity"] == "error"
            assert pair.reason() == "command-refused"


@servers("redis70")
def test_what_is_renamed_and_what_is_not_allowed(lab, daemon, server):
    pair = Pair(lab, daemon, server, target_args=("--rename-command", "REPLICAOF", ""))
    pair.give(pair.target, missing=["+config|set", "+client|kill"])
    pair.register()
    result = pair.check()["target-rights"]
    assert "REPLICAOF" in result["message"] and "lacks +config|set, +client|kill" in result["message"]
    assert pair.reason() == "command-refused"
    pair.target.paste(result["remedy"][0])
    result = pair.check()["target-rights"]
    assert "REPLICAOF" in result["message"] and "lacks" not in result["message"] and result["remedy"] == []


@servers()
def test_cluster_mode_is_no_missing_right(lab, daemon, server):
    for side in ("source", "target"):
        pair = Pair(lab, daemon, server, **{f"{side}_args": ("--cluster-enabled", "yes")})
        pair.register(job=f"at-{side}")
        results = pair.check()
        errors = [id for id, r in results.items() if r["severity"] == "error"]
        assert errors == [f"{side}-cluster-mode"] and pair.reason() == f"{side}-cluster-mode"
        assert not [id for id in results if "rights" in id], results


# --- log-ins ---


@servers()
def test_a_wrong_password_of_the_replication_user(lab, daemon, server):
    pair = Pair(lab, daemon, server)
    wrong = {"replication_user": {"username": REPLICATION_USER, "password": "wrong"}}
    told = {"source": "the target could not log in to the source", "target": "the source could not log in to the target"}
    for side, words in told.items():
        pair.register(**{side: wrong}, job=f"wrong-{side}")
        results = pair.check()
        errors = {id: r for id, r in results.items() if r["severity"] == "error"}
        assert list(errors) == ["auth-refused"] and pair.reason() == "auth-refused"
        assert errors["auth-refused"]["message"].startswith(words)
        assert [side for side in told if errors["auth-refused"][side]] == [side]
    pair.register(source=wrong, target=wrong, job="wrong-both")
    result = pair.check()["auth-refused"]
    assert result["source"] and result["target"] and result["message"].count("is wrong") == 2
    pair.register(target=wrong, cutover={"reverse": False}, job="one-way")
    assert "auth-refused" not in pair.check()


# --- Valkey's second channel ---


@servers("valkey80", "valkey91", default=False)
def test_a_second_channel_needs_sync(lab, daemon, server):
    on = ("--dual-channel-replication-enabled", "yes")
    pair = Pair(lab, daemon, server, *on)
    pair.register()
    for node, id, side in ((pair.source, "replication-rights", "source"), (pair.target, "reverse-rights", "target")):
        usual = {other: r for other, r in pair.check().items() if other != id}
        expect(pair, usual, id, "error", f"user 'ecrepl' at the {side} may not: +sync", "ACL SETUSER ecrepl '+sync'",
               node)
    pair.source.fill(100)
    pair.daemon.verb("pair", "start")
    pair.daemon.wait_phase("pair", "replicating")
    pair.daemon.complete("pair")


@servers("valkey80", "valkey91", default=False)
@pytest.mark.parametrize("where", ["source_args", "target_args"])
def test_one_who_has_a_second_channel_does_not_use_it(lab, daemon, server, where):
    pair = Pair(lab, daemon, server, **{where: ("--dual-channel-replication-enabled", "yes")})
    pair.register()
    assert not [id for id in pair.check() if "rights" in id]
    pair.source.fill(100)
    pair.daemon.verb("pair", "start")
    pair.daemon.wait_phase("pair", "replicating")


# --- the road between the nodes ---


@servers()
def test_a_node_that_speaks_as_the_other_does_not_expect(lab, daemon, server, tmp_path):
    """It is set for the migration; where the source may not be set, that is an error."""
    authority = Authority(tmp_path)
    tls = server_options(authority.issue("both"), authority)
    pair = Pair(lab, daemon, server, *tls, "--tls-replication", "yes")
    pair.register()
    usual = pair.check()
    assert "tls-mismatch" not in usual and pair.checks["passed"], usual
    shown = next(r for r in pair.checks["results"] if r["id"] == "tls-mismatch")
    assert shown["target"] == "tls-replication yes, for the migration no"
    pair.give(pair.source, missing=["+config|set"])
    expect(pair, usual, "source-rights", "error", "user 'ecmigrate' at the source may not: +config|set",
           "ACL SETUSER ecmigrate '+config|set'", pair.source)
    pair.source.fill(10)
    pair.daemon.verb("pair", "start")
    pair.daemon.wait_phase("pair", "replicating")
    pair.daemon.complete("pair")


@servers()
def test_a_port_that_speaks_tls(lab, daemon, server, tmp_path):
    """Both can; the target is told the source's port for it, and the source the target's plain one."""
    authority = Authority(tmp_path)
    ports = low_port(), low_port()
    pair = Pair(lab, daemon, server, *server_options(authority.issue("both"), authority),
                source_args=("--tls-port", str(ports[0])), target_args=("--tls-port", str(ports[1])))
    pair.register(source={"reachable_as": f"127.0.0.1:{ports[0]}"})
    assert "tls-mismatch" not in pair.check()
    pair.source.fill(10)
    pair.daemon.verb("pair", "start")
    pair.daemon.wait_phase("pair", "replicating")
    assert pair.target.cmd("CONFIG", "GET", "tls-replication")[1] == "yes"
    pair.daemon.complete("pair")
    wait_for(lambda: pair.target.cmd("CONFIG", "GET", "tls-replication")[1] == "no", 10, "what it was to be restored")
    pair.register(source={"reachable_as": f"127.0.0.1:{low_port()}"}, job="forwarded")
    assert "tls-mismatch" not in pair.check(), "whose port that is, nobody knows; the target is left as it is"
    pair.target.set_config("tls-replication", "yes")
    result = pair.check()["tls-mismatch"]
    assert result["severity"] == "notice" and result["remedy"] == []


@servers()
def test_a_target_that_cannot_speak_tls(lab, daemon, server, tmp_path):
    """It has no certificate, and no authority to check the source by."""
    authority = Authority(tmp_path)
    port = low_port()
    pair = Pair(lab, daemon, server, source_args=(*server_options(authority.issue("source"), authority),
                                                  "--tls-port", str(port)))
    pair.register(cutover={"reverse": False})
    usual = pair.check()
    pair.register(source={"endpoint": f"127.0.0.1:{port}", "tls": {"enabled": True, "ca_file": authority.file}},
                  cutover={"reverse": False}, job="tls")
    expect(pair, usual, "tls-unprepared", "error", "the target is to follow the source over TLS, and "
           "tls-ca-cert-file, tls-cert-file and tls-key-file are not set there")


def server_options(certificate, authority):
    return ("--tls-cert-file", certificate.cert, "--tls-key-file", certificate.key, "--tls-ca-cert-file",
            authority.file, "--tls-auth-clients", "no")


def own_address():
    """An address of this machine that is not the loopback's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("203.0.113.1", 9))
        except OSError:
            pytest.skip("this machine has no address but the loopback's")
        return sock.getsockname()[0]


@servers()
def test_a_source_in_protected_mode(lab, daemon, server):
    """It lets the daemon in, which is on its host, and not the target."""
    address = own_address()
    source, target = (SecuredNode(server, "--bind", "127.0.0.1", address, "--protected-mode", "yes", name=name)
                      for name in ("source", "target"))
    for node in (source, target):
        lab.things.append(node)
        node.start()
    source.fill(10)

    def check(job, **more):
        daemon.write_file(f"{job}.yaml", json.dumps({
            "source": node_spec(source, **more), "target": node_spec(target), "start": "manual", "attach": QUICK}))
        daemon.wait_job(job)
        daemon.verb(job, "check")
        checks = wait_for(lambda: (c := daemon.job(job)["checks"]) and not c["running"] and c, 10, "the checks")
        return {r["id"]: r for r in checks["results"] if r["severity"] != "ok"}

    assert "protected-mode" not in check("same-host")
    away = {"reachable_as": f"{address}:{source.port}"}
    result = check("away", **away)["protected-mode"]
    assert result["severity"] == "warning" and result["source"] == "protected-mode yes"
    source.paste(result["remedy"][0])
    assert "protected-mode" not in check("cured", **away)
    daemon.verb("cured", "start")
    daemon.wait_phase("cured", "replicating")
    source.set_config("requirepass", "pw")
    source.password = "pw"
    source.disconnect()
    source.set_config("protected-mode", "yes")
    assert "protected-mode" not in check("password", **away), "then anybody may come"
