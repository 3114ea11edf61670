/* SPDX-License-Identifier: Apache-2.0 */
/* The database's thread, its files, and what it refuses. */
#include "tests/unit/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/db/db.h"

enum { PUT, ALL, ST_N };

static const char *const first_schema[] = {
    "CREATE TABLE t (k INTEGER NOT NULL PRIMARY KEY, v TEXT) STRICT",
};
static const char *const second_schema[] = {
    "CREATE TABLE t (k INTEGER NOT NULL PRIMARY KEY, v TEXT) STRICT",
    "ALTER TABLE t ADD COLUMN w INTEGER NOT NULL DEFAULT 7",
};
static const char *const statements[ST_N] = {
    [PUT] = "INSERT INTO t (k, v) VALUES (?, ?)",
    [ALL] = "SELECT k, v FROM t ORDER BY k",
};
static const char *const newer_statements[ST_N] = {
    [PUT] = "INSERT INTO t (k, v) VALUES (?, ?)",
    [ALL] = "SELECT k, v FROM t WHERE w = 7 ORDER BY k",
};
static const struct db_config config = {.application_id = 0x11223344,
                                        .migrations = first_schema,
                                        .n_migrations = 1,
                                        .statements = statements,
                                        .n_statements = ST_N};
static const struct db_config newer = {.application_id = 0x11223344,
                                       .migrations = second_schema,
                                       .n_migrations = 2,
                                       .statements = newer_statements,
                                       .n_statements = ST_N};

struct place {
    char dir[TEMP_DIR_MAX], path[TEMP_DIR_MAX + 16], wal[TEMP_DIR_MAX + 16];
};

static void place_make(struct place *p)
{
    temp_dir_make(p->dir);
    snprintf(p->path, sizeof(p->path), "%s/x.db", p->dir);
    snprintf(p->wal, sizeof(p->wal), "%s/x.db-wal", p->dir);
}

static struct db *open_db(struct place *p, uv_loop_t *loop, const struct db_config *c)
{
    struct err err = ERR_INIT;
    struct db *db = NULL;

