# SPDX-License-Identifier: Apache-2.0
"""
ecmigratectl against a daemon that says what the test wants: every command in every format, exit codes,
terminals, faults. That it works with the real daemon is shown by the other tests here.
"""
import json
import os
import re
import signal
import socket
import subprocess

import pytest
import yaml

from ctl_runner import (BINARY, DONE, FAILED, NO_DAEMON, NO_JOB, TIMED_OUT, TIMEOUT, USAGE,  # noqa: F401
                        ctl, fake, orders)
from fake_daemon import Refusal, job
from waiting import wait_for

# What a terminal would obey: an escape sequence, a C1 one, a line break, a right-to-left override.
NASTY = "\x1b[31mred\x9b2J\r\nnext \u202e reversed"


def jobs_in_three_states(fake):
    fake.put(job("orders"))
    fake.put(job("carts", state="failed", phase="failed", progress=None, lag=None,
                 reason={"code": "auth-refused", "message": "the source refuses the password"}))
    fake.put(job("idle-one", state="pending", phase="idle", source=None, run=None, attempt=None,
                 progress=None, lag=None, link=None, reason=None))


# --- list, status ---


def test_list_table(ctl, fake):
    jobs_in_three_states(fake)
    lines = ctl.ok("list").splitlines()
    assert lines[0].split() == ["JOB", "STATE", "PHASE", "SINCE", "PROGRESS", "LAG", "REASON"]
    assert re.match(r"orders +migrating +replicating +\d+\w+ +62 % +6 B +waiting-complete$", lines[1])
    assert re.match(r"carts +failed +failed +\S+ +- +- +auth-refused$", lines[2])
    assert re.match(r"idle-one +pending +idle +\S+ +- +- +-$", lines[3])
    assert len({line.index(word) for line, word in
                zip(lines, ("STATE", "migrating", "failed", "pending"))}) == 1


def test_list_wide(ctl, orders):
    head, row = ctl.ok("list", "-o", "wide").splitlines()
    assert head.split()[-4:] == ["SOURCE", "TARGET", "RUN", "ATTEMPT"]
    assert row.split()[-4:] == ["10.0.0.241:6379", "10.0.1.7:6379", "1", "1/5"]


def test_list_documents(ctl, fake):
    jobs_in_three_states(fake)
    expected = {"jobs": list(fake.jobs.values())}
    assert json.loads(ctl.ok("list", "-o", "json")) == expected
    assert yaml.safe_load(ctl.ok("list", "-o", "yaml")) == expected
    assert ctl.ok("list", "-o", "name") == "orders\ncarts\nidle-one\n"


def test_json_keeps_decimals_as_they_are(ctl, orders):
    assert '"bytes_per_second": 83886080.5' in ctl.ok("status", "orders", "--output=json")
    orders.change("orders", cutover={"write_gap_ms": 0.812, "at": None, "offset": 1})
    assert '"write_gap_ms": 0.812,' in ctl.ok("status", "orders", "-ojson")


def test_list_without_jobs(ctl, fake):
    result = ctl("list")
    assert result.returncode == DONE and "no jobs" in result.err
    assert json.loads(ctl.ok("list", "-o", "json")) == {"jobs": []}


def test_status_says_why_it_waits_and_what_ends_that(ctl, orders):
    out = ctl.ok("status", "orders")
    for piece in ("migrating/replicating since 2026-11-22 20:15:01",
                  "waiting-complete: in sync; waits for your word", "ecmigratectl complete orders",
                  "10.0.0.241:6379, redis 7.0.15, primary, offset 4100",
                  "10.0.1.7:6379, valkey 8.0.1, replica, offset 4094", "up since 2026-11-22 20:15:01",
                  "62.5 %, 640.0 MiB of 1.0 GiB, 80.0 MiB/s, 5s left", "6 B, 0s", "attempt 1/5",
                  "/etc/ecmigrate.d/orders.yaml"):
        assert piece in out
    assert "Cutover" not in out


def test_status_of_a_completed_job(ctl, fake):
    fake.put(job(state="available", phase="completed", reason=None, file=None, progress=None,
                 cutover={"write_gap_ms": 0.812, "at": "2026-11-22T20:20:00Z", "offset": 5000}))
    out = ctl.ok("status", "orders")
    assert "write gap 0.812 ms, at 2026-11-22 20:20:00, offset 5000" in out
    assert re.search(r"File: +gone", out)


def test_status_says_that_a_node_is_not_reachable(ctl, orders):
    orders.change("orders", source={"endpoint": "10.0.0.241:6379", "role": None, "server": None,
                                    "version": None, "replid": None, "offset": None, "reachable": False})
    assert re.search(r"Source: +10.0.0.241:6379, NOT REACHABLE", ctl.ok("status", "orders"))


