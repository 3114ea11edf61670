# SPDX-License-Identifier: Apache-2.0
"""The checks without a run, and starts that name their source: nothing is changed before it is wanted."""
import json
import threading

import pytest
from harness import config_changes, node_spec, wait_for
from redis_node import free_port

FAST = {"attempts": 2, "timeout": "1s", "backoff_initial": "20ms", "backoff_max": "40ms"}


def register(daemon, job, target, source=None, **more):
    """A job that waits for a start."""
    text = {"target": node_spec(target), "start": "manual", "attach": FAST, **more}
    if source:
        text["source"] = source
    daemon.write_file(f"{job}.yaml", json.dumps(text))
    daemon.wait_job(job)


def check(daemon, job, **options):
    daemon.verb(job, "check", **options)
    return wait_for(lambda: (c := daemon.job(job)["checks"]) and not c["running"] and c, 10,
                    f"the checks of {job}")


def failed(checks):
    return [r["id"] for r in checks["results"] if not r["passed"]]


def test_check_passes_and_changes_nothing(lab, daemon):
    source, target = lab.pair(keys=50)
    before = source.config(), target.config()
    register(daemon, "quiet", target)
    checks = check(daemon, "quiet", source=source.endpoint)

    assert checks["passed"] and not failed(checks) and checks["source"] == source.endpoint
    assert len({r["id"] for r in checks["results"]}) == len(checks["results"]) >= 10
    assert all(r["title"] and (r["severity"] == "ok") == (r["message"] is None) for r in checks["results"])
    event = daemon.event("quiet", "check_passed")
    assert event["data"]["test"] is True and event["data"]["checks"] == checks["results"]
    job = daemon.job("quiet")
    assert (job["phase"], job["run"], job["source"]) == ("idle", None, None)
    assert not config_changes(before[0], source.config()) and not config_changes(before[1], target.config())
    assert (target.role(), target.cmd("DBSIZE")) == ("master", 0)
    wait_for(lambda: "ecmigrate" not in source.cmd("CLIENT", "LIST"), 5, "the check's connections to end")


def test_a_job_that_comes_with_the_command(daemon):
    dead = f"127.0.0.1:{free_port()}"
    daemon.write_file("fresh.yaml", json.dumps({"target": node_spec(dead), "start": "manual"}))
    result = daemon.ctl("check", "fresh", "--source", dead)  # at once: the file is hardly taken up yet
    assert result.returncode == 1 and "source-unreachable" in result.stdout, result
    assert "ecmigratectl check fresh." in result.stdout and "JOB" not in result.stdout
    assert daemon.ctl("check", "never").returncode == 4


@pytest.mark.parametrize("kind", ["refused", "mute", "no-such-host"])
def test_check_names_what_cannot_be_reached(lab, daemon, kind):
    target = lab.node(name="target")
    source = {"refused": lambda: f"127.0.0.1:{free_port()}", "mute": lambda: lab.mute().endpoint,
              "no-such-host": lambda: "no-such-host.invalid:6379"}[kind]()
    register(daemon, "lost", target)
    checks = check(daemon, "lost", source=source)

    assert not checks["passed"] and failed(checks) == ["source-unreachable"]
    event = daemon.event("lost", "check_failed")
    assert event["data"]["reason"] == "source-unreachable" and source.split(":")[0] in event["message"]
    assert daemon.job("lost")["phase"] == "idle" and not daemon.events("lost", "migration_failed")


def test_check_reports_each_failure(lab, daemon):
    source, target = lab.pair(keys=10)
    target.cmd("SET", "own", "1")
    register(daemon, "full", target)
    assert failed(check(daemon, "full", source=source.endpoint)) == ["target-not-empty"]
    assert failed(check(daemon, "full", source=target.endpoint)) == ["same-node", "target-not-empty"]
    source.cmd("REPLICAOF", "127.0.0.1", str(target.port))
    wait_for(lambda: source.info("replication")["master_link_status"] == "up", 10, "the link")
    assert "loop" in failed(check(daemon, "full", source=source.endpoint))
    assert target.cmd("GET", "own") == "1"


def test_check_tries_both_log_ins(lab, daemon, tmp_path):
    source = lab.node(password="right", name="source")
    target = lab.node(name="target")
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong\n")
    register(daemon, "login", target, source={"password_file": str(wrong)})
    checks = check(daemon, "login", source=source.endpoint)
    assert failed(checks) == ["source-unreachable"]
    assert daemon.event("login", "check_failed")["data"]["reason"] == "auth-refused"
    wrong.unlink()
    assert str(wrong) in check(daemon, "login", source=source.endpoint)["results"][0]["message"]
    wrong.write_text("right\n")
    assert check(daemon, "login", source=source.endpoint)["passed"]


