# SPDX-License-Identifier: Apache-2.0
"""Sentinels that the job file names: told of the switch-over, and of an abort."""
import pytest
from certificates import Authority
from checks_stage import Stage, paste
from harness import REVERSE_LINK, config_changes, full_syncs, wait_for
from secured_node import low_port
from sentinel_node import NAME, Asking, Sentinel, knows_replica, long, watch
from test_checks_around import follow
from waiting import FACTOR, stays
from writers import check_no_lost

TOLD_MS = 2000 * FACTOR
# What Sentinel reads of a node every ten seconds: that the target is there, then that it may be promoted.
NOTICED_S = 40


def of_job(sentinels, **more):
    return {"sentinels": [s.endpoint for s in sentinels], "sentinel_name": NAME, **more}


def complete(daemon, job):
    """… and all Sentinels name the target."""
    daemon.complete(job, timeout=NOTICED_S)
    return wait_for(lambda: (j := daemon.job(job))["cutover"]["clients_told_ms"] and j, 10, "the clients to be told")


def says(daemon, job, words):
    return any(words in a["message"] for a in daemon.job(job)["alarms"])


def all_name(sentinels, node):
    return all(s.port_of_primary() == node.port for s in sentinels)


def follows(node, primary):
    try:
        seen = node.info("replication")
    except OSError:
        return False  # Sentinel closes the clients' connections of whom it re-points
    return seen["role"] == "slave" and seen["master_port"] == str(primary.port) and seen["master_link_status"] == "up"


@pytest.mark.parametrize("n, quorum, others", [
    (3, 2, 1), pytest.param(1, 1, 0, marks=long), pytest.param(1, 1, 1, marks=long), pytest.param(3, 2, 0, marks=long)])
def test_switch_under_writers_that_ask_sentinel(lab, daemon, n, quorum, others):
    source, target = lab.pair(keys=1000)
    before = target.config()
    replicas = [follow(lab, source) for _ in range(others)]
    sentinels = watch(lab, source, n, quorum)
    asking = lab._keep(Asking(*sentinels))
    writers = lab.writers(source, target)
    daemon.migrate("asked", source, target, **of_job(sentinels))
    assert target.config()["replica-priority"] == "0", "nobody may promote what is not whole"
    job = complete(daemon, "asked")
    assert job["cutover"]["clients_told_ms"] <= TOLD_MS
    assert all_name(sentinels, target)
    acked = len(asking.acked)
    wait_for(lambda: len(asking.acked) > acked + 100, 10, "who asks Sentinel to write on")
    # One Sentinel that has another replica to re-point says so to redis-py only when it is through with it.
    assert asking.longest <= (2.5 if n == 1 and others else 2) * FACTOR
    wait_for(lambda: follows(source, target) and all(follows(r, target) for r in replicas), 20, "all to follow")
    target.disconnect()  # Sentinel closes the clients' connections of whom it promotes
    wait_for(lambda: config_changes(before, target.config()) == {}, 20, "the settings to be restored")
    asking.close()
    check_no_lost(writers, target)
    assert asking.missing(target) == []
    assert (full_syncs(source), full_syncs(target)) == (1 + others, 0)
    told = daemon.event("asked", "clients_told")
    assert told["data"] == {"clients_told_ms": job["cutover"]["clients_told_ms"], "sentinels": n, "silent": 0}
    assert "clients told after" in daemon.ctl("status", "asked").stdout
    assert [e["name"] for e in daemon.events("asked") if e["name"] == "alarm_raised"] == []


@long
def test_a_minute_later_and_after_the_old_sources_restart_they_name_it_still(lab, daemon):
    source, target = lab.pair(keys=1000)
    follow(lab, source)
    sentinels = watch(lab, source, 3, 2)
    daemon.migrate("stays", source, target, **of_job(sentinels))
    complete(daemon, "stays")
    wait_for(lambda: follows(source, target), 10, "the reverse link")
    target.disconnect()
    target.cmd("SET", "since", "1")
    stays(lambda: all_name(sentinels, target), 30, "the target is named")
    source.restart()
    stays(lambda: all_name(sentinels, target), 30, "the target is named, with the old source back")
    wait_for(lambda: follows(source, target), 20, "Sentinel to demote it")
    assert target.role() == "master" and target.cmd("GET", "since") == "1"
    assert daemon.job("stays")["phase"] == "completed"


