/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs that were switched over, and the other rows beside the jobs: found by their direction, and
 * there again after a restart. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "daemon/migration/env.h"
#include "lib/base/base.h"
#include "tests/unit/store_box.h"

static const struct endpoint a = {"a.example", 1}, b = {"b.example", 2}, c = {"fd00::7", 3};

static struct switched switched(const struct endpoint *source, const struct endpoint *target,
                                int64_t at_wall_ms)
{
    return (struct switched){.source = *source, .target = *target, .at_wall_ms = at_wall_ms};
}

/* --- in memory --- */

static void load(struct migration_env *env, const struct endpoint *source,
                 const struct endpoint *target, int64_t at_wall_ms)
{
    struct switched pair = switched(source, target, at_wall_ms);

    migration_env_load_switched(env, &pair);
}

static void a_pair_is_the_same_in_either_direction(void **state)
{
    const struct endpoint upper = {"A.Example", 1}, port = {"a.example", 2};
    struct switched there = switched(&a, &b, 1), back = switched(&b, &a, 2);
    struct switched same = switched(&upper, &b, 3), other = switched(&port, &b, 4);
    struct switched half = switched(&a, &c, 5);

    (void)state;
    assert_true(switched_same_pair(&there, &there));
    assert_true(switched_same_pair(&there, &back));
    assert_true(switched_same_pair(&back, &same));
    assert_false(switched_same_pair(&there, &other));
    assert_false(switched_same_pair(&there, &half));
}

static void the_way_there_is_known_until_the_way_back(void **state)
{
    struct migration_env env = {.loop = NULL};

    (void)state;
    assert_int_equal(migration_env_took_over_ms(&env, &a, &b), 0);
    load(&env, &a, &b, 100);
    load(&env, &c, &a, 150);
    assert_int_equal(migration_env_took_over_ms(&env, &a, &b), 100);
    assert_int_equal(migration_env_took_over_ms(&env, &b, &a), 0);
    assert_int_equal(migration_env_took_over_ms(&env, &a, &c), 0);
    assert_int_equal(migration_env_took_over_ms(&env, &c, &b), 0);
    assert_int_equal(migration_env_took_over_ms(&env, &c, &a), 150);
    load(&env, &b, &a, 200);
    assert_int_equal(migration_env_took_over_ms(&env, &a, &b), 0);
    assert_int_equal(migration_env_took_over_ms(&env, &b, &a), 200);
    assert_int_equal(migration_env_took_over_ms(&env, &c, &a), 150);
    assert_int_equal(env.switched.n, 2);
    free(env.switched.items);
}

static void of_completed_jobs_the_latest_counts_and_what_was_recorded_before_all(void **state)
{
    struct switched there = switched(&a, &b, 200), back = switched(&b, &a, 100);
    struct migration_env env = {.loop = NULL};

    (void)state;
    migration_env_suppose_switched(&env, &there);
    migration_env_suppose_switched(&env, &back);
    assert_int_equal(migration_env_took_over_ms(&env, &a, &b), 200);
    assert_int_equal(migration_env_took_over_ms(&env, &b, &a), 0);
    load(&env, &b, &a, 50); /* with a clock that was set back in between */
    assert_int_equal(migration_env_took_over_ms(&env, &a, &b), 0);
    assert_int_equal(migration_env_took_over_ms(&env, &b, &a), 50);
    free(env.switched.items);
}

/* --- on disk --- */

static void take_switched(const struct switched *pair, void *arg)
{
    migration_env_load_switched(arg, pair);
}

static void count_switched(const struct switched *pair, void *arg)
{
    (void)pair;
    ++*(unsigned *)arg;
}

/* The daemon's next start. */
static void restart(struct box *box, struct migration_env *env)
{
    struct err err = ERR_INIT;

    box_close(box);
    box_open(box);
    free(env->switched.items);
    *env = (struct migration_env){.store = box->store};
    assert_int_equal(store_each_switched(box->store, take_switched, env, &err), 0);
}

static void do_switch(struct migration_env *env, const struct endpoint *source,
                      const struct endpoint *target, int64_t at_wall_ms)
{
    struct switched pair = switched(source, target, at_wall_ms);

    migration_env_switched(env, &pair);
}

