/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of which servers they are, how they stand, and whose they are. */
#include <string.h>

#include "lib/base/base.h"
#include "tests/unit/check_rig.h"
#include "tests/unit/fixture.h"

static void foreign_products_replicate_in_their_own_way_or_not_at_all(void **state)
{
    static const struct {
        const char *source, *target;
        enum check_severity severity;
        const char *words;
    } rows[] = {
        {"redis", "valkey", CHECK_OK, ""},
        {"redict", "redis", CHECK_OK, ""},
        {"redis", "dragonfly", CHECK_WARNING, "the target is dragonfly"},
        {"dragonfly", "redis", CHECK_ERROR, "the source is dragonfly"},
        {"dragonfly", "dragonfly", CHECK_ERROR, "the source is dragonfly"},
        {"keydb", "redis", CHECK_WARNING, "the source is keydb"},
        {"redis", "keydb", CHECK_WARNING, "the target is keydb"},
        {"garnet", "redis", CHECK_ERROR, "the source is garnet"},
        {"redis", "garnet", CHECK_ERROR, "the target is garnet, which does not replicate"},
        {"kvrocks", "redis", CHECK_ERROR, "the source is kvrocks"},
        {"valkey", "kvrocks", CHECK_ERROR, "the target is kvrocks"},
        {"keydb", "kvrocks", CHECK_ERROR, "the target is kvrocks"},
        {"unheard-of", "", CHECK_OK, ""},
    };
    struct check_rig rig;

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        check_rig_init(&rig);
        check_rig_version(&rig, SIDE_SOURCE, rows[i].source, 10203, 70000);
        check_rig_version(&rig, SIDE_TARGET, rows[i].target, 10203, 70000);
        check_rig_expect(&rig, "foreign-server", rows[i].severity, rows[i].words);
    }
    assert_string_equal(rig.result.value[SIDE_SOURCE], "unheard-of 1.2.3");
}

static void one_server_has_one_run_id(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    check_rig_expect(&rig, "same-node", CHECK_OK, "");
    str_copy(rig.pair.target->run_id, sizeof(rig.pair.target->run_id), rig.pair.source->run_id);
    check_rig_expect(&rig, "same-node", CHECK_ERROR, "source-process");
    rig.pair.source->run_id[0] = rig.pair.target->run_id[0] = '\0'; /* both are hidden */
    check_rig_expect(&rig, "same-node", CHECK_OK, "");
}

static void source_follows(struct check_rig *rig, const char *host, const char *replid)
{
    struct redis_info *s = rig->pair.source;

    s->role = REDIS_ROLE_REPLICA;
    s->link_up = true;
    str_copy(s->master_host, sizeof(s->master_host), host);
    s->master_port = 6379;
    str_copy(s->replid, sizeof(s->replid), replid);
}

static void a_loop_shows_by_the_replication_id(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    source_follows(&rig, "10.0.0.2", OTHER_HISTORY);
    check_rig_expect(&rig, "loop", CHECK_ERROR, "the source is a replica of the target");
    check_rig_expect(&rig, "source-is-replica", CHECK_OK, "");
    source_follows(&rig, "10.0.0.9", OTHER_HISTORY);
    check_rig_expect(&rig, "loop", CHECK_ERROR, "'10.0.0.9:6379'|follows the target");
    check_rig_expect(&rig, "source-is-replica", CHECK_OK, "");
    source_follows(&rig, "10.0.0.9", OLD_HISTORY);
    check_rig_expect(&rig, "loop", CHECK_OK, "");
    check_rig_expect(&rig, "source-is-replica", CHECK_WARNING, "'10.0.0.9:6379'");
    source_follows(&rig, "10.0.0.9", "");
    rig.pair.target->replid[0] = '\0';
    check_rig_expect(&rig, "loop", CHECK_OK, "");
    str_copy(rig.pair.target->replid, 41, OTHER_HISTORY);
    source_follows(&rig, "10.0.0.9", OTHER_HISTORY);
    rig.pair.target->role = REDIS_ROLE_REPLICA; /* both follow one primary */
    check_rig_expect(&rig, "loop", CHECK_OK, "");
}

static void a_broken_chain_is_told_with_its_end(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    check_rig_expect(&rig, "source-link-down", CHECK_OK, "");
    source_follows(&rig, "10.0.0.9", OLD_HISTORY);
    check_rig_expect(&rig, "source-link-down", CHECK_OK, "");
    rig.pair.source->link_up = false;
    check_rig_expect(&rig, "source-link-down", CHECK_ERROR, "10.0.0.9:6379");
    assert_non_null(strstr(rig.result.value[SIDE_SOURCE], "link down"));
}

static void loading_is_told_with_how_far_it_is(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    check_rig_expect(&rig, "source-loading", CHECK_OK, "");
    check_rig_expect(&rig, "target-loading", CHECK_OK, "");
    rig.pair.source->loading = rig.pair.target->loading = true;
    rig.pair.source->loading_percent = 12.4;
    check_rig_expect(&rig, "source-loading", CHECK_ERROR, "12 %");
    check_rig_expect(&rig, "target-loading", CHECK_ERROR, "0 %");
    rig.pair.target->role = REDIS_ROLE_REPLICA; /* it fills up from our source */
    check_rig_expect(&rig, "target-loading", CHECK_OK, "");
}

