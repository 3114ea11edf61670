/* SPDX-License-Identifier: Apache-2.0 */
/* Durable state: what comes back, what is grouped, what is refused. Faults are in
 * test_store_faults.c. */
#include "tests/unit/store_box.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/base/base.h"

static void test_a_job_comes_back_as_it_was(void **state)
{
    struct store_job job, bare = {.id = "bare"};
    struct jobs jobs;
    struct box b;

    box_init(&b, state);
    box_open(&b);
    store_job_fill(&job, "orders");
    store_put_job(b.store, &job);
    job.run.number = 4;
    assert_int_equal(store_put_job(b.store, &job), 2);
    box_wait_durable(&b, 2);
    box_close(&b);
    box_open(&b);
    box_load_jobs(&b, &jobs);
    assert_int_equal(jobs.n, 1);
    assert_string_equal(jobs.file, job.file);
    assert_string_equal(jobs.spec_text, job.spec_text);
    assert_string_equal(jobs.last.id, job.id);
    /* A member of struct run that has no column would be seen here, once store_job_fill() sets it.
     */
    assert_memory_equal(&jobs.last.run, &job.run, sizeof(job.run));
    store_delete_job(b.store, "orders");
    store_put_job(b.store, &bare);
    box_close(&b);
    box_open(&b);
    box_load_jobs(&b, &jobs);
    assert_int_equal(jobs.n, 1);
    assert_string_equal(jobs.last.id, "bare");
    assert_int_equal(jobs.last.run.phase, PHASE_IDLE);
    box_close(&b);
    temp_dir_remove(b.dir);
}

/* Every member of struct run takes part in store_job_fill(); a new one makes this fail until it has
 * a column in schema.c and rows.c, and a value there. */
_Static_assert(sizeof(struct run) == 1104 || sizeof(void *) != 8, "struct run changed: see above");

struct settings {
    unsigned n;
    struct setting last;
    char old_value[64], new_value[64];
};

static void take_setting(const struct setting *setting, void *arg)
{
    struct settings *s = arg;

    s->n++;
    s->last = *setting;
    str_copy(s->old_value, sizeof(s->old_value), setting->old_value);
    str_copy(s->new_value, sizeof(s->new_value), setting->new_value);
}

static void load_settings(struct box *b, struct settings *s)
{
    struct err err = ERR_INIT;

    memset(s, 0, sizeof(*s));
    assert_int_equal(store_each_setting(b->store, take_setting, s, &err), 0);
}

static void put_setting(struct box *b, const char *old_value, const char *new_value)
{
    struct setting setting = {
        .job = "orders", .side = SIDE_TARGET, .name = "masterauth", .scope = SCOPE_LINK};

    setting.old_value = xstrdup(old_value);
    setting.new_value = xstrdup(new_value);
    store_put_setting(b->store, &setting);
    free(setting.old_value);
    free(setting.new_value);
}

static void test_the_oldest_value_of_a_setting_is_kept(void **state)
{
    struct settings s;
    struct box b;

    box_init(&b, state);
    box_open(&b);
    put_setting(&b, "", "first");
    box_close(&b);
    box_open(&b);
    put_setting(&b, "first", "second 'quoted' \xff");
    box_close(&b);
    box_open(&b);
    load_settings(&b, &s);
    assert_int_equal(s.n, 1);
    assert_string_equal(s.last.job, "orders");
    assert_string_equal(s.last.name, "masterauth");
    assert_int_equal(s.last.side, SIDE_TARGET);
    assert_int_equal(s.last.scope, SCOPE_LINK);
    assert_string_equal(s.old_value, "");
    assert_string_equal(s.new_value, "second 'quoted' \xff");
    store_delete_setting(b.store, "orders", SIDE_SOURCE, "masterauth");
    store_delete_setting(b.store, "orders", SIDE_TARGET, "masteruser");
    box_close(&b);
    box_open(&b);
    load_settings(&b, &s);
    assert_int_equal(s.n, 1);
    store_delete_setting(b.store, "orders", SIDE_TARGET, "masterauth");
    box_close(&b);
    box_open(&b);
    load_settings(&b, &s);
    assert_int_equal(s.n, 0);
    box_close(&b);
    temp_dir_remove(b.dir);
}

