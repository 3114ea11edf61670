# SPDX-License-Identifier: Apache-2.0
"""
kill -9 of the daemon in each phase, then a restart. The job carries on from where the nodes really are: no
second full synchronisation, no lost write, no setting left behind.
"""
import json
import random

import pytest
from harness import REVERSE_LINK, config_changes, describe, full_syncs, node_spec, wait_for
from writers import check_no_lost

QUICK = {"attempts": 50, "timeout": "5s", "backoff_initial": "100ms", "backoff_max": "300ms"}


class Move:
    """A migration whose four roads can be slowed down, so that each phase lasts long enough to die in."""

    def __init__(self, lab, daemon, slow_sync=False, writers=True, **sections):
        self.daemon = daemon
        self.source, self.target = lab.slow_pair(keys=2000, key_delay_us=300 if slow_sync else 0)
        self.before = self.source.config(), self.target.config()
        self.to_source, self.to_target = lab.proxy(self.source), lab.proxy(self.target)
        self.link = lab.proxy(self.source)  # from the target to the source
        self.writers = lab.writers(self.source, self.target) if writers else None
        self.nodes = (node_spec(self.to_source.endpoint, reachable_as=self.link.endpoint),
                      node_spec(self.to_target.endpoint, reachable_as=self.target.endpoint))
        self.sections = {"attach": QUICK, "cutover": {"pause": "10s", "attempts": 20}, **sections}

    def begin(self, *phases, **wait):
        self.daemon.write_job("move", *self.nodes, **self.sections)
        self.daemon.wait_job("move")
        if phases:
            self.daemon.wait_phase("move", *phases, interval=0.002, **wait)

    def crash(self):
        self.daemon.kill9()
        self.flow()
        self.daemon.start()

    def flow(self):
        for road in (self.to_source, self.to_target, self.link):
            road.delay = 0
            road.flow()

    def finish(self):
        """To the end, by the operator's word where it needs one."""
        self.daemon.wait_phase("move", "replicating", "completed", "freezing", "switching", timeout=40)
        wait_for(self._completed, 40, lambda: f"completion: {describe(self.daemon.job('move'))}",
                 interval=0.05)
        self.check()

    def _completed(self):
        job = self.daemon.job("move")
        if job["phase"] == "replicating" and (job["reason"] or {}).get("code") == "waiting-complete":
            self.daemon.verb("move", "complete")
        return job["phase"] == "completed"

    def check(self):
        wait_for(lambda: self.source.info("replication").get("master_link_status") == "up", 15,
                 "the reverse link")
        self.writers.wait_acks(200)
        report = check_no_lost(self.writers, self.target)
        assert [s["to"] for s in report["switches"]] == [self.target.port]
        assert (full_syncs(self.source), full_syncs(self.target)) == (1, 0)
        self.check_settings(REVERSE_LINK)
        assert len(self.daemon.events("move", "run_started")) == 1
        assert len(self.daemon.events("move", "migration_completed")) == 1

    def check_settings(self, ignore_at_source=()):
        for node, before, ignore in ((self.source, self.before[0], ignore_at_source),
                                     (self.target, self.before[1], ())):
            wait_for(lambda n=node, b=before, i=ignore: not config_changes(b, n.config(), i), 10,
                     lambda n=node, b=before, i=ignore:
                     f"{n.name}'s settings: {config_changes(b, n.config(), i)}")


@pytest.fixture
def move(lab, daemon):
    return Move(lab, daemon)


def test_idle(lab, daemon):
    move = Move(lab, daemon, start="manual")
    move.begin("idle")
    move.crash()
    assert daemon.wait_job("move")["phase"] == "idle"
    daemon.verb("move", "start")
    move.finish()


def test_queued(lab, daemon):
    busy = lab.slow_pair(keys=3000)
    daemon.write_job("busy", *busy)
    daemon.wait_job("busy")
    daemon.wait_phase("busy", "syncing")
    move = Move(lab, daemon)
    move.begin("queued")
    move.crash()
    move.finish()
    assert full_syncs(busy[0]) == 1


def test_checking(move, daemon):
    move.to_source.stall()
    move.begin("checking")
    move.crash()
    move.finish()


