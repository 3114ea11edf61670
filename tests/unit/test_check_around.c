/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of who else has to do with the nodes. */
#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"
#include "tests/unit/check_rig.h"
#include "tests/unit/fixture.h"

static void add_replica(struct redis_info *info, const char *ip, uint16_t port)
{
    if (info->n_replicas < REDIS_REPLICAS_MAX) {
        struct redis_info_replica *r = &info->replicas[info->n_replicas++];

        *r = (struct redis_info_replica){.port = port, .state = REDIS_REPLICA_ONLINE};
        str_copy(r->ip, sizeof(r->ip), ip);
    }
    info->connected_replicas++;
}

static void hear(struct facts *facts, const char *name)
{
    facts->sentinels = YES;
    str_copy(facts->hello_name, sizeof(facts->hello_name), name);
    str_copy(facts->hello_host, sizeof(facts->hello_host), "10.0.0.9");
    facts->hello_port = 26379;
}

static void sentinel_is_worse_where_it_has_somebody_to_promote(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    check_rig_expect(&rig, "sentinel", CHECK_OK, "");
    rig.facts[SIDE_SOURCE].sentinels = YES;
    check_rig_expect(&rig, "sentinel", CHECK_WARNING,
                     "after the source: |FAILOVER NAME|RESET NAME");
    assert_string_equal(rig.result.value[SIDE_SOURCE], "Sentinel listens");
    str_copy(rig.facts[SIDE_SOURCE].sentinel, 96, "'sentinel-1a-cmd' from 10.0.0.9:4000");
    add_replica(rig.pair.source, "10.0.0.2", 6379); /* the target itself */
    check_rig_expect(&rig, "sentinel", CHECK_WARNING, "the source");
    assert_string_equal(rig.result.value[SIDE_SOURCE], "'sentinel-1a-cmd' from 10.0.0.9:4000");
    hear(&rig.facts[SIDE_SOURCE], "pair");
    check_rig_expect(&rig, "sentinel", CHECK_WARNING,
                     "as 'pair'|redis-cli -h 10.0.0.9 -p 26379 SENTINEL FAILOVER pair;");
    add_replica(rig.pair.source, "10.0.0.3", 6379);
    check_rig_expect(&rig, "sentinel", CHECK_ERROR,
                     "the source as 'pair', and may promote the one");
    assert_string_equal(rig.result.remedy, ""); /* its clients ask it where the source is */
    add_replica(rig.pair.source, "10.0.0.4", 6379);
    check_rig_expect(&rig, "sentinel", CHECK_ERROR, "may promote one of its other replicas");
}

static void sentinel_at_a_target_with_replicas_is_to_be_removed(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    hear(&rig.facts[SIDE_TARGET], "new");
    check_rig_expect(&rig, "sentinel", CHECK_WARNING, "after the target as 'new'|leave it alone");
    add_replica(rig.pair.source, "10.0.0.3", 6379); /* nobody watches that one */
    check_rig_expect(&rig, "sentinel", CHECK_WARNING, "the target");
    add_replica(rig.pair.target, "10.0.0.4", 6379);
    check_rig_expect(&rig, "sentinel", CHECK_ERROR, "after the target as 'new'|would fight");
    assert_string_equal(rig.result.remedy, "redis-cli -h 10.0.0.9 -p 26379 SENTINEL REMOVE new");
    rig.facts[SIDE_SOURCE].sentinels = YES;
    check_rig_expect(&rig, "sentinel", CHECK_ERROR, "after the source");
    rig.pair.source->connected_replicas = rig.pair.source->n_replicas = 0;
    check_rig_expect(&rig, "sentinel", CHECK_ERROR, "after the target");
    assert_string_equal(rig.result.remedy, "redis-cli -h 10.0.0.9 -p 26379 SENTINEL REMOVE new");
}

static void the_sources_replicas_are_those_but_the_target(void **state)
{
    struct check_rig rig;
    char ip[20];

    (void)state;
    check_rig_init(&rig);
    add_replica(rig.pair.source, "10.0.0.2", 6379);
    check_rig_expect(&rig, "source-replicas", CHECK_OK, "");
    add_replica(rig.pair.source, "10.0.0.3", 6380);
    check_rig_expect(&rig, "source-replicas", CHECK_NOTICE,
                     "1 other replica, pointed to the target");
    assert_string_equal(rig.result.value[SIDE_SOURCE], "10.0.0.3:6380");
    rig.pair.spec.cutover.reverse = false;
    check_rig_expect(&rig, "source-replicas", CHECK_NOTICE,
                     "1 other replica, pointed to the target");
    rig.pair.spec.source.leave_replicas = true;
    check_rig_expect(&rig, "source-replicas", CHECK_WARNING,
                     "1 other replica, which|on a dead end");
    rig.pair.spec.cutover.reverse = true;
    check_rig_expect(&rig, "source-replicas", CHECK_NOTICE, "1 other replica, which|through it");
    rig.pair.spec.source.leave_replicas = false;
    for (int i = 0; i < 20; i++) {
        snprintf(ip, sizeof(ip), "192.168.100.1%02d", i);
        add_replica(rig.pair.source, ip, 65535);
    }
    check_rig_expect(&rig, "source-replicas", CHECK_WARNING, "21 replicas|16 are looked after");
    assert_int_equal(strncmp(rig.result.value[SIDE_SOURCE], "10.0.0.3:6380, 192", 18), 0);
}

