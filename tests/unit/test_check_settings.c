/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of settings, and of what goes on at the nodes, at their boundaries. */
#include <string.h>

#include "lib/base/base.h"
#include "tests/unit/check_rig.h"
#include "tests/unit/fixture.h"

static void timeouts_outlast_ten_seconds_and_the_others_ping(void **state)
{
    static const struct {
        int64_t source, target, source_ping, target_ping;
        enum check_severity severity;
        const char *words;
    } rows[] = {
        {60, 60, 10, 10, CHECK_OK, ""},
        {11, 11, 10, 10, CHECK_OK, ""},
        {10, 10, 9, 9, CHECK_OK, ""},
        {9, 60, 1, 1, CHECK_WARNING, "repl-timeout is 9 s at the source:"},
        {60, 9, 1, 1, CHECK_WARNING, "repl-timeout is 9 s at the target:"},
        {5, 6, 1, 1, CHECK_WARNING, "5 s at the source, 6 s at the target"},
        {60, 10, 10, 1, CHECK_WARNING, "10 s at the target"},
        {10, 60, 1, 10, CHECK_WARNING, "10 s at the source"},
        {10, 60, 10, 1, CHECK_OK, ""}, /* its own pings it does not wait for */
        {-1, -1, 10, 10, CHECK_OK, ""},
        {60, 60, -1, -1, CHECK_OK, ""},
        {-1, 5, -1, -1, CHECK_WARNING, "is 5 s at the target:"},
    };
    struct check_rig rig;

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        check_rig_init(&rig);
        rig.facts[SIDE_SOURCE].repl_timeout = rows[i].source;
        rig.facts[SIDE_TARGET].repl_timeout = rows[i].target;
        rig.facts[SIDE_SOURCE].ping_period = rows[i].source_ping;
        rig.facts[SIDE_TARGET].ping_period = rows[i].target_ping;
        check_rig_expect(&rig, "repl-timeout", rows[i].severity, rows[i].words);
    }
    check_rig_init(&rig);
    rig.facts[SIDE_SOURCE].ping_period = 50;
    rig.facts[SIDE_TARGET].repl_timeout = 50;
    check_rig_expect(&rig, "repl-timeout", CHECK_WARNING, "");
    assert_string_equal(rig.result.remedy,
                        "redis-cli -h 10.0.0.2 -p 6379 CONFIG SET repl-timeout 150");
}

static void a_ping_comes_within_fifteen_seconds(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.facts[SIDE_SOURCE].ping_period = 14;
    check_rig_expect(&rig, "ping-period", CHECK_OK, "");
    rig.facts[SIDE_SOURCE].ping_period = 15;
    check_rig_expect(&rig, "ping-period", CHECK_WARNING, "15 s");
    rig.facts[SIDE_SOURCE].ping_period = -1;
    rig.facts[SIDE_TARGET].ping_period = 100;
    check_rig_expect(&rig, "ping-period", CHECK_OK, "");
}

static void add_replica(struct redis_info *info, enum redis_replica_state state)
{
    info->replicas[info->n_replicas++] =
        (struct redis_info_replica){.ip = "10.0.0.3", .port = 6379, .state = state};
    info->connected_replicas++;
}

static void replicas_that_come_with_the_switch_over_count(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.pair.seen.node[SIDE_TARGET].survey.min_replicas = 1;
    check_rig_expect(&rig, "min-replicas", CHECK_OK, ""); /* the old source */
    rig.pair.spec.cutover.reverse = false;
    check_rig_expect(&rig, "min-replicas", CHECK_ERROR, "with 1 replicas|will have 0");
    add_replica(rig.pair.target, REDIS_REPLICA_SEND_BULK);
    check_rig_expect(&rig, "min-replicas", CHECK_ERROR, "");
    add_replica(rig.pair.target, REDIS_REPLICA_ONLINE);
    check_rig_expect(&rig, "min-replicas", CHECK_OK, "");
    rig.pair.seen.node[SIDE_TARGET].survey.min_replicas = 3;
    check_rig_expect(&rig, "min-replicas", CHECK_ERROR, "with 3 replicas|will have 1");
    assert_string_equal(rig.result.remedy,
                        "redis-cli -h 10.0.0.2 -p 6379 CONFIG SET min-replicas-to-write 1");
    rig.pair.seen.node[SIDE_TARGET].survey.min_replicas = -1;
    check_rig_expect(&rig, "min-replicas", CHECK_OK, "");
}

