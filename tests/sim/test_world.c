/* SPDX-License-Identifier: Apache-2.0 */
/* The pure core in virtual time: whole traces. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"
#include "tests/unit/fixture.h"

static struct world w;

#define UP_TO_SYNC                                                                                 \
    "idle -> queued: started\n"                                                                    \
    "queued -> checking: a slot is free\n"                                                         \
    "checking -> attaching: the checks passed\n"                                                   \
    "attaching -> syncing: the source sends its data set\n"                                        \
    "syncing -> replicating: the target holds the data set\n"

static void a_migration_from_drop_to_completed(void **state)
{
    (void)state;
    world_init(&w, 1);
    assert_true(world_run_to(&w, PHASE_REPLICATING, 1000));
    world_verb(&w, EV_COMPLETE);
    assert_true(world_run_to(&w, PHASE_COMPLETED, 1000));
    assert_string_equal(w.trace, UP_TO_SYNC
                        "replicating -> replicating: the switch-over was asked for\n"
                        "replicating -> freezing: nothing holds the switch-over back\n"
                        "freezing -> switching: writes are paused, the target has every byte\n"
                        "switching -> completed: the target is the primary\n");
    world_run(&w, 100);
    assert_int_equal(world_lost_writes(&w, SIDE_TARGET), 0);
    assert_int_equal(w.server[SIDE_TARGET].full_syncs, 1);
    assert_int_equal(w.server[SIDE_SOURCE].full_syncs, 0);
    assert_true(w.server[SIDE_SOURCE].link_up);
    assert_true(w.n_acked > 100);
}

/* The primary above it is paused and demoted; both follow the target in the end. */
static void a_chained_source_from_drop_to_completed(void **state)
{
    (void)state;
    w.chained = true;
    world_init(&w, 1);
    assert_true(world_run_to(&w, PHASE_REPLICATING, 2000));
    assert_int_equal(w.seen.writer, SIDE_PRIMARY);
    world_run(&w, 50);
    world_verb(&w, EV_COMPLETE);
    assert_true(world_run_to(&w, PHASE_COMPLETED, 1000));
    world_run(&w, 100);
    assert_int_equal(world_lost_writes(&w, SIDE_TARGET), 0);
    assert_int_equal(w.server[SIDE_PRIMARY].full_syncs, 0);
    assert_int_equal(w.server[SIDE_SOURCE].full_syncs, 1); /* the first, from its primary */
    assert_int_equal(w.server[SIDE_PRIMARY].follows, SIDE_TARGET);
    assert_int_equal(w.server[SIDE_SOURCE].follows, SIDE_TARGET);
    assert_true(w.server[SIDE_SOURCE].link_up && w.server[SIDE_PRIMARY].link_up);
    assert_true(w.n_acked > 100);
    w.chained = false;
}

static void an_unreachable_source_uses_up_its_attempts(void **state)
{
    (void)state;
    world_init(&w, 1);
    world_stop_server(&w, SIDE_SOURCE);
    assert_true(world_run_to(&w, PHASE_FAILED, 5000));
    assert_int_equal(w.run.reason, REASON_SOURCE_UNREACHABLE);
    assert_int_equal(w.run.attempt, 5);
    assert_true(w.server[SIDE_TARGET].primary);
    assert_int_equal(w.server[SIDE_TARGET].full_syncs, 0);
}

static void abort_while_freezing(void **state)
{
    (void)state;
    world_init(&w, 1);
    assert_true(world_run_to(&w, PHASE_REPLICATING, 1000));
    w.link_cut = true; /* nothing drains */
    w.server[SIDE_TARGET].link_up = true;
    world_verb(&w, EV_COMPLETE);
    w.run.force = true;
    assert_true(world_run_to(&w, PHASE_FREEZING, 1000));
    world_verb(&w, EV_ABORT);
    assert_true(world_run_to(&w, PHASE_FAILED, 1000));
    assert_int_equal(w.run.reason, REASON_ABORTED);
    assert_true(w.server[SIDE_SOURCE].primary && w.server[SIDE_TARGET].primary);
    assert_true(w.server[SIDE_SOURCE].paused_until <= w.now);
    assert_int_equal(world_lost_writes(&w, SIDE_SOURCE), 0);
}

