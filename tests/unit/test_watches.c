/* SPDX-License-Identifier: Apache-2.0 */
/* What is watched over time: the write pause, the link, a full synchronisation and its progress. */
#include "daemon/core/lease.h"
#include "daemon/core/link_watch.h"
#include "daemon/core/observation.h"
#include "daemon/core/progress.h"
#include "daemon/core/setting.h"
#include "daemon/core/sync_watch.h"
#include "tests/unit/fixture.h"

/* --- the write pause --- */

static void a_lease_is_over_at_half_of_the_pause(void **state)
{
    struct observation seen = {.tilt = false};
    struct lease lease = {.sent_ms = 0};

    (void)state;
    seen.node[SIDE_SOURCE].info.redis_compat_num = PAUSE_WRITE_SINCE;
    lease_begin(&lease, 4000, 10000, 77);
    lease_observe(&lease, 0, 0, 12000, &seen);
    assert_false(seen.lease_over);
    lease_observe(&lease, 0, 0, 12001, &seen);
    assert_true(seen.lease_over);
    assert_false(seen.pause_expired);
    lease_observe(&lease, 0, 0, 14001, &seen);
    assert_true(seen.pause_expired);
    assert_int_equal(lease_gap_us(&lease, 100), 23);
}

static void a_pause_of_an_earlier_process_is_as_old_as_this_one(void **state)
{
    struct observation seen = {.tilt = false};
    const struct lease none = {.sent_ms = 0};

    (void)state;
    seen.node[SIDE_SOURCE].info.redis_compat_num = PAUSE_WRITE_SINCE;
    lease_observe(&none, 1000, 5000, 6000, &seen);
    assert_false(seen.pause_expired);
    lease_observe(&none, 1000, 5000, 6001, &seen);
    assert_true(seen.pause_expired);
    assert_false(seen.lease_over);
    assert_int_equal(lease_gap_us(&none, 100), -1);
}

/* The fence of old servers does not run out. */
static void a_fence_never_expires(void **state)
{
    struct observation seen = {.tilt = false};
    const struct lease none = {.sent_ms = 0};

    (void)state;
    seen.node[SIDE_SOURCE].info.redis_compat_num = PAUSE_WRITE_SINCE - 1;
    lease_observe(&none, 1000, 5000, 1000000, &seen);
    assert_false(seen.pause_expired);
}

static void a_pause_is_kept_into_switching_and_rollback_only(void **state)
{
    (void)state;
    for (int from = 0; from < PHASE_MAX; from++)
        for (int to = 0; to < PHASE_MAX; to++) {
            bool kept =
                to == PHASE_ROLLING_BACK || (from == PHASE_FREEZING && to == PHASE_SWITCHING);

            assert_int_equal(lease_ends((enum phase)from, (enum phase)to), !kept);
        }
}

/* --- the link --- */

static void set_link(struct observation *seen, bool up, int64_t offset, int64_t errors)
{
    struct seen_node *target = &seen->node[SIDE_TARGET];

    target->reachable = target->tried = true;
    seen->target_follows = true;
    target->info.link_up = seen->linked = up;
    target->info.replica_offset = offset;
    target->info.unexpected_error_replies = errors;
}

static void a_link_that_is_lost_and_restored_is_news_once(void **state)
{
    struct observation seen = {.wall_ms = 5};
    struct link_watch watch;

    (void)state;
    link_watch_init(&watch);
    link_watch_enter(&watch, PHASE_SYNCING, PHASE_REPLICATING, false);
    set_link(&seen, true, 10, 0);
    assert_int_equal(link_watch_update(&watch, &seen, PHASE_REPLICATING, 0), LINK_NO_NEWS);
    set_link(&seen, false, 10, 0);
    assert_int_equal(link_watch_update(&watch, &seen, PHASE_REPLICATING, 1), LINK_LOST);
    assert_int_equal(link_watch_update(&watch, &seen, PHASE_REPLICATING, 2), LINK_NO_NEWS);
    assert_int_equal(watch.since_wall_ms, 0);
    set_link(&seen, true, 10, 0);
    assert_int_equal(link_watch_update(&watch, &seen, PHASE_REPLICATING, 3), LINK_RESTORED);
    assert_int_equal(watch.since_wall_ms, 5);
    set_link(&seen, false, 10, 0);
    assert_int_equal(link_watch_update(&watch, &seen, PHASE_SYNCING, 4), LINK_NO_NEWS);
}

static void a_stream_flows_when_the_offset_moves_or_time_has_passed(void **state)
{
    struct observation seen = {.wall_ms = 5};
    struct link_watch watch;

    (void)state;
    link_watch_init(&watch);
    set_link(&seen, true, 10, 0);
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 1000);
    assert_false(seen.streaming);
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 2500);
    assert_false(seen.streaming);
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 2501);
    assert_true(seen.streaming);
    set_link(&seen, false, 10, 0);
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 2600);
    assert_false(seen.streaming);
    set_link(&seen, true, 10, 0);
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 2700);
    assert_false(seen.streaming);
    set_link(&seen, true, 11, 0);
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 2701);
    assert_true(seen.streaming);
}

