/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of settings: whom they apply to, and the values they want. */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/setting.h"
#include "tests/unit/fixture.h"

#define MIB (1ll << 20)

struct rig {
    struct setting_facts facts;
    struct redis_info source, target, primary;
};

static void rig_init(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    r->facts.tune = r->facts.reverse = true;
    r->facts.info[SIDE_SOURCE] = &r->source;
    r->facts.info[SIDE_TARGET] = &r->target;
    r->facts.info[SIDE_PRIMARY] = &r->primary;
    r->source.redis_compat_num = r->target.redis_compat_num = 70200;
    r->source.total_system_memory = r->target.total_system_memory = 4096 * MIB;
}

/* What a row wants where the node has current; expected NULL: it is left. ret_why may be NULL. */
static void expect_want(const struct rig *r, enum node_side side, const char *name,
                        const char *current, const char *expected, const char **ret_why)
{
    const struct setting_row *row = setting_row_of(side, name);
    const char *why = NULL;
    char *value;

    assert_non_null(row);
    value = row->want(&r->facts, current, &why);
    if (expected && !value)
        fail_msg("%s stays '%s', not '%s'", name, current, expected);
    else if (expected)
        assert_string_equal(value, expected);
    else
        assert_null(value);
    free(value);
    if (ret_why)
        *ret_why = why;
}

/* --- the backlog --- */

static void expect_backlog(const struct rig *r, long long current, long long expected)
{
    char *now = xasprintf("%lld", current);
    char *wanted = expected ? xasprintf("%lld", expected) : NULL;

    expect_want(r, SIDE_SOURCE, "repl-backlog-size", now, wanted, NULL);
    free(now);
    free(wanted);
}

static void a_backlog_takes_a_quarter_of_what_is_free(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    expect_backlog(&r, MIB, 64 * MIB);
    r.source.maxmemory = 100 * MIB;
    r.source.used_memory = 20 * MIB;
    expect_backlog(&r, MIB, 21 * MIB); /* 80 are free */
    expect_backlog(&r, 20 * MIB, 40 * MIB);
    r.source.not_counted_for_evict = 12 * MIB;
    expect_backlog(&r, MIB, 24 * MIB);
    r.source.maxmemory = 0;
    r.source.total_system_memory = 60 * MIB;
    expect_backlog(&r, MIB, 11 * MIB);
    r.source.maxmemory = 1000 * MIB; /* which the host has not got */
    expect_backlog(&r, MIB, 11 * MIB);
    expect_backlog(&r, MIB + 5, 11 * MIB); /* whole MiB */
}

static void a_backlog_is_left_where_it_is_large_or_nothing_is_free(void **state)
{
    const char *why;
    struct rig r;

    (void)state;
    rig_init(&r);
    expect_want(&r, SIDE_SOURCE, "repl-backlog-size", "67108864", NULL, &why);
    assert_null(why);
    expect_want(&r, SIDE_SOURCE, "repl-backlog-size", "268435456", NULL, &why);
    assert_null(why);
    r.source.used_memory = 4096 * MIB;
    expect_want(&r, SIDE_SOURCE, "repl-backlog-size", "1048576", NULL, &why);
    assert_non_null(strstr(why, "no memory to spare"));
    r.source.used_memory = UINT64_MAX; /* more than there is: nothing is free, and nothing breaks */
    expect_backlog(&r, MIB, 0);
    r.source.used_memory = 0;
    r.facts.tune = false;
    expect_backlog(&r, MIB, 0);
}

/* The way back needs a backlog at the target, by its own memory, whatever sync.tune says. */
static void the_way_back_raises_the_targets_backlog(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    r.facts.tune = false;
    r.target.maxmemory = 40 * MIB;
    expect_want(&r, SIDE_TARGET, "repl-backlog-size", "1048576", "11534336", NULL);
    r.facts.reverse = false;
    expect_want(&r, SIDE_TARGET, "repl-backlog-size", "1048576", NULL, NULL);
    r.target.connected_replicas = 1; /* its own come back, too */
    expect_want(&r, SIDE_TARGET, "repl-backlog-size", "1048576", "11534336", NULL);
    r.target.connected_replicas = 0;
    r.source.connected_replicas = 2; /* and the source's, but for the target */
    expect_want(&r, SIDE_TARGET, "repl-backlog-size", "1048576", NULL, NULL);
    r.facts.follow = true;
    expect_want(&r, SIDE_TARGET, "repl-backlog-size", "1048576", "11534336", NULL);
    r.source.connected_replicas = 1;
    expect_want(&r, SIDE_TARGET, "repl-backlog-size", "1048576", NULL, NULL);
}