static void a_source_lost_in_the_pause_leads_back(void **state)
{
    (void)state;
    world_init(&w, 1);
    assert_true(world_run_to(&w, PHASE_REPLICATING, 1000));
    world_verb(&w, EV_COMPLETE);
    assert_true(world_run_to(&w, PHASE_FREEZING, 1000));
    world_stop_server(&w, SIDE_SOURCE);
    assert_true(world_run_to(&w, PHASE_REPLICATING, 2000));
    assert_true(w.run.want_cutover);
}

static void a_restart_in_the_pause_resumes_the_writes(void **state)
{
    (void)state;
    world_init(&w, 1);
    assert_true(world_run_to(&w, PHASE_REPLICATING, 1000));
    world_verb(&w, EV_COMPLETE);
    assert_true(world_run_to(&w, PHASE_FREEZING, 1000));
    world_kill_daemon(&w);
    assert_true(world_run_to(&w, PHASE_REPLICATING, 100));
    assert_int_equal(w.run.reason, REASON_RESTARTED);
    assert_true(world_run_to(&w, PHASE_COMPLETED, 1000));
    assert_int_equal(world_lost_writes(&w, SIDE_TARGET), 0);
}

static void two_primaries_with_writes_halt(void **state)
{
    (void)state;
    world_init(&w, 1);
    assert_true(world_run_to(&w, PHASE_REPLICATING, 1000));
    world_verb(&w, EV_COMPLETE);
    assert_true(world_run_to(&w, PHASE_SWITCHING, 1000));
    while (!w.server[SIDE_TARGET].primary)
        world_step(&w);
    world_promote_by_hand(&w, SIDE_SOURCE);
    w.server[SIDE_SOURCE].paused_until = 0;
    w.server[SIDE_SOURCE].stream[w.server[SIDE_SOURCE].n++] = -1;
    assert_true(world_run_to(&w, PHASE_HALTED, 2000));
    assert_int_equal(w.run.reason, REASON_DIVERGED);
}

/* Force goes past a closed gate, not past the writes of a source that is there. */
static void a_forced_switch_over_survives_a_restart_without_loss(void **state)
{
    (void)state;
    world_init(&w, 1);
    assert_true(world_run_to(&w, PHASE_REPLICATING, 1000));
    world_verb(&w, EV_COMPLETE);
    w.run.force = true;
    assert_true(world_run_to(&w, PHASE_SWITCHING, 1000));
    assert_true(w.server[SIDE_SOURCE].primary);
    w.durable = w.run;
    world_kill_daemon(&w);
    w.server[SIDE_SOURCE].paused_until = 0; /* it took long to come back */
    w.cut[SIDE_SOURCE] = w.cut[SIDE_TARGET] = w.link_cut = true;
    world_run(&w, 50);
    w.cut[SIDE_SOURCE] = w.cut[SIDE_TARGET] = false;
    world_run(&w, 50);
    w.link_cut = false;
    assert_true(world_run_to(&w, PHASE_COMPLETED, 2000));
    assert_int_equal(world_lost_writes(&w, SIDE_TARGET), 0);
}

/* The target comes back empty before its promotion, and the source cannot be asked. */
static void an_empty_target_is_never_the_end_of_a_switch_over(void **state)
{
    (void)state;
    world_init(&w, 1);
    assert_true(world_run_to(&w, PHASE_REPLICATING, 1000));
    world_verb(&w, EV_COMPLETE);
    assert_true(world_run_to(&w, PHASE_SWITCHING, 1000));
    world_stop_server(&w, SIDE_TARGET);
    world_start_server(&w, SIDE_TARGET, false);
    w.cut[SIDE_SOURCE] = true;
    assert_false(world_run_to(&w, PHASE_COMPLETED, 90000));
    assert_int_equal(w.run.phase, PHASE_HALTED);
}