def test_status_documents(ctl, orders):
    assert json.loads(ctl.ok("status", "orders", "-o", "json")) == orders.jobs["orders"]
    assert yaml.safe_load(ctl.ok("status", "orders", "-o", "yaml")) == orders.jobs["orders"]
    assert ctl.ok("status", "orders", "-o", "name") == "orders\n"


def test_yaml_gives_strings_back_as_strings(ctl, orders):
    odd = ["yes", "null", "1", "1.5", "0x10", "~", "", " a", "a: b", "# c", "- d", "12:30:45", "2026-11-22",
           "Grüße", "tab\there", "two\nlines", "é\x85", NASTY, "'", '"', "%", "@", "!t", "&a", "*a", ".inf"]
    orders.change("orders", description=odd, verify={"true": True, "1": None})
    found = yaml.safe_load(ctl.ok("status", "orders", "-o", "yaml"))
    assert found["description"] == odd
    assert found["verify"] == {"true": True, "1": None}


# --- events ---


def three_events(fake):
    fake.emit("job_accepted", message="read")
    fake.emit("link_lost", level="warn", message="the link is down")
    fake.emit("run_started", job="carts", message="begun")


def test_events_table(ctl, orders):
    three_events(orders)
    orders.emit("daemon_stopped", job=None, run=None, message="bye")
    assert ctl.ok("events").splitlines() == [
        "2026-11-22 20:15:01 orders#1 info  job_accepted  read",
        "2026-11-22 20:15:01 orders#1 warn  link_lost  the link is down",
        "2026-11-22 20:15:01 carts#1 info  run_started  begun",
        "2026-11-22 20:15:01 daemon info  daemon_stopped  bye"]


def test_events_of_one_job_after_and_limit(ctl, orders):
    three_events(orders)
    assert ctl.ok("events", "orders", "-o", "name") == "job_accepted\nlink_lost\n"
    assert ctl.ok("events", "orders", "--after", "1", "-o", "name") == "link_lost\n"
    assert ctl.ok("events", "--limit", "2", "-o", "name") == "link_lost\nrun_started\n"
    assert ctl.ok("events", "--after", "0", "--limit=1", "-o", "name") == "job_accepted\n"


def test_events_documents(ctl, orders):
    three_events(orders)
    assert json.loads(ctl.ok("events", "-o", "json")) == {"events": orders.events}
    assert yaml.safe_load(ctl.ok("events", "-o", "yaml")) == {"events": orders.events}
    orders.events[1]["data"] = {"attempt": 3}
    assert '{"attempt":3}' in ctl.ok("events", "-o", "wide")


def test_events_of_an_unknown_job(ctl, orders):
    assert ctl("events", "nobody").returncode == NO_JOB


def test_events_follow_until_interrupted(ctl, orders):
    three_events(orders)
    follower = ctl.start("events", "orders", "-f", "-o", "json")
    wait_for(lambda: orders.streams, 10, "a follower")
    orders.emit("in_sync", message="later")
    orders.emit("in_sync", job="carts")
    wait_for(lambda: "in_sync" in follower.out, 10, "the event")
    follower.process.send_signal(signal.SIGINT)
    assert follower.wait() == DONE
    assert [json.loads(line) for line in follower.out.splitlines()] == \
        [e for e in orders.events if e["job"] == "orders"]
    assert orders.streams == [({"job": "orders", "after": "2"}, "2")]


def test_events_follow_goes_on_when_the_daemon_comes_back(ctl, orders):
    orders.emit("job_accepted")
    follower = ctl.start("events", "-f", "-o", "name")
    wait_for(lambda: orders.streams, 10, "a follower")
    orders.emit("sync_started")
    wait_for(lambda: "sync_started" in follower.out, 10, "the first event")
    orders.stop()
    wait_for(lambda: "connection to the daemon lost" in follower.err, 10, "a word about it")
    orders.emit("in_sync")  # nobody is connected
    orders.start()
    wait_for(lambda: "in_sync" in follower.out, 10, "the event that was missed")
    assert orders.streams[-1][1] == "2"
    assert "connected again" in follower.err
    follower.process.send_signal(signal.SIGTERM)
    assert follower.wait() == DONE
    assert follower.out == "job_accepted\nsync_started\nin_sync\n"


def test_events_follow_without_a_daemon(ctl):
    assert ctl("events", "-f").returncode == NO_DAEMON


# --- verbs ---


@pytest.mark.parametrize("verb", ["start", "complete", "abort", "retry"])
def test_verb(ctl, orders, verb):
    out = ctl.ok(verb, "orders")
    assert out.startswith(f"orders: {verb} accepted; now migrating/replicating: waiting-complete: ")
    assert orders.posts == [(f"/v1/jobs/orders/{verb}", {})]
    assert json.loads(ctl.ok(verb, "orders", "-o", "json")) == orders.jobs["orders"]
    assert yaml.safe_load(ctl.ok(verb, "orders", "-o", "yaml")) == orders.jobs["orders"]
    assert ctl.ok(verb, "orders", "-o", "name") == "orders\n"
    assert ctl(verb, "nobody").returncode == NO_JOB
    assert ctl(verb).returncode == USAGE


