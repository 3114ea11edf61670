/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random schedules of the pure core in virtual time, against one oracle. A seed replays its
 * schedule exactly.
 *
 *   test_schedules              a few thousand
 *   test_schedules N [FIRST]    N of them, from this seed on
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"
#include "tests/unit/fixture.h"

#define SCHEDULES 3000
#define DISTURBANCES 12

static struct world w;
static uint64_t first_seed = 1, n_schedules = SCHEDULES;

/* What takes the writes before the switch-over. */
static enum node_side writer(void)
{
    return w.chained ? SIDE_PRIMARY : SIDE_SOURCE;
}

/* --- what goes wrong --- */

/* Before the switch-over: a restarted server comes up with its data, as a primary of a new history.
 */
static void restart_a_server(void)
{
    enum node_side side = (enum node_side)world_random(&w, w.chained ? SIDE_MAX : SIDE_ENDS);

    if (!w.strangers && (w.run.phase >= PHASE_FREEZING || w.run.want_cutover))
        return;
    world_stop_server(&w, side);
    world_run(&w, world_random(&w, 700));
    world_start_server(&w, side, true);
}

static void stop_the_daemon(void)
{
    world_tell(&w, "the daemon stands still");
    w.stopped = true;
    world_run(&w, world_random(&w, 900));
    w.stopped = false;
    world_tell(&w, "the daemon goes on");
}

static void cut(enum node_side side)
{
    w.cut[side] = !w.cut[side];
    world_tell(&w, "the daemon's way to the %s is %s", side_name(side),
               w.cut[side] ? "cut" : "there again");
}

static void disturb(void)
{
    switch (world_random(&w, 12)) {
    case 0:
        world_kill_daemon(&w);
        break;
    case 1:
        cut(w.chained && world_random(&w, 2) ? SIDE_PRIMARY : SIDE_SOURCE);
        break;
    case 2:
        cut(SIDE_TARGET);
        break;
    case 3:
        w.link_cut = !w.link_cut;
        world_tell(&w, "the servers' link is %s", w.link_cut ? "cut" : "there again");
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
    case 8:
        stop_the_daemon();
        break;
    case 9:
        restart_a_server();
        break;
    case 10:
        /* Between the demotion and the promotion nobody could tell. */
        if (w.run.phase <= PHASE_FREEZING && w.server[writer()].primary)
            w.server[writer()].writable = true;
        world_tell(&w, "somebody sets replica-read-only no at the source");
        break;
    default:
        w.refuse = (enum action)world_random(&w, ACT_MAX);
        break;
    }
}

/* --- who else acts --- */

static void act_as_a_stranger(void)
{
    switch (world_random(&w, 6)) {
    case 0:
        world_promote_by_hand(&w, SIDE_TARGET);
        break;
    case 1:
        if (w.chained)
            world_promote_by_hand(&w, SIDE_SOURCE);
        else
            world_failover(&w);
        break;
    case 2:
        world_point_elsewhere(&w, SIDE_TARGET, WORLD_STRANGER);
        break;
    case 3:
        w.server[writer()].paused_until = w.now + world_random(&w, 2000);
        break;
    case 4:
        restart_a_server();
        break;
    default:
        world_stop_server(&w, SIDE_TARGET);
        world_run(&w, world_random(&w, 300));
        world_start_server(&w, SIDE_TARGET, false);
        break;
    }
}

/* --- the oracle --- */

/* After the disturbances everything heals; then the job must come to rest. */
static void heal(void)
{
    memset(w.cut, 0, sizeof(w.cut));
    w.link_cut = w.seen.tilt = false;
    w.chaos = false;
    w.refuse = ACT_NONE;
    for (int side = 0; side < (w.chained ? SIDE_MAX : SIDE_ENDS); side++)
        world_start_server(&w, (enum node_side)side, true);
    world_mend_chain(&w);
    for (int ms = 0; ms < 12000 && !(phase_get(w.run.phase)->flags & F_ENDED); ms += 100) {
        world_run(&w, 100);
        if (w.run.phase == PHASE_REPLICATING && !w.run.want_cutover)
            world_verb(&w, EV_COMPLETE);
        if (w.run.phase == PHASE_HALTED)
            break;
    }
    world_run(&w, 300);
}

