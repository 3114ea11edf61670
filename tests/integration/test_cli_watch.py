# SPDX-License-Identifier: Apache-2.0
"""ecmigratectl watch: lines for a program, frames on a terminal."""
import json
import signal

import yaml

from ctl_runner import DONE, FAILED, NO_JOB, TIMEOUT, ctl, fake, orders  # noqa: F401
from fake_daemon import job, jobs_in_three_states
from waiting import wait_for


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


def test_watch_says_that_a_switch_over_was_asked_for(ctl, orders):
    order = {"at": "2026-11-22T20:15:02.000Z", "by": "maria", "until": "2026-11-22T20:25:02.000Z", "force": False}
    orders.change("orders", cutover={"write_gap_ms": None, "at": None, "offset": None, "requested": order})
    said = "to switch over, at 2026-11-22 20:15:02, by maria, until 2026-11-22 20:25:02"
    lines = ctl.start("watch", "orders")
    wait_for(lambda: said in lines.out, 10, "a line with the order")
    watch = ctl.terminal("watch", "orders")
    wait_for(lambda: said in " ".join(watch.screen().text().split()), 10, "a frame with the order")
    assert said in " ".join(ctl.ok("status", "orders").split())
    orders.change("orders", state="available", phase="completed", reason=None, cutover=None)
    assert watch.wait(TIMEOUT) == DONE and lines.wait() == DONE


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
