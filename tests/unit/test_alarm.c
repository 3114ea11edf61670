/* SPDX-License-Identifier: Apache-2.0 */
/* What endangers the data, or the way back: when it is told, and what holds the switch-over back.
 */
#include "daemon/core/alarm.h"

#include <string.h>

#include "daemon/core/gate.h"
#include "daemon/core/link_watch.h"
#include "lib/base/base.h"
#include "tests/unit/fixture.h"
#include "tests/unit/pair_rig.h"

/* What alarm n of those that are on says; false: there is none. */
static bool alarm_on(const struct pair_rig *rig, enum phase phase, struct blocker *ret, bool *holds)
{
    unsigned bits = alarm_bits(&rig->seen, phase);

    for (unsigned row = 0; row < ALARMS_MAX; row++) {
        if (!(bits & 1u << row))
            continue;
        assert_true(alarm_is_of(row, phase));
        assert_int_equal(bits & ~(1u << row), 0); /* it is the only one */
        *holds = alarm_says(row, &rig->seen, ret);
        return true;
    }
    return false;
}

static void keys_differ(struct pair_rig *r)
{
    r->seen.keys_differ = true;
}

static void errors(struct pair_rig *r)
{
    r->seen.errors_grew = true;
}

static void evictions(struct pair_rig *r)
{
    r->seen.evictions_grew = true;
}

static void writable(struct pair_rig *r)
{
    r->target->read_only = false;
}

static void collapsed(struct pair_rig *r)
{
    r->seen.collapsed_from = 1000;
}

static void silent(struct pair_rig *r)
{
    r->target->last_io_seconds = 16;
}

static void unwell(struct pair_rig *r)
{
    r->seen.link_cause = REASON_ACL_DENIED;
}

static void copied(struct pair_rig *r)
{
    r->seen.copied_again = 1;
}

static void restarted(struct pair_rig *r)
{
    r->seen.source_restarts = 1;
}

static void lost_role(struct pair_rig *r)
{
    r->seen.source_lost_role = true;
}

static void lost_replica(struct pair_rig *r)
{
    r->seen.replicas_lost = 1;
}

static void demoted(struct pair_rig *r)
{
    r->target->role = REDIS_ROLE_REPLICA;
}

static void dropped(struct pair_rig *r)
{
    r->seen.reverse_errors = 3;
}

static void evicts(struct pair_rig *r)
{
    r->seen.primary_evicted = 3;
}

static const struct {
    enum reason reason;
    enum phase phase;
    bool holds;
    void (*spoil)(struct pair_rig *r);
} rows[] = {
    {REASON_KEYS_DIFFER, PHASE_REPLICATING, true, keys_differ},
    {REASON_REPLICATION_ERRORS, PHASE_REPLICATING, true, errors},
    {REASON_EVICTIONS, PHASE_REPLICATING, true, evictions},
    {REASON_TARGET_WRITABLE, PHASE_REPLICATING, true, writable},
    {REASON_KEYS_COLLAPSED, PHASE_REPLICATING, true, collapsed},
    {REASON_LINK_SILENT, PHASE_REPLICATING, true, silent},
    {REASON_ACL_DENIED, PHASE_REPLICATING, false, unwell},
    {REASON_BACKLOG_TOO_SMALL, PHASE_REPLICATING, false, copied},
    {REASON_SOURCE_RESTARTED, PHASE_REPLICATING, false, restarted},
    {REASON_SOURCE_IS_REPLICA, PHASE_REPLICATING, false, lost_role},
    {REASON_GATE_REPLICAS, PHASE_REPLICATING, false, lost_replica},
    {REASON_PRIMARY_DEMOTED, PHASE_COMPLETED, false, demoted},
    {REASON_REVERSE_ERRORS, PHASE_COMPLETED, false, dropped},
    {REASON_PRIMARY_EVICTS, PHASE_COMPLETED, false, evicts},
};