static void a_target_refuses_writes_after_a_dump_it_wanted(void **state)
{
    struct survey *survey;
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    survey = &rig.pair.seen.node[SIDE_TARGET].survey;
    rig.pair.target->save_failed = true;
    check_rig_expect(&rig, "target-refuses-writes", CHECK_ERROR, "stop-writes-on-bgsave-error");
    assert_string_equal(rig.result.remedy, "redis-cli -h 10.0.0.2 -p 6379 BGSAVE");
    survey->saves = false;
    check_rig_expect(&rig, "target-refuses-writes", CHECK_OK, "");
    survey->saves = true;
    survey->stops_writes = false;
    check_rig_expect(&rig, "target-refuses-writes", CHECK_OK, "");
    rig.pair.target->aof_failed = true;
    check_rig_expect(&rig, "target-refuses-writes", CHECK_ERROR, "append-only file");
    assert_string_equal(rig.result.remedy, ""); /* it tries by itself */
    check_rig_expect(&rig, "source-save-failed", CHECK_OK, "");
    rig.pair.source->save_failed = true;
    check_rig_expect(&rig, "source-save-failed", CHECK_WARNING, "");
}

static void replicas_are_made_read_only(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    check_rig_expect(&rig, "replica-writable", CHECK_OK, "");
    rig.facts[SIDE_SOURCE].read_only = NO;
    check_rig_expect(&rig, "replica-writable", CHECK_NOTICE, "the source");
    rig.facts[SIDE_TARGET].read_only = NO;
    check_rig_expect(&rig, "replica-writable", CHECK_NOTICE, "both nodes");
    rig.facts[SIDE_SOURCE].read_only = NOT_KNOWN;
    check_rig_expect(&rig, "replica-writable", CHECK_NOTICE, "the target");
}

static void one_way_to_persist_is_enough(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    check_rig_expect(&rig, "persistence-off", CHECK_OK, "");
    rig.pair.seen.node[SIDE_SOURCE].survey.saves = false;
    check_rig_expect(&rig, "persistence-off", CHECK_WARNING, "");
    rig.pair.source->aof_enabled = true;
    check_rig_expect(&rig, "persistence-off", CHECK_OK, "");
    rig.pair.source->aof_enabled = false;
    rig.pair.seen.node[SIDE_SOURCE].survey.known = false;
    check_rig_expect(&rig, "persistence-off", CHECK_OK, "");
}

static void pauses_and_failovers_are_somebody_elses(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    check_rig_expect(&rig, "source-paused", CHECK_OK, "");
    check_rig_expect(&rig, "failover-under-way", CHECK_OK, "");
    str_copy(rig.pair.source->paused_reason, 24, "client_pause");
    rig.pair.source->failing_over = true;
    check_rig_expect(&rig, "source-paused", CHECK_WARNING, "CLIENT PAUSE");
    check_rig_expect(&rig, "failover-under-way", CHECK_ERROR, "FAILOVER");
    rig.pair.source->paused_reason[0] = '\0';
    check_rig_expect(&rig, "source-paused", CHECK_OK, "");
    rig.pair.seen.pause_held = true;
    check_rig_expect(&rig, "source-paused", CHECK_WARNING, "");
}

static void clocks_are_compared_where_both_are_known(void **state)
{
    static const struct {
        int64_t source, target;
        enum check_severity severity;
        const char *words;
    } rows[] = {
        {0, 0, CHECK_OK, ""},
        {-5000, -5999, CHECK_OK, ""}, /* ours may be wrong */
        {999, 0, CHECK_OK, ""},
        {1000, 0, CHECK_WARNING, "1.0 s behind: keys expire late"},
        {0, 1000, CHECK_WARNING, "1.0 s ahead: keys expire early"},
        {-3600000, 3600000, CHECK_WARNING, "7200.0 s ahead"},
        {AHEAD_UNKNOWN, 5000, CHECK_OK, ""},
        {5000, AHEAD_UNKNOWN, CHECK_OK, ""},
        {AHEAD_UNKNOWN, AHEAD_UNKNOWN, CHECK_OK, ""},
    };
    struct check_rig rig;

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        check_rig_init(&rig);
        rig.pair.seen.node[SIDE_SOURCE].ahead_ms = rows[i].source;
        rig.pair.seen.node[SIDE_TARGET].ahead_ms = rows[i].target;
        check_rig_expect(&rig, "clock-skew", rows[i].severity, rows[i].words);
    }
}

