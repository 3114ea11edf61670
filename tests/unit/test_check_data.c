/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of whether each node can take in what the other has. */
#include <string.h>

#include "lib/base/base.h"
#include "tests/unit/check_rig.h"
#include "tests/unit/fixture.h"

static void pair_of(struct check_rig *rig, const char *source, unsigned s, const char *target,
                    unsigned t)
{
    check_rig_init(rig);
    check_rig_version(rig, SIDE_SOURCE, source, s, strcmp(source, "redis") == 0 ? s : 70204);
    check_rig_version(rig, SIDE_TARGET, target, t, strcmp(target, "redis") == 0 ? t : 70204);
}

static void a_dump_has_to_be_readable(void **state)
{
    struct check_rig rig;

    (void)state;
    pair_of(&rig, "redis", 60016, "valkey", 90102);
    check_rig_expect(&rig, "rdb-version", CHECK_OK, "");
    assert_string_equal(rig.result.value[SIDE_SOURCE], "redis 6.0.16");
    assert_string_equal(rig.result.value[SIDE_TARGET], "valkey 9.1.2");
    pair_of(&rig, "redis", 80002, "valkey", 80101);
    check_rig_expect(&rig, "rdb-version", CHECK_ERROR,
                     "valkey 8.1.1 cannot read the dump of redis 8.0.2");
    pair_of(&rig, "redis", 80002, "valkey", 90102);
    check_rig_expect(&rig, "rdb-version", CHECK_NOTICE, "relaxed");
    rig.facts[SIDE_TARGET].version_check_relaxed = NO;
    check_rig_expect(&rig, "rdb-version", CHECK_NOTICE, "relaxed");
    rig.facts[SIDE_TARGET].version_check_relaxed = YES;
    check_rig_expect(&rig, "rdb-version", CHECK_OK, "");
    pair_of(&rig, "redis", 80002, "dragonfly", 12000);
    check_rig_expect(&rig, "rdb-version", CHECK_NOTICE, "not known");
    pair_of(&rig, "redis", 70015, "keydb", 60304);
    check_rig_expect(&rig, "rdb-version", CHECK_ERROR, "keydb 6.3.4");
}

static void fields_with_an_expiry_go_to_their_own_product_only(void **state)
{
    static const struct {
        const char *source;
        unsigned s;
        const char *target;
        unsigned t;
        bool taken;
    } rows[] = {
        {"redis", 80002, "redis", 80002, true},    {"redis", 80002, "redis", 70400, true},
        {"redis", 80002, "redis", 70200, false},   {"redis", 80002, "redict", 70306, false},
        {"redis", 80002, "valkey", 90102, false},  {"valkey", 90102, "valkey", 90000, true},
        {"valkey", 90102, "valkey", 80101, false}, {"valkey", 90102, "redis", 80002, false},
        {"redis", 70200, "redis", 60000, true}, /* there can be none */
    };
    struct check_rig rig;

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        pair_of(&rig, rows[i].source, rows[i].s, rows[i].target, rows[i].t);
        check_rig_expect(&rig, "field-ttl", CHECK_OK, "");
        rig.pair.source->field_ttls = 3;
        check_rig_expect(&rig, "field-ttl", rows[i].taken ? CHECK_OK : CHECK_ERROR,
                         rows[i].taken ? "" : "3 hashes");
    }
}

static void a_hash_that_had_them_may_be_in_their_form(void **state)
{
    struct check_rig rig;

    (void)state;
    pair_of(&rig, "redis", 80002, "valkey", 90102);
    check_rig_command(&rig, SIDE_SOURCE, "hpersist", true, true); /* gives none */
    check_rig_expect(&rig, "field-ttl", CHECK_OK, "");
    check_rig_command(&rig, SIDE_SOURCE, "hgetex", true, true);
    check_rig_expect(&rig, "field-ttl", CHECK_WARNING, "may keep a form that valkey 9.1.2");
    check_rig_version(&rig, SIDE_TARGET, "redis", 80002, 80002);
    check_rig_expect(&rig, "field-ttl", CHECK_OK, "");
    pair_of(&rig, "valkey", 90102, "valkey", 80101); /* which changes the form back */
    check_rig_command(&rig, SIDE_SOURCE, "hexpire", true, true);
    check_rig_expect(&rig, "field-ttl", CHECK_OK, "");
}

static void sample(struct check_rig *rig, int64_t keys, int64_t found)
{
    rig->facts[SIDE_SOURCE].sampled = true;
    rig->facts[SIDE_SOURCE].sample_keys = keys;
    rig->facts[SIDE_SOURCE].sample_vector_sets = found;
    str_copy(rig->facts[SIDE_SOURCE].sample_key, 64, found ? "points" : "");
}