def test_verb_options_are_sent(ctl, orders):
    ctl.ok("start", "orders", "--source", "10.0.0.9:6379")
    ctl.ok("--socket", ctl.socket, "complete", "orders", "--force", ECMIGRATE_SOCKET="/nowhere")
    assert [body for _, body in orders.posts] == [{"source": "10.0.0.9:6379"}, {"force": True}]


def test_refusal_shows_message_and_hint(ctl, orders):
    def refuse(fake, value, body):
        raise Refusal(409, "not-possible", "complete is not possible in phase 'idle'", "start it first")

    orders.verbs["complete"] = refuse
    for options in ([], ["--wait"], ["--dry-run"]):
        result = ctl("complete", "orders", *options)
        assert result.returncode == FAILED
        assert result.err == "error: complete is not possible in phase 'idle'\nhint: start it first\n"


def test_a_missing_verb_is_not_a_missing_job(ctl, orders):
    def refuse(fake, value, body):
        raise Refusal(404, "no-such-verb", "there is no verb 'retry'")

    orders.verbs["retry"] = refuse
    assert ctl("retry", "orders").returncode == FAILED


def checked(fake, name, source="10.0.0.241:6379", at="2026-11-22T20:16:00.000Z", **failed):
    """The job's checks are through; failed: id (with _) -> message."""
    results = [{"id": i, "title": f"title of {i}", "passed": i.replace("-", "_") not in failed,
                "message": failed.get(i.replace("-", "_"))} for i in ("source-unreachable", "target-not-empty")]
    fake.change(name, checks={"at": at, "running": False, "source": source, "passed": not failed, "results": results})


RUNNING = {"at": None, "running": True, "source": "10.0.0.241:6379", "passed": None, "results": []}


def test_check_waits_for_checks_newer_than_the_request(ctl, orders):
    checked(orders, "orders", target_not_empty="of an earlier time")

    def begin(fake, value, body):
        fake.jobs["orders"]["checks"] = RUNNING
        return fake.jobs["orders"]

    orders.verbs["check"] = begin
    waiting = ctl.start("check", "orders")
    wait_for(lambda: "waiting for the checks" in waiting.err, 10, "the first look")
    checked(orders, "orders", at="2026-11-22T20:17:00.000Z")
    assert waiting.wait() == DONE
    assert orders.posts == [("/v1/jobs/orders/check", {})]
    assert waiting.out.splitlines() == [
        "orders from 10.0.0.241:6379: all 2 checks passed", "  ✓ passed  title of source-unreachable",
        "  ✓ passed  title of target-not-empty"]


def test_check_that_fails(ctl, orders):
    def run(fake, value, body):
        checked(fake, "orders", body["source"], at=f"2026-11-22T20:18:00.{len(fake.posts):03}Z",
                target_not_empty="it holds 5 keys")
        return fake.jobs["orders"]

    orders.verbs["check"] = run
    words = ("check", "orders", "--source", "10.0.0.9:6379")
    result = ctl(*words)
    assert result.returncode == FAILED
    assert orders.posts == [("/v1/jobs/orders/check", {"source": "10.0.0.9:6379"})]
    assert "orders from 10.0.0.9:6379: 1 of 2 checks failed\n" in result.out
    assert "  ✗ FAILED  target-not-empty: it holds 5 keys\n            If those keys may go" in result.out
    assert "  ! FAILED  target-not-empty" in ctl(*words, LC_ALL="C").out
    assert json.loads(ctl(*words, "-o", "json").out) == orders.jobs["orders"]["checks"]
    assert yaml.safe_load(ctl(*words, "-o", "yaml").out) == orders.jobs["orders"]["checks"]
    assert ctl(*words, "-o", "name").out == "failed\n"


def test_check_by_the_real_daemon(lab):
    daemon, (source, target) = lab.daemon(), lab.pair()
    daemon.write_job("orders", None, target)
    daemon.wait_job("orders")
    done = daemon.ctl("check", "orders", "--source", source.endpoint)
    assert done.returncode == DONE and f"orders from {source.endpoint}: all " in done.stdout, done.stdout + done.stderr
    target.fill(3)
    done = daemon.ctl("check", "orders", "--source", source.endpoint)
    assert done.returncode == FAILED and "FAILED  target-not-empty: " in done.stdout
    assert daemon.job("orders")["phase"] == "idle" and target.role() == "master"


