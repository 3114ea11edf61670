# SPDX-License-Identifier: Apache-2.0
"""A migration from the drop of its job file to the switch-over, and its variants."""
import json

import pytest
from harness import REVERSE_LINK, config_changes, full_syncs, node_spec, wait_for
from waiting import FACTOR, stays
from writers import check_no_lost

JOB_MEMBERS = {"id", "state", "phase", "since", "reason", "next_step", "run", "attempt", "source",
               "target", "link", "progress", "lag", "checks", "cutover", "verify", "file"}
NODE_MEMBERS = {"endpoint", "role", "server", "version", "replid", "offset", "reachable",
                "replicas"}


def reverse_link_up(source):
    return source.info("replication").get("master_link_status") == "up"


def test_two_line_job_file_migrates_under_write_load(lab, daemon):
    source, target = lab.pair(keys=5000)
    before = source.config(), target.config()
    writers = lab.writers(source, target, n=4)

    daemon.write_file("test-cluster.yaml", f'source: {{endpoint: "{source.endpoint}"}}\n'
                                           f'target: {{endpoint: "{target.endpoint}"}}\n')
    daemon.wait_job("test-cluster")
    job = daemon.wait_phase("test-cluster", "replicating")
    assert job["state"] == "migrating"
    assert (job["link"]["up"], job["source"]["role"], job["target"]["role"]) == (True, "primary", "replica")
    writers.wait_acks(2000)

    job = daemon.complete("test-cluster")
    assert job["state"] == "available"
    assert 0 < job["cutover"]["write_gap_ms"] < 1000
    assert job["cutover"]["offset"] > 0
    writers.wait_acks(2000)
    wait_for(lambda: reverse_link_up(source), 10, "the reverse link")
    report = check_no_lost(writers, target)

    assert [s["to"] for s in report["switches"]] == [target.port], "writes moved once, and stayed"
    assert (target.role(), source.role()) == ("master", "slave")
    assert (full_syncs(source), full_syncs(target)) == (1, 0)
    assert config_changes(before[0], source.config(), REVERSE_LINK) == {}
    assert config_changes(before[1], target.config()) == {}
    event = daemon.event("test-cluster", "cutover_completed")
    assert event["data"]["write_gap_ms"] == pytest.approx(job["cutover"]["write_gap_ms"], abs=0.01)
    wait_for(lambda: source.cmd("DBSIZE") == target.cmd("DBSIZE"), 10, "the old source to have followed")


