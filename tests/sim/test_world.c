/* SPDX-License-Identifier: Apache-2.0 */
/* The pure core in virtual time: whole traces, and thousands of random schedules against one
 * oracle. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"
#include "tests/unit/fixture.h"

#define SCHEDULES 3000

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

/* Before the switch-over: a restarted server comes up with its data, as a primary of a new history.
 */
static void restart_a_server(void)
{
    enum node_side side = (enum node_side)world_random(&w, SIDE_MAX);

    if (w.run.phase >= PHASE_FREEZING || w.run.want_cutover)
        return;
    world_stop_server(&w, side);
    world_run(&w, world_random(&w, 700));
    world_start_server(&w, side);
}

static void disturb(void)
{
    switch (world_random(&w, 10)) {
    case 0:
        world_kill_daemon(&w);
        break;
    case 1:
        w.cut[SIDE_SOURCE] = !w.cut[SIDE_SOURCE];
        break;
    case 2:
        w.cut[SIDE_TARGET] = !w.cut[SIDE_TARGET];
        break;
    case 3:
        w.link_cut = !w.link_cut;
        break;
    case 4:
        world_verb(&w, EV_COMPLETE);
        break;
    case 5:
        if (world_random(&w, 20) == 0)
            world_verb(&w, EV_ABORT);
        break;
    case 6:
        world_verb(&w, EV_RETRY);
        break;
    case 7:
        w.seen.tilt = !w.seen.tilt;
        break;
    case 8: /* the daemon stands still */
        for (uint64_t n = world_random(&w, 900); n > 0; n--) {
            enum action held = w.in_flight;
            uint64_t at = w.arrives_at;

            w.in_flight = ACT_MAX;
            w.arrives_at = UINT64_MAX;
            world_step(&w);
            w.in_flight = held;
            w.arrives_at = at;
        }
        break;
    case 9:
        restart_a_server();
        break;
    default:
        break;
    }
}

/* After the disturbances everything heals; then the job must come to rest, and nothing may be lost.
 */
static void heal(void)
{
    w.cut[SIDE_SOURCE] = w.cut[SIDE_TARGET] = w.link_cut = w.seen.tilt = false;
    w.chaos = false;
    for (int ms = 0; ms < 12000 && !(phase_get(w.run.phase)->flags & F_ENDED); ms += 100) {
        world_run(&w, 100);
        if (w.run.phase == PHASE_REPLICATING && !w.run.want_cutover)
            world_verb(&w, EV_COMPLETE);
    }
    world_run(&w, 300);
}

static void schedule(uint64_t seed)
{
    enum node_side primary;

    world_init(&w, seed);
    w.chaos = true;
    for (int i = 0; i < 12; i++) {
        world_run(&w, world_random(&w, 60));
        disturb();
    }
    heal();
    primary = w.run.phase == PHASE_COMPLETED ? SIDE_TARGET : SIDE_SOURCE;
    if (world_lost_writes(&w, primary) || w.two_primaries || !w.server[primary].primary ||
        !(phase_get(w.run.phase)->flags & F_ENDED)) {
        fail_msg("seed %llu: phase %s (%s: %s), %u lost, %u instants of two primaries\n%s",
                 (unsigned long long)seed, phase_get(w.run.phase)->name,
                 reason_get(w.run.reason)->code, w.run.message, world_lost_writes(&w, primary),
                 w.two_primaries, w.trace);
    }
}

static void random_schedules_lose_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SCHEDULES; seed++)
        schedule(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_migration_from_drop_to_completed),
        cmocka_unit_test(an_unreachable_source_uses_up_its_attempts),
        cmocka_unit_test(abort_while_freezing),
        cmocka_unit_test(a_source_lost_in_the_pause_leads_back),
        cmocka_unit_test(a_restart_in_the_pause_resumes_the_writes),
        cmocka_unit_test(two_primaries_with_writes_halt),
        cmocka_unit_test(random_schedules_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