/* --- TLS --- */

static void tls_is_spoken_as_the_other_does(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r); /* nobody knows: it is left */
    expect_want(&r, SIDE_TARGET, "tls-replication", "yes", NULL, NULL);
    expect_want(&r, SIDE_SOURCE, "tls-replication", "no", NULL, NULL);
    r.facts.tls[SIDE_SOURCE] = YES;
    r.facts.tls[SIDE_TARGET] = NO;
    expect_want(&r, SIDE_TARGET, "tls-replication", "no", "yes", NULL);
    expect_want(&r, SIDE_SOURCE, "tls-replication", "yes", "no", NULL);
    /* A server without TLS knows no such setting, and does not need it to speak plain. */
    expect_want(&r, SIDE_TARGET, "tls-replication", "", "yes", NULL);
    expect_want(&r, SIDE_SOURCE, "tls-replication", "", NULL, NULL);
    r.facts.reverse = false;
    expect_want(&r, SIDE_SOURCE, "tls-replication", "yes", NULL, NULL);
    assert_int_equal(setting_row_of(SIDE_TARGET, "tls-replication")->scope, SCOPE_RUN);
    assert_int_equal(setting_row_of(SIDE_SOURCE, "tls-replication")->scope, SCOPE_LINK);
}

/* --- the output buffer --- */

#define BUFFER "client-output-buffer-limit"

static void an_output_buffer_is_raised_for_replicas_only(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    r.source.total_system_memory = 16384 * MIB;
    expect_want(&r, SIDE_SOURCE, BUFFER,
                "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
                "normal 0 0 0 slave 1073741824 1073741824 60 pubsub 33554432 8388608 60", NULL);
    expect_want(&r, SIDE_SOURCE, BUFFER, "normal 1 2 3 replica 5 0 7",
                "normal 1 2 3 replica 1073741824 0 7", NULL);
    expect_want(&r, SIDE_SOURCE, BUFFER, "slave 0 67108864 60 normal 0 0 0",
                "slave 0 1073741824 60 normal 0 0 0", NULL);
    expect_want(&r, SIDE_SOURCE, BUFFER, "slave 2147483648 67108864 60",
                "slave 2147483648 1073741824 60", NULL);
}

static void an_output_buffer_is_bounded_by_the_host(void **state)
{
    const char *why;
    struct rig r;

    (void)state;
    rig_init(&r);
    r.source.total_system_memory = 2048 * MIB;
    r.source.used_memory = 48 * MIB;
    expect_want(&r, SIDE_SOURCE, BUFFER, "slave 268435456 67108864 60",
                "slave 524288000 524288000 60", &why); /* 500 MiB */
    r.source.used_memory = 1024 * MIB;
    expect_want(&r, SIDE_SOURCE, BUFFER, "slave 268435456 268435456 60", NULL, &why);
    assert_non_null(strstr(why, "no memory to spare"));
    r.source.used_memory = 4096 * MIB;
    expect_want(&r, SIDE_SOURCE, BUFFER, "slave 268435456 67108864 60", NULL, NULL);
    r.source.total_system_memory = 0; /* not told */
    expect_want(&r, SIDE_SOURCE, BUFFER, "slave 268435456 67108864 60",
                "slave 1073741824 1073741824 60", NULL);
}

static void an_output_buffer_is_left_where_nothing_is_gained(void **state)
{
    const char *const left[] = {"slave 0 0 0",          "slave 1073741824 0 60",
                                "normal 0 0 0",         "slave 268435456 67108864",
                                "slave many much long", ""};
    const char *why;
    struct rig r;

    (void)state;
    rig_init(&r);
    for (size_t i = 0; i < array_len(left); i++) {
        expect_want(&r, SIDE_SOURCE, BUFFER, left[i], NULL, &why);
        assert_null(why);
    }
    r.facts.tune = false;
    expect_want(&r, SIDE_SOURCE, BUFFER, "slave 5 5 60", NULL, NULL);
}

/* --- the others --- */

