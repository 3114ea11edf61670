# SPDX-License-Identifier: Apache-2.0
"""What endangers the data while the target follows, or the way back afterwards: told at once, and by name."""
import json
import re

from harness import job_spec, node_spec, wait_for


def raised(daemon, job, code):
    """The event that tells of the alarm; the job shows it, too."""
    event = wait_for(lambda: next((e for e in daemon.events(job, "alarm_raised") if e["data"]["reason"] == code), None),
                     15, lambda: f"the alarm {code}: {daemon.job(job)['alarms']}")
    assert event["level"] == "warn" and code in event["message"]
    assert code in [a["code"] for a in daemon.job(job)["alarms"]]
    assert re.search(rf"^Alarm: +{code}: ", daemon.ctl("status", job).stdout, re.M)
    return event


def cleared(daemon, job, code):
    wait_for(lambda: any(e["data"]["reason"] == code for e in daemon.events(job, "alarm_cleared")), 15,
             lambda: f"the end of {code}: {daemon.job(job)['alarms']}")
    assert code not in [a["code"] for a in daemon.job(job)["alarms"]]


def test_keys_that_go_all_at_once_hold_the_switch_over_until_waived(lab, daemon):
    source, target = lab.pair(keys=1000)
    assert daemon.migrate("flushed", source, target)["alarms"] == []
    source.cmd("FLUSHALL")
    event = raised(daemon, "flushed", "keys-collapsed")
    assert event["data"]["holds_cutover"] is True and "1000 keys" in event["message"]
    daemon.verb("flushed", "complete")
    wait_for(lambda: daemon.job("flushed")["reason"]["code"] == "keys-collapsed", 10, "the gate")
    daemon.write_job("flushed", source, target, checks={"waive": ["keys-collapsed"]})
    daemon.wait_phase("flushed", "completed")
    waived = daemon.event("flushed", "cutover_started")["data"]["waived"]
    assert [w["code"] for w in waived] == ["keys-collapsed"]


def test_a_target_that_somebody_opens_for_writes(lab, daemon):
    source, target = lab.pair(keys=100)
    daemon.migrate("open", source, target)
    target.set_config("replica-read-only", "no")
    raised(daemon, "open", "target-writable")
    target.set_config("replica-read-only", "yes")  # the hint of the alarm
    cleared(daemon, "open", "target-writable")
    daemon.complete("open")


def test_what_the_old_source_drops_after_the_switch_over(lab, daemon):
    source = lab.node("--rename-command", "HSET", "hset-of-old", name="source")
    target = lab.node(name="target")
    daemon.write_file("back.yaml", json.dumps(job_spec(node_spec(source), node_spec(target))))
    daemon.wait_job("back")
    daemon.wait_phase("back", "replicating")
    daemon.complete("back")
    wait_for(lambda: daemon.job("back")["link"] and daemon.job("back")["link"]["up"], 15, "the way back")
    wait_for(lambda: source.info("replication")["master_link_status"] == "up", 10, "the link of the old source")

    def drops():
        target.cmd("HSET", "h", "f", "1")
        return any(a["code"] == "reverse-errors" for a in daemon.job("back")["alarms"])

    wait_for(drops, 20, "the alarm", interval=0.5)
    raised(daemon, "back", "reverse-errors")
    assert source.cmd("EXISTS", "h") == 0 and target.cmd("EXISTS", "h") == 1


def test_a_primary_whose_role_is_taken(lab, daemon):
    source, target = lab.pair(keys=100)
    daemon.migrate("taken", source, target)
    daemon.complete("taken")
    other = lab.node(name="other")
    target.cmd("REPLICAOF", "127.0.0.1", other.port)
    raised(daemon, "taken", "primary-demoted")
    target.cmd("REPLICAOF", "NO", "ONE")
    cleared(daemon, "taken", "primary-demoted")
