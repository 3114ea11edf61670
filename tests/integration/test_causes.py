# SPDX-License-Identifier: Apache-2.0
"""Every seeded cause of a link that does not come up, or does not stay, is found and named, at little cost."""
import json
import os
import re

import pytest
from causes import CAUSES
from harness import config_changes, job_spec, wait_for

JOB = "seeded"
QUICK = {"attempts": 2, "timeout": "2s", "backoff_initial": "100ms", "backoff_max": "200ms"}
COPIES = 2  # of the source's data set, which a diagnosis may cost


@pytest.fixture(params=CAUSES)
def cause(request):
    return CAUSES[request.param]


def copies(node):
    """How often the node has begun to write its data set; a fork that fails costs nothing, and sync_full counts it."""
    stats = node.info("stats")
    return int(stats.get("total_forks", stats["sync_full"]))


def told(daemon):
    """What is said: (code, message) of the job, and of each event that gives a cause; attach_failed says what was seen."""
    reason = daemon.job(JOB)["reason"] or {}
    said = [(reason.get("code"), reason.get("message") or "")]
    for event in daemon.events(JOB):
        if event["name"] != "attach_failed" and (event.get("data") or {}).get("reason"):
            said.append((event["data"]["reason"], json.dumps(event)))
    return said


def wait_told(daemon, code):
    """The message that came with this code, once it is told; the job may go on meanwhile."""
    return wait_for(lambda: next((message for said, message in told(daemon) if said == code), None), 30,
                    lambda: f"the reason {code}; told so far: {told(daemon)}")


def waived(daemon, cause, scene):
    """The sections of the job file; the check that would see the cause is waived, where there is such a check."""
    sections = {"attach": QUICK, **scene.sections}
    waiver = {"checks": {"waive": [cause.precheck]}}
    probe = os.path.join(daemon.dir, "waived.yaml")
    with open(probe, "w", encoding="utf-8") as file:
        json.dump(job_spec(*scene.pair, **sections, **waiver), file)
    known = cause.precheck and daemon.ctl("validate", probe).returncode == 0
    return {**sections, **(waiver if known else {})}


def run(daemon, cause, scene):
    """Starts the job; a cause that comes later is seeded as soon as the link is up."""
    daemon.write_job(JOB, *scene.pair, **waived(daemon, cause, scene))
    daemon.wait_job(JOB)
    if scene.after:
        daemon.wait_phase(JOB, "replicating", timeout=30)
        scene.after()
    if cause.ends:
        daemon.wait_phase(JOB, "failed", timeout=60)


def check_restored(nodes):
    """Primaries again, with the settings that they had."""
    for node, config in nodes:
        wait_for(node.answers, 10, f"{node.name} to answer")
        wait_for(lambda n=node: n.role() == "master", 10, f"{node.name} to be a primary again")
        wait_for(lambda n=node, c=config: not config_changes(c, n.config()), 10,
                 lambda n=node, c=config: f"{n.name}'s settings: {config_changes(c, n.config())}")


def check_message(cause, message):
    for evidence in cause.says:
        assert re.search(evidence, message, re.IGNORECASE), f"the evidence {evidence} is not named: {message}"


def check_no_other(daemon, cause):
    """Nothing else was settled on before or after: whoever acted upon it would have acted in vain."""
    others = {other.code for other in CAUSES.values()} - {cause.code}
    assert not others & {code for code, _ in told(daemon)}


def test_cause_is_found_and_named(lab, daemon, cause):
    scene = cause.seed(lab)
    before = [(node, node.config()) for node in (scene.source, scene.target)]
    run(daemon, cause, scene)
    message = wait_told(daemon, cause.code)
    if cause.ends:
        assert daemon.job(JOB)["reason"]["code"] == cause.code
        message = daemon.job(JOB)["reason"]["message"]
    check_message(cause, message)
    check_no_other(daemon, cause)
    wait_for(scene.source.answers, 30, "the source to answer")
    assert copies(scene.source) <= COPIES
    if cause.ends:
        check_restored(before)


def test_reason_of_each_cause_is_explained(daemon, cause):
    explained = daemon.ctl("explain", cause.code)
    assert explained.returncode == 0 and len(explained.stdout) > 40