static void scripts_matter_more_where_they_pass_the_fence(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.pair.seen.node[SIDE_SOURCE].survey.scripts = -1;
    check_rig_expect(&rig, "scripts", CHECK_OK, "");
    rig.pair.seen.node[SIDE_SOURCE].survey.scripts = 0;
    check_rig_expect(&rig, "scripts", CHECK_OK, "");
    rig.pair.seen.node[SIDE_SOURCE].survey.scripts = 1;
    check_rig_expect(&rig, "scripts", CHECK_NOTICE, "1 times");
    rig.pair.source->redis_compat_num = 60199;
    check_rig_expect(&rig, "scripts", CHECK_WARNING, "fence");
}

static void all_clients_have_to_fit_in(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.pair.source->connected_clients = 100;
    rig.pair.target->maxclients = 100;
    check_rig_expect(&rig, "target-maxclients", CHECK_OK, "");
    rig.pair.target->maxclients = 99;
    check_rig_expect(&rig, "target-maxclients", CHECK_WARNING, "100 clients|lets in 99");
    assert_string_equal(rig.result.remedy,
                        "redis-cli -h 10.0.0.2 -p 6379 CONFIG SET maxclients 10000");
    rig.pair.source->maxclients = 150;
    check_rig_expect(&rig, "target-maxclients", CHECK_WARNING, "");
    assert_non_null(strstr(rig.result.remedy, "maxclients 200"));
    rig.pair.target->maxclients = -1; /* before 7.0 */
    check_rig_expect(&rig, "target-maxclients", CHECK_OK, "");
    rig.facts[SIDE_TARGET].maxclients = 99;
    check_rig_expect(&rig, "target-maxclients", CHECK_WARNING, "lets in 99");
    rig.facts[SIDE_TARGET].maxclients = -1;
    check_rig_expect(&rig, "target-maxclients", CHECK_OK, "");
}

static void what_is_not_known_fails_nobody(void **state)
{
    static const char *const codes[] = {
        "repl-timeout",       "ping-period",      "min-replicas",    "target-refuses-writes",
        "source-save-failed", "replica-writable", "persistence-off", "source-paused",
        "failover-under-way", "clock-skew",       "scripts",         "target-maxclients"};
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    for (int side = 0; side < SIDE_MAX; side++) {
        struct seen_node *node = &rig.pair.seen.node[side];

        node->facts = NULL;
        node->survey = (struct survey){.scripts = -1, .min_replicas = -1};
        node->info.maxclients = -1;
        node->info.paused_reason[0] = '\0';
        node->ahead_ms = 1000000 * side;
    }
    for (size_t i = 0; i < array_len(codes); i++)
        check_rig_expect(&rig, codes[i], CHECK_OK, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timeouts_outlast_ten_seconds_and_the_others_ping),
        cmocka_unit_test(a_ping_comes_within_fifteen_seconds),
        cmocka_unit_test(replicas_that_come_with_the_switch_over_count),
        cmocka_unit_test(a_target_refuses_writes_after_a_dump_it_wanted),
        cmocka_unit_test(replicas_are_made_read_only),
        cmocka_unit_test(one_way_to_persist_is_enough),
        cmocka_unit_test(pauses_and_failovers_are_somebody_elses),
        cmocka_unit_test(clocks_are_compared_where_both_are_known),
        cmocka_unit_test(scripts_matter_more_where_they_pass_the_fence),
        cmocka_unit_test(all_clients_have_to_fit_in),
        cmocka_unit_test(what_is_not_known_fails_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
