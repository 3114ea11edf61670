/* SPDX-License-Identifier: Apache-2.0 */
/* The gate before the write pause: each thing that is wrong holds the switch-over back, by itself
 * and for its own reason. */
#include <string.h>

#include "daemon/core/gate.h"
#include "daemon/core/replicas.h"
#include "tests/unit/fixture.h"
#include "tests/unit/pair_rig.h"

#define SPOIL(name) static void name(struct pair_rig *rig)

static void add_replica(struct redis_info *info, const char *ip, uint16_t port, int64_t offset)
{
    struct redis_info_replica *r = &info->replicas[info->n_replicas++];

    *r = (struct redis_info_replica){
        .port = port, .state = REDIS_REPLICA_ONLINE, .offset = offset, .lag_seconds = -1};
    str_copy(r->ip, sizeof(r->ip), ip);
    info->connected_replicas++;
}

/* The spec names a replica of the target, at 10.0.0.3:6380; it is there at offset. */
static void name_replica(struct pair_rig *rig, int64_t offset)
{
    static struct endpoint named[1];
    struct spec_node *target = &rig->spec.target;

    target->replicas = named;
    target->replicas[0] = (struct endpoint){.host = "10.0.0.3", .port = 6380};
    target->n_replicas = 1;
    add_replica(rig->target, "10.0.0.3", 6380, offset);
}

static void cannot_write_while(struct pair_rig *rig, bool saves, bool stops_writes)
{
    struct survey *survey = &rig->seen.node[SIDE_TARGET].survey;

    rig->target->save_failed = true;
    survey->saves = saves;
    survey->stops_writes = stops_writes;
}

/* --- what holds it back --- */

SPOIL(source_away)
{
    rig->seen.node[SIDE_SOURCE].reachable = false;
}

SPOIL(target_away)
{
    rig->seen.node[SIDE_TARGET].reachable = false;
}

SPOIL(source_follows_another)
{
    rig->source->role = REDIS_ROLE_REPLICA;
    str_copy(rig->source->master_host, sizeof(rig->source->master_host), "10.0.0.9");
    rig->source->master_port = 6379;
}

SPOIL(link_is_down)
{
    rig->target->link_up = false;
}

SPOIL(histories_differ)
{
    str_copy(rig->target->replid, sizeof(rig->target->replid), OTHER_HISTORY);
}

SPOIL(a_byte_behind_the_limit)
{
    rig->source->master_repl_offset = 1101;
}

SPOIL(held_stream)
{
    rig->seen.streaming = false;
}

SPOIL(silent_for_16_seconds)
{
    rig->target->last_io_seconds = 16;
}

SPOIL(failover)
{
    rig->source->failing_over = true;
}

SPOIL(paused_as_it_says_itself)
{
    str_copy(rig->source->paused_reason, sizeof(rig->source->paused_reason), "client_pause");
}

SPOIL(paused_as_a_held_write_tells)
{
    rig->source->paused_reason[0] = '\0';
    rig->seen.pause_held = true;
}

SPOIL(stranger_at_the_source)
{
    str_copy(rig->seen.node[SIDE_SOURCE].survey.stranger, 8, "'them'");
}

SPOIL(stranger_at_the_target)
{
    str_copy(rig->seen.node[SIDE_TARGET].survey.stranger, 8, "'them'");
}

SPOIL(keys_differ)
{
    rig->seen.keys_differ = true;
}

SPOIL(errors_grew)
{
    rig->seen.errors_grew = true;
}

SPOIL(evictions_grew)
{
    rig->seen.evictions_grew = true;
}

SPOIL(over_maxmemory)
{
    rig->target->maxmemory = 999;
}

SPOIL(over_maxmemory_with_its_backlog)
{
    rig->target->maxmemory = 1500;
    rig->target->backlog_bytes = 501;
}

SPOIL(save_failed)
{
    cannot_write_while(rig, true, true);
}

SPOIL(aof_failed)
{
    rig->target->aof_failed = true;
}

SPOIL(min_replicas_without_one)
{
    rig->seen.node[SIDE_TARGET].survey.min_replicas = 1;
}

SPOIL(min_replicas_above_the_reverse_link)
{
    rig->spec.cutover.reverse = true;
    rig->seen.node[SIDE_TARGET].survey.min_replicas = 2;
}