def test_check_is_refused_where_it_makes_no_sense(lab, daemon):
    source, target = lab.pair(keys=10)
    mute = lab.mute()
    register(daemon, "one", target)
    status, answer = daemon.http("POST", "/v1/jobs/one/check", {})
    assert (status, answer["error"]["code"]) == (400, "invalid-option")
    assert "--source" in answer["error"]["message"]
    daemon.verb("one", "check", source=mute.endpoint)
    status, answer = daemon.http("POST", "/v1/jobs/one/check", {"source": source.endpoint})
    assert (status, answer["error"]["code"]) == (409, "wrong-phase")
    assert "already" in answer["error"]["message"]
    daemon.verb("one", "start", source=source.endpoint)  # a check under way holds nothing up
    daemon.wait_phase("one", "replicating")
    status, answer = daemon.http("POST", "/v1/jobs/one/check", {"source": source.endpoint})
    assert (status, answer["error"]["code"]) == (409, "wrong-phase")


def test_daemon_stops_in_the_midst_of_checks(lab, daemon):
    target = lab.node(name="target")
    register(daemon, "busy", target)
    daemon.verb("busy", "check", source=lab.black_hole().endpoint)
    daemon.stop()  # fails when it takes too long
    daemon.start()
    assert daemon.job("busy")["checks"] is None


def test_the_checks_of_a_run_are_kept(lab, daemon):
    source, target = lab.pair(keys=10)
    job = daemon.migrate("kept", source, target)
    assert job["checks"]["passed"] and job["checks"]["source"] == source.endpoint
    event = daemon.event("kept", "check_passed")
    assert event["data"]["checks"] == job["checks"]["results"] and "test" not in event["data"]
    assert daemon.event("kept", "run_started")["data"]["source"] == source.endpoint


def test_start_overrides_the_files_source_and_says_so(lab, daemon):
    source, target = lab.pair(keys=25)
    written = f"127.0.0.1:{free_port()}"
    register(daemon, "over", target, source={"endpoint": written})
    gone = f"127.0.0.1:{free_port()}"
    daemon.verb("over", "start", source=gone)
    daemon.wait_phase("over", "failed")
    event = daemon.event("over", "source_overridden")
    assert event["data"] == {"source": gone, "file_source": written}
    assert daemon.event("over", "run_started")["data"]["source"] == gone
    daemon.restart()
    daemon.verb("over", "retry")  # repeats the run, with the source it had
    wait_for(lambda: daemon.job("over")["run"] == 2, 5, "the second run")
    assert daemon.job("over")["source"]["endpoint"] == gone
    daemon.wait_phase("over", "failed")
    daemon.verb("over", "start", source=source.endpoint)
    daemon.wait_phase("over", "replicating")
    assert target.cmd("DBSIZE") == source.cmd("DBSIZE")


def test_named_source_survives_kill9(lab, daemon):
    source, target = lab.slow_pair(keys=3000)
    register(daemon, "named", target)
    daemon.verb("named", "start", source=source.endpoint)
    daemon.wait_phase("named", "syncing")
    daemon.kill9()
    daemon.start()
    assert daemon.wait_phase("named", "replicating", timeout=60)["source"]["endpoint"] == source.endpoint
    assert daemon.complete("named")["state"] == "available"


def test_many_checks_at_once(lab, daemon):
    source, target = lab.pair(keys=10)
    for n in range(20):
        register(daemon, f"many-{n}", target)
    results = []
    threads = [threading.Thread(target=lambda n=n: results.append(
        check(daemon, f"many-{n}", source=source.endpoint)["passed"])) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 20


def test_a_list_leaves_the_results_out(lab, daemon):
    source, target = lab.pair(keys=10)
    daemon.migrate("listed", source, target)
    alone, [listed] = daemon.job("listed"), daemon.jobs()
    assert alone["checks"]["results"] and listed["checks"]["results"] is None
    assert {**listed["checks"], "results": alone["checks"]["results"]} == alone["checks"]


def test_what_cannot_work_does_not_wait_for_its_turn(lab):
    """The one slot is taken: a job that the checks stop hears of it at once, another that it may go on later."""
    daemon = lab.daemon(start=False)
    daemon.configure(max_parallel_syncs=1)
    daemon.start()
    daemon.write_job("slow", *lab.slow_pair(keys=10000))
    daemon.wait_job("slow")
    daemon.wait_phase("slow", "syncing")
    source, full = lab.pair(keys=10)
    full.cmd("SET", "own", "1")
    daemon.write_job("vain", source, full)
    daemon.wait_job("vain")
    assert daemon.wait_phase("vain", "failed")["reason"]["code"] == "target-not-empty"
    assert daemon.event("vain", "check_failed")["data"]["queued"] is True
    daemon.write_job("later", source, lab.node(name="target"))
    daemon.wait_job("later")
    wait_for(lambda: "the checks passed" in daemon.job("later")["reason"]["message"], 10, "the checks to be told")
    assert daemon.job("later")["phase"] == "queued" and daemon.job("later")["checks"]["passed"]
    assert daemon.job("slow")["phase"] == "syncing" and full.cmd("GET", "own") == "1"
    assert int(source.info("stats")["sync_full"]) == 0
    daemon.wait_phase("later", "replicating", timeout=60)