static void each_is_told_in_its_phase_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        enum phase other = rows[i].phase == PHASE_COMPLETED ? PHASE_REPLICATING : PHASE_COMPLETED;
        struct blocker said;
        struct pair_rig rig;
        bool holds;

        pair_rig_init(&rig);
        if (rows[i].phase == PHASE_COMPLETED)
            pair_rig_promote(&rig, 2000);
        assert_false(alarm_on(&rig, rows[i].phase, &said, &holds));
        rows[i].spoil(&rig);
        assert_true(alarm_on(&rig, rows[i].phase, &said, &holds));
        assert_int_equal(said.reason, rows[i].reason);
        assert_int_equal(holds, rows[i].holds);
        if (rows[i].phase == PHASE_REPLICATING)
            assert_false(alarm_on(&rig, other, &said, &holds) && said.reason == rows[i].reason);
    }
}

static void one_that_holds_can_be_waived_by_name(void **state)
{
    struct blocker found[BLOCKERS_MAX];
    unsigned waived[1] = {0};
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    rig.spec.checks.waived = waived;
    rig.seen.keys_differ = true;
    assert_int_equal(gate_check(&rig.spec, &rig.seen, found), 1);
    assert_int_equal(found[0].reason, REASON_KEYS_DIFFER);
    for (unsigned i = 0; i < 200 && !spec_waives(&rig.spec, "keys-differ"); i++) {
        rig.spec.checks.n_waived = 1;
        rig.spec.checks.waived[0] = i;
    }
    assert_int_equal(gate_check(&rig.spec, &rig.seen, found), 0);
    assert_int_equal(gate_all(&rig.spec, &rig.seen, found), 1);
    assert_true(found[0].waived);
}

/* --- where they come from --- */

struct watched {
    struct pair_rig rig;
    struct link_watch watch;
    uint64_t now;
};

static void watch_init(struct watched *w)
{
    pair_rig_init(&w->rig);
    link_watch_init(&w->watch);
    w->now = 1000;
    link_watch_enter(&w->watch, PHASE_SYNCING, PHASE_REPLICATING, false);
    link_watch_update(&w->watch, &w->rig.seen, PHASE_REPLICATING, w->now);
}

static void watch_on(struct watched *w, uint64_t ms)
{
    w->now += ms;
    link_watch_update(&w->watch, &w->rig.seen, PHASE_REPLICATING, w->now);
}

static void most_keys_gone_at_once_is_a_collapse(void **state)
{
    struct watched w;

    (void)state;
    watch_init(&w);
    w.rig.source->lasting = 51; /* of 100 */
    watch_on(&w, 1000);
    assert_int_equal(w.rig.seen.collapsed_from, 0);
    w.rig.source->lasting = 1000;
    watch_on(&w, 1000);
    w.rig.source->lasting = 499;
    watch_on(&w, 1000);
    assert_int_equal(w.rig.seen.collapsed_from, 1000);
    watch_on(&w, 60000); /* it stays until the keys are back */
    assert_int_equal(w.rig.seen.collapsed_from, 1000);
    w.rig.source->lasting = 500;
    watch_on(&w, 1000);
    assert_int_equal(w.rig.seen.collapsed_from, 0);
}

static void few_keys_come_and_go(void **state)
{
    struct watched w;

    (void)state;
    watch_init(&w);
    w.rig.source->lasting = 99;
    watch_on(&w, 1000);
    w.rig.source->lasting = 0;
    watch_on(&w, 1000);
    assert_int_equal(w.rig.seen.collapsed_from, 0);
}

static void breaks_are_counted_over_a_minute_or_two(void **state)
{
    struct watched w;

    (void)state;
    watch_init(&w);
    w.rig.source->sync_partial_ok = 3;
    watch_on(&w, 1000);
    assert_int_equal(w.rig.seen.link_breaks, 3);
    assert_true(link_is_troubled(&w.rig.seen));
    watch_on(&w, 60000);
    watch_on(&w, 1000);
    assert_int_equal(w.rig.seen.link_breaks, 3);
    watch_on(&w, 60000);
    watch_on(&w, 1000);
    assert_int_equal(w.rig.seen.link_breaks, 0);
    assert_false(link_is_troubled(&w.rig.seen));
    w.rig.source->sync_partial_ok = 9;
    w.rig.source->connected_replicas = 2; /* whose was it? */
    watch_on(&w, 1000);
    assert_int_equal(w.rig.seen.link_breaks, 0);
}

