# SPDX-License-Identifier: Apache-2.0
"""
What ecmigratectl prints of jobs and events, in every format and on every kind of terminal. That it works with the
real daemon is shown by the other tests here.
"""
import json
import re
import signal

import yaml

from ctl_runner import DONE, NO_DAEMON, NO_JOB, TIMEOUT, ctl, fake, orders  # noqa: F401
from fake_daemon import Refusal, job, jobs_in_three_states
from waiting import wait_for

# What a terminal would obey: an escape sequence, a C1 one, a line break, a right-to-left override.
NASTY = "\x1b[31mred\x9b2J\r\nnext \u202e reversed"


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
    assert head.split()[-5:] == ["SOURCE", "TARGET", "RUN", "ATTEMPT", "REPLICAS"]
    assert row.split()[-5:] == ["10.0.0.241:6379", "10.0.1.7:6379", "1", "1/5", "-"]


def test_replicas_of_both_nodes(ctl, orders):
    near = {"endpoint": "10.0.1.8:6379", "state": "online", "offset": 4090, "lag_bytes": 4}
    copies = {"endpoint": "10.0.1.9:6379", "state": "send_bulk", "offset": None, "lag_bytes": None}
    other = {"endpoint": "10.0.0.5:6379", "state": "online", "offset": 4100, "lag_bytes": 0}
    orders.change("orders", target={**orders.jobs["orders"]["target"], "replicas": [near, copies]},
                  source={**orders.jobs["orders"]["source"], "replicas": [other]})
    lines = [line.split(None, 1)[1] for line in ctl.ok("status", "orders").splitlines() if "Replica:" in line]
    assert lines == ["10.0.0.5:6379 of the source, online, offset 4100, 0 B behind",
                     "10.0.1.8:6379 of the target, online, offset 4090, 4 B behind",
                     "10.0.1.9:6379 of the target, send_bulk"]
    assert ctl.ok("list", "-o", "wide").splitlines()[1].split()[-1] == "1/2"


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
