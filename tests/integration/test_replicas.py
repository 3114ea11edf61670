# SPDX-License-Identifier: Apache-2.0
"""Replicas of the target and of the source: shown, waited for, and taken along."""
from harness import full_syncs, node_spec, wait_for
from writers import check_no_lost


def follow(lab, primary, *args, name="replica", **options):
    replica = lab.node(*args, name=name, **options)
    replica.cmd("REPLICAOF", "127.0.0.1", primary.port)
    follows(replica, primary)
    return replica


def follows(replica, primary, timeout=15):
    """Its link to this one is up."""
    def up():
        info = replica.info("replication")
        return info.get("master_port") == str(primary.port) and info["master_link_status"] == "up"

    wait_for(up, timeout, lambda: f"{replica.name} to follow {primary.name}: {replica.info('replication')}")


def replicas(daemon, job, side):
    """By endpoint."""
    return {r["endpoint"]: r for r in daemon.job(job)[side]["replicas"] or []}


def same_data(*nodes):
    """All hold the same, as soon as all have caught up."""
    digests = {}

    def equal():
        digests.update({node.name: node.cmd("DEBUG", "DIGEST") for node in nodes})
        return len(set(digests.values())) == 1

    wait_for(equal, 15, lambda: f"equal digests: {digests}")


# --- those of the target ---


def test_those_of_the_target_are_shown_and_follow_through_the_copy(lab, daemon):
    source, target = lab.pair(keys=2000)
    near = [follow(lab, target, name=f"near{i}") for i in range(2)]
    writers = lab.writers(source, target)
    daemon.migrate("shop", source, target)
    wait_for(lambda: {r["state"] for r in replicas(daemon, "shop", "target").values()} == {"online"}, 15,
             lambda: f"both to be online: {replicas(daemon, 'shop', 'target')}")
    wait_for(lambda: all(r["offset"] for r in replicas(daemon, "shop", "target").values()), 15, "acknowledgements")
    shown = replicas(daemon, "shop", "target")
    assert set(shown) == {node.endpoint for node in near}
    assert all(r["lag_bytes"] >= 0 for r in shown.values()), shown
    assert near[0].endpoint in daemon.ctl("status", "shop").stdout
    syncs = full_syncs(target)
    daemon.complete("shop")
    writers.wait_acks(500)
    assert full_syncs(target) == syncs, "a partial resynchronisation at the switch"
    assert set(replicas(daemon, "shop", "target")) == {node.endpoint for node in near}, "and not the old source"
    check_no_lost(writers, target)
    same_data(target, source, *near)


def held_by(daemon, job, *words):
    """The switch-over waits for replicas, and says for which and where it is."""
    def waits():
        reason = daemon.job(job)["reason"] or {}
        return reason.get("code") == "gate-replicas" and all(word in reason["message"] for word in words)

    wait_for(waits, 15, lambda: f"{words}: {daemon.job(job)['reason']}")
    assert daemon.job(job)["phase"] == "replicating"


def test_named_one_is_known_by_what_it_announces(lab, daemon):
    source, target = lab.pair()
    away = follow(lab, target, "--replica-announce-ip", "203.0.113.9", "--replica-announce-port", "6400", name="away")
    daemon.migrate("shop", source, node_spec(target, replicas=["203.0.113.9:6400"]))
    wait_for(lambda: replicas(daemon, "shop", "target")["203.0.113.9:6400"]["state"] == "online", 15, "its name")
    daemon.complete("shop")
    same_data(source, away)


def test_named_one_that_is_missing_holds_it(lab, daemon):
    source, target = lab.pair()
    late = lab.node(name="late")
    daemon.migrate("shop", source, node_spec(target, replicas=[late.endpoint]))
    missing = replicas(daemon, "shop", "target")[late.endpoint]
    assert (missing["state"], missing["offset"], missing["lag_bytes"]) == ("missing", None, None)
    daemon.verb("shop", "complete")
    held_by(daemon, "shop", late.endpoint, "is not connected")
    late.cmd("REPLICAOF", "127.0.0.1", target.port)
    daemon.wait_phase("shop", "completed")
    same_data(source, late)


def test_one_that_is_far_behind_holds_it_named_or_not(lab, daemon):
    """It is online all the time; what it has acknowledged tells."""
    source, target = lab.pair()
    far = follow(lab, target, name="far")
    daemon.migrate("shop", source, target, cutover={"max_lag": "10KiB"})
    wait_for(lambda: replicas(daemon, "shop", "target")[far.endpoint]["lag_bytes"] == 0, 15, "it to catch up")
    far.sigstop()
    for i in range(40):
        source.cmd("SET", f"big:{i}", "x" * 1000)
    daemon.verb("shop", "complete")
    held_by(daemon, "shop", far.endpoint, "bytes behind")
    assert replicas(daemon, "shop", "target")[far.endpoint]["state"] == "online"
    far.sigcont()
    daemon.wait_phase("shop", "completed")
    same_data(source, far)


def test_target_announced_elsewhere_is_none_of_the_sources_others(lab, daemon):
    source = lab.node(name="source")
    source.fill(100)
    target = lab.node("--replica-announce-ip", "203.0.113.9", "--replica-announce-port", "6400", name="target")
    other = follow(lab, source, name="other")
    daemon.migrate("shop", source, target)
    wait_for(lambda: set(replicas(daemon, "shop", "source")) == {other.endpoint}, 35,
             lambda: f"the other one alone: {replicas(daemon, 'shop', 'source')}")