static void test_puts_of_a_turn_are_one_commit(void **state)
{
    uint64_t before;
    struct box b;

    box_init(&b, state);
    box_open(&b);
    assert_int_equal(store_commits(b.store), 0);
    for (uint64_t i = 1; i <= 500; i++)
        assert_int_equal(box_put_event(&b, i, "orders"), i);
    assert_int_equal(store_durable(b.store), 0);
    box_wait_durable(&b, 500);
    assert_int_equal(store_commits(b.store), 1);
    assert_int_equal(b.calls, 1);

    /* Those put while a commit is under way go together in the next. */
    box_put_event(&b, 501, "orders");
    uv_run(b.loop, UV_RUN_NOWAIT);
    for (uint64_t i = 502; i <= 600; i++)
        box_put_event(&b, i, "orders");
    box_wait_durable(&b, 600);
    before = store_commits(b.store);
    assert_in_range(before, 2, 3);

    /* Idle: nothing is written, and the loop sleeps. */
    loop_run_for(b.loop, 50);
    assert_int_equal(store_commits(b.store), before);
    box_close(&b);
    temp_dir_remove(b.dir);
}

static void test_the_loop_sleeps_when_there_is_nothing_to_write(void **state)
{
    struct rusage start, end;
    struct box b;

    box_init(&b, state);
    box_open(&b);
    box_wait_durable(&b, box_put_event(&b, 1, NULL));
    getrusage(RUSAGE_SELF, &start);
    loop_run_for(b.loop, 300);
    getrusage(RUSAGE_SELF, &end);
    assert_in_range((end.ru_utime.tv_sec - start.ru_utime.tv_sec) * 1000000 +
                        (end.ru_utime.tv_usec - start.ru_utime.tv_usec),
                    0, 100000);
    box_close(&b);
    temp_dir_remove(b.dir);
}

static void expect_query(struct box *b, const struct store_event_query *query, const char *expected)
{
    struct query q = {.done = false};
    char got[256] = "";
    size_t at = 0;

    store_events_start(&q.events, b->store, query, query_done);
    assert_false(q.done);
    assert_true(loop_run_until_set(b->loop, &q.done, 5000));
    assert_int_equal(q.events.op.err.code, ERR_NONE);
    for (unsigned i = 0; i < q.events.n && at < sizeof(got); i++) {
        const struct event *event = &q.events.events[i];

        at += (size_t)snprintf(got + at, sizeof(got) - at, "%s%d", i ? " " : "", (int)event->seq);
        assert_string_equal(event->name, "attach_failed");
        assert_string_equal(event->level, "warn");
        assert_int_equal(event->time_ms, 1700000000000 + (int64_t)event->seq);
        assert_int_equal(event->run, 2);
        assert_int_equal(json_integer_value(json_object_get(event->data, "attempt")), event->seq);
    }
    store_events_clear(&q.events);
    assert_string_equal(got, expected);
}

static void expect_events(struct box *b, const char *job, uint64_t after, unsigned limit, bool tail,
                          const char *expected)
{
    struct store_event_query query = {.job = job, .after = after, .limit = limit, .tail = tail};

    expect_query(b, &query, expected);
}

