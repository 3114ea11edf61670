# SPDX-License-Identifier: Apache-2.0
"""What ecmigratectl has the daemon do: verbs, plans; and waiting until it is done."""
import json

import pytest
import yaml

from ctl_runner import DONE, FAILED, NO_JOB, TIMED_OUT, USAGE, ctl, fake, orders  # noqa: F401
from fake_daemon import Refusal, job
from waiting import wait_for


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
    order = {"at": "2026-11-22T20:15:02.000Z", "by": "root", "until": None, "force": False}
    orders.change("orders", reason={"code": "drain-timeout", "message": "once more at 20:16"},
                  cutover={"write_gap_ms": None, "at": None, "offset": None, "requested": order})
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