SPOIL(replica_in_its_synchronisation)
{
    add_replica(rig->target, "10.0.0.8", 6379, 1000);
    rig->target->replicas[0].state = REDIS_REPLICA_SEND_BULK;
}

SPOIL(replica_without_a_line)
{
    rig->target->connected_replicas = 1;
}

SPOIL(named_replica_gone)
{
    name_replica(rig, 1000);
    rig->target->n_replicas = rig->target->connected_replicas = 0;
}

SPOIL(named_replica_not_in_sync)
{
    name_replica(rig, 1000);
    rig->target->replicas[0].state = REDIS_REPLICA_WAIT_BGSAVE;
}

SPOIL(named_replica_a_byte_behind_the_limit)
{
    name_replica(rig, 899);
}

SPOIL(named_replica_at_another_address)
{
    name_replica(rig, 1000);
    str_copy(rig->target->replicas[0].ip, sizeof(rig->target->replicas[0].ip), "10.0.0.33");
}

/* --- what does not --- */

SPOIL(nothing)
{
    (void)rig;
}

SPOIL(lag_at_the_limit)
{
    rig->source->master_repl_offset = 1100;
}

SPOIL(silent_for_15_seconds)
{
    rig->target->last_io_seconds = 15;
}

SPOIL(memory_at_maxmemory)
{
    rig->target->maxmemory = 1500;
    rig->target->backlog_bytes = 500;
}

SPOIL(memory_that_does_not_count)
{
    rig->target->maxmemory = 900;
    rig->target->not_counted_for_evict = 100;
}

SPOIL(all_memory_does_not_count)
{
    rig->target->maxmemory = 1;
    rig->target->not_counted_for_evict = 5000;
}

SPOIL(nonsense_for_a_backlog)
{
    rig->target->maxmemory = 1000;
    rig->target->backlog_bytes = INT64_MIN;
}

SPOIL(save_failed_but_none_is_due)
{
    cannot_write_while(rig, false, true);
}

SPOIL(save_failed_but_writes_go_on)
{
    cannot_write_while(rig, true, false);
}

SPOIL(min_replicas_as_many_as_will_be)
{
    rig->spec.cutover.reverse = true;
    rig->seen.node[SIDE_TARGET].survey.min_replicas = 2;
    add_replica(rig->target, "10.0.0.8", 6379, 1000);
}

SPOIL(named_replica_at_the_limit)
{
    name_replica(rig, 900);
}

SPOIL(replica_far_behind_that_is_not_named)
{
    add_replica(rig->target, "10.0.0.8", 6379, 899);
}

SPOIL(replica_at_the_limit_that_is_not_named)
{
    add_replica(rig->target, "10.0.0.8", 6379, 900);
}

/* A tool: it acknowledges nothing, and is no server. */
SPOIL(reader_of_the_stream)
{
    add_replica(rig->target, "10.0.0.8", 0, 0);
}

/* --- all of them --- */

#define ROW(change, reason)                                                                        \
    {                                                                                              \
#change, change, REASON_##reason                                                           \
    }

static const struct {
    const char *name;
    void (*change)(struct pair_rig *rig);
    enum reason reason; /* REASON_NONE: nothing holds it back */
} rows[] = {
    ROW(source_away, WAITING_NODE),
    ROW(target_away, WAITING_NODE),
    ROW(source_follows_another, SOURCE_IS_REPLICA),
    ROW(link_is_down, LINK_DOWN),
    ROW(histories_differ, GATE_HISTORY),
    ROW(a_byte_behind_the_limit, GATE_LAG),
    ROW(held_stream, GATE_LAG),
    ROW(silent_for_16_seconds, LINK_SILENT),
    ROW(failover, FAILOVER),
    ROW(paused_as_it_says_itself, SOURCE_PAUSED),
    ROW(paused_as_a_held_write_tells, SOURCE_PAUSED),
    ROW(stranger_at_the_source, ANOTHER_DAEMON),
    ROW(stranger_at_the_target, ANOTHER_DAEMON),
    ROW(keys_differ, KEYS_DIFFER),
    ROW(errors_grew, REPLICATION_ERRORS),
    ROW(evictions_grew, EVICTIONS),
    ROW(over_maxmemory, MAXMEMORY),
    ROW(over_maxmemory_with_its_backlog, MAXMEMORY),
    ROW(save_failed, TARGET_REFUSES_WRITES),
    ROW(aof_failed, TARGET_REFUSES_WRITES),
    ROW(min_replicas_without_one, MIN_REPLICAS),
    ROW(min_replicas_above_the_reverse_link, MIN_REPLICAS),
    ROW(replica_in_its_synchronisation, GATE_REPLICAS),
    ROW(replica_without_a_line, GATE_REPLICAS),
    ROW(named_replica_gone, GATE_REPLICAS),
    ROW(named_replica_not_in_sync, GATE_REPLICAS),
    ROW(named_replica_a_byte_behind_the_limit, GATE_REPLICAS),
    ROW(named_replica_at_another_address, GATE_REPLICAS),
    ROW(replica_far_behind_that_is_not_named, GATE_REPLICAS),
    ROW(nothing, NONE),
    ROW(lag_at_the_limit, NONE),
    ROW(silent_for_15_seconds, NONE),
    ROW(memory_at_maxmemory, NONE),
    ROW(memory_that_does_not_count, NONE),
    ROW(all_memory_does_not_count, NONE),
    ROW(nonsense_for_a_backlog, NONE),
    ROW(save_failed_but_none_is_due, NONE),
    ROW(save_failed_but_writes_go_on, NONE),
    ROW(min_replicas_as_many_as_will_be, NONE),
    ROW(named_replica_at_the_limit, NONE),
    ROW(replica_at_the_limit_that_is_not_named, NONE),
    ROW(reader_of_the_stream, NONE),
};