def test_check_ends_when_nothing_comes_of_it(ctl, orders):
    orders.verbs["check"] = lambda fake, value, body: orders.jobs["orders"]
    orders.change("orders", checks=RUNNING)
    assert ctl("check", "orders", "--timeout", "100ms").returncode == TIMED_OUT
    waiting = ctl.start("check", "orders")
    wait_for(lambda: "waiting for the checks" in waiting.err, 10, "the first look")
    orders.change("orders", checks=None)
    assert waiting.wait() == FAILED and "the checks are gone" in waiting.err
    assert ctl("check", "nobody").returncode == NO_JOB


PLAN = {"dry_run": True, "ready": False,
        "blockers": [{"code": "gate-lag", "message": "lag is 5 MiB", "next_step": "Wait for a quieter moment."}],
        "steps": ["Pause writes on the source.", "Promote the target."]}


def test_dry_run(ctl, orders):
    plan = dict(PLAN)
    orders.verbs["complete"] = lambda fake, value, body: plan
    result = ctl("complete", "orders", "--dry-run")
    assert result.returncode == FAILED
    assert result.out.splitlines() == [
        "orders: not ready to switch over; held back by", "  gate-lag: lag is 5 MiB",
        "    Wait for a quieter moment.", "complete would:", "  1. Pause writes on the source.",
        "  2. Promote the target."]
    assert json.loads(ctl("complete", "orders", "--dry-run", "-o", "json").out) == plan
    assert yaml.safe_load(ctl("complete", "orders", "--dry-run", "-o", "yaml").out) == plan
    plan.update(ready=True, blockers=[])
    assert ctl.ok("complete", "orders", "--dry-run").startswith("orders: ready to switch over\ncomplete would:")
    assert ctl.ok("complete", "orders", "--dry-run", "-o", "name") == "ready\n"
    assert orders.posts[0][1] == {"dry_run": True}


def test_complete_wait_prints_the_gap(ctl, orders):
    waiting = ctl.start("complete", "orders", "--wait")
    wait_for(lambda: orders.posts, 10, "the order")
    orders.change("orders", phase="freezing", reason=None)
    orders.emit("cutover_started")
    wait_for(lambda: "freezing" in waiting.err, 10, "a word about the phase")
    orders.change("orders", state="available", phase="completed",
                  cutover={"write_gap_ms": 0.8125, "at": "2026-11-22T20:20:00Z", "offset": 5000})
    orders.emit("cutover_completed")
    assert waiting.wait() == DONE
    assert waiting.out.splitlines() == ["orders: completed at 2026-11-22 20:20:00", "write gap: 0.812 ms",
                                        "offset: 5000 at the switch; now source 4100, target 4094"]


def test_complete_wait_ends_when_the_switch_over_is_given_up(ctl, orders):
    orders.emit("cutover_aborted", message="of an earlier order")
    waiting = ctl.start("complete", "orders", "--wait")
    wait_for(lambda: orders.streams, 10, "a follower")
    assert waiting.process.poll() is None
    orders.emit("cutover_aborted", message="the target did not drain in time")
    assert waiting.wait() == FAILED
    assert "given up, writes go on at the source: the target did not drain in time" in waiting.err
    assert "of an earlier order" not in waiting.err
    assert "hint: ecmigratectl complete orders" in waiting.err


def test_complete_wait_stays_while_attempts_are_left(ctl, orders):
    waiting = ctl.start("complete", "orders", "--wait")
    wait_for(lambda: orders.streams, 10, "a follower")
    orders.change("orders", reason={"code": "drain-timeout", "message": "once more at 20:16"})
    orders.emit("cutover_aborted", message="the target did not drain in time")
    wait_for(lambda: "drain-timeout" in waiting.err, 10, "the reason")
    orders.change("orders", state="available", phase="completed")
    assert waiting.wait() == DONE


def test_complete_wait_ends_when_the_job_fails(ctl, orders):
    waiting = ctl.start("complete", "orders", "--wait")
    wait_for(lambda: orders.posts, 10, "the order")
    orders.change("orders", state="failed", phase="failed", reason={"code": "aborted", "message": "by hand"},
                  next_step="ecmigratectl retry orders")
    assert waiting.wait() == FAILED
    assert waiting.err.endswith("error: the job did not complete, it is failed/failed: aborted: by hand\n"
                                "hint: ecmigratectl retry orders\n")


# --- wait ---


def test_wait_ends_when_the_phase_comes(ctl, fake):
    fake.put(job(phase="syncing", reason=None))
    waiting = ctl.start("wait", "orders", "--for", "phase=replicating", "--timeout", "60s")
    wait_for(lambda: "now migrating/syncing" in waiting.err, 10, "what it waits for")
    fake.change("orders", phase="replicating")
    assert waiting.wait() == DONE
    assert waiting.out == "orders: migrating/replicating\n"