static void a_target_restarted_in_the_pause_leads_back(void **state)
{
    (void)state;
    world_init(&w, 1);
    assert_true(world_run_to(&w, PHASE_REPLICATING, 1000));
    world_verb(&w, EV_COMPLETE);
    assert_true(world_run_to(&w, PHASE_FREEZING, 1000));
    world_stop_server(&w, SIDE_TARGET);
    world_start_server(&w, SIDE_TARGET, true);
    w.next_look = 0; /* seen before the pause is begun */
    assert_true(world_run_to(&w, PHASE_ATTACHING, 2000));
    assert_true(world_run_to(&w, PHASE_COMPLETED, 5000));
    assert_int_equal(world_lost_writes(&w, SIDE_TARGET), 0);
}

/* A world whose last action failed: what is decided from it. */
static struct decision after_failed(enum phase phase, enum action action)
{
    w.run.phase = phase;
    w.seen.last_action = action;
    w.seen.last_failed = true;
    w.seen.last_reason = REASON_COMMAND_REFUSED;
    err_set(&w.seen.last_err, ERR_REPLY, "refused");
    observation_relate(&w.seen, &w.spec, &w.run);
    return decide(&w.spec, &w.run, &w.seen);
}

/* The fence of an old server is no lease: whoever does not lift it leaves the source shut. */
static void writes_that_could_not_be_resumed_are_resumed_later(void **state)
{
    (void)state;
    world_init(&w, 1);
    assert_true(world_run_to(&w, PHASE_REPLICATING, 1000));
    w.seen.pause_expired = w.seen.frozen = w.seen.thawed = false;
    w.seen.thaw_reason = REASON_FREEZE_FAILED;
    assert_int_equal(after_failed(PHASE_FREEZING, ACT_THAW).action, ACT_THAW);
    w.seen.frozen = true; /* … and a pause that may be over is not gone on from */
    assert_int_equal(after_failed(PHASE_FREEZING, ACT_THAW).action, ACT_THAW);
    w.seen.node[SIDE_SOURCE].reachable = false;
    assert_int_equal(after_failed(PHASE_FREEZING, ACT_THAW).event, EV_NONE);
}

static void a_refused_promotion_gives_the_source_its_role_back(void **state)
{
    struct decision d;

    (void)state;
    world_init(&w, 1);
    assert_true(world_run_to(&w, PHASE_REPLICATING, 1000));
    w.seen.node[SIDE_SOURCE].info.role = REDIS_ROLE_REPLICA;
    (void)str_copy(w.seen.node[SIDE_SOURCE].info.master_host,
                   sizeof(w.seen.node[SIDE_SOURCE].info.master_host), FENCE_HOST);
    w.seen.node[SIDE_SOURCE].info.master_port = FENCE_PORT;
    w.seen.node[SIDE_SOURCE].info.read_only = true;
    w.seen.promote_sent = false; /* an answer that refuses takes it back */
    d = after_failed(PHASE_SWITCHING, ACT_PROMOTE);
    assert_int_equal(d.action, ACT_UNDEMOTE);
    assert_int_equal(d.reason, REASON_COMMAND_REFUSED);
    /* A demotion that arrives after it was given up is undone wherever it is found. */
    assert_int_equal(after_failed(PHASE_REPLICATING, ACT_NONE).action, ACT_UNDEMOTE);
    assert_int_equal(after_failed(PHASE_ROLLING_BACK, ACT_NONE).action, ACT_UNDEMOTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_migration_from_drop_to_completed),
        cmocka_unit_test(a_chained_source_from_drop_to_completed),
        cmocka_unit_test(an_unreachable_source_uses_up_its_attempts),
        cmocka_unit_test(abort_while_freezing),
        cmocka_unit_test(a_source_lost_in_the_pause_leads_back),
        cmocka_unit_test(a_restart_in_the_pause_resumes_the_writes),
        cmocka_unit_test(two_primaries_with_writes_halt),
        cmocka_unit_test(a_forced_switch_over_survives_a_restart_without_loss),
        cmocka_unit_test(an_empty_target_is_never_the_end_of_a_switch_over),
        cmocka_unit_test(a_target_restarted_in_the_pause_leads_back),
        cmocka_unit_test(writes_that_could_not_be_resumed_are_resumed_later),
        cmocka_unit_test(a_refused_promotion_gives_the_source_its_role_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
