/* SPDX-License-Identifier: Apache-2.0 */
/* What is watched over time: the write pause and the link. */
#include "daemon/core/lease.h"
#include "daemon/core/link_watch.h"
#include "daemon/core/observation.h"
#include "daemon/core/setting.h"
#include "tests/unit/fixture.h"
#include "tests/unit/pair_rig.h"

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
    /* A restart of the daemon goes on from where it was. */
    link_watch_enter(&watch, PHASE_REPLICATING, PHASE_REPLICATING, true);
    link_watch_resume(&watch, 4, 0);
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 4);
    assert_true(seen.errors_grew);
    set_link(&seen, true, 10, 1); /* the server was restarted */
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 5);
    assert_false(seen.errors_grew);
}

static void evictions_count_from_when_the_link_came_up(void **state)
{
    struct observation seen = {.wall_ms = 5};
    struct redis_info *target = &seen.node[SIDE_TARGET].info;
    struct link_watch watch;

    (void)state;
    link_watch_init(&watch);
    set_link(&seen, true, 10, -1);
    target->evicted_keys = 7; /* of an earlier life */
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 1);
    assert_false(seen.evictions_grew);
    target->evicted_keys = 8;
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 2);
    assert_true(seen.evictions_grew);
    assert_false(seen.errors_grew); /* a server that does not count them */
    link_watch_enter(&watch, PHASE_SWITCHING, PHASE_REPLICATING, false);
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 3);
    assert_true(seen.evictions_grew);
    link_watch_enter(&watch, PHASE_SYNCING, PHASE_REPLICATING, false);
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 4);
    assert_false(seen.evictions_grew);
    target->evicted_keys = 0; /* the server was restarted */
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 5);
    target->evicted_keys = 1;
    (void)link_watch_update(&watch, &seen, PHASE_REPLICATING, 6);
    assert_true(seen.evictions_grew);
}

static void update_at_equal_offsets(struct pair_rig *rig, struct link_watch *watch)
{
    pair_rig_relate(rig);
    (void)link_watch_update(watch, &rig->seen, PHASE_REPLICATING, 1);
}

static void keys_are_compared_at_one_moment_of_each_node_only(void **state)
{
    struct link_watch watch;
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    link_watch_init(&watch);
    update_at_equal_offsets(&rig, &watch);
    assert_false(rig.seen.keys_differ);
    rig.target->lasting_sum++;
    rig.source->master_repl_offset = 1001;
    update_at_equal_offsets(&rig, &watch);
    assert_false(rig.seen.keys_differ);
    rig.source->master_repl_offset = 1000;
    rig.seen.node[SIDE_SOURCE].looked++; /* its offset is newer than its keys */
    update_at_equal_offsets(&rig, &watch);
    assert_false(rig.seen.keys_differ);
    rig.seen.node[SIDE_SOURCE].looked--;
    update_at_equal_offsets(&rig, &watch);
    assert_true(rig.seen.keys_differ);
    rig.source->master_repl_offset = 1001; /* it stays so until they are equal again */
    update_at_equal_offsets(&rig, &watch);
    assert_true(rig.seen.keys_differ);
    rig.target->link_up = false;
    update_at_equal_offsets(&rig, &watch);
    assert_false(rig.seen.keys_differ);
}

static void a_link_is_no_news_until_the_target_was_tried(void **state)
{
    struct observation seen = {.wall_ms = 5};
    struct link_watch watch;

    (void)state;
    link_watch_init(&watch);
    link_watch_enter(&watch, PHASE_REPLICATING, PHASE_REPLICATING, true);
    assert_int_equal(link_watch_update(&watch, &seen, PHASE_REPLICATING, 1), LINK_NO_NEWS);
    seen.node[SIDE_TARGET].tried = true;
    assert_int_equal(link_watch_update(&watch, &seen, PHASE_REPLICATING, 2), LINK_LOST);
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
        cmocka_unit_test(evictions_count_from_when_the_link_came_up),
        cmocka_unit_test(keys_are_compared_at_one_moment_of_each_node_only),
        cmocka_unit_test(a_link_is_no_news_until_the_target_was_tried),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
