# SPDX-License-Identifier: Apache-2.0
"""One owner for a node: among jobs, among daemons, after a renamed file, after a switch-over."""
import os

import pytest
from harness import node_spec, wait_for
from writers import check_no_lost


def names(node):
    """The daemons' connections, as the server lists them."""
    clients = node.cmd("CLIENT", "LIST").splitlines()
    found = [field[5:] for line in clients for field in line.split() if field.startswith("name=ecmigrate:")]
    return sorted(found)


def wait_failed(daemon, job, code):
    seen = daemon.wait_phase(job, "failed")
    assert seen["reason"]["code"] == code, seen["reason"]
    return seen


# --- one daemon ---


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_second_job_for_a_target_fails_and_names_the_first(lab, daemon, host):
    """Known by its endpoint, and by what it is: one server may go by two names."""
    source, target = lab.pair()
    other = lab.node(name="other")
    daemon.migrate("first", source, target)
    daemon.write_job("second", other, node_spec(f"{host}:{target.port}", allow_flush=True))
    daemon.wait_job("second")
    seen = wait_failed(daemon, "second", "node-taken")
    assert "'first'" in seen["reason"]["message"]
    assert target.info("replication")["master_port"] == str(source.port) and target.cmd("DBSIZE") == 100
    daemon.complete("first")


def test_source_of_a_running_job_is_no_target(lab, daemon):
    source, target = lab.pair()
    other = lab.node(name="other")
    daemon.migrate("first", source, target)
    daemon.write_job("second", other, node_spec(source, allow_flush=True))
    daemon.wait_job("second")
    seen = wait_failed(daemon, "second", "node-taken")
    assert "from this target" in seen["reason"]["message"]
    assert source.role() == "master" and source.cmd("DBSIZE") == 100


def test_two_jobs_for_one_target_dropped_at_once(lab, daemon):
    source, target = lab.pair()
    for name in ("left", "right"):
        daemon.write_job(name, source, target)
    for name in ("left", "right"):
        daemon.wait_job(name)
        daemon.wait_phase(name, "replicating", "failed")
    phases = sorted(daemon.job(name)["phase"] for name in ("left", "right"))
    assert phases == ["failed", "replicating"]
    loser = next(n for n in ("left", "right") if daemon.job(n)["phase"] == "failed")
    assert daemon.job(loser)["reason"]["code"] in ("node-taken", "another-daemon")