def test_backoff(move, daemon):
    move.to_source.refuse()
    move.begin("backoff")
    daemon.kill9()
    move.to_source.accept()
    daemon.start()
    move.finish()


def test_attaching_before_the_link(move, daemon):
    move.link.stall()
    move.begin("attaching")
    wait_for(lambda: move.target.role() == "slave", 5, "the target to have been told")
    move.crash()
    move.finish()


def test_attaching_before_anything_is_told(move, daemon):
    move.begin("checking", "attaching")
    move.to_target.delay = move.to_source.delay = 0.05
    daemon.wait_phase("move", "attaching", "syncing", "replicating", interval=0.002)
    move.crash()
    move.finish()


def test_syncing(lab, daemon):
    move = Move(lab, daemon, slow_sync=True)
    move.begin("syncing")
    move.crash()
    move.finish()


def test_sync_ends_while_the_daemon_is_dead(lab, daemon):
    move = Move(lab, daemon, slow_sync=True)
    move.begin("syncing")
    daemon.kill9()
    wait_for(lambda: move.target.info("replication")["master_link_status"] == "up", 20, "the link")
    daemon.start()
    move.finish()


def test_replicating(move, daemon):
    move.begin("replicating")
    move.crash()
    assert daemon.wait_phase("move", "replicating")["run"] == 1
    move.finish()


@pytest.mark.parametrize("after", ["0", "150", "400", "700", "1000"])
def test_cutover(move, daemon, after):
    """Killed so many milliseconds into a switch-over that takes more than a second."""
    move.begin("replicating")
    move.to_source.delay = move.to_target.delay = 0.1
    daemon.verb("move", "complete")
    daemon.wait_phase("move", "freezing", "switching", interval=0.002)
    begin = move.source.cmd("TIME")
    wait_for(lambda: elapsed_ms(begin, move.source.cmd("TIME")) >= int(after), 5, "the moment")
    move.crash()
    move.finish()


def elapsed_ms(begin, now):
    return (int(now[0]) - int(begin[0])) * 1000 + (int(now[1]) - int(begin[1])) / 1000


def test_freezing_with_the_pause_on(move, daemon):
    move.begin("replicating")
    move.to_target.delay = 0.3
    daemon.verb("move", "complete")
    daemon.wait_phase("move", "freezing", interval=0.002)
    move.to_target.stall()
    count = wait_for(lambda: still(move.writers), 5, "the writers to be held")
    move.crash()
    wait_for(lambda: move.writers.count() > count, 5, "writes to go on before the pause runs out")
    move.finish()


def still(writers):
    """The count, when it no longer moves: two reports long, none."""
    first = writers.count()
    try:
        writers.wait_acks(1, timeout=0.3)
    except AssertionError:
        return first
    return None


def test_between_demotion_and_promotion(move, daemon):
    """Two read-only nodes: a restart resolves it by looking at them."""
    move.begin("replicating")
    move.to_target.delay = 0.3
    daemon.verb("move", "complete")
    wait_for(lambda: move.source.role() == "slave", 15, "the source to be demoted", interval=0.002)
    daemon.kill9()
    assert move.target.role() == "slave"
    move.flow()
    daemon.start()
    move.finish()


def test_demotion_arrives_after_its_sender_has_died(move, daemon):
    """Sent by one daemon, carried out by the source when the next one has already looked at it."""
    move.begin("replicating")
    move.to_target.delay = 0.3
    daemon.verb("move", "complete")
    daemon.wait_phase("move", "freezing", interval=0.002)
    move.to_source.delay = 1.5
    daemon.wait_phase("move", "switching", interval=0.002)
    move.crash()
    wait_for(lambda: move.source.role() == "slave", 10, "the demotion to arrive", interval=0.002)
    move.finish()


def test_after_promotion_before_it_is_known(move, daemon):
    move.begin("replicating")
    move.to_target.delay = 0.3
    daemon.verb("move", "complete")
    wait_for(lambda: move.target.role() == "master", 15, "the target to be promoted", interval=0.002)
    move.crash()
    move.finish()