@pytest.mark.parametrize("n, quorum", [pytest.param(1, 1, marks=long), (3, 2)])
def test_after_an_abort_the_target_keeps_what_it_holds(lab, daemon, n, quorum):
    source, target = lab.pair(keys=1000)
    before = target.config()
    sentinels = watch(lab, source, n, quorum)
    daemon.migrate("given-up", source, target, **of_job(sentinels))
    wait_for(lambda: all(knows_replica(s, target) for s in sentinels), 15, "Sentinel to notice the target")
    daemon.verb("given-up", "abort")
    daemon.wait_phase("given-up", "failed")
    target.cmd("SET", "mine", "1")
    wait_for(lambda: not any(s.replicas() for s in sentinels), 5, "Sentinel to let go of the target")
    stays(lambda: target.role() == "master" and not any(s.replicas() for s in sentinels), 30, "let go of")
    assert target.cmd("GET", "mine") == "1" and all_name(sentinels, source)
    assert config_changes(before, target.config()) == {}
    wait_for(lambda: all(s.primary()["num-other-sentinels"] == str(n - 1) for s in sentinels), 10,
             "the Sentinels to know of each other again")


@long
def test_a_sentinel_that_was_down_at_the_abort_is_told_when_it_is_back(lab, daemon):
    source, target = lab.pair()
    sentinels = watch(lab, source, 3, 2)
    daemon.migrate("late", source, target, **of_job(sentinels))
    wait_for(lambda: all(knows_replica(s, target) for s in sentinels), 15, "Sentinel to notice the target")
    sentinels[1].sigstop()
    daemon.verb("late", "abort")
    daemon.wait_phase("late", "failed")
    line = f"redis-cli -h 127.0.0.1 -p {sentinels[1].port} SENTINEL RESET {NAME}"
    wait_for(lambda: says(daemon, "late", line), 15, "its line to be said")
    daemon.kill9()  # what is owed is durable
    daemon.start()
    wait_for(lambda: says(daemon, "late", line), 15, "its line to be said")
    target.cmd("SET", "mine", "1")
    sentinels[1].sigcont()
    wait_for(lambda: not sentinels[1].replicas(), 10, "it to let go")
    wait_for(lambda: not daemon.job("late")["alarms"], 10, "nothing to be owed")
    stays(lambda: target.role() == "master", 15, "the target is a primary")
    assert target.cmd("GET", "mine") == "1"


@long
def test_one_of_three_down_is_a_warning_and_hears_of_it_later(lab, daemon):
    source, target = lab.pair()
    follow(lab, source)
    sentinels = watch(lab, source, 3, 2)
    sentinels[0].kill9()
    daemon.migrate("two", source, target, **of_job(sentinels))
    found = next(c for c in daemon.job("two")["checks"]["results"] if c["id"] == "sentinel")
    assert found["severity"] == "warning" and "2 of 3 Sentinels answer" in found["message"]
    complete(daemon, "two")
    assert daemon.event("two", "clients_told")["data"]["silent"] == 1
    sentinels[0].start()
    wait_for(lambda: all_name(sentinels, target), 20, "the third to hear of it")


@long
def test_the_one_that_is_told_first_fails_and_another_is(lab, daemon):
    source, target = lab.pair()
    sentinels = watch(lab, source, 3, 2)
    daemon.migrate("next", source, target, **of_job(sentinels))
    daemon.verb("next", "complete")
    wait_for(lambda: all(s.replicas().get(target.port, {}).get("slave-priority") == "1" for s in sentinels[:2]), NOTICED_S,
             "Sentinel to notice the priority")
    sentinels[2].kill9()
    daemon.wait_phase("next", "completed", timeout=NOTICED_S)
    wait_for(lambda: daemon.job("next")["cutover"]["clients_told_ms"], 15, "the clients to be told")
    assert all_name(sentinels[:2], target)


def test_a_crash_right_after_the_switch_is_made_up_for(lab, daemon):
    source, target = lab.pair()
    follow(lab, source)
    sentinels = watch(lab, source, 3, 2)
    daemon.migrate("crash", source, target, **of_job(sentinels))
    daemon.verb("crash", "complete")
    wait_for(lambda: target.role() == "master", NOTICED_S, "the target to take over", interval=0.001)
    daemon.kill9()
    daemon.start()
    daemon.wait_phase("crash", "completed")
    wait_for(lambda: daemon.job("crash")["cutover"]["clients_told_ms"], 15, "the clients to be told")
    assert all_name(sentinels, target)


@long
def test_a_target_that_follows_is_nobodys_heir(lab, daemon):
    """Its copy may be half of the data; and a switch-over is ours to make."""
    source, target = lab.pair()
    sentinels = watch(lab, source, 3, 2)
    daemon.migrate("heir", source, target, **of_job(sentinels))
    wait_for(lambda: all(knows_replica(s, target) for s in sentinels), 15, "Sentinel to notice the target")
    source.kill9()
    wait_for(lambda: any("failover-abort-no-good-slave" in s.log_tail(100) for s in sentinels), 20, "Sentinel to try")
    stays(lambda: target.role() == "slave", 3, "the target is not promoted")
    source.start()
    daemon.wait_phase("heir", "replicating", "halted")