static void a_diskless_synchronisation_wants_an_empty_target(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    expect_want(&r, SIDE_SOURCE, "repl-diskless-sync", "no", "yes", NULL);
    expect_want(&r, SIDE_TARGET, "repl-diskless-load", "disabled", "on-empty-db", NULL);
    r.target.keys = 1;
    expect_want(&r, SIDE_SOURCE, "repl-diskless-sync", "no", NULL, NULL);
    expect_want(&r, SIDE_TARGET, "repl-diskless-load", "disabled", NULL, NULL);
    expect_want(&r, SIDE_SOURCE, "repl-diskless-sync-delay", "5", "0", NULL);
    r.target.keys = 0;
    r.target.redis_compat_num = 50014;
    expect_want(&r, SIDE_SOURCE, "repl-diskless-sync", "no", NULL, NULL);
    r.facts.tune = false;
    expect_want(&r, SIDE_SOURCE, "repl-diskless-sync-delay", "5", NULL, NULL);
}

static void a_fence_that_asks_for_no_lag_is_made_to(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    expect_want(&r, SIDE_SOURCE, "min-replicas-max-lag", "0", "10", NULL);
    expect_want(&r, SIDE_SOURCE, "min-replicas-max-lag", "10", NULL, NULL);
    expect_want(&r, SIDE_SOURCE, "min-slaves-max-lag", "0", "10", NULL);
    expect_want(&r, SIDE_SOURCE, "min-slaves-max-lag", "3", NULL, NULL);
    expect_want(&r, SIDE_SOURCE, "min-replicas-to-write", "0", FENCE_VALUE, NULL);
}

static void a_target_neither_takes_writes_nor_evicts_while_it_follows(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    r.facts.tune = r.facts.reverse = false;
    expect_want(&r, SIDE_TARGET, "replica-read-only", "no", "yes", NULL);
    expect_want(&r, SIDE_TARGET, "slave-read-only", "no", "yes", NULL);
    expect_want(&r, SIDE_TARGET, "replica-ignore-maxmemory", "no", "yes", NULL);
    assert_true(setting_row_of(SIDE_TARGET, "replica-read-only")->flags & S_REQUIRED);
    assert_false(setting_row_of(SIDE_TARGET, "replica-ignore-maxmemory")->flags & S_REQUIRED);
}

static void a_log_in_is_that_of_the_other_side(void **state)
{
    char user[] = "repl", source[] = "s3cret", target[] = "t4rget", none[] = "";
    struct rig r;

    (void)state;
    rig_init(&r);
    r.facts.user[SIDE_SOURCE] = user;
    r.facts.user[SIDE_TARGET] = none;
    r.facts.password[SIDE_SOURCE] = source;
    r.facts.password[SIDE_TARGET] = target;
    expect_want(&r, SIDE_TARGET, "masterauth", "", "s3cret", NULL);
    expect_want(&r, SIDE_TARGET, "masteruser", "", "repl", NULL);
    expect_want(&r, SIDE_SOURCE, "masterauth", "", "t4rget", NULL);
    expect_want(&r, SIDE_SOURCE, "masteruser", "old", "", NULL);
    r.facts.reverse = false;
    expect_want(&r, SIDE_SOURCE, "masterauth", "", NULL, NULL);
    expect_want(&r, SIDE_SOURCE, "masteruser", "", NULL, NULL);
}

/* --- which apply --- */

static const struct {
    const char *name;
    enum action action;
    enum node_side side;
    unsigned since, last; /* the versions it applies to; last 0: all after since */
} applies[] = {
    {"masteruser", ACT_PREPARE, SIDE_TARGET, 60000, 0},
    {"slave-read-only", ACT_PREPARE, SIDE_TARGET, 1, 49999},
    {"replica-read-only", ACT_PREPARE, SIDE_TARGET, 50000, 0},
    {"replica-ignore-maxmemory", ACT_PREPARE, SIDE_TARGET, 50000, 0},
    {"slave-read-only", ACT_PREPARE_CUTOVER, SIDE_SOURCE, 1, 49999},
    {"replica-read-only", ACT_PREPARE_CUTOVER, SIDE_SOURCE, 50000, 0},
    {"min-slaves-max-lag", ACT_PREPARE_CUTOVER, SIDE_SOURCE, 1, 49999},
    {"min-slaves-to-write", ACT_PREPARE_CUTOVER, SIDE_SOURCE, 1, 49999},
    {"min-replicas-max-lag", ACT_PREPARE_CUTOVER, SIDE_SOURCE, 50000, PAUSE_WRITE_SINCE - 1},
    {"min-replicas-to-write", ACT_PREPARE_CUTOVER, SIDE_SOURCE, 50000, PAUSE_WRITE_SINCE - 1},
};