/* A schedule that went wrong is played again, and told. */
static void (*playing)(uint64_t seed);

static void violated(uint64_t seed, const char *what, unsigned n)
{
    if (!w.telling) {
        w.telling = true;
        playing(seed);
        return;
    }
    fprintf(stderr, "%s\n", w.story);
    fail_msg("seed %llu: %s (%u); phase %s (%s: %s)\n%s", (unsigned long long)seed, what, n,
             phase_get(w.run.phase)->name, reason_get(w.run.reason)->code, w.run.message, w.trace);
}

static void check_always(uint64_t seed)
{
    if (w.two_primaries)
        violated(seed, "a second primary was made", w.two_primaries);
    if (w.wiped)
        violated(seed, "acknowledged writes were overwritten", w.wiped);
}

/* A target that was let go of unseen, or restarted again and again, may hold what nobody can vouch
 * for any more. That must stay rare. */
static uint64_t n_stops;
#define STOPS_MAX(n) (10 + (n) / 50)

static bool may_stop(void)
{
    bool stopped =
        (w.run.phase == PHASE_HALTED && w.run.reason == REASON_TARGET_PROMOTED) ||
        w.last.reason == REASON_PRIMARY_CHANGED ||
        (w.chained && w.run.phase == PHASE_HALTED && w.run.reason == REASON_SOURCE_WRITABLE);

    n_stops += stopped;
    return stopped;
}

static void disturbed(uint64_t seed)
{
    enum node_side primary;

    world_init(&w, seed);
    w.chaos = true;
    for (int i = 0; i < DISTURBANCES; i++) {
        world_run(&w, world_random(&w, 60));
        disturb();
    }
    heal();
    check_always(seed);
    primary = w.run.phase == PHASE_COMPLETED ? SIDE_TARGET : writer();
    if (world_lost_writes(&w, primary))
        violated(seed, "writes were lost", world_lost_writes(&w, primary));
    if (!w.server[primary].primary)
        violated(seed, "there is no primary", 1);
    if (!(phase_get(w.run.phase)->flags & F_ENDED) && !may_stop())
        violated(seed, "it does not come to an end", 1);
}

static bool says_why(void)
{
    return (phase_get(w.run.phase)->flags & F_ENDED) || w.run.reason != REASON_NONE ||
           w.last.reason != REASON_NONE;
}

static void among_strangers(uint64_t seed)
{
    world_init(&w, seed);
    w.chaos = w.strangers = true;
    for (int i = 0; i < DISTURBANCES; i++) {
        world_run(&w, world_random(&w, 60));
        if (world_random(&w, 3))
            disturb();
        else
            act_as_a_stranger();
        check_always(seed);
    }
    heal();
    check_always(seed);
    if (!says_why())
        violated(seed, "it stands still and does not say why", 1);
}

static void each(void (*schedule)(uint64_t seed))
{
    playing = schedule;
    w.telling = false;
    for (uint64_t seed = first_seed; seed < first_seed + n_schedules; seed++)
        schedule(seed);
}

/* *state: whether the source is a replica itself. */
static void random_schedules_lose_nothing(void **state)
{
    w.chained = *state != NULL;
    n_stops = 0;
    each(disturbed);
    printf("%llu of %llu stopped\n", (unsigned long long)n_stops, (unsigned long long)n_schedules);
    assert_true(n_stops <= STOPS_MAX(n_schedules));
}

static void strangers_never_make_us_wipe_or_make_two(void **state)
{
    w.chained = *state != NULL;
    each(among_strangers);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_schedules_lose_nothing),
        cmocka_unit_test(strangers_never_make_us_wipe_or_make_two),
        cmocka_unit_test_prestate(random_schedules_lose_nothing, &w),
        cmocka_unit_test_prestate(strangers_never_make_us_wipe_or_make_two, &w),
    };

    if (argc > 1)
        n_schedules = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        first_seed = strtoull(argv[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