@long
def test_a_rival_holds_the_switch_over_back(lab, daemon):
    source, target = lab.pair()
    rival = follow(lab, source)
    rival.set_config("replica-priority", "1")
    sentinels = watch(lab, source)
    daemon.migrate("rival", source, target, **of_job(sentinels))
    daemon.verb("rival", "complete")
    held = wait_for(lambda: (r := daemon.job("rival")["reason"]) and rival.endpoint in r["message"] and r, 20, "the gate")
    assert held["code"] == "gate-sentinel" and "set it to 100 there" in held["message"]
    rival.set_config("replica-priority", "100")
    complete(daemon, "rival")
    assert all_name(sentinels, target)


def refused(daemon, job):
    daemon.wait_job(job)
    daemon.wait_phase(job, "failed")
    return next(c for c in daemon.job(job)["checks"]["results"] if c["id"] == "sentinel")


def test_a_wrong_name_and_another_primary_are_errors(lab, daemon):
    source, target = lab.pair()
    other = lab.node(name="other")
    sentinels = watch(lab, source)
    daemon.write_job("wrong", source, target, **of_job(sentinels, sentinel_name="mymaster"))
    found = refused(daemon, "wrong")
    assert found["severity"] == "error" and "nothing under the name 'mymaster'" in found["message"]
    daemon.write_job("elsewhere", other, target, **of_job(sentinels))
    found = refused(daemon, "elsewhere")
    assert f"names '{source.endpoint}' as the primary, which is not the source" in found["message"]
    daemon.write_job("nobody", source, target, **of_job([lab.black_hole()]))
    assert "0 of 1 Sentinels answer" in refused(daemon, "nobody")["message"]
    daemon.write_job("no-sentinel", source, target, **of_job([other]))
    assert "0 of 1 Sentinels answer" in refused(daemon, "no-sentinel")["message"]


def test_those_of_the_target_are_removed_by_the_lines_that_are_printed(lab, daemon):
    source, target = lab.pair()
    follow(lab, target)
    sentinels = watch(lab, target, 3, 2)
    stage = Stage(daemon, source, target, **of_job(sentinels))
    found = stage.finds("sentinel", "error", "looks after the target", lines=3)
    assert found["remedy"][0] == f"redis-cli -h 127.0.0.1 -p {sentinels[0].port} SENTINEL REMOVE {NAME}"
    stage.write()  # they are not named any more
    assert len(stage.result("sentinel")["remedy"]) == 1
    for _ in sentinels:
        for line in stage.result("sentinel")["remedy"] or []:
            paste(line)
    wait_for(lambda: stage.result("sentinel")["severity"] == "ok", 20, "Sentinel to go")


def test_sentinels_with_a_password(lab, daemon):
    source, target = lab.pair()
    sentinel = Sentinel(source)
    sentinel.password = "s3cret"
    lab._keep(sentinel, start=True)
    daemon.write_job("locked", source, target, **of_job([sentinel]))
    assert "0 of 1 Sentinels answer" in refused(daemon, "locked")["message"]
    daemon.write_job("opened", source, target, **of_job([sentinel], sentinel_auth={"password": "s3cret"}))
    daemon.wait_job("opened")
    daemon.wait_phase("opened", "replicating")
    assert "s3cret" not in daemon.log_tail(1000)


def test_sentinels_that_speak_tls(lab, daemon, tmp_path):
    source, target = lab.pair()
    authority = Authority(tmp_path)
    certificate = authority.issue("sentinel")
    port = low_port()
    sentinel = Sentinel(source)
    sentinel.args = ("--tls-port", str(port), "--tls-cert-file", certificate.cert, "--tls-key-file", certificate.key,
                     "--tls-ca-cert-file", authority.file, "--tls-auth-clients", "no")
    lab._keep(sentinel, start=True)
    at = {"sentinels": [f"127.0.0.1:{port}"], "sentinel_name": NAME}
    daemon.write_job("plain", source, target, **at)
    assert "0 of 1 Sentinels answer" in refused(daemon, "plain")["message"]
    daemon.write_job("sealed", source, target, sentinel_auth={"tls": {"enabled": True, "ca_file": authority.file}}, **at)
    daemon.wait_job("sealed")
    daemon.wait_phase("sealed", "replicating")


@long
def test_without_the_way_back_sentinel_attaches_the_old_source_all_the_same(lab, daemon):
    source, target = lab.pair()
    sentinels = watch(lab, source)
    daemon.migrate("one-way", source, target, cutover={"reverse": False}, **of_job(sentinels))
    found = next(c for c in daemon.job("one-way")["checks"]["results"] if c["id"] == "sentinel")
    assert found["severity"] == "warning" and "reverse: false" in found["message"]
    complete(daemon, "one-way")
    wait_for(lambda: follows(source, target), 30, "Sentinel to attach the old source")