static void a_target_has_to_be_alone_and_empty(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    check_rig_expect(&rig, "target-not-empty", CHECK_OK, "");
    check_rig_expect(&rig, "target-is-replica", CHECK_OK, "");
    rig.pair.target->keys = 7;
    rig.pair.target->databases = 2;
    check_rig_expect(&rig, "target-not-empty", CHECK_ERROR, "7 keys in 2 databases");
    assert_string_equal(rig.result.value[SIDE_SOURCE], "100 keys");
    assert_string_equal(rig.result.remedy, ""); /* nobody is to paste a FLUSHALL */
    rig.pair.spec.target.allow_flush = true;
    check_rig_expect(&rig, "target-not-empty", CHECK_OK, "");
    rig.pair.spec.target.allow_flush = false;
    rig.pair.target->role = REDIS_ROLE_REPLICA; /* of the source */
    check_rig_expect(&rig, "target-not-empty", CHECK_OK, "");
    check_rig_expect(&rig, "target-is-replica", CHECK_OK, "");
    rig.pair.target->master_port = 6380;
    check_rig_expect(&rig, "target-is-replica", CHECK_ERROR, "'10.0.0.1:6380'");
    assert_string_equal(rig.result.remedy, "redis-cli -h 10.0.0.2 -p 6379 REPLICAOF NO ONE");
}

static void nodes_have_one_owner(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    check_rig_expect(&rig, "node-taken", CHECK_OK, "");
    check_rig_expect(&rig, "another-daemon", CHECK_OK, "");
    check_rig_expect(&rig, "already-switched", CHECK_OK, "");
    str_copy(rig.pair.seen.rival, sizeof(rig.pair.seen.rival), "other");
    check_rig_expect(&rig, "node-taken", CHECK_ERROR, "'other'|to this target");
    rig.pair.seen.rival_migrates_from = true;
    check_rig_expect(&rig, "node-taken", CHECK_ERROR, "from this target");
    str_copy(rig.pair.seen.node[SIDE_TARGET].survey.stranger, 8, "'them'");
    check_rig_expect(&rig, "another-daemon", CHECK_ERROR, "the target|'them'");
    str_copy(rig.pair.seen.node[SIDE_SOURCE].survey.stranger, 8, "'they'");
    check_rig_expect(&rig, "another-daemon", CHECK_ERROR, "the source|'they'");
    rig.pair.seen.took_over_ms = 1000;
    check_rig_expect(&rig, "already-switched", CHECK_ERROR, "1970-01-01T00:00:01");
    rig.pair.run.again = true;
    check_rig_expect(&rig, "already-switched", CHECK_OK, "");
}

/* As a job file does it. */
static void waive(struct spec *spec, const char *code)
{
    static unsigned waived[1];

    waived[0] = 0;
    spec->checks.waived = waived;
    spec->checks.n_waived = 1;
    while (!spec_waives(spec, code))
        spec->checks.waived[0]++;
}

static void what_time_cannot_cure_is_told_first_and_a_waived_one_not_at_all(void **state)
{
    struct check_result result;
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    assert_true(check_run(&rig.pair.spec, &rig.pair.run, &rig.pair.seen, &result));
    source_follows(&rig, "10.0.0.9", OLD_HISTORY);
    rig.pair.source->link_up = false;
    pair_rig_relate(&rig.pair);
    assert_false(check_run(&rig.pair.spec, &rig.pair.run, &rig.pair.seen, &result));
    assert_int_equal(result.id, REASON_SOURCE_LINK_DOWN);
    rig.pair.target->keys = 7;
    assert_false(check_run(&rig.pair.spec, &rig.pair.run, &rig.pair.seen, &result));
    assert_int_equal(result.id, REASON_TARGET_NOT_EMPTY);
    rig.pair.target->keys = 0;
    waive(&rig.pair.spec, "source-link-down");
    assert_true(check_run(&rig.pair.spec, &rig.pair.run, &rig.pair.seen, &result));
    check_rig_expect(&rig, "source-link-down", CHECK_ERROR, "");
    assert_true(rig.result.waived && !check_blocks(&rig.result));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_products_replicate_in_their_own_way_or_not_at_all),
        cmocka_unit_test(one_server_has_one_run_id),
        cmocka_unit_test(a_loop_shows_by_the_replication_id),
        cmocka_unit_test(a_broken_chain_is_told_with_its_end),
        cmocka_unit_test(loading_is_told_with_how_far_it_is),
        cmocka_unit_test(a_target_has_to_be_alone_and_empty),
        cmocka_unit_test(nodes_have_one_owner),
        cmocka_unit_test(what_time_cannot_cure_is_told_first_and_a_waived_one_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