static void test_events_by_time_and_name(void **state)
{
    const int64_t t0 = 1700000000000; /* of seq 0; a number is a millisecond */
    const struct {
        struct store_event_query query;
        const char *expected;
    } rows[] = {
        {{.limit = 99, .since_ms = t0 + 9}, "9 10 11 12"},
        {{.limit = 99, .until_ms = t0 + 3}, "1 2 3"},
        {{.limit = 99, .since_ms = t0 + 4, .until_ms = t0 + 6}, "4 5 6"},
        {{.limit = 99, .since_ms = t0 + 6, .until_ms = t0 + 4}, ""},
        {{.limit = 99, .since_ms = t0 + 4, .until_ms = t0 + 7, .job = "orders"}, "5 7"},
        {{.limit = 99, .until_ms = t0 + 6, .after = 5}, "6"},
        {{.limit = 2, .until_ms = t0 + 9, .job = "carts", .tail = true}, "6 8"},
        {{.limit = 2, .names = " in_sync attach_failed "}, "1 2"},
        {{.limit = 1, .names = " attach_failed ", .job = "orders", .tail = true}, "11"},
        {{.limit = 99, .names = " in_sync attach_failed_too "}, ""},
        {{.limit = 99, .names = " "}, ""},
    };
    struct box b;

    box_init(&b, state);
    box_open(&b);
    for (uint64_t i = 1; i <= 12; i++)
        box_put_event(&b, i, i % 2 ? "orders" : "carts");
    box_wait_durable(&b, 12);
    for (size_t i = 0; i < array_len(rows); i++)
        expect_query(&b, &rows[i].query, rows[i].expected);
    box_close(&b);
    temp_dir_remove(b.dir);
}

static void test_event_queries(void **state)
{
    struct query q = {.done = false};
    struct box b;

    box_init(&b, state);
    box_open(&b);
    for (uint64_t i = 1; i <= 12; i++)
        box_put_event(&b, i, i % 4 == 0 ? NULL : i % 2 ? "orders" : "carts");
    box_wait_durable(&b, 12);
    expect_events(&b, NULL, 0, 1000, false, "1 2 3 4 5 6 7 8 9 10 11 12");
    expect_events(&b, NULL, 9, 1000, false, "10 11 12");
    expect_events(&b, NULL, 2, 3, false, "3 4 5");
    expect_events(&b, NULL, 0, 3, true, "10 11 12");
    expect_events(&b, NULL, 11, 3, true, "12");
    expect_events(&b, "orders", 0, 1000, false, "1 3 5 7 9 11");
    expect_events(&b, "orders", 3, 2, false, "5 7");
    expect_events(&b, "carts", 0, 2, true, "6 10");
    expect_events(&b, "nobody", 0, 2, true, "");
    expect_events(&b, NULL, UINT64_MAX, 10, false, "");

    store_events_start(&q.events, b.store, &(struct store_event_query){.limit = 10}, query_done);
    op_cancel(&q.events.op);
    assert_true(loop_run_until_set(b.loop, &q.done, 5000));
    assert_int_equal(q.events.op.err.code, ERR_CANCELED);
    assert_int_equal(q.events.n, 0);
    box_close(&b);
    box_open(&b);
    assert_int_equal(store_last_event_seq(b.store), 12);
    box_close(&b);
    temp_dir_remove(b.dir);
}

static void test_old_events_are_pruned(void **state)
{
    struct box b;

    box_init(&b, state);
    box_open(&b);
    for (uint64_t seq = 1; seq <= 5; seq++)
        box_put_event(&b, seq, NULL);
    box_put_event(&b, 100003, NULL);
    box_put_event(&b, 100500, NULL);
    box_wait_durable(&b, 7);
    expect_events(&b, NULL, 0, 10, false, "1 2 3 4 5 100003 100500");
    box_wait_durable(&b, box_put_event(&b, 101000, NULL));
    expect_events(&b, NULL, 0, 10, false, "100003 100500 101000");
    box_close(&b);
    temp_dir_remove(b.dir);
}

static void test_second_daemon_is_refused(void **state)
{
    char expected[128];
    struct box b, second;
    struct err err;

    box_init(&b, state);
    box_open(&b);
    second = b;
    snprintf(expected, sizeof(expected), "'%s' is in use by another ecmigrated (pid %d)", b.dir,
             (int)getpid());
    assert_int_equal(box_try_open(&second, &err), ERR_BUSY);
    assert_non_null(strstr(err.msg, expected));
    box_close(&b);
    box_open(&b);
    box_close(&b);
    temp_dir_remove(b.dir);
}