static void a_copy_after_the_first_is_one_too_many(void **state)
{
    struct watched w;

    (void)state;
    watch_init(&w);
    assert_int_equal(w.rig.seen.copied_again, 0);
    w.rig.source->sync_full = 1;
    link_watch_enter(&w.watch, PHASE_REPLICATING, PHASE_SYNCING, false);
    link_watch_enter(&w.watch, PHASE_SYNCING, PHASE_REPLICATING, false);
    watch_on(&w, 1000);
    assert_int_equal(w.rig.seen.copied_again, 1);
    link_watch_enter(&w.watch, PHASE_REPLICATING, PHASE_ATTACHING, false); /* wanted */
    link_watch_enter(&w.watch, PHASE_ATTACHING, PHASE_REPLICATING, false);
    w.rig.source->sync_full = 2;
    watch_on(&w, 1000);
    assert_int_equal(w.rig.seen.copied_again, 0);
}

static void a_source_that_changes_is_told(void **state)
{
    struct watched w;

    (void)state;
    watch_init(&w);
    assert_int_equal(w.rig.seen.source_restarts, 0);
    str_copy(w.rig.source->run_id, sizeof(w.rig.source->run_id), "another-process");
    watch_on(&w, 1000);
    watch_on(&w, 1000);
    assert_int_equal(w.rig.seen.source_restarts, 1);
    assert_false(w.rig.seen.source_lost_role);
    w.rig.source->role = REDIS_ROLE_REPLICA;
    str_copy(w.rig.source->master_host, sizeof(w.rig.source->master_host), "10.0.0.9");
    pair_rig_relate(&w.rig);
    watch_on(&w, 1000);
    assert_true(w.rig.seen.source_lost_role);
    str_copy(w.rig.source->master_host, sizeof(w.rig.source->master_host), FENCE_HOST);
    w.rig.source->master_port = FENCE_PORT; /* our own doing */
    pair_rig_relate(&w.rig);
    watch_on(&w, 1000);
    assert_false(w.rig.seen.source_lost_role);
}

static void a_replica_of_the_target_that_goes_is_told(void **state)
{
    struct watched w;

    (void)state;
    watch_init(&w);
    w.rig.target->n_replicas = w.rig.target->connected_replicas = 2;
    w.rig.target->replicas[0].state = w.rig.target->replicas[1].state = REDIS_REPLICA_ONLINE;
    watch_on(&w, 1000);
    assert_int_equal(w.rig.seen.replicas_lost, 0);
    w.rig.target->n_replicas = w.rig.target->connected_replicas = 1;
    watch_on(&w, 1000);
    assert_int_equal(w.rig.seen.replicas_lost, 1);
}

static void what_the_old_source_drops_is_counted_from_the_first_look(void **state)
{
    struct watched w;

    (void)state;
    watch_init(&w);
    pair_rig_promote(&w.rig, 2000);
    w.rig.source->role = REDIS_ROLE_REPLICA;
    w.rig.source->unexpected_error_replies = 7;
    w.rig.target->evicted_keys = 5;
    w.rig.seen.writer_follows_target = true;
    link_watch_update(&w.watch, &w.rig.seen, PHASE_COMPLETED, w.now);
    assert_int_equal(w.rig.seen.reverse_errors, 0);
    assert_int_equal(w.rig.seen.primary_evicted, 0);
    w.rig.source->unexpected_error_replies = 9;
    w.rig.target->evicted_keys = 6;
    link_watch_update(&w.watch, &w.rig.seen, PHASE_COMPLETED, w.now);
    assert_int_equal(w.rig.seen.reverse_errors, 2);
    assert_int_equal(w.rig.seen.primary_evicted, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_told_in_its_phase_alone),
        cmocka_unit_test(one_that_holds_can_be_waived_by_name),
        cmocka_unit_test(most_keys_gone_at_once_is_a_collapse),
        cmocka_unit_test(few_keys_come_and_go),
        cmocka_unit_test(breaks_are_counted_over_a_minute_or_two),
        cmocka_unit_test(a_copy_after_the_first_is_one_too_many),
        cmocka_unit_test(a_source_that_changes_is_told),
        cmocka_unit_test(a_replica_of_the_target_that_goes_is_told),
        cmocka_unit_test(what_the_old_source_drops_is_counted_from_the_first_look),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
