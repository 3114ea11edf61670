# SPDX-License-Identifier: Apache-2.0
"""An order to switch over: it is seen while it stands, ends by itself or by hand, and means what it says."""
import pytest
from harness import wait_for
from writers import check_no_lost


@pytest.fixture
def held(lab, daemon):
    """In sync, and held back."""
    source, target = lab.pair()
    daemon.migrate("shop", source, target)
    target.set_config("min-replicas-to-write", 5)  # before, it would stop the checks
    return source, target


def asked(daemon):
    return (daemon.job("shop")["cutover"] or {}).get("requested")


def test_order_that_stands_is_shown(daemon, held):
    daemon.verb("shop", "complete")
    order = asked(daemon)
    assert order["by"] and order["at"] and order["until"] is None and not order["force"]
    assert f"to switch over, at {order['at'][:10]}" in daemon.ctl("status", "shop").stdout
    assert daemon.event("shop", "cutover_requested")["data"]["by"] == order["by"]
    assert held[0].role() == "master"


def test_order_outlives_the_daemon(daemon, held):
    daemon.verb("shop", "complete", within_seconds=3600)
    order = asked(daemon)
    daemon.kill9()
    daemon.start()
    daemon.wait_job("shop")
    assert asked(daemon) == order and order["until"]


def test_order_is_withdrawn(daemon, held):
    source, target = held
    daemon.verb("shop", "complete")
    done = daemon.ctl("cancel", "shop")
    assert done.returncode == 0, done.stderr
    assert asked(daemon) is None and daemon.event("shop", "cutover_withdrawn")
    target.set_config("min-replicas-to-write", 0)
    wait_for(lambda: daemon.job("shop")["reason"]["code"] == "waiting-complete", 10, "it to wait for an order")
    again = daemon.ctl("cancel", "shop")
    assert again.returncode == 1 and "cancel is not possible" in again.stderr, again
    assert source.role() == "master" and not daemon.events("shop", "cutover_started")
    daemon.complete("shop")


def test_order_is_withdrawn_while_the_target_copies(lab, daemon):
    """Or hours later the switch-over would begin by itself."""
    source, target = lab.slow_pair(keys=3000, key_delay_us=1000)
    daemon.migrate("shop", source, target)
    target.set_config("min-replicas-to-write", 5)  # before, it would stop the checks
    daemon.verb("shop", "complete")
    target.restart()
    daemon.wait_phase("shop", "attaching", "syncing", interval=0.002)
    assert asked(daemon)
    daemon.verb("shop", "cancel")
    assert asked(daemon) is None
    job = daemon.wait_phase("shop", "replicating", timeout=30)
    assert job["cutover"] is None and source.role() == "master"


def test_order_ends_with_the_run(daemon, held):
    daemon.verb("shop", "complete")
    daemon.verb("shop", "abort")
    daemon.wait_phase("shop", "failed")
    assert asked(daemon) is None


def test_order_that_was_withdrawn_stays_so_over_a_kill(daemon, held):
    daemon.verb("shop", "complete")
    daemon.verb("shop", "cancel")
    daemon.kill9()
    daemon.start()
    daemon.wait_job("shop")
    assert asked(daemon) is None


def test_order_lapses(daemon, held):
    done = daemon.ctl("complete", "shop", "--within", "1s", "--wait", "--timeout", "20s")
    assert done.returncode != 0 and "within" in done.stdout + done.stderr, done
    assert asked(daemon) is None and daemon.job("shop")["phase"] == "replicating"
    assert daemon.event("shop", "cutover_withdrawn")["data"]["reason"] == "lapsed"
    assert held[0].role() == "master"


def test_wait_that_runs_out_says_that_the_order_stands(daemon, held):
    done = daemon.ctl("complete", "shop", "--wait", "--timeout", "1s")
    assert done.returncode == 5 and "the order stands" in done.stderr, done
    assert "ecmigratectl cancel shop" in done.stderr and asked(daemon)


def test_verb_with_query_parameters_does_nothing(lab, daemon):
    """complete?dry_run=true once switched over."""
    source, target = lab.pair()
    writers = lab.writers(source)
    daemon.migrate("shop", source, target)
    for verb, query in (("complete", "dry_run=true"), ("abort", "x"), ("cancel", "a=b"), ("retry", "force=1")):
        status, answer = daemon.http("POST", f"/v1/jobs/shop/{verb}?{query}", {})
        assert (status, answer["error"]["code"]) == (400, "bad-query"), answer
    for verb, member in (("complete", "dry-run"), ("abort", "force"), ("cancel", "within_seconds")):
        status, answer = daemon.http("POST", f"/v1/jobs/shop/{verb}", {member: True})
        assert status == 400 and member in answer["error"]["message"], answer
    status, answer = daemon.http("POST", "/?Action=CompleteMigration&ReplicationGroupId=shop")
    assert status == 400, answer
    job = daemon.job("shop")
    assert job["phase"] == "replicating" and job["cutover"] is None and source.role() == "master"
    check_no_lost(writers, source)


def test_forced_plan_is_shown(daemon, held):
    daemon.verb("shop", "complete")  # so that it has been seen what holds it back
    wait_for(lambda: daemon.job("shop")["reason"]["code"] == "min-replicas", 15, "the gate to be closed")
    daemon.verb("shop", "cancel")
    plan = daemon.ctl("complete", "shop", "--dry-run")
    assert plan.returncode == 1 and "min-replicas" in plan.stdout, plan
    forced = daemon.ctl("complete", "shop", "--dry-run", "--force")
    assert forced.returncode == 0 and "--force would pass over" in forced.stdout, forced
    assert asked(daemon) is None and held[0].role() == "master"