def test_wait_for_what_is_there_already(ctl, orders):
    assert ctl.ok("wait", "orders", "--for", "state=migrating") == "orders: migrating/replicating\n"
    wanted = ("wait", "orders", "--for=phase=replicating", "-o")
    assert json.loads(ctl.ok(*wanted, "json")) == orders.jobs["orders"]
    assert yaml.safe_load(ctl.ok(*wanted, "yaml")) == orders.jobs["orders"]
    assert ctl.ok(*wanted, "name") == "orders\n"


def test_wait_that_cannot_end_says_so_at_once(ctl, fake):
    fake.put(job(state="failed", phase="failed", reason={"code": "source-lost", "message": "gone"},
                 next_step="ecmigratectl retry orders"))
    result = ctl("wait", "orders", "--for", "phase=completed", "--timeout", "1h")
    assert result.returncode == FAILED
    assert result.err == ("error: the job is failed/failed and does not get to phase completed by itself: "
                          "source-lost: gone\nhint: ecmigratectl retry orders\n")


def test_wait_times_out(ctl, orders):
    result = ctl("wait", "orders", "--for", "phase=completed", "--timeout", "200ms")
    assert result.returncode == TIMED_OUT
    assert "no phase completed within 200ms; the job is migrating/replicating: waiting-complete" in result.err
    assert "hint: ecmigratectl complete orders" in result.err
    assert ctl("complete", "orders", "--wait", "--timeout", "200ms").returncode == TIMED_OUT


def test_wait_survives_a_restart_of_the_daemon(ctl, orders):
    waiting = ctl.start("wait", "orders", "--for", "phase=completed", "--timeout", "60s")
    wait_for(lambda: "waiting for phase completed" in waiting.err, 10, "the first look")
    orders.stop()
    wait_for(lambda: "connection to the daemon lost" in waiting.err, 10, "a word about it")
    orders.change("orders", state="available", phase="completed")
    orders.start()
    assert waiting.wait() == DONE


@pytest.mark.parametrize("value,word", [
    ("phase=complete", "did you mean 'completed'?"), ("state=migratin", "did you mean 'migrating'?"),
    ("completed", "neither state=STATE nor phase=PHASE")])
def test_wait_for_nonsense(ctl, orders, value, word):
    result = ctl("wait", "orders", "--for", value)
    assert result.returncode == USAGE and word in result.err


def test_wait_for_an_unknown_job(ctl, orders):
    assert ctl("wait", "nobody", "--for", "state=available").returncode == NO_JOB


# --- watch ---


def test_watch_without_a_terminal_prints_a_line_for_each_change(ctl, fake):
    fake.put(job(phase="syncing", reason=None))
    watch = ctl.start("watch")
    wait_for(lambda: "migrating/syncing" in watch.out, 10, "the first line")
    fake.change("orders", since="2026-11-22T20:15:02Z", lag={"bytes": 7, "seconds": 0})  # no news
    fake.emit("phase_changed")
    fake.change("orders", phase="replicating", progress=None)
    wait_for(lambda: "migrating/replicating" in watch.out, 10, "the change")
    fake.put(job("carts"))
    wait_for(lambda: "carts" in watch.out, 10, "the new job")
    del fake.jobs["carts"]
    wait_for(lambda: "carts is gone" in watch.out, 10, "its end")
    watch.process.send_signal(signal.SIGINT)
    assert watch.wait() == DONE
    lines = watch.out.splitlines()
    assert len(lines) == 4 and "\x1b" not in watch.out
    assert "62.5 %, 640.0 MiB of 1.0 GiB, 80.0 MiB/s, 5s left" in lines[0]


def test_watch_of_one_job_ends_with_it(ctl, fake):
    fake.put(job(phase="syncing"))
    watches = [ctl.start("watch", "orders", "-o", "json"), ctl.start("watch", "orders", "-o", "yaml")]
    wait_for(lambda: all("syncing" in w.out for w in watches), 10, "the first state")
    fake.change("orders", state="available", phase="completed")
    assert [w.wait() for w in watches] == [DONE, DONE]
    assert [json.loads(line)["phase"] for line in watches[0].out.splitlines()] == ["syncing", "completed"]
    assert [d["phase"] for d in yaml.safe_load_all(watches[1].out)] == ["syncing", "completed"]
    fake.change("orders", state="failed", phase="halted")
    assert ctl("watch", "orders").returncode == FAILED
    assert ctl("watch", "nobody").returncode == NO_JOB


