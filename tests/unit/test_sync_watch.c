/* SPDX-License-Identifier: Apache-2.0 */
/* A full synchronisation: whether it moves, how often it began, how far it has got. */
#include "daemon/core/observation.h"
#include "daemon/core/progress.h"
#include "daemon/core/sync_watch.h"
#include "lib/base/base.h"
#include "tests/unit/fixture.h"

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

/* As INFO of the source, asked for in this phase, counts them. */
static void expect_starts(struct sync_watch *watch, struct observation *seen, int64_t sync_full,
                          unsigned expected)
{
    seen->node[SIDE_SOURCE].info.sync_full = sync_full;
    sync_watch_update(watch, seen, 1000);
    assert_int_equal(seen->sync_starts, expected);
}

static void set_syncing(struct observation *seen, bool syncing)
{
    seen->node[SIDE_TARGET].info.sync_in_progress = syncing;
}

static void synchronisations_between_two_looks_are_counted_by_the_source(void **state)
{
    struct observation seen = {.target_follows = true, .phase_ms = 500};
    struct sync_watch watch = {.syncing = false};

    (void)state;
    seen.node[SIDE_SOURCE].reachable = seen.node[SIDE_TARGET].reachable = true;
    sync_watch_enter(&watch, 0);
    expect_starts(&watch, &seen, 7, 0);
    expect_starts(&watch, &seen, 9, 2); /* neither was seen at the target */
    set_syncing(&seen, true);
    expect_starts(&watch, &seen, 10, 3); /* seen by both: one */
    set_syncing(&seen, false);
    expect_starts(&watch, &seen, 10, 3);
    set_syncing(&seen, true);
    expect_starts(&watch, &seen, 10, 3); /* is it that one, or one more? the source will say */
    expect_starts(&watch, &seen, 11, 4);
    expect_starts(&watch, &seen, 0, 4); /* it was restarted: never fewer */
}

static void a_source_counts_from_the_synchronisation_that_was_seen_first(void **state)
{
    struct observation seen = {.target_follows = true, .phase_ms = 500};
    struct sync_watch watch = {.syncing = false};

    (void)state;
    seen.node[SIDE_SOURCE].reachable = seen.node[SIDE_TARGET].reachable = true;
    sync_watch_enter(&watch, 0);
    set_syncing(&seen, true);
    expect_starts(&watch, &seen, 8, 1);
    expect_starts(&watch, &seen, 9, 2);
    seen.sync_starts = 0;
    sync_watch_enter(&watch, 0); /* the next phase begins at nothing */
    expect_starts(&watch, &seen, 9, 1);
}

static void a_source_is_not_believed_that_counts_for_others_or_is_old(void **state)
{
    struct observation seen = {.target_follows = true, .phase_ms = 500};
    struct seen_node *source = &seen.node[SIDE_SOURCE];
    struct sync_watch watch = {.syncing = false};

    (void)state;
    source->reachable = seen.node[SIDE_TARGET].reachable = true;
    sync_watch_enter(&watch, 0);
    expect_starts(&watch, &seen, 7, 0);
    source->info.connected_replicas = 2;
    expect_starts(&watch, &seen, 20, 0);
    source->info.connected_replicas = 1;
    source->whole_age_ms = 500; /* of before this phase */
    expect_starts(&watch, &seen, 20, 0);
    source->whole_age_ms = 499;
    source->reachable = false;
    expect_starts(&watch, &seen, 20, 0);
    source->reachable = true;
    expect_starts(&watch, &seen, 8, 1);
}

static void the_base_of_an_attempt_is_believed_only_while_it_is_this_ones(void **state)
{
    struct observation seen = {.target_follows = true, .phase_ms = 500};
    struct seen_node *source = &seen.node[SIDE_SOURCE];
    struct sync_watch watch = {.syncing = false};

    (void)state;
    source->reachable = seen.node[SIDE_TARGET].reachable = true;
    str_copy(source->info.run_id, sizeof(source->info.run_id), "process");
    seen.base = (struct attach_base){.alone = true, .run_id = "process", .sync_full = 5};
    sync_watch_enter(&watch, 0);
    expect_starts(&watch, &seen, 7, 0); /* of the attempt before: not known any more */
    seen.base.known = true;
    sync_watch_enter(&watch, 0);
    expect_starts(&watch, &seen, 7, 2);
    seen.base.alone = false; /* others are copied for, too */
    sync_watch_enter(&watch, 0);
    expect_starts(&watch, &seen, 9, 0);
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
        cmocka_unit_test(a_synchronisation_stalls_when_nothing_moves),
        cmocka_unit_test(a_synchronisation_that_begins_again_is_counted),
        cmocka_unit_test(synchronisations_between_two_looks_are_counted_by_the_source),
        cmocka_unit_test(a_source_counts_from_the_synchronisation_that_was_seen_first),
        cmocka_unit_test(a_source_is_not_believed_that_counts_for_others_or_is_old),
        cmocka_unit_test(the_base_of_an_attempt_is_believed_only_while_it_is_this_ones),
        cmocka_unit_test(progress_is_received_then_loaded),
        cmocka_unit_test(progress_goes_by_keys_where_there_is_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