static void what_was_switched_survives_a_restart(void **state)
{
    struct migration_env env = {.loop = NULL};
    struct err err = ERR_INIT;
    unsigned rows = 0;
    struct box box;

    box_init(&box, state);
    box_open(&box);
    env.store = box.store;
    do_switch(&env, &a, &b, 100);
    do_switch(&env, &a, &c, 1700000000123);
    restart(&box, &env);
    assert_int_equal(env.switched.n, 2);
    assert_int_equal(migration_env_took_over_ms(&env, &a, &b), 100);
    assert_int_equal(migration_env_took_over_ms(&env, &a, &c), 1700000000123);
    do_switch(&env, &b, &a, 300);
    restart(&box, &env);
    assert_int_equal(store_each_switched(box.store, count_switched, &rows, &err), 0);
    assert_int_equal(rows, 2); /* the way back took the place of the way there */
    assert_int_equal(migration_env_took_over_ms(&env, &a, &b), 0);
    assert_int_equal(migration_env_took_over_ms(&env, &b, &a), 300);
    assert_int_equal(migration_env_took_over_ms(&env, &a, &c), 1700000000123);
    box_close(&box);
    free(env.switched.items);
    temp_dir_remove(box.dir);
}

struct connections {
    unsigned n;
    struct connection items[4];
};

static void take_connection(const struct connection *connection, void *arg)
{
    struct connections *all = arg;

    assert_true(all->n < array_len(all->items));
    all->items[all->n++] = *connection;
}

static void load_connections(struct box *box, struct connections *ret)
{
    struct err err = ERR_INIT;

    memset(ret, 0, sizeof(*ret));
    assert_int_equal(store_each_connection(box->store, take_connection, ret, &err), 0);
}

static void put_connection(struct box *box, const char *job, enum node_side side, int64_t id)
{
    struct connection connection = {.side = side, .id = id};

    str_copy(connection.job, sizeof(connection.job), job);
    snprintf(connection.run_id, sizeof(connection.run_id), "%040d", (int)(id % 1000));
    store_put_connection(box->store, &connection);
}

static void the_last_connection_of_each_side_survives_a_restart(void **state)
{
    struct connections all;
    struct box box;

    box_init(&box, state);
    box_open(&box);
    put_connection(&box, "orders", SIDE_SOURCE, 5);
    put_connection(&box, "orders", SIDE_TARGET, INT64_MAX);
    put_connection(&box, "carts", SIDE_SOURCE, 6);
    put_connection(&box, "orders", SIDE_SOURCE, 7);
    box_close(&box);
    box_open(&box);
    load_connections(&box, &all);
    assert_int_equal(all.n, 3);
    assert_string_equal(all.items[0].job, "carts");
    assert_string_equal(all.items[1].job, "orders");
    assert_int_equal(all.items[1].side, SIDE_SOURCE);
    assert_int_equal(all.items[1].id, 7);
    assert_string_equal(all.items[1].run_id, "0000000000000000000000000000000000000007");
    assert_int_equal(all.items[2].side, SIDE_TARGET);
    assert_int_equal(all.items[2].id, INT64_MAX);
    store_delete_job(box.store, "orders"); /* and its connections */
    box_close(&box);
    box_open(&box);
    load_connections(&box, &all);
    assert_int_equal(all.n, 1);
    assert_string_equal(all.items[0].job, "carts");
    box_close(&box);
    temp_dir_remove(box.dir);
}

static void a_state_keeps_its_number_and_another_has_another(void **state)
{
    uint32_t first;
    struct box box, other;

    box_init(&box, state);
    box_open(&box);
    first = store_instance(box.store);
    assert_int_not_equal(first, 0);
    for (int i = 0; i < 3; i++) { /* also when nothing else was written */
        if (i > 0)
            put_connection(&box, "orders", SIDE_SOURCE, i);
        box_close(&box);
        box_open(&box);
        assert_int_equal(store_instance(box.store), first);
    }
    box_init(&other, state);
    box_open(&other);
    assert_int_not_equal(store_instance(other.store), first);
    box_close(&other);
    box_close(&box);
    temp_dir_remove(other.dir);
    temp_dir_remove(box.dir);
}

static void change(const char *dir, const char *sql)
{
    char path[TEMP_DIR_MAX + 16];
    sqlite3 *sqlite;

    snprintf(path, sizeof(path), "%s/state.db", dir);
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
}