def test_watch_redraws_in_place(ctl, fake):
    jobs_in_three_states(fake)
    watch = ctl.terminal("watch")
    wait_for(lambda: "62 %" in watch.output(), 10, "the first frame")
    fake.change("orders", progress={**fake.jobs["orders"]["progress"], "percent": 75})
    wait_for(lambda: "75 %" in watch.output(), 10, "the second frame")
    screen = watch.screen()
    assert screen.cursor_hidden
    assert screen.text().count("orders") == 1 and screen.text().count("PHASE") == 1
    assert "62 %" not in screen.text()
    assert "█" in screen.text() and "80.0 MiB/s" in screen.text() and "5s" in screen.text()
    assert "\x1b[2J" not in watch.output(), "clearing the screen flickers"
    watch.type("\x03")
    assert watch.wait(TIMEOUT) == DONE
    assert not watch.screen().cursor_hidden
    assert watch.screen().text().count("PHASE") == 1


def test_watch_shrinks_with_the_terminal(ctl, fake):
    for i in range(30):
        fake.put(job(f"job-{i:02}"))
    watch = ctl.terminal("watch", rows=12)
    wait_for(lambda: "22 more jobs" in watch.output(), 10, lambda: "the first frame: " + watch.output())
    assert len(watch.screen().text().splitlines()) <= 11
    watch.resize(60, 40)
    wait_for(lambda: "job-29" in watch.output(), 10, "a frame with all jobs")
    assert max(len(line) for line in watch.screen().text().splitlines()) <= 60
    watch.type("\x03")
    assert watch.wait(TIMEOUT) == DONE


def test_watch_says_why_a_single_job_waits(ctl, orders):
    watch = ctl.terminal("watch", "orders")
    wait_for(lambda: "Next:" in watch.screen().text(), 10, "the frame")
    assert "waiting-complete: in sync; waits for your word" in watch.screen().text()
    orders.change("orders", state="available", phase="completed", reason=None)
    assert watch.wait(TIMEOUT) == DONE
    assert "completed" in watch.screen().text() and not watch.screen().cursor_hidden


def test_watch_waits_for_the_daemon(ctl, orders):
    watch = ctl.terminal("watch")
    wait_for(lambda: "orders" in watch.output(), 10, "the first frame")
    orders.stop()
    wait_for(lambda: "connection to the daemon lost" in watch.screen().text(), 10, "a word about it")
    orders.change("orders", phase="freezing")
    orders.start()
    wait_for(lambda: "freezing" in watch.screen().text(), 10, "the new state")
    assert "lost" not in watch.screen().text()


def test_watch_on_a_dumb_terminal_moves_no_cursor(ctl, orders):
    watch = ctl.terminal("watch", TERM="dumb")
    wait_for(lambda: "migrating/replicating" in watch.output(), 10, "a line")
    assert "\x1b" not in watch.output()


# --- terminals ---


def test_list_fits_80_columns(ctl, fake):
    fake.put(job("a-rather-long-replication-group-name-xyz", phase="rolling_back",
                 reason={"code": "credential-unreadable", "message": ""}))
    for options in ([], ["-o", "wide"]):
        terminal = ctl.terminal("list", *options, NO_COLOR="1")
        assert terminal.wait(TIMEOUT) == DONE
        lines = terminal.output().split("\r\n")
        assert max(map(len, lines)) == 80 and "…" in lines[1]
    assert "credential-unreadable" in ctl.ok("list") and "…" not in ctl.ok("list", "-o", "wide")


def test_status_breaks_lines_between_words(ctl, orders):
    orders.change("orders", reason={"code": "link-timeout", "message": "word " * 40})
    terminal = ctl.terminal("status", "orders", columns=60)
    assert terminal.wait(TIMEOUT) == DONE
    lines = terminal.screen().text().splitlines()
    assert max(map(len, lines)) <= 60
    assert sum(line.split().count("word") for line in lines) == 40


def test_colour_on_a_terminal_only(ctl, fake):
    jobs_in_three_states(fake)
    coloured, plain, dumb = (ctl.terminal("list", **env) for env in ({}, {"NO_COLOR": "1"}, {"TERM": "dumb"}))
    for terminal in (coloured, plain, dumb):
        assert terminal.wait(TIMEOUT) == DONE
    assert "\x1b[31mfailed" in coloured.output()
    assert "\x1b" not in plain.output() + dumb.output() + ctl.ok("list")
    assert coloured.screen().text().split() == plain.screen().text().split()


def test_without_utf8_everything_is_ascii(ctl, orders):
    orders.change("orders", description="Grüße")
    for terminal in (ctl.terminal("watch", "orders", columns=60, LC_ALL="C"), ctl.terminal("list", columns=50, LC_ALL="C")):
        wait_for(lambda: "orders" in terminal.output(), 10, "output")
        assert terminal.output().isascii()
    assert "Gr\\u00fc\\u00dfe" in ctl.ok("status", "orders", LC_ALL="C")