static void vector_sets_are_looked_for_where_the_target_does_not_know_them(void **state)
{
    struct check_rig rig;

    (void)state;
    pair_of(&rig, "redis", 80002, "redict", 70306);
    sample(&rig, 50, 1);
    check_rig_expect(&rig, "vector-sets", CHECK_OK, "");
    check_rig_command(&rig, SIDE_TARGET, "vadd", false, false);
    check_rig_expect(&rig, "vector-sets", CHECK_ERROR, "among 50 keys|1 are vector sets|'points'");
    sample(&rig, 99, 0);
    check_rig_expect(&rig, "vector-sets", CHECK_NOTICE, "none is among 99 keys|of 100");
    sample(&rig, 100, 0);
    check_rig_expect(&rig, "vector-sets", CHECK_OK, "");
    rig.facts[SIDE_SOURCE].sampled = false;
    check_rig_expect(&rig, "vector-sets", CHECK_NOTICE, "is not known");
    assert_string_equal(
        rig.result.remedy,
        "redis-cli -h 10.0.0.1 -p 6379 ACL SETUSER default '+select' '+dbsize' '+scan'");
    check_rig_command(&rig, SIDE_SOURCE, "vadd", false, false);
    check_rig_expect(&rig, "vector-sets", CHECK_OK, "");
}

static void the_way_back_lacks_what_the_old_source_does_not_know(void **state)
{
    struct check_rig rig;

    (void)state;
    pair_of(&rig, "redis", 70015, "redis", 70015);
    check_rig_expect(&rig, "one-way", CHECK_OK, "");
    check_rig_command(&rig, SIDE_SOURCE, "hexpire", false, false);
    check_rig_expect(&rig, "one-way", CHECK_NOTICE, "drops: hexpire");
    pair_of(&rig, "redis", 70015, "redis", 80002);
    check_rig_expect(&rig, "one-way", CHECK_WARNING, "no full copy can go back to the source");
    check_rig_command(&rig, SIDE_SOURCE, "hexpire", false, false);
    check_rig_expect(&rig, "one-way", CHECK_WARNING,
                     "no full copy|; on the way back|drops: hexpire");
    rig.pair.spec.cutover.reverse = false;
    check_rig_expect(&rig, "one-way", CHECK_OK, "");
    pair_of(&rig, "redis", 60016, "redis", 60200);
    check_rig_expect(&rig, "one-way", CHECK_WARNING, "SET with EX or PX");
    pair_of(&rig, "redis", 60016, "redis", 60199);
    check_rig_expect(&rig, "one-way", CHECK_OK, "");
    pair_of(&rig, "redis", 60200, "redis", 60200);
    check_rig_expect(&rig, "one-way", CHECK_OK, "");
}

static void valkey_as_the_old_source_reads_back_when_told_to(void **state)
{
    struct check_rig rig;

    (void)state;
    pair_of(&rig, "valkey", 90102, "redis", 80002);
    check_rig_expect(&rig, "one-way", CHECK_WARNING, "no full copy");
    assert_string_equal(rig.result.remedy,
                        "redis-cli -h 10.0.0.1 -p 6379 CONFIG SET rdb-version-check relaxed");
    rig.facts[SIDE_SOURCE].version_check_relaxed = YES;
    check_rig_expect(&rig, "one-way", CHECK_OK, "");
}

/* Each message has its place in the store and in an event. */
static void of_many_commands_some_are_named(void **state)
{
    struct check_rig rig;

    (void)state;
    pair_of(&rig, "redis", 60016, "redis", 80002);
    for (size_t i = 0; i < WRITE_COMMANDS; i++)
        rig.facts[SIDE_SOURCE].has_command[i] = false;
    check_rig_expect(&rig, "one-way", CHECK_WARNING, "SET with EX or PX, append, |, bitop| and 1");
    assert_true(strlen(rig.result.message) < sizeof(rig.result.message) - 1);
    assert_string_equal(rig.result.message + strlen(rig.result.message) - 5, " more");
    for (size_t i = 0; i < WRITE_COMMANDS; i++) {
        rig.facts[SIDE_SOURCE].has_command[i] = rig.facts[SIDE_SOURCE].used_command[i] = true;
        rig.facts[SIDE_TARGET].has_command[i] = false;
    }
    check_rig_expect(&rig, "commands-missing", CHECK_ERROR, "append, bitfield| more");
    assert_string_equal(rig.result.message + strlen(rig.result.message) - 5, " more");
}

static void modules_go_by_their_names(void **state)
{
    static const struct {
        const char *source, *target, *lacking; /* "": none */
    } rows[] = {
        {"", "", ""},
        {"", "bf", ""},
        {"bf", "bf", ""},
        {"bf", "BF", ""},
        {"bf", "", "bf"},
        {"bf,search", "search", "bf"},
        {"bf,search,ReJSON", "bfx,earch", "bf, search, ReJSON"},
        {"vectorset", "", ""}, /* part of Redis 8; its keys have a check of their own */
        {"lua", "", ""},
        {"luax,vectorsets", "lua,vectorset", "luax, vectorsets"},
    };
    struct check_rig rig;

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        check_rig_init(&rig);
        str_copy(rig.pair.source->modules, 128, rows[i].source);
        str_copy(rig.pair.target->modules, 128, rows[i].target);
        check_rig_expect(&rig, "modules-missing", rows[i].lacking[0] ? CHECK_ERROR : CHECK_OK,
                         rows[i].lacking);
        assert_string_equal(rig.result.value[SIDE_SOURCE], rows[i].source);
    }
}