    if (db_open(p->path, c, &db, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(db_attach(db, loop, &err), 0);
    return db;
}

static void set_flag(void *arg)
{
    *(bool *)arg = true;
}

static void close_db(struct db *db, uv_loop_t *loop)
{
    bool closed = false;

    db_close(db, 5000, set_flag, &closed);
    assert_false(closed);
    assert_true(loop_run_until_set(loop, &closed, 5000));
}

struct commit {
    struct db_commit commit;
    bool done;
};

static void commit_done(struct db_work *work)
{
    container_of(work, struct commit, commit.work)->done = true;
}

static void put(struct db_batch *batch, int64_t k, const char *v)
{
    struct db_value values[] = {db_int(k), db_text(v)};

    db_batch_add(batch, PUT, values, 2);
}

/* Commits rows from..to in one batch; returns the error's code. */
static enum err_code put_range(struct db *db, uv_loop_t *loop, int64_t from, int64_t to,
                               struct err *err)
{
    struct db_batch *batch = db_batch_new();
    struct commit c = {.done = false};

    for (int64_t k = from; k <= to; k++)
        put(batch, k, k % 2 ? "odd" : NULL);
    db_commit_start(db, &c.commit, batch, commit_done);
    assert_false(c.done);
    assert_true(loop_run_until_set(loop, &c.done, 5000));
    db_batch_free(batch);
    *err = c.commit.work.err;
    return err->code;
}

struct rows {
    struct db_read read;
    bool done;
    unsigned n, nulls;
    int64_t sum;
    unsigned stop_after; /* 0: never */
};

static int count_row(const struct db_row *row, void *arg, struct err *err)
{
    struct rows *r = arg;

    r->n++;
    r->sum += db_row_int(row, 0);
    r->nulls += db_row_text(row, 1) == NULL;
    if (r->stop_after && r->n == r->stop_after)
        return err_set(err, ERR_LIMIT, "enough");
    return 0;
}

static void rows_done(struct db_work *work)
{
    container_of(work, struct rows, read.work)->done = true;
}

static void rows_init(struct rows *r)
{
    memset(r, 0, sizeof(*r));
    r->read.statement = ALL;
    r->read.on_row = count_row;
    r->read.arg = r;
}

static void test_write_and_read(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct place p;
    struct stat st;
    struct rows r;
    struct db *db;

    place_make(&p);
    db = open_db(&p, &f->loop, &config);
    assert_int_equal(stat(p.path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(put_range(db, &f->loop, 1, 100, &err), ERR_NONE);
    rows_init(&r);
    db_read_start(db, &r.read, rows_done);
    assert_true(loop_run_until_set(&f->loop, &r.done, 5000));
    assert_int_equal(r.n, 100);
    assert_int_equal(r.sum, 5050);
    assert_int_equal(r.nulls, 50);
    rows_init(&r);
    r.stop_after = 3;
    db_read_start(db, &r.read, rows_done);
    assert_true(loop_run_until_set(&f->loop, &r.done, 5000));
    assert_int_equal(r.read.work.err.code, ERR_LIMIT);
    assert_int_equal(r.n, 3);
    close_db(db, &f->loop);

    db = open_db(&p, &f->loop, &config);
    rows_init(&r);
    assert_int_equal(db_read_wait(db, &r.read, &err), 0);
    assert_int_equal(r.n, 100);
    close_db(db, &f->loop);
    temp_dir_remove(p.dir);
}

static void test_a_batch_is_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct place p;
    struct rows r;
    struct db *db;

    place_make(&p);
    db = open_db(&p, &f->loop, &config);
    assert_int_equal(put_range(db, &f->loop, 50, 50, &err), ERR_NONE);
    assert_int_not_equal(put_range(db, &f->loop, 1, 60, &err), ERR_NONE); /* 50 is there already */
    assert_non_null(strstr(err.msg, p.path));
    rows_init(&r);
    assert_int_equal(db_read_wait(db, &r.read, &err), 0);
    assert_int_equal(r.n, 1);
    assert_int_equal(put_range(db, &f->loop, 1, 49, &err), ERR_NONE);
    close_db(db, &f->loop);
    temp_dir_remove(p.dir);
}

static void test_migration(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct db *db = NULL;
    struct place p;
    struct rows r;

    place_make(&p);
    db = open_db(&p, &f->loop, &config);
    assert_int_equal(put_range(db, &f->loop, 1, 10, &err), ERR_NONE);
    close_db(db, &f->loop);
    db = open_db(&p, &f->loop, &newer);
    rows_init(&r);
    assert_int_equal(db_read_wait(db, &r.read, &err), 0);
    assert_int_equal(r.n, 10);
    close_db(db, &f->loop);
    assert_int_equal(db_open(p.path, &config, &db, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "newer"));
    assert_non_null(strstr(err.msg, p.path));
    temp_dir_remove(p.dir);
}

static void write_file(const char *path, const void *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), n);
    close(fd);
}

/* Opening must fail with ERR_INVALID, name the file, and leave its bytes alone. */
static void expect_refused(struct place *p, const char *why)
{
    static char before[1 << 16], after[1 << 16];
    struct err err = ERR_INIT;
    struct db *db = NULL;
    ssize_t n, m;
    int fd = open(p->path, O_RDONLY | O_CLOEXEC);

    n = read(fd, before, sizeof(before));
    close(fd);
    assert_int_equal(db_open(p->path, &config, &db, &err), ERR_INVALID);
    assert_null(db);
    assert_non_null(strstr(err.msg, p->path));
    if (!strstr(err.msg, why))
        fail_msg("'%s' does not say '%s'", err.msg, why);
    fd = open(p->path, O_RDONLY | O_CLOEXEC);
    m = read(fd, after, sizeof(after));
    close(fd);
    assert_int_equal(n, m);
    assert_memory_equal(before, after, (size_t)max_of(n, 0));
}

static void test_other_files_are_refused_and_untouched(void **state)
{
    struct fixture *f = *state;
    struct db_config foreign = config;
    struct place p;

    place_make(&p);
    write_file(p.path, "", 0);
    expect_refused(&p, "not a database");
    write_file(p.path, "just some text that somebody put here", 37);
    expect_refused(&p, "not a database");
    unlink(p.path);
    foreign.application_id = 0x55667788;
    close_db(open_db(&p, &f->loop, &foreign), &f->loop);
    expect_refused(&p, "another program");
    unlink(p.path);
    assert_int_equal(mkfifo(p.path, 0600), 0);
    {
        struct err err = ERR_INIT;
        struct db *db = NULL;

        assert_int_equal(db_open(p.path, &config, &db, &err), ERR_INVALID);
    }
    temp_dir_remove(p.dir);
}

static void test_a_damaged_file_is_refused_and_untouched(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    char garbage[3000];
    struct place p;
    struct db *db;
    int fd;

    place_make(&p);
    db = open_db(&p, &f->loop, &config);
    assert_int_equal(put_range(db, &f->loop, 1, 2000, &err), ERR_NONE);
    close_db(db, &f->loop);
    memset(garbage, 0x5a, sizeof(garbage));
    fd = open(p.path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, garbage, sizeof(garbage), 4096), sizeof(garbage));
    close(fd);
    expect_refused(&p, "damaged");
    assert_int_equal(truncate(p.path, 5000), 0);
    expect_refused(&p, "damaged");
    temp_dir_remove(p.dir);
}