def test_control_characters_never_reach_the_output(ctl, orders):
    orders.change("orders", description=NASTY, next_step=NASTY, phase=NASTY,
                  reason={"code": NASTY, "message": NASTY}, file=NASTY)
    orders.emit("link_lost", message=NASTY, level=NASTY)

    def refuse(fake, value, body):
        raise Refusal(409, "no", NASTY, NASTY)

    orders.verbs["abort"] = refuse
    for args in (["list"], ["list", "-o", "wide"], ["status", "orders"], ["events"], ["events", "-o", "wide"],
                 ["complete", "orders"], ["abort", "orders"], ["status", NASTY], ["list", "-o", "name"],
                 ["wait", "orders", "--for", "phase=completed", "--timeout", "1ms"]):
        result = ctl(*args, LC_ALL="C.UTF-8")
        for char in "\x1b\x9b\r\u202e":
            assert char not in result.out + result.err, args
    assert "\\x1b[31mred\\u009b2J\\r\\nnext \\u202e reversed" in ctl.ok("status", "orders")
    assert len(ctl.ok("events").splitlines()) == 1
    for form in ("json", "yaml"):
        terminal = ctl.terminal("status", "orders", "-o", form)
        assert terminal.wait(TIMEOUT) == DONE
        assert terminal.output().replace("\r\n", "").isprintable() and terminal.output().isascii()


# --- no daemon, or not the right one ---


def test_no_daemon(ctl):
    for command in (["list"], ["status", "x"], ["watch"], ["watch", "x"], ["events"], ["complete", "x", "--wait"],
                    ["start", "x"], ["wait", "x", "--for", "state=available"]):
        result = ctl(*command)
        assert result.returncode == NO_DAEMON, command
        assert result.err == (f"error: no daemon on the control socket '{ctl.socket}': No such file or directory\n"
                              "hint: is the daemon running? systemctl status ecmigrated\n")


def test_a_socket_that_nobody_listens_on(ctl):
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(ctl.socket)
    result = ctl("list")
    assert result.returncode == NO_DAEMON and "Connection refused" in result.err


@pytest.mark.skipif(os.geteuid() != 0, reason="root may use any socket; only root can become somebody else")
def test_permission_denied_names_the_group(ctl, fake):
    os.chmod(ctl.directory, 0o755)
    os.chmod(ctl.socket, 0o660)
    os.chown(ctl.socket, 0, 4)  # adm, on every Debian
    result = subprocess.run([BINARY, "list"], env=ctl.env, capture_output=True, text=True, timeout=TIMEOUT,
                            user=65534, group=65534, extra_groups=[])
    assert result.returncode == NO_DAEMON
    assert f"no permission to use the control socket '{ctl.socket}'" in result.stderr
    assert "group 'adm'" in result.stderr


@pytest.mark.parametrize("answer", [
    b"+PONG\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"])
def test_something_else_answers(ctl, fake, answer):
    fake.raw["/v1/jobs"] = answer
    result = ctl("list")
    assert result.returncode == FAILED
    assert ctl.socket in result.err