static void test_directory_is_made_private(void **state)
{
    char above[TEMP_DIR_MAX], path[TEMP_DIR_MAX + 32];
    struct stat st;
    struct err err;
    struct box b;

    box_init(&b, state);
    str_copy(above, sizeof(above), b.dir);
    snprintf(b.dir, sizeof(b.dir), "%.40s/state", above);
    box_open(&b);
    assert_int_equal(stat(b.dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    snprintf(path, sizeof(path), "%.60s/state.db", b.dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    box_close(&b);
    snprintf(b.dir, sizeof(b.dir), "%.40s/missing/state", above);
    assert_int_equal(box_try_open(&b, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, b.dir));
    snprintf(b.dir, sizeof(b.dir), "%.40s/state/state.db", above);
    assert_int_equal(box_try_open(&b, &err), ERR_INVALID);
    temp_dir_remove(above);
}

static void test_corrupt_file_is_refused(void **state)
{
    char path[TEMP_DIR_MAX + 16], back[32] = "";
    struct err err;
    struct box b;
    int fd;

    box_init(&b, state);
    snprintf(path, sizeof(path), "%s/state.db", b.dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "precious bytes", 14), 14);
    assert_int_equal(box_try_open(&b, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, path));
    assert_non_null(strstr(err.msg, "move it aside"));
    assert_int_equal(pread(fd, back, sizeof(back), 0), 14);
    assert_string_equal(back, "precious bytes");
    close(fd);
    unlink(path);
    box_open(&b); /* the failed start has not kept the lock */
    box_close(&b);
    temp_dir_remove(b.dir);
}

/* What a newer version, or somebody's hand, may have done to the file. */
static void change(const char *dir, const char *sql)
{
    char path[TEMP_DIR_MAX + 16];
    sqlite3 *sqlite;

    snprintf(path, sizeof(path), "%s/state.db", dir);
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
}

static void test_unknown_names_in_rows(void **state)
{
    struct store_job job;
    struct settings s;
    struct jobs jobs;
    struct err err;
    struct box b;

    box_init(&b, state);
    box_open(&b);
    store_job_fill(&job, "orders");
    store_put_job(b.store, &job);
    put_setting(&b, "old-secret", "new-secret");
    box_close(&b);
    change(b.dir, "UPDATE job SET phase = 'teleporting', reason = 'moon-phase'");
    change(b.dir, "UPDATE setting SET side = 'middle'");
    box_open(&b);
    memset(&jobs, 0, sizeof(jobs));
    assert_int_equal(store_each_job(b.store, box_take_job, &jobs, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "job 'orders': phase 'teleporting'"));
    assert_int_equal(jobs.n, 0);
    assert_int_equal(store_each_setting(b.store, take_setting, &s, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "orders"));
    assert_null(strstr(err.msg, "secret"));
    box_close(&b);
    change(b.dir, "UPDATE job SET phase = 'failed'");
    box_open(&b);
    box_load_jobs(&b, &jobs);
    assert_int_equal(jobs.last.run.phase, PHASE_FAILED);
    assert_int_equal(jobs.last.run.reason, REASON_NONE);
    box_close(&b);
    temp_dir_remove(b.dir);
}

#define LOOP_TEST(fn) cmocka_unit_test_setup_teardown(fn, loop_setup, loop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(test_a_job_comes_back_as_it_was),
        LOOP_TEST(test_the_oldest_value_of_a_setting_is_kept),
        LOOP_TEST(test_puts_of_a_turn_are_one_commit),
        LOOP_TEST(test_the_loop_sleeps_when_there_is_nothing_to_write),
        LOOP_TEST(test_event_queries),
        LOOP_TEST(test_events_by_time_and_name),
        LOOP_TEST(test_old_events_are_pruned),
        LOOP_TEST(test_second_daemon_is_refused),
        LOOP_TEST(test_directory_is_made_private),
        LOOP_TEST(test_corrupt_file_is_refused),
        LOOP_TEST(test_unknown_names_in_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