static void the_targets_replicas_are_told(void **state)
{
    struct endpoint named[] = {{.host = "10.0.0.4", .port = 6380},
                               {.host = "10.0.0.5", .port = 6380}};
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    check_rig_expect(&rig, "target-replicas", CHECK_OK, "");
    add_replica(rig.pair.target, "10.0.0.3", 6380);
    check_rig_expect(&rig, "target-replicas", CHECK_NOTICE, "1 replica,");
    add_replica(rig.pair.target, "10.0.0.4", 6380);
    check_rig_expect(&rig, "target-replicas", CHECK_NOTICE, "2 replicas,");
    assert_string_equal(rig.result.value[SIDE_TARGET], "10.0.0.3:6380, 10.0.0.4:6380");
    rig.pair.spec.target.replicas = named;
    rig.pair.spec.target.n_replicas = 1;
    check_rig_expect(&rig, "target-replicas", CHECK_NOTICE, "2 replicas,");
    rig.pair.spec.target.n_replicas = 2;
    check_rig_expect(&rig, "target-replicas", CHECK_WARNING, "'10.0.0.5:6380'");
}

static void what_is_not_data_is_compared(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    check_rig_expect(&rig, "not-replicated", CHECK_OK, "");
    str_copy(rig.pair.source->maxmemory_policy, 24, "allkeys-lru");
    str_copy(rig.pair.target->maxmemory_policy, 24, "noeviction");
    rig.pair.target->aof_enabled = true;
    rig.pair.seen.node[SIDE_TARGET].survey.saves = false;
    check_rig_expect(&rig, "not-replicated", CHECK_NOTICE,
                     "source and target differ: maxmemory-policy, appendonly, save");
    assert_string_equal(rig.result.value[SIDE_SOURCE],
                        "maxmemory-policy allkeys-lru, appendonly no, save on");
    assert_string_equal(rig.result.value[SIDE_TARGET],
                        "maxmemory-policy noeviction, appendonly yes, save off");
    rig.pair.seen.node[SIDE_TARGET].survey.known = false;
    check_rig_expect(&rig, "not-replicated", CHECK_NOTICE, "differ: maxmemory-policy, appendonly");
    assert_null(strstr(rig.result.message, "save"));
    check_rig_init(&rig);
    rig.pair.source->maxmemory = UINT64_C(1) << 30;
    check_rig_expect(&rig, "not-replicated", CHECK_NOTICE, "differ: maxmemory");
    assert_string_equal(rig.result.value[SIDE_SOURCE], "maxmemory 1.0 GiB");
    assert_string_equal(rig.result.value[SIDE_TARGET], "maxmemory none");
    rig.facts[SIDE_SOURCE].keyspace_events_known = true;
    str_copy(rig.facts[SIDE_SOURCE].keyspace_events, 24, "Ex");
    rig.pair.source->maxmemory = 0;
    check_rig_expect(&rig, "not-replicated", CHECK_OK, "");
    rig.facts[SIDE_TARGET].keyspace_events_known = true;
    check_rig_expect(&rig, "not-replicated", CHECK_NOTICE, "notify-keyspace-events");
    assert_string_equal(rig.result.value[SIDE_SOURCE], "notify-keyspace-events Ex");
}

static void know_users(struct check_rig *rig, enum node_side side, const char *users)
{
    rig->facts[side].users_known = true;
    str_copy(rig->facts[side].users, sizeof(rig->facts[side].users), users);
}

static void users_are_compared_where_both_may_be_asked(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.pair.spec.source.auth.username = (char *)"ecm";
    check_rig_expect(&rig, "not-replicated", CHECK_NOTICE, "the source has users");
    know_users(&rig, SIDE_SOURCE, "app ecm appl shop");
    check_rig_expect(&rig, "not-replicated", CHECK_OK, "");
    know_users(&rig, SIDE_TARGET, "appl other");
    check_rig_expect(&rig, "not-replicated", CHECK_NOTICE, "no such user at the target: app, shop");
    rig.pair.target->aof_enabled = true;
    check_rig_expect(&rig, "not-replicated", CHECK_NOTICE,
                     "app, shop; source and target differ: app");
    know_users(&rig, SIDE_SOURCE, "a-user-with-a-very-long-name-of-44-characters bob carl");
    check_rig_expect(&rig, "not-replicated", CHECK_NOTICE, "characters and 2 more; source");
    know_users(&rig, SIDE_SOURCE, "app appl shop");
    know_users(&rig, SIDE_TARGET, "shop app appl");
    rig.pair.target->aof_enabled = false;
    check_rig_expect(&rig, "not-replicated", CHECK_OK, "");
}

static void what_is_not_known_fails_nobody(void **state)
{
    static const char *const codes[] = {"sentinel", "source-replicas", "target-replicas",
                                        "not-replicated"};
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    for (int side = 0; side < SIDE_MAX; side++) {
        rig.pair.seen.node[side].facts = NULL;
        rig.pair.seen.node[side].survey.known = false;
    }
    for (size_t i = 0; i < array_len(codes); i++)
        check_rig_expect(&rig, codes[i], CHECK_OK, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentinel_is_worse_where_it_has_somebody_to_promote),
        cmocka_unit_test(sentinel_at_a_target_with_replicas_is_to_be_removed),
        cmocka_unit_test(the_sources_replicas_are_those_but_the_target),
        cmocka_unit_test(the_targets_replicas_are_told),
        cmocka_unit_test(what_is_not_data_is_compared),
        cmocka_unit_test(users_are_compared_where_both_may_be_asked),
        cmocka_unit_test(what_is_not_known_fails_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