def test_an_answer_that_breaks_off(ctl, fake):
    fake.raw["/v1/jobs"] = b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"jobs":['
    result = ctl("list")
    assert result.returncode == NO_DAEMON and "lost" in result.err


def test_members_that_are_missing_or_odd_do_no_harm(ctl, fake):
    fake.jobs["x"] = {"id": "x", "phase": 7, "reason": "text", "progress": [], "lag": {"bytes": "many"},
                      "source": "here", "since": "yesterday", "attempt": {"number": None}}
    for args in (["list", "-o", "wide"], ["status", "x"], ["complete", "x"], ["events", "x"]):
        assert ctl(*args).returncode == DONE, args
    terminal = ctl.terminal("watch", "x")
    wait_for(lambda: "JOB" in terminal.output(), 10, "a frame")


def test_proxy_settings_do_not_matter(ctl, orders):
    assert ctl.ok("list", "-o", "name", http_proxy="http://127.0.0.1:1", ALL_PROXY="http://127.0.0.1:1") == "orders\n"


def test_job_names_are_quoted_for_the_url(ctl, fake):
    for name in ("..", "a/b", "x?y=1", "%2e", "a b", "ü"):
        fake.put(job(name))
        assert ctl.ok("status", name, "-o", "name") == name + "\n"


def test_output_that_cannot_be_written(ctl, orders):
    with open("/dev/full", "wb") as full:
        result = subprocess.run([BINARY, "list"], env=ctl.env, stdout=full, stderr=subprocess.PIPE, text=True,
                                timeout=TIMEOUT)
    assert result.returncode == FAILED and "No space left" in result.stderr


# --- usage ---


@pytest.mark.parametrize("args,word", [
    ([], "no command"), (["lst"], "did you mean 'list'?"), (["frobnicate"], "unknown command"),
    (["reverse", "x"], "unknown command"), (["check"], "needs JOB"), (["completion", "tcsh"], "bash, zsh and fish"),
    (["doctor", "-o", "name"], "no output format"), (["check", "x", "--timeout", "soon"], "--timeout"),
    (["status"], "needs JOB"), (["status", "a", "b"], "unexpected 'b'"), (["status", ""], "empty"),
    (["list", "--sokcet", "x"], "did you mean '--socket'?"), (["list", "-x"], "unknown option '-x'"),
    (["list", "--force"], "list has no option --force"), (["list", "-o", "jsn"], "did you mean '-o json'?"),
    (["list", "-o"], "needs a value"), (["complete", "x", "--force=1"], "takes no value"),
    (["watch", "-o", "name"], "no output format"), (["events", "--limit", "0"], "--limit"),
    (["events", "--after", "-1"], "--after"), (["wait", "x"], "--for"),
    (["wait", "x", "--for", "state=available", "--timeout", "soon"], "--timeout"),
    (["complete", "x", "--timeout", "3s"], "--wait"), (["complete", "x", "--wait", "--dry-run"], "--dry-run"),
    (["list", "--socket", "/" + "x" * 200], "socket")])
def test_wrong_usage(ctl, args, word):
    result = ctl(*args)
    assert result.returncode == USAGE and result.out == ""
    assert result.err.startswith("error: ") and word in result.err


def test_help(ctl):
    out = ctl.ok("--help")
    for command in ("list", "status JOB", "watch [JOB]", "events [JOB]", "start JOB", "complete JOB", "abort JOB",
                    "retry JOB", "wait JOB", "check JOB", "doctor", "validate FILE...", "explain [CODE]", "fsm",
                    "schema", "completion SHELL"):
        assert f"\n  {command} " in out
        assert ctl.ok(command.split()[0], "--help").startswith(f"ecmigratectl {command}")
    assert max(map(len, out.splitlines())) <= 100
    assert "--dry-run" in ctl.ok("complete", "-h")
    assert re.fullmatch(r"ecmigratectl \d+\.\d+\.\d+\n", ctl.ok("--version"))


def test_options_may_stand_anywhere(ctl, orders):
    for args in (["-o", "name", "list"], ["list", "-oname"], ["--output=name", "list"], ["list", "--output", "name"],
                 ["-o", "json", "list", "-o", "name"], ["-o", "name", "--", "list"]):
        assert ctl.ok(*args) == "orders\n"


# --- without a daemon ---


def test_validate(ctl, tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text('source: {endpoint: "10.0.0.241:6379"}\ntarget: {endpoint: "10.0.1.7:6379"}\n')
    bad.write_text('source: {endpoint: "10.0.0.241:70000"}\ntarget: {endpoit: "10.0.1.7:6379"}\n')
    assert ctl.ok("validate", str(good)) == f"{good}: ok\n"
    result = ctl("validate", str(good), str(bad), str(tmp_path / "none.yaml"))
    assert result.returncode == FAILED
    assert f"{bad}:1:20: error[bad-endpoint]: port 70000 is outside 1..65535\n" in result.err
    assert "did you mean 'endpoint'?" in result.err and "^~~~" in result.err
    assert "none.yaml" in result.err and result.out == f"{good}: ok\n"


def test_explain(ctl):
    out = ctl.ok("explain", "source-unreachable")
    assert "source-unreachable" in out and "cannot reach the source" in out and "What to do:" in out
    assert json.loads(ctl.ok("explain", "loop", "-o", "json"))["code"] == "loop"
    codes = ctl.ok("explain", "-o", "name").split()
    assert len(codes) == len(set(codes)) > 30
    assert [line.split()[0] for line in ctl.ok("explain").splitlines()] == ["CODE", *codes]
    assert [r["code"] for r in yaml.safe_load(ctl.ok("explain", "-o", "yaml"))["reasons"]] == codes
    for code in codes:
        assert ctl.ok("explain", code, "-o", "name") == code + "\n"


def test_explain_unknown(ctl):
    result = ctl("explain", "source-unreachabel")
    assert result.returncode == FAILED and "did you mean 'source-unreachable'?" in result.err


def test_fsm(ctl):
    phases = ctl.ok("fsm", "-o", "name").split()
    table = ctl.ok("fsm")
    dot = ctl.ok("fsm", "--dot")
    document = json.loads(ctl.ok("fsm", "-o", "json"))
    assert [p["name"] for p in document["phases"]] == phases
    assert document == yaml.safe_load(ctl.ok("fsm", "-o", "yaml"))
    for way in document["transitions"]:
        assert f'    {way["from"]} -> {way["to"]} [label="{way["event"]}: ' in dot
        assert re.search(rf'^{way["from"]} +{way["event"]} +{way["to"]} ', table, re.M)
    assert dot.startswith("digraph ") and dot.count("{") == dot.count("}")
    assert ctl("fsm", "--dot", "-o", "json").returncode == USAGE