def test_check_without_a_run_names_the_owner(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("first", source, target)
    daemon.write_job("second", source, target, start="manual")
    daemon.wait_job("second")
    done = daemon.ctl("check", "second")
    assert done.returncode == 1 and "'first'" in done.stdout + done.stderr


# --- files ---


def rename(daemon, old, new):
    os.rename(os.path.join(daemon.jobs_dir, f"{old}.yaml"), os.path.join(daemon.jobs_dir, f"{new}.yaml"))


@pytest.mark.parametrize("restart", [False, True], ids=["", "and-restarted"])
def test_renamed_file_keeps_its_job(lab, daemon, restart):
    source, target = lab.pair()
    writers = lab.writers(source, target)
    daemon.migrate("orders", source, target)
    rename(daemon, "orders", "shop")
    wait_for(lambda: daemon.job("orders")["file"].endswith("shop.yaml"), 10, "the new name of the file")
    if restart:
        daemon.restart()
        wait_for(lambda: daemon.job("orders")["link"]["up"], 10, "the job to go on")
    assert [job["id"] for job in daemon.jobs()] == ["orders"]
    daemon.write_job("shop", source, target, cutover={"max_lag": "5MiB"})
    wait_for(lambda: len(daemon.events("orders", "job_changed")) == 2, 10, "a change of the file to be the job's")
    daemon.complete("orders")
    writers.wait_acks(200)
    check_no_lost(writers, target)
    daemon.remove_job("shop")
    wait_for(lambda: daemon.jobs() == [], 10, "the job to be forgotten with its file")


def test_file_renamed_while_the_daemon_is_away_keeps_its_job(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("orders", source, target)
    daemon.stop()
    rename(daemon, "orders", "shop")
    daemon.start()
    wait_for(lambda: (daemon.job("orders")["file"] or "").endswith("shop.yaml"), 10, "the new name of the file")
    assert [job["id"] for job in daemon.jobs()] == ["orders"]
    assert daemon.job("orders")["phase"] == "replicating"


@pytest.mark.parametrize("copy_goes_too", [False, True], ids=["", "and-its-copy-removed"])
def test_renamed_file_of_an_aborted_job_starts_nothing(lab, daemon, copy_goes_too):
    """What was kept by the abort would be overwritten, with allow_flush."""
    source, target = lab.pair()
    text = {"target": node_spec(target, allow_flush=True)}
    daemon.migrate("orders", source, text["target"])
    if copy_goes_too:  # a job of its own that has failed, with the same text, and of a name that comes first
        daemon.write_job("copy", source, text["target"])
        daemon.wait_job("copy")
        wait_failed(daemon, "copy", "node-taken")
    else:
        daemon.verb("orders", "abort")
        daemon.wait_phase("orders", "failed")
        target.cmd("SET", "kept", "1")
    rename(daemon, "orders", "shop")
    if copy_goes_too:
        daemon.remove_job("copy")
    wait_for(lambda: (daemon.job("orders")["file"] or "").endswith("shop.yaml"), 10, "the new name of the file")
    wait_for(lambda: [job["id"] for job in daemon.jobs()] == ["orders"], 10, lambda: f"one job: {daemon.jobs()}")
    assert daemon.job("orders")["run"] == 1
    if copy_goes_too:
        daemon.complete("orders")
    else:
        assert daemon.job("orders")["phase"] == "failed" and target.cmd("GET", "kept") == "1"


def test_copied_file_is_a_job_of_its_own_and_fails(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("orders", source, target)
    daemon.write_job("copy", source, target)
    daemon.wait_job("copy")
    wait_failed(daemon, "copy", "node-taken")
    assert daemon.job("orders")["phase"] == "replicating" and daemon.job("orders")["link"]["up"]


# --- two daemons ---


def test_second_daemon_keeps_its_hands_off(lab, daemon):
    source, target = lab.pair()
    writers = lab.writers(source, target)
    other = lab.daemon()
    daemon.migrate("mine", source, target)
    other.write_job("theirs", source, node_spec(target, allow_flush=True), attach={"attempts": 2})
    other.wait_job("theirs")
    seen = other.wait_phase("theirs", "failed", timeout=30)
    assert seen["reason"]["code"] == "another-daemon" and "ecmigrate:mine:" in seen["reason"]["message"]
    daemon.complete("mine")
    writers.wait_acks(200)
    check_no_lost(writers, target)


def test_two_daemons_that_both_have_a_job_do_not_switch_over(lab, daemon):
    """Both began before either could see the other, as two hosts do that are managed alike."""
    source, target = lab.pair()
    writers = lab.writers(source, target)
    daemon.migrate("mine", source, target)
    stranger = target.connect()
    stranger.cmd("CLIENT", "SETNAME", "ecmigrate:theirs:1:0badcafe")
    daemon.verb("mine", "complete")
    wait_for(lambda: (daemon.job("mine")["reason"] or {}).get("code") == "another-daemon", 10, "the other to be seen")
    assert "ecmigrate:theirs:1:0badcafe" in daemon.job("mine")["reason"]["message"]
    stranger.close()
    daemon.wait_phase("mine", "completed")
    writers.wait_acks(200)
    check_no_lost(writers, target)


def test_daemon_that_is_started_anew_is_no_stranger_to_itself(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("mine", source, target)
    before = names(target)
    daemon.kill9()
    daemon.start()
    wait_for(lambda: daemon.job("mine")["link"]["up"], 10, "the job to go on")
    assert before[0].rsplit(":", 1)[1] == names(target)[0].rsplit(":", 1)[1], "the instance outlives the process"
    daemon.complete("mine")


def test_former_connection_is_closed_by_its_number(lab, daemon):
    """A connection that the server still has when the daemon has long given it up could deliver a late command."""
    source, target = lab.pair()
    to_source, to_target = lab.proxy(source), lab.proxy(target)
    daemon.migrate("late", node_spec(to_source.endpoint, reachable_as=source.endpoint),
                   node_spec(to_target.endpoint, reachable_as=target.endpoint))
    old = [names(node) for node in (source, target)]
    assert [len(n) for n in old] == [1, 1]
    for road in (to_source, to_target):
        road.orphan()  # as a network does that has lost its memory: the servers hear of no end
    daemon.kill9()
    assert [names(node) for node in (source, target)] == old, "the servers still have them"
    daemon.start()
    wait_for(lambda: daemon.job("late")["link"]["up"], 10, "the job to go on")
    wait_for(lambda: [len(names(n)) for n in (source, target)] == [1, 1], 10,
             lambda: f"one connection each: {names(source)}, {names(target)}")
    assert [names(node) for node in (source, target)] != old


# --- after a switch-over ---


def test_file_that_is_put_back_does_not_overwrite_the_new_primary(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("orders", source, node_spec(target, allow_flush=True), cutover={"reverse": False})
    daemon.complete("orders")
    target.cmd("SET", "since", "1")
    source.cmd("REPLICAOF", "NO", "ONE")
    daemon.remove_job("orders")
    wait_for(lambda: daemon.job("orders") is None, 10, "the job to be forgotten")
    for name in ("orders", "renamed"):
        daemon.write_job(name, source, node_spec(target, allow_flush=True))
        daemon.wait_job(name)
        wait_for(lambda n=name: daemon.events(n, "start_held"), 10, "the start to be held")
        job = daemon.job(name)
        assert (job["phase"], job["reason"]["code"]) == ("idle", "already-switched")
        assert f"ecmigratectl start {name} --again" in job["next_step"]
    daemon.restart()
    daemon.wait_job("orders")
    assert [daemon.job(n)["phase"] for n in ("orders", "renamed")] == ["idle", "idle"]
    assert target.role() == "master" and target.cmd("GET", "since") == "1"
    refused = daemon.ctl("start", "orders")
    assert refused.returncode == 1 and "--again" in refused.stderr, refused.stderr
    assert target.cmd("GET", "since") == "1"
    assert daemon.ctl("start", "orders", "--again").returncode == 0
    daemon.wait_phase("orders", "replicating")
    assert target.cmd("GET", "since") is None, "that is what it meant"


def test_target_that_took_over_in_a_run_that_was_aborted_is_not_overwritten(lab, daemon):
    source, target = lab.pair()
    to_target = lab.proxy(target)
    spec = node_spec(to_target.endpoint, reachable_as=target.endpoint, allow_flush=True)
    daemon.migrate("orders", source, spec, cutover={"pause": "10s"})
    to_target.delay = 0.5
    daemon.verb("orders", "complete")
    wait_for(lambda: target.role() == "master", 20, "the promotion", interval=0.002)
    daemon.kill9()
    source.cmd("REPLICAOF", "NO", "ONE")
    source.cmd("CLIENT", "UNPAUSE")
    source.cmd("SET", "only", "here")
    to_target.delay = 0
    daemon.start()
    daemon.wait_phase("orders", "halted", timeout=30)
    daemon.verb("orders", "abort")
    daemon.wait_phase("orders", "failed")
    target.cmd("SET", "since", "1")
    daemon.remove_job("orders")
    wait_for(lambda: daemon.job("orders") is None, 10, "the job to be forgotten")
    daemon.write_job("again", source, spec)
    daemon.wait_job("again")
    assert daemon.event("again", "start_held")
    assert target.cmd("GET", "since") == "1" and target.role() == "master"


def test_way_back_starts_by_itself_and_the_way_there_by_a_verb(lab, daemon):
    """A second run of a completed job is a verb, not a dance with files."""
    source, target = lab.pair()
    writers = lab.writers(source, target)
    daemon.migrate("there", source, target)
    daemon.complete("there")
    wait_for(lambda: source.info("replication").get("master_link_status") == "up", 10, "the reverse link")
    daemon.migrate("back", target, source)
    daemon.complete("back")
    wait_for(lambda: target.info("replication").get("master_link_status") == "up", 10, "the reverse link")
    assert daemon.job("there")["phase"] == "completed", "the first one stays as it is"
    daemon.verb("there", "start")
    wait_for(lambda: daemon.job("there")["run"] == 2, 5, "the second run")
    daemon.wait_phase("there", "replicating")
    daemon.complete("there")
    writers.wait_acks(200)
    check_no_lost(writers, target)


def test_old_source_that_is_a_primary_again_is_told(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("old", source, target)
    daemon.complete("old")
    source.cmd("REPLICAOF", "NO", "ONE")
    wait_for(lambda: (daemon.job("old")["reason"] or {}).get("code") == "old-source-is-primary", 15, "it to be said")
    assert daemon.job("old")["state"] == "available" and source.role() == "master", "told, not touched"


def test_a_job_of_an_earlier_text_is_started_with_the_newest(lab, daemon):
    source, target = lab.pair()
    daemon.migrate("text", source, target)
    daemon.complete("text")
    daemon.write_job("text", source, target, description="second text")
    wait_for(lambda: daemon.events("text", "job_changed"), 10, "the change")
    assert daemon.job("text")["description"] is None
    daemon.verb("text", "start", again=True)
    seen = wait_for(lambda: daemon.job("text") if daemon.job("text")["run"] == 2 else None, 10, "the second run")
    assert seen["description"] == "second text"