def test_events_tell_the_story_in_order(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("story", source, target)
    daemon.complete("story")
    events = daemon.events("story")
    names = [e["name"] for e in events]
    milestones = ["job_accepted", "run_started", "check_passed", "attach_started", "in_sync",
                  "cutover_requested", "cutover_started", "cutover_completed", "migration_completed"]
    assert [n for n in names if n in milestones] == milestones
    sequence = [e["seq"] for e in events]
    assert sequence == sorted(set(sequence))
    assert all(set(e) == {"seq", "time", "job", "run", "level", "name", "message", "data"} for e in events)


def test_job_has_all_members_in_every_phase(lab, daemon):
    source, target = lab.pair()
    daemon.write_job("members", source, target, start="manual")
    for phase, verb in (("idle", "start"), ("replicating", "complete"), ("completed", None)):
        daemon.wait_job("members")
        job = daemon.wait_phase("members", phase)
        assert JOB_MEMBERS <= set(job), JOB_MEMBERS - set(job)
        assert NODE_MEMBERS <= set(job["source"]) and NODE_MEMBERS <= set(job["target"])
        if verb:
            daemon.verb("members", verb)
    assert job["source"]["version"].startswith(source.info("server")["redis_version"][:1])
    listed = [j for j in daemon.jobs() if j["id"] == "members"]
    assert len(listed) == 1 and set(listed[0]) == set(job)


def test_without_reverse_the_old_source_stays_a_fence(lab, daemon):
    source, target = lab.pair()
    with lab.writers(source, target) as writers:
        daemon.migrate("fence", source, target, cutover={"reverse": False})
        daemon.complete("fence")
        writers.wait_acks(100)
    check_no_lost(writers, target)
    assert target.role() == "master"
    assert source.role() == "slave", "the old source must not take writes"
    assert source.info("replication")["master_link_status"] == "down"
    assert (full_syncs(source), full_syncs(target)) == (1, 0)


def test_automatic_cutover(lab, daemon):
    source, target = lab.pair()
    with lab.writers(source, target) as writers:
        daemon.write_job("auto", source, target, cutover={"mode": "auto"})
        daemon.wait_job("auto")
        daemon.wait_phase("auto", "completed")
        writers.wait_acks(100)
    check_no_lost(writers, target)


def test_cutover_right_after_the_sync_is_as_short_as_any(lab, daemon):
    """A source begins to stream only with the replica's first acknowledgement, up to a second later."""
    source, target = lab.pair()
    daemon.migrate("hasty", source, target)
    source.cmd("SET", "last", "1")
    assert daemon.complete("hasty")["cutover"]["write_gap_ms"] < 200 * FACTOR
    assert target.cmd("GET", "last") == "1"


def test_manual_start_touches_nothing_before_the_word(lab, daemon):
    source, target = lab.pair()
    daemon.write_job("manual", source, target, start="manual")
    daemon.wait_job("manual")
    daemon.wait_phase("manual", "idle")
    stays(lambda: daemon.job("manual")["phase"] == "idle", 0.3, "idle until the start")
    assert target.role() == "master"
    daemon.verb("manual", "start")
    daemon.wait_phase("manual", "replicating")


def test_a_source_named_at_the_start(lab, daemon):
    source, target = lab.pair()
    daemon.write_job("later", None, target)
    daemon.wait_job("later")
    assert daemon.wait_phase("later", "idle")["state"] == "pending"
    status, answer = daemon.http("POST", "/v1/jobs/later/start", {})
    assert status >= 400 and answer["error"]["code"] and answer["error"]["message"]
    daemon.verb("later", "start", source=source.endpoint)
    job = daemon.wait_phase("later", "replicating")
    assert job["source"]["endpoint"] == source.endpoint


@pytest.mark.parametrize("way", ["inline", "password_file", "credential"])
def test_passwords(lab, tmp_path, way):
    source, target = lab.pair(password="s3cret-of-the-nodes")
    secret = tmp_path / "redis-password"
    secret.write_text("s3cret-of-the-nodes\n")
    secret.chmod(0o600)
    daemon = lab.daemon(env={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    login = {"inline": {"password": "s3cret-of-the-nodes"}, "password_file": {"password_file": str(secret)},
             "credential": {"credential": "redis-password"}}[way]
    before = target.config()
    nodes = [{"endpoint": node.endpoint, **login} for node in (source, target)]
    with lab.writers(source, target, password="s3cret-of-the-nodes") as writers:
        daemon.migrate("secret", *nodes)
        daemon.complete("secret")
        wait_for(lambda: reverse_link_up(source), 10, "the reverse link")
        writers.wait_acks(100)
    check_no_lost(writers, target)
    assert config_changes(before, target.config()) == {}
    for text in (daemon.log_tail(10000), json.dumps(daemon.jobs()), json.dumps(daemon.events("secret"))):
        assert "s3cret-of-the-nodes" not in text


def test_users_with_just_the_rights_they_need(lab, daemon):
    source, target = lab.pair(keys=50)
    for node in (source, target):
        node.cmd("ACL", "SETUSER", "mover", "on", ">mover-password", "+info", "+config", "+client",
                 "+replicaof", "+ping", "+psync", "+replconf")
        node.cmd("ACL", "SETUSER", "copier", "on", ">copier-password", "+psync", "+replconf", "+ping")
    nodes = [node_spec(node, username="mover", password="mover-password",
                       replication_user={"username": "copier", "password": "copier-password"})
             for node in (source, target)]
    daemon.migrate("users", *nodes)
    assert "user=copier" in source.cmd("CLIENT", "LIST", "TYPE", "replica")
    daemon.complete("users")
    wait_for(lambda: reverse_link_up(source), 10, "the reverse link")
    assert "user=copier" in target.cmd("CLIENT", "LIST", "TYPE", "replica")


def test_connections_carry_the_job_and_its_epoch(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("named", source, target)
    assert "name=ecmigrate:named:" in source.cmd("CLIENT", "LIST")
    assert "name=ecmigrate:named:" in target.cmd("CLIENT", "LIST")


def test_target_reaches_the_source_under_another_address(lab, daemon):
    source, target = lab.pair()
    door = lab.proxy(source)
    daemon.migrate("nat", node_spec(door.endpoint, reachable_as=source.endpoint), target)
    assert target.info("replication")["master_port"] == str(source.port)
    daemon.complete("nat")


def test_allow_flush_lets_a_target_lose_its_keys(lab, daemon):
    source, target = lab.pair()
    target.cmd("SET", "mine", "1")
    daemon.migrate("flush", source, node_spec(target, allow_flush=True))
    wait_for(lambda: target.cmd("EXISTS", "mine") == 0, 5, "the target to hold the source's data")


def test_abort_rolls_back_from_replicating(lab, daemon):
    source, target = lab.pair()
    before = source.config(), target.config()
    daemon.migrate("undo", source, target)
    daemon.verb("undo", "abort")
    job = daemon.wait_phase("undo", "failed")
    assert job["reason"]["code"] == "aborted"
    assert target.role() == "master"
    assert config_changes(before[0], source.config()) == {}
    assert config_changes(before[1], target.config()) == {}
    daemon.verb("undo", "retry")
    wait_for(lambda: (daemon.job("undo")["phase"], daemon.job("undo")["run"]) == ("failed", 2), 10,
             "the second run to refuse a target that is not empty")
    assert daemon.job("undo")["reason"]["code"] == "target-not-empty"


def test_large_data_set_shows_progress(lab, daemon):
    source, target = lab.slow_pair(keys=4000, key_delay_us=500)
    daemon.write_job("slow", source, target)
    daemon.wait_job("slow")
    seen = []

    def in_sync():
        job = daemon.job("slow")
        if job["phase"] == "syncing" and job["progress"]:
            seen.append(job["progress"])
        return job["phase"] == "replicating"

    wait_for(in_sync, 30, "slow to be in sync")
    percent = [p["percent"] for p in seen if p["percent"] is not None]
    assert percent and percent == sorted(percent) and percent[-1] > 20
    assert all(set(p) >= {"bytes_total", "bytes_done", "percent", "bytes_per_second", "eta_seconds"}
               for p in seen)


def test_two_jobs_on_a_host_take_turns(lab):
    daemon = lab.daemon()
    first, second = lab.slow_pair(keys=2000), lab.pair()
    daemon.write_job("a-first", *first)
    daemon.wait_job("a-first")
    daemon.wait_phase("a-first", "syncing")
    daemon.write_job("b-second", *second)
    daemon.wait_job("b-second")
    job = daemon.wait_phase("b-second", "queued")
    wait_for(lambda: (daemon.job("b-second")["reason"] or {}).get("code") == "waiting-slot", 5,
             "the reason to be named")
    assert daemon.job("a-first")["phase"] == "syncing"
    daemon.wait_phase("a-first", "replicating", timeout=30)
    daemon.wait_phase("b-second", "replicating")


def test_lost_link_is_told_and_heals_without_a_new_sync(lab, daemon):
    source, target = lab.pair()
    door = lab.proxy(source)
    daemon.migrate("link", node_spec(source, reachable_as=door.endpoint), target)
    door.refuse()
    wait_for(lambda: daemon.events("link", "link_lost"), 10, "link_lost")
    assert daemon.job("link")["phase"] == "replicating"
    source.cmd("SET", "during", "1")
    door.accept()
    wait_for(lambda: daemon.events("link", "link_restored"), 20, "link_restored")
    wait_for(lambda: target.cmd("GET", "during") == "1", 5, "the write made meanwhile")
    assert full_syncs(source) == 1


def test_a_changed_file_is_taken_over_or_refused(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("change", source, target)
    daemon.write_job("change", source, target, cutover={"max_lag": "5MiB"})
    wait_for(lambda: daemon.events("change", "job_changed"), 10, "job_changed")
    daemon.write_job("change", target, source)
    wait_for(lambda: daemon.events("change", "job_rejected"), 10, "job_rejected")
    assert daemon.job("change")["source"]["endpoint"] == source.endpoint
    daemon.remove_job("change")
    wait_for(lambda: daemon.events("change", "job_removed"), 10, "job_removed")
    assert daemon.job("change")["phase"] == "replicating", "a running job goes on without its file"


def test_client_drives_a_whole_migration(lab, daemon):
    source, target = lab.pair()
    daemon.write_job("shop", source, target)
    daemon.wait_job("shop")
    assert daemon.ctl("wait", "shop", "--for", "phase=replicating", "--timeout", "20s").returncode == 0
    assert daemon.ctl("wait", "shop", "--for", "state=available", "--timeout", "100ms").returncode == 5
    wait_for(lambda: daemon.ctl("complete", "shop", "--dry-run").returncode == 0, 10,
             "nothing to hold the switch-over back")
    assert daemon.job("shop")["phase"] == "replicating"
    done = daemon.ctl("complete", "shop", "--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    status = json.loads(daemon.ctl("-o", "json", "status", "shop").stdout)
    assert (status["state"], status["phase"]) == ("available", "completed")
    assert daemon.ctl("-o", "name", "list").stdout.split() == ["shop"]
    events = daemon.ctl("events", "shop")
    assert "cutover_completed" in events.stdout
    assert daemon.ctl("abort", "shop").returncode == 1
    assert daemon.ctl("status", "nosuch").returncode == 4