def test_rolling_back(lab, daemon):
    move = Move(lab, daemon)
    move.begin("replicating")
    move.to_target.stall()
    daemon.verb("move", "abort")
    wait_for(lambda: [e for e in daemon.events("move") if e["data"].get("to") == "rolling_back"], 10,
             "the rollback to begin", interval=0.002)
    move.crash()
    job = daemon.wait_phase("move", "failed", timeout=40)
    assert job["reason"]["code"] == "aborted"
    assert move.target.role() == "master"
    move.check_settings()
    report = check_no_lost(move.writers, move.source)
    assert report["switches"] == []


def test_completed_is_not_run_again(move, daemon):
    move.begin("replicating")
    daemon.complete("move")
    before = daemon.job("move")
    move.crash()
    after = daemon.wait_phase("move", "completed")
    assert (after["run"], after["cutover"], after["since"]) == \
        (before["run"], before["cutover"], before["since"])
    move.check()


def test_failed_is_not_run_again(lab, daemon):
    move = Move(lab, daemon, writers=False)
    move.target.cmd("SET", "precious", "1")
    move.begin()
    daemon.wait_phase("move", "failed")
    move.crash()
    assert daemon.wait_phase("move", "failed")["run"] == 1
    assert move.target.cmd("GET", "precious") == "1"
    daemon.restart()
    assert daemon.wait_phase("move", "failed")["run"] == 1


def test_settings_changed_before_a_crash_are_restored_after_it(lab, daemon):
    """Between CONFIG SET and the end of the run there may be any number of crashes."""
    move = Move(lab, daemon, slow_sync=True, sync={"tune": True})
    move.source.set_config("repl-diskless-sync-delay", "3")
    move.before = move.source.config(), move.before[1]
    move.begin("syncing", timeout=30)
    assert config_changes(move.before[0], move.source.config()), "nothing was changed, nothing is shown"
    for _ in range(3):
        move.crash()
    daemon.verb("move", "abort")
    daemon.wait_phase("move", "failed", timeout=40)
    move.check_settings()


def test_random_kills_over_many_jobs(lab):
    """Seeded: the moments of the kills are the same in each run."""
    dice = random.Random(7)
    daemon = lab.daemon()
    daemon.configure(max_parallel_syncs=8, max_parallel_syncs_per_host=8)
    daemon.restart()
    pairs = {f"job-{i}": lab.pair(keys=200) for i in range(4)}
    before = {name: [n.config() for n in pair] for name, pair in pairs.items()}
    writers = {name: lab.writers(*pair, n=1) for name, pair in pairs.items()}
    for name, pair in pairs.items():
        daemon.write_job(name, *pair, attach=QUICK, cutover={"mode": "auto", "attempts": 100})
    for _ in range(8):
        begin = next(iter(pairs.values()))[0].cmd("TIME")
        wait = dice.uniform(1, 120)
        wait_for(lambda b=begin, w=wait: elapsed_ms(b, next(iter(pairs.values()))[0].cmd("TIME")) >= w,
                 5, "the moment", interval=0.001)
        daemon.kill9()
        daemon.start()
    for name, (source, target) in pairs.items():
        daemon.wait_job(name)
        daemon.wait_phase(name, "completed", timeout=60)
        writers[name].wait_acks(50)
        check_no_lost(writers[name], target)
        assert (full_syncs(source), full_syncs(target)) == (1, 0), name
        wait_for(lambda s=source, b=before[name][0]: not config_changes(b, s.config(), REVERSE_LINK), 10,
                 f"the settings of {name}'s source")
        assert config_changes(before[name][1], target.config()) == {}
    assert json.dumps(daemon.jobs()).count('"completed"') == 4


def test_an_accepted_verb_survives(lab, daemon):
    """202 is a promise: the answer comes when the verb is durable."""
    move = Move(lab, daemon, writers=False)
    move.begin("replicating")
    daemon.verb("move", "abort")
    daemon.kill9()
    daemon.start()
    job = daemon.wait_phase("move", "failed", timeout=20)
    assert job["reason"]["code"] == "aborted"
    assert move.target.role() == "master"
    move.check_settings()