static void test_a_lost_file_whose_log_is_left(void **state)
{
    struct err err = ERR_INIT;
    struct db *db = NULL;
    struct place p;

    (void)state;
    place_make(&p);
    write_file(p.wal, "x", 1);
    assert_int_equal(db_open(p.path, &config, &db, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "x.db-wal"));
    assert_int_not_equal(access(p.path, F_OK), 0);
    temp_dir_remove(p.dir);
}

static void test_remains_of_an_interrupted_start(void **state)
{
    struct fixture *f = *state;
    char draft[TEMP_DIR_MAX + 32];
    struct place p;

    place_make(&p);
    snprintf(draft, sizeof(draft), "%s.new", p.path);
    write_file(draft, "half", 4);
    snprintf(draft, sizeof(draft), "%s.new-journal", p.path);
    write_file(draft, "half", 4);
    close_db(open_db(&p, &f->loop, &config), &f->loop);
    temp_dir_remove(p.dir);
}

static void test_no_directory(void **state)
{
    struct err err = ERR_INIT;
    struct db *db = NULL;

    (void)state;
    assert_int_equal(db_open("/nowhere/at/all.db", &config, &db, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "/nowhere/at/all.db"));
}

static void test_a_file_taken_away_fails_commits(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    char away[TEMP_DIR_MAX + 32];
    struct place p;
    struct db *db;

    place_make(&p);
    snprintf(away, sizeof(away), "%s/away", p.dir);
    db = open_db(&p, &f->loop, &config);
    assert_int_equal(put_range(db, &f->loop, 1, 1, &err), ERR_NONE);
    assert_int_equal(rename(p.path, away), 0);
    assert_int_equal(put_range(db, &f->loop, 2, 2, &err), ERR_NOT_FOUND);
    assert_int_equal(rename(away, p.path), 0);
    assert_int_equal(put_range(db, &f->loop, 2, 2, &err), ERR_NONE);
    close_db(db, &f->loop);
    temp_dir_remove(p.dir);
}

/* A read whose row function holds the thread. */
struct holder {
    struct rows rows;
    uv_sem_t in, go;
};

static int hold(const struct db_row *row, void *arg, struct err *err)
{
    struct holder *h = arg;

    (void)row;
    uv_sem_post(&h->in);
    uv_sem_wait(&h->go);
    return err_set(err, ERR_LIMIT, "enough");
}