static void settings_apply_to_the_versions_that_know_them(void **state)
{
    const unsigned versions[] = {1,     40014, 49999, 50000, 59999, 60000,
                                 60199, 60200, 70200, 80000, 90102};

    (void)state;
    for (size_t i = 0; i < array_len(applies); i++) {
        const struct setting_row *row = setting_row_of(applies[i].side, applies[i].name);

        for (size_t v = 0; v < array_len(versions); v++) {
            bool known = versions[v] >= applies[i].since &&
                         (applies[i].last == 0 || versions[v] <= applies[i].last);

            if (setting_applies(row, applies[i].action, applies[i].side, SIDE_SOURCE,
                                versions[v]) != known)
                fail_msg("%s at %u", applies[i].name, versions[v]);
        }
        assert_false(setting_applies(row, applies[i].action,
                                     applies[i].side == SIDE_SOURCE ? SIDE_TARGET : SIDE_SOURCE,
                                     SIDE_SOURCE, applies[i].since));
        assert_false(setting_applies(
            row, applies[i].action == ACT_PREPARE ? ACT_PREPARE_CUTOVER : ACT_PREPARE,
            applies[i].side, SIDE_SOURCE, applies[i].since));
    }
}

static void a_new_log_in_sets_the_targets_log_in_only(void **state)
{
    const struct setting_row *rows;
    unsigned found = 0;
    size_t n;

    (void)state;
    rows = setting_rows(&n);
    for (size_t i = 0; i < n; i++) {
        if (!setting_applies(&rows[i], ACT_RELOGIN, SIDE_TARGET, SIDE_SOURCE, 70200))
            continue;
        assert_true(strncmp(rows[i].name, "master", 6) == 0);
        found++;
    }
    assert_int_equal(found, 2);
    for (size_t i = 0; i < n; i++)
        assert_false(setting_applies(&rows[i], ACT_RELOGIN, SIDE_SOURCE, SIDE_SOURCE, 70200));
}

static void each_version_without_a_write_pause_has_one_fence(void **state)
{
    (void)state;
    assert_string_equal(fence_setting(40014), "min-slaves-to-write");
    assert_string_equal(fence_setting(50000), "min-replicas-to-write");
    assert_string_equal(fence_setting(PAUSE_WRITE_SINCE - 1), "min-replicas-to-write");
    assert_null(fence_setting(PAUSE_WRITE_SINCE));
    for (unsigned v = 30000; v < PAUSE_WRITE_SINCE; v += 100) {
        const struct setting_row *row = setting_row_of(SIDE_SOURCE, fence_setting(v));

        assert_non_null(row);
        assert_true(setting_applies(row, ACT_PREPARE_CUTOVER, SIDE_SOURCE, SIDE_SOURCE, v));
    }
    assert_null(setting_row_of(SIDE_TARGET, "min-replicas-to-write"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backlog_takes_a_quarter_of_what_is_free),
        cmocka_unit_test(a_backlog_is_left_where_it_is_large_or_nothing_is_free),
        cmocka_unit_test(the_way_back_raises_the_targets_backlog),
        cmocka_unit_test(tls_is_spoken_as_the_other_does),
        cmocka_unit_test(an_output_buffer_is_raised_for_replicas_only),
        cmocka_unit_test(an_output_buffer_is_bounded_by_the_host),
        cmocka_unit_test(an_output_buffer_is_left_where_nothing_is_gained),
        cmocka_unit_test(a_diskless_synchronisation_wants_an_empty_target),
        cmocka_unit_test(a_fence_that_asks_for_no_lag_is_made_to),
        cmocka_unit_test(a_target_neither_takes_writes_nor_evicts_while_it_follows),
        cmocka_unit_test(a_log_in_is_that_of_the_other_side),
        cmocka_unit_test(settings_apply_to_the_versions_that_know_them),
        cmocka_unit_test(a_new_log_in_sets_the_targets_log_in_only),
        cmocka_unit_test(each_version_without_a_write_pause_has_one_fence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