static void errors_count_from_when_the_link_came_up(void **state)
{
    struct observation seen = {.wall_ms = 5};
    struct link_watch watch;

    (void)state;
    link_watch_init(&watch);
    set_link(&seen, true, 10, 4);
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 1);
    assert_false(seen.errors_grew);
    set_link(&seen, true, 10, 5);
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 2);
    assert_true(seen.errors_grew);
    /* A switch-over that was given up does not make them forgotten, a new start does. */
    link_watch_enter(&watch, PHASE_FREEZING, PHASE_REPLICATING, false);
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 3);
    assert_true(seen.errors_grew);
    link_watch_enter(&watch, PHASE_SYNCING, PHASE_REPLICATING, false);
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 4);
    assert_false(seen.errors_grew);
    set_link(&seen, true, 10, 1); /* the server was restarted */
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 5);
    assert_false(seen.errors_grew);
}

/* --- a full synchronisation --- */

static void a_synchronisation_stalls_when_nothing_moves(void **state)
{
    struct observation seen = {.target_follows = true};
    struct redis_info *target = &seen.node[SIDE_TARGET].info;
    struct sync_watch watch = {.syncing = false};

    (void)state;
    seen.node[SIDE_SOURCE].info.redis_compat_num = 70000;
    seen.node[SIDE_TARGET].reachable = true;
    target->sync_in_progress = true;
    sync_watch_enter(&watch, 100);
    sync_watch_update(&watch, &seen, 200);
    assert_int_equal(seen.sync_starts, 1);
    assert_int_equal(seen.stalled_ms, 0);
    sync_watch_update(&watch, &seen, 700);
    assert_int_equal(seen.stalled_ms, 500);
    target->sync_read_bytes = 9;
    sync_watch_update(&watch, &seen, 800);
    assert_int_equal(seen.stalled_ms, 0);
    /* What the source has saved counts, too; before 7.0 that it saves. */
    seen.node[SIDE_SOURCE].info.save_keys_processed = 3;
    sync_watch_update(&watch, &seen, 900);
    assert_int_equal(seen.stalled_ms, 0);
    seen.node[SIDE_SOURCE].info.bgsave_in_progress = true;
    sync_watch_update(&watch, &seen, 950);
    assert_int_equal(seen.stalled_ms, 50);
    seen.node[SIDE_SOURCE].info.redis_compat_num = 60200;
    sync_watch_update(&watch, &seen, 960);
    assert_int_equal(seen.stalled_ms, 0);
}

static void a_synchronisation_that_begins_again_is_counted(void **state)
{
    struct observation seen = {.target_follows = true};
    struct redis_info *target = &seen.node[SIDE_TARGET].info;
    struct sync_watch watch = {.syncing = false};

    (void)state;
    seen.node[SIDE_TARGET].reachable = true;
    sync_watch_enter(&watch, 0);
    for (unsigned i = 0; i < 3; i++) {
        target->sync_in_progress = true;
        sync_watch_update(&watch, &seen, 10 * i + 1);
        target->sync_in_progress = false;
        sync_watch_update(&watch, &seen, 10 * i + 5);
        assert_int_equal(seen.sync_starts, i + 1);
        assert_int_equal(seen.sync_idle_ms, 4);
    }
}

static void progress_is_received_then_loaded(void **state)
{
    struct observation seen = {.target_follows = true};
    struct redis_info *target = &seen.node[SIDE_TARGET].info;
    struct progress_meter meter;

    (void)state;
    progress_reset(&meter);
    target->sync_total_bytes = 1000;
    target->sync_read_bytes = 0;
    progress_update(&meter, &seen, 0, 1000);
    assert_true(meter.now.bytes_per_second < 0);
    target->sync_read_bytes = 500;
    progress_update(&meter, &seen, 0, 2000);
    assert_float_equal(meter.now.percent, 25, 0.001);
    assert_float_equal(meter.now.bytes_per_second, 500, 0.001);
    assert_int_equal(meter.now.eta_seconds, 6);
    target->loading = true;
    target->loading_percent = 50;
    target->loading_loaded_bytes = 500;
    progress_update(&meter, &seen, 0, 2100);
    assert_float_equal(meter.now.percent, 75, 0.001);
}

static void progress_goes_by_keys_where_there_is_no_file(void **state)
{
    struct observation seen = {.target_follows = true};
    struct redis_info *source = &seen.node[SIDE_SOURCE].info;
    struct progress_meter meter;

    (void)state;
    progress_reset(&meter);
    progress_update(&meter, &seen, 0, 1);
    assert_true(meter.now.percent < 0);
    source->bgsave_in_progress = true;
    source->save_keys_total = 200;
    source->save_keys_processed = 50;
    progress_update(&meter, &seen, 0, 2);
    assert_float_equal(meter.now.percent, 25, 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_is_over_at_half_of_the_pause),
        cmocka_unit_test(a_pause_of_an_earlier_process_is_as_old_as_this_one),
        cmocka_unit_test(a_fence_never_expires),
        cmocka_unit_test(a_pause_is_kept_into_switching_and_rollback_only),
        cmocka_unit_test(a_link_that_is_lost_and_restored_is_news_once),
        cmocka_unit_test(a_stream_flows_when_the_offset_moves_or_time_has_passed),
        cmocka_unit_test(errors_count_from_when_the_link_came_up),
        cmocka_unit_test(a_synchronisation_stalls_when_nothing_moves),
        cmocka_unit_test(a_synchronisation_that_begins_again_is_counted),
        cmocka_unit_test(progress_is_received_then_loaded),
        cmocka_unit_test(progress_goes_by_keys_where_there_is_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