static void each_wrong_holds_it_back_alone_and_nothing_else_does(void **state)
{
    struct blocker found[BLOCKERS_MAX];
    struct pair_rig rig;
    unsigned n;

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        bool wrong = rows[i].reason != REASON_NONE;

        pair_rig_init(&rig);
        rows[i].change(&rig);
        pair_rig_relate(&rig);
        n = gate_check(&rig.spec, &rig.seen, found);
        if (n != wrong || (wrong && found[0].reason != rows[i].reason))
            fail_msg("%s: %u blockers, the first: %s", rows[i].name, n, n ? found[0].message : "");
        if (wrong)
            assert_true(strlen(found[0].message) > 10);
    }
}

static void what_an_unreachable_node_showed_last_is_not_judged(void **state)
{
    struct blocker found[BLOCKERS_MAX];
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    rig.seen.node[SIDE_SOURCE].reachable = rig.seen.node[SIDE_TARGET].reachable = false;
    rig.target->link_up = false;
    rig.seen.errors_grew = rig.target->aof_failed = true;
    pair_rig_relate(&rig);
    assert_int_equal(gate_check(&rig.spec, &rig.seen, found), 2);
    assert_int_equal(found[0].reason, REASON_WAITING_NODE);
    assert_int_equal(found[1].reason, REASON_WAITING_NODE);
}

static void all_that_is_wrong_is_told(void **state)
{
    const enum reason expected[] = {REASON_GATE_LAG, REASON_FAILOVER, REASON_TARGET_REFUSES_WRITES,
                                    REASON_EVICTIONS, REASON_KEYS_DIFFER};
    struct blocker found[BLOCKERS_MAX];
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    rig.source->master_repl_offset = 1000000;
    rig.seen.streaming = false; /* follows from the lag, and is not told beside it */
    rig.source->failing_over = rig.target->aof_failed = true;
    rig.seen.keys_differ = rig.seen.evictions_grew = true;
    pair_rig_relate(&rig);
    assert_int_equal(gate_check(&rig.spec, &rig.seen, found), array_len(expected));
    for (size_t i = 0; i < array_len(expected); i++)
        assert_int_equal(found[i].reason, expected[i]);
    assert_non_null(strstr(found[0].message, "lag is 999000 bytes, cutover.max_lag is 100"));
}

static void a_replica_that_is_named_is_told_by_its_name(void **state)
{
    struct blocker found[BLOCKERS_MAX];
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    named_replica_not_in_sync(&rig);
    assert_int_equal(gate_check(&rig.spec, &rig.seen, found), 1);
    assert_string_equal(found[0].message,
                        "the target's own replicas are not all in sync: '10.0.0.3:6380' is being "
                        "sent a copy (wait_bgsave)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wrong_holds_it_back_alone_and_nothing_else_does),
        cmocka_unit_test(what_an_unreachable_node_showed_last_is_not_judged),
        cmocka_unit_test(all_that_is_wrong_is_told),
        cmocka_unit_test(a_replica_that_is_named_is_told_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
