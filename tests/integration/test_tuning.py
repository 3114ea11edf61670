# SPDX-License-Identifier: Apache-2.0
"""What a migration changes on the nodes stays within what they have, is told, and is put back; nodes that are slow."""
import json
import os
import sqlite3

import pytest
from harness import node_spec, wait_for
from waiting import FACTOR
from writers import check_no_lost

MIB = 1 << 20


def settings_told(daemon, job, name):
    """{setting: its event's data}, of the events of that name."""
    return {e["data"]["setting"]: e["data"] for e in daemon.events(job, name)}


# --- memory ---


def test_source_near_its_maxmemory_keeps_its_backlog(lab, daemon):
    """A backlog counts as used memory: raised to 64 MiB it would evict keys, or refuse writes."""
    source, target = lab.pair(keys=20000)
    writers = lab.writers(source, target)
    source.set_config("maxmemory", int(source.info("memory")["used_memory"]) + 3 * MIB)
    daemon.migrate("near", source, target)
    assert source.config()["repl-backlog-size"] == str(MIB)
    left = settings_told(daemon, "near", "setting_left")["repl-backlog-size"]
    assert left["old"] == str(MIB)
    writers.wait_acks(200)
    assert source.info("stats")["evicted_keys"] == "0"
    daemon.complete("near")
    check_no_lost(writers, target)


def test_backlog_takes_a_quarter_of_what_is_free(lab, daemon):
    source, target = lab.pair()
    source.set_config("maxmemory", int(source.info("memory")["used_memory"]) + 40 * MIB)
    daemon.migrate("some", source, target)
    changed = settings_told(daemon, "some", "setting_changed")["repl-backlog-size"]
    assert changed["old"] == str(MIB) and 8 * MIB <= int(changed["new"]) <= 11 * MIB
    assert source.config()["repl-backlog-size"] == changed["new"]


def test_output_buffer_is_lowered_once_in_sync(lab, daemon):
    source, target = lab.pair()
    before = source.config()["client-output-buffer-limit"]
    daemon.migrate("buffer", source, target)
    changed = settings_told(daemon, "buffer", "setting_changed")["client-output-buffer-limit"]
    assert changed["old"] == before and "slave 1073741824" in changed["new"]
    wait_for(lambda: source.config()["client-output-buffer-limit"] == before, 15, "the old limit")
    assert daemon.job("buffer")["phase"] == "replicating"
    assert source.config()["repl-backlog-size"] == str(64 * MIB), "that one is still needed"


def test_events_tell_values_and_no_secret(lab, daemon):
    source, target = lab.pair(password="v3ry-s3cret")
    daemon.migrate("told", source, target)
    daemon.complete("told")
    told = settings_told(daemon, "told", "setting_changed")
    assert told["masterauth"]["new"] is None and told["masterauth"]["old"] is None
    assert told["repl-backlog-size"]["new"] is not None
    assert "v3ry-s3cret" not in json.dumps(daemon.events("told")) + "".join(daemon.log_lines())


# --- nodes that are slow, full, or gone ---


def test_target_that_loads_a_slow_stream_is_alive(lab, daemon):
    """It answers nobody while it reads, for longer than the attempt's timeout."""
    source, target = lab.slow_pair("--loading-process-events-interval-bytes", "1073741824", keys=9000)
    daemon.write_job("slow", source, target, attach={"timeout": "1s", "attempts": 1})
    daemon.wait_job("slow")
    daemon.wait_phase("slow", "syncing")
    wait_for(lambda: not daemon.job("slow")["target"]["reachable"], 10, "the silence")
    daemon.wait_phase("slow", "replicating", timeout=30)
    assert target.cmd("DBSIZE") == 9000 and not daemon.events("slow", "attach_failed")


def test_target_that_dies_while_it_loads_is_said_to_have_died(lab, daemon):
    source, target = lab.slow_pair()
    daemon.write_job("died", source, target, attach={"timeout": "1s", "attempts": 1})
    daemon.wait_job("died")
    daemon.wait_phase("died", "syncing")
    wait_for(lambda: int(source.info("persistence")["current_save_keys_processed"]) > 100, 10, "it to load")
    target.kill9()
    assert daemon.event("died", "attach_failed", timeout=20)["data"]["reason"] == "target-died-loading"
    assert source.role() == "master"