static void holder_start(struct holder *h, struct db *db)
{
    rows_init(&h->rows);
    uv_sem_init(&h->in, 0);
    uv_sem_init(&h->go, 0);
    h->rows.read.on_row = hold;
    h->rows.read.arg = h;
    db_read_start(db, &h->rows.read, rows_done);
    uv_sem_wait(&h->in);
}

static void test_too_many_reads(void **state)
{
    static struct rows reads[DB_QUEUE_MAX + 1];
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct holder h;
    struct place p;
    struct db *db;

    place_make(&p);
    db = open_db(&p, &f->loop, &config);
    assert_int_equal(put_range(db, &f->loop, 1, 10, &err), ERR_NONE);
    holder_start(&h, db);
    for (unsigned i = 0; i <= DB_QUEUE_MAX; i++) {
        rows_init(&reads[i]);
        db_read_start(db, &reads[i].read, rows_done);
    }
    assert_true(loop_run_until_set(&f->loop, &reads[DB_QUEUE_MAX].done, 5000));
    assert_int_equal(reads[DB_QUEUE_MAX].read.work.err.code, ERR_BUSY);
    assert_false(reads[0].done);
    uv_sem_post(&h.go);
    assert_true(loop_run_until_set(&f->loop, &reads[DB_QUEUE_MAX - 1].done, 5000));
    assert_int_equal(reads[DB_QUEUE_MAX - 1].n, 10);
    close_db(db, &f->loop);
    temp_dir_remove(p.dir);
}

static void test_closing_cancels_what_waits(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    bool closed = false;
    struct rows waiting, late;
    struct holder h;
    struct place p;
    struct db *db;

    place_make(&p);
    db = open_db(&p, &f->loop, &config);
    assert_int_equal(put_range(db, &f->loop, 1, 1, &err), ERR_NONE);
    holder_start(&h, db);
    rows_init(&waiting);
    db_read_start(db, &waiting.read, rows_done);
    db_close(db, 5000, set_flag, &closed);
    rows_init(&late);
    db_read_start(db, &late.read, rows_done);
    assert_true(loop_run_until_set(&f->loop, &waiting.done, 5000));
    assert_int_equal(waiting.read.work.err.code, ERR_CANCELED);
    assert_true(late.done);
    assert_int_equal(late.read.work.err.code, ERR_CANCELED);
    assert_false(closed);
    assert_false(h.rows.done);
    uv_sem_post(&h.go);
    assert_true(loop_run_until_set(&f->loop, &closed, 5000));
    assert_true(h.rows.done);
    temp_dir_remove(p.dir);
}

static void test_closing_leaves_a_stuck_thread_behind(void **state)
{
    static struct holder h; /* stays with the thread */
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    bool closed = false;
    struct place p;
    struct db *db;

    place_make(&p);
    db = open_db(&p, &f->loop, &config);
    assert_int_equal(put_range(db, &f->loop, 1, 1, &err), ERR_NONE);
    holder_start(&h, db);
    db_close(db, 50, set_flag, &closed);
    assert_true(loop_run_until_set(&f->loop, &closed, 5000));
    assert_false(h.rows.done);
    temp_dir_remove(p.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_and_read, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_a_batch_is_all_or_nothing, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_migration, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_other_files_are_refused_and_untouched, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(test_a_damaged_file_is_refused_and_untouched, loop_setup,
                                        loop_teardown),
        cmocka_unit_test(test_a_lost_file_whose_log_is_left),
        cmocka_unit_test_setup_teardown(test_remains_of_an_interrupted_start, loop_setup,
                                        loop_teardown),
        cmocka_unit_test(test_no_directory),
        cmocka_unit_test_setup_teardown(test_a_file_taken_away_fails_commits, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(test_too_many_reads, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_closing_cancels_what_waits, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_closing_leaves_a_stuck_thread_behind, loop_setup,
                                        loop_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