static void commands_that_are_used_count_more(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    check_rig_command(&rig, SIDE_SOURCE, "incr", true, true);
    check_rig_expect(&rig, "commands-missing", CHECK_OK, "");
    check_rig_command(&rig, SIDE_TARGET, "incr", false, false);
    check_rig_expect(&rig, "commands-missing", CHECK_ERROR, "in use at the source|target: incr");
    check_rig_command(&rig, SIDE_SOURCE, "incr", true, false);
    check_rig_expect(&rig, "commands-missing", CHECK_WARNING, "not in use|target: incr");
    check_rig_command(&rig, SIDE_SOURCE, "incr", false, true); /* by another name, at both */
    check_rig_expect(&rig, "commands-missing", CHECK_OK, "");
    check_rig_command(&rig, SIDE_TARGET, "incr", true, false);
    check_rig_expect(&rig, "commands-missing", CHECK_ERROR, "under another name|know: incr");
    check_rig_command(&rig, SIDE_SOURCE, "incr", false, false); /* disabled */
    check_rig_expect(&rig, "commands-missing", CHECK_OK, "");
}

static void commands_that_could_not_be_asked_for_are_a_notice(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.facts[SIDE_TARGET].commands_known = false;
    rig.pair.spec.target.auth.username = (char *)"eve";
    check_rig_expect(&rig, "commands-missing", CHECK_NOTICE, "could not be asked");
    assert_string_equal(rig.result.remedy,
                        "redis-cli -h 10.0.0.2 -p 6379 ACL SETUSER eve '+command|info'");
    rig.facts[SIDE_TARGET].known = false;
    check_rig_expect(&rig, "commands-missing", CHECK_OK, "");
}

static void databases_are_counted_from_zero(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.pair.source->last_database = 15;
    check_rig_expect(&rig, "databases-too-few", CHECK_OK, "");
    assert_string_equal(rig.result.value[SIDE_SOURCE], "16, with keys up to database 15");
    rig.facts[SIDE_TARGET].databases = 15;
    check_rig_expect(&rig, "databases-too-few", CHECK_ERROR, "keys in database 15|has 15");
    rig.pair.source->last_database = 14;
    check_rig_expect(&rig, "databases-too-few", CHECK_WARNING, "has 16 databases, the target 15");
    rig.pair.source->last_database = -1;
    check_rig_expect(&rig, "databases-too-few", CHECK_WARNING, "");
    assert_string_equal(rig.result.value[SIDE_SOURCE], "16");
    rig.facts[SIDE_SOURCE].databases = -1;
    check_rig_expect(&rig, "databases-too-few", CHECK_OK, "");
    rig.pair.source->last_database = 15;
    check_rig_expect(&rig, "databases-too-few", CHECK_ERROR, "");
    rig.facts[SIDE_TARGET].databases = 100;
    check_rig_expect(&rig, "databases-too-few", CHECK_OK, "");
}

static void what_is_not_known_fails_nobody(void **state)
{
    static const char *const codes[] = {"field-ttl",       "vector-sets",      "one-way",
                                        "modules-missing", "commands-missing", "databases-too-few"};
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    for (int side = 0; side < SIDE_MAX; side++) {
        rig.pair.seen.node[side].facts = NULL;
        check_rig_version(&rig, (enum node_side)side, "", 0, 0);
    }
    rig.pair.source->last_database = 100;
    for (size_t i = 0; i < array_len(codes); i++)
        check_rig_expect(&rig, codes[i], CHECK_OK, "");
    check_rig_expect(&rig, "rdb-version", CHECK_NOTICE, "not known");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dump_has_to_be_readable),
        cmocka_unit_test(fields_with_an_expiry_go_to_their_own_product_only),
        cmocka_unit_test(a_hash_that_had_them_may_be_in_their_form),
        cmocka_unit_test(vector_sets_are_looked_for_where_the_target_does_not_know_them),
        cmocka_unit_test(the_way_back_lacks_what_the_old_source_does_not_know),
        cmocka_unit_test(valkey_as_the_old_source_reads_back_when_told_to),
        cmocka_unit_test(of_many_commands_some_are_named),
        cmocka_unit_test(modules_go_by_their_names),
        cmocka_unit_test(commands_that_are_used_count_more),
        cmocka_unit_test(commands_that_could_not_be_asked_for_are_a_notice),
        cmocka_unit_test(databases_are_counted_from_zero),
        cmocka_unit_test(what_is_not_known_fails_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