def test_source_full_of_clients_is_tried_again_under_its_own_reason(lab, daemon):
    source, target = lab.pair()
    source.cmd("PING")  # this connection stays
    source.set_config("maxclients", 1)
    daemon.write_job("full", source, target, attach={"attempts": 100})
    daemon.wait_job("full")
    wait_for(lambda: (daemon.job("full")["reason"] or {}).get("code") == "too-many-clients", 10,
             lambda: f"the reason: {daemon.job('full')}")
    source.set_config("maxclients", 1000)
    daemon.wait_phase("full", "replicating")


def test_jobs_whose_nodes_do_not_resolve_leave_their_slots(lab, daemon):
    daemon.configure(max_parallel_syncs=1)
    daemon.restart()
    for i in range(3):
        daemon.write_job(f"a-lost-{i}", "nosuch.invalid:6379", f"nosuch-{i}.invalid:6379",
                         attach={"timeout": "60s", "attempts": 100})
        daemon.wait_job(f"a-lost-{i}")
    source, target = lab.pair()
    daemon.write_job("healthy", source, target)
    daemon.wait_job("healthy")
    daemon.wait_phase("healthy", "replicating", timeout=10)


def test_more_settings_than_fit_are_one_line_and_no_end(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("many", source, target)
    daemon.stop()
    with sqlite3.connect(os.path.join(daemon.state_dir, "state.db")) as db:
        for i in range(30):
            db.execute("INSERT INTO setting VALUES ('many', 'source', ?, 'old', 'new', 'run')", (f"odd-{i:02}",))
    db.close()
    daemon.start()
    wait_for(lambda: daemon.job("many")["link"]["up"], 10, "the job to go on")
    assert any("more settings are recorded than a job can have" in line for line in daemon.log_lines())


# --- passwords that rotate ---


def rotate(source, path, password):
    """As an operator does it: the server, then the file; who is logged in stays so, until the link breaks."""
    source.set_config("requirepass", password)
    source.password = password
    source.disconnect()
    if path:
        path.write_text(password, encoding="utf-8")
    source.cmd("CLIENT", "KILL", "TYPE", "slave")


@pytest.fixture
def rotated(lab, daemon, tmp_path):
    source, target = lab.pair(password="before")
    path = tmp_path / "password"
    path.write_text("before", encoding="utf-8")
    path.chmod(0o600)
    daemon.migrate("login", node_spec(source, password_file=str(path)), target)
    return source, target, path


def test_password_that_was_rotated_is_set_anew(daemon, rotated):
    source, target, path = rotated
    rotate(source, path, "after")
    wait_for(lambda: daemon.events("login", "link_lost"), 10, "the link to be down")
    wait_for(lambda: daemon.job("login")["link"]["up"], 30, lambda: f"the link: {daemon.job('login')}")
    assert target.config()["masterauth"] == "after"
    source.cmd("SET", "after", "1")
    wait_for(lambda: target.cmd("GET", "after") == "1", 5, "the write")


def test_password_that_only_the_server_knows_is_named_as_the_cause(daemon, rotated):
    source, target, path = rotated
    rotate(source, None, "after")
    job = wait_for(lambda: [j for j in [daemon.job("login")] if j["reason"]["code"] == "auth-refused"], 30 * FACTOR,
                   lambda: f"the cause: {daemon.job('login')}")[0]
    assert "cannot log in to the source" in job["reason"]["message"] and job["phase"] == "replicating"
    path.write_text("after", encoding="utf-8")
    wait_for(lambda: daemon.job("login")["link"]["up"], 30, lambda: f"the link: {daemon.job('login')}")
    assert target.cmd("DBSIZE") == 100


def test_a_copy_that_has_to_wait_is_no_failure(lab, daemon):
    """Untuned, a source waits for further replicas before it forks; it was asked once, and is not stuck."""
    source, target = lab.pair("--repl-diskless-sync-delay", "4", "--repl-diskless-sync", "yes")
    daemon.write_job("patient", source, target, sync={"tune": False}, attach={"attempts": 1, "timeout": "20s"})
    daemon.wait_job("patient")
    daemon.wait_phase("patient", "replicating", timeout=30)
    assert int(source.info("stats")["sync_full"]) == 1