static void rows_that_make_no_sense_are_named(void **state)
{
    struct migration_env env = {.loop = NULL};
    struct connections all = {.n = 0};
    struct err err = ERR_INIT;
    struct box box;

    box_init(&box, state);
    box_open(&box);
    put_connection(&box, "orders", SIDE_SOURCE, 5);
    box_close(&box);
    change(box.dir, "UPDATE connection SET side = 'middle'");
    change(box.dir, "INSERT INTO switched VALUES ('a.example:1', 'nonsense', 5)");
    box_open(&box);
    assert_int_equal(store_each_connection(box.store, take_connection, &all, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "job 'orders'"));
    assert_non_null(strstr(err.msg, "connection.side"));
    assert_int_equal(all.n, 0);
    assert_int_equal(store_each_switched(box.store, take_switched, &env, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "'nonsense'"));
    assert_int_equal(env.switched.n, 0);
    box_close(&box);
    temp_dir_remove(box.dir);
}

#define LOOP_TEST(fn) cmocka_unit_test_setup_teardown(fn, loop_setup, loop_teardown)

struct siblings {
    unsigned n;
    struct sibling items[4];
};

static void take_sibling(const struct sibling *sibling, void *arg)
{
    struct siblings *all = arg;
    struct sibling *one = &all->items[all->n++];

    assert_true(all->n <= array_len(all->items));
    *one = *sibling;
    for (int i = 0; i < SIBLING_SETTINGS; i++) {
        one->changed[i].from = xstrdup(sibling->changed[i].from);
        one->changed[i].to = xstrdup(sibling->changed[i].to);
    }
}

static void load_siblings(struct box *box, struct siblings *ret)
{
    struct err err = ERR_INIT;

    for (unsigned i = 0; i < ret->n; i++)
        sibling_clear(&ret->items[i]);
    ret->n = 0;
    assert_int_equal(store_each_sibling(box->store, take_sibling, ret, &err), 0);
}

static void a_replica_of_the_old_source_is_there_again(void **state)
{
    struct sibling one = {.job = "orders",
                          .at = {"fd00::7", 6379},
                          .state = SIBLING_MOVING,
                          .was = {"a.example", 1},
                          .message = "somewhere",
                          .changed = {[SIBLING_PASSWORD] = {(char *)"", (char *)"secret"}}};
    struct siblings all = {.n = 0};
    struct err err = ERR_INIT;
    struct box box;

    box_init(&box, state);
    box_open(&box);
    store_put_sibling(box.store, &one);
    one.at.port = 6380;
    one.was = (struct endpoint){.port = 0};
    store_put_sibling(box.store, &one);
    one.state = SIBLING_LEFT;
    store_put_sibling(box.store, &one);
    box_close(&box);
    box_open(&box);
    load_siblings(&box, &all);
    assert_int_equal(all.n, 2);
    assert_string_equal(all.items[0].at.host, "fd00::7");
    assert_int_equal(all.items[0].state, SIBLING_MOVING);
    assert_string_equal(all.items[0].was.host, "a.example");
    assert_string_equal(all.items[0].message, "somewhere");
    assert_null(all.items[0].changed[SIBLING_USER].to);
    assert_string_equal(all.items[0].changed[SIBLING_PASSWORD].from, "");
    assert_string_equal(all.items[0].changed[SIBLING_PASSWORD].to, "secret");
    assert_int_equal(all.items[1].state, SIBLING_LEFT);
    assert_string_equal(all.items[1].was.host, "");
    store_delete_sibling(box.store, "orders", &all.items[1].at);
    box_close(&box);
    box_open(&box);
    load_siblings(&box, &all);
    assert_int_equal(all.n, 1);
    store_delete_job(box.store, "orders"); /* and these */
    box_close(&box);
    box_open(&box);
    load_siblings(&box, &all);
    assert_int_equal(all.n, 0);
    store_put_sibling(box.store, &one);
    box_close(&box);
    change(box.dir, "UPDATE sibling SET state = 'lost'");
    box_open(&box);
    assert_int_equal(store_each_sibling(box.store, take_sibling, &all, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "sibling.state"));
    box_close(&box);
    temp_dir_remove(box.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_replica_of_the_old_source_is_there_again),
        cmocka_unit_test(a_pair_is_the_same_in_either_direction),
        cmocka_unit_test(the_way_there_is_known_until_the_way_back),
        cmocka_unit_test(of_completed_jobs_the_latest_counts_and_what_was_recorded_before_all),
        LOOP_TEST(what_was_switched_survives_a_restart),
        LOOP_TEST(the_last_connection_of_each_side_survives_a_restart),
        LOOP_TEST(a_state_keeps_its_number_and_another_has_another),
        LOOP_TEST(rows_that_make_no_sense_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
