/* SPDX-License-Identifier: Apache-2.0 */
/* Durable state: what was reported durable is there after kill -9; a disk that refuses loses
 * nothing. */
#include "tests/unit/store_box.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/base/base.h"

static void read_only_child(struct box *b)
{
    struct err err;

    if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
        _exit(CANNOT);
    CHECK(box_try_open(b, &err) == ERR_DENIED);
    CHECK(strstr(err.msg, b->dir));
}

static void test_read_only_directory(void **state)
{
    struct box b;

    box_init(&b, state);
    assert_int_equal(chmod(b.dir, 0555), 0);
    in_child(read_only_child, &b);
    chmod(b.dir, 0700);
    temp_dir_remove(b.dir);
}

static bool is_held(void *arg)
{
    return ((struct box *)arg)->held;
}

static void limit_child(struct box *b)
{
    struct rlimit limit, before;
    struct err err;
    uint64_t last = 0, durable, seq = 0;

    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(box_try_open(b, &err) == 0);
    limit = before;
    limit.rlim_cur = 300000;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    while (!b->held) {
        CHECK(seq < 20000);
        for (int i = 0; i < 100; i++)
            last = box_put_event(b, ++seq, "orders");
        for (int i = 0; i < 20 && !b->held && b->durable < last; i++)
            uv_run(b->loop, UV_RUN_ONCE);
    }
    CHECK(store_held(b->store));
    CHECK(b->why.code == ERR_NO_SPACE);
    CHECK(strstr(b->why.msg, b->dir));
    durable = b->durable;
    CHECK(durable < last);
    last = box_put_event(b, ++seq, "orders");
    loop_run_for(b->loop, 1300); /* through a retry */
    CHECK(b->held && b->held_calls == 1 && b->durable == durable);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    b->want = last;
    CHECK(loop_run_until(b->loop, box_reached, b, 5000));
    CHECK(!b->held && b->held_calls == 2 && !store_held(b->store) && b->why.code == ERR_NONE);
    store_close(b->store, box_set_flag, &b->closed);
    CHECK(loop_run_until_set(b->loop, &b->closed, 5000));
    CHECK(box_try_open(b, &err) == 0);
    CHECK(store_last_event_seq(b->store) == seq);
}

static void test_disk_limit_holds_and_releases(void **state)
{
    struct box b;

    box_init(&b, state);
    in_child(limit_child, &b);
    temp_dir_remove(b.dir);
}

/* A real full disk: a small file system of the child's own, filled by somebody else. */
static void full_child(struct box *b)
{
    char hog[TEMP_DIR_MAX + 16], block[4096] = "x";
    struct err err;
    uint64_t last;
    int fd;

    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", b->dir, "tmpfs", 0, "size=1m"))
        _exit(CANNOT);
    CHECK(box_try_open(b, &err) == 0);
    b->want = box_put_event(b, 1, "orders");
    CHECK(loop_run_until(b->loop, box_reached, b, 5000));
    snprintf(hog, sizeof(hog), "%s/hog", b->dir);
    fd = open(hog, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof(block)) > 0)
        ;
    CHECK(errno == ENOSPC);
    close(fd);
    for (uint64_t seq = 2; seq <= 200; seq++)
        last = box_put_event(b, seq, "orders");
    CHECK(loop_run_until(b->loop, is_held, b, 5000));
    CHECK(b->why.code == ERR_NO_SPACE && b->durable == 1);
    CHECK(unlink(hog) == 0);
    b->want = last;
    CHECK(loop_run_until(b->loop, box_reached, b, 5000));
    CHECK(!b->held);
    /* And a closed store with a full disk gives up in time, saying nothing wrong. */
    fd = open(hog, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof(block)) > 0)
        ;
    close(fd);
    for (uint64_t seq = 201; seq <= 2000; seq++)
        box_put_event(b, seq, "orders");
    store_close(b->store, box_set_flag, &b->closed);
    CHECK(loop_run_until_set(b->loop, &b->closed, 8000));
    CHECK(b->held && b->durable == last);
    CHECK(unlink(hog) == 0);
    CHECK(box_try_open(b, &err) == 0);
    CHECK(store_last_event_seq(b->store) == 200);
}

static void test_full_disk_holds_and_releases(void **state)
{
    struct box b;

    box_init(&b, state);
    in_child(full_child, &b);
    temp_dir_remove(b.dir);
}

static void test_directory_that_goes_away_holds(void **state)
{
    char path[TEMP_DIR_MAX + 16], away[TEMP_DIR_MAX + 16];
    struct box b;

    box_init(&b, state);
    snprintf(path, sizeof(path), "%s/state.db", b.dir);
    snprintf(away, sizeof(away), "%s/away", b.dir);
    box_open(&b);
    assert_int_equal(rename(path, away), 0);
    box_put_event(&b, 1, NULL);
    assert_true(loop_run_until(b.loop, is_held, &b, 5000));
    assert_int_equal(b.why.code, ERR_NOT_FOUND);
    assert_int_equal(rename(away, path), 0);
    box_wait_durable(&b, 1);
    box_close(&b);
    temp_dir_remove(b.dir);
}

static void test_a_queue_too_long_holds_and_keeps_jobs(void **state)
{
    char path[TEMP_DIR_MAX + 16], away[TEMP_DIR_MAX + 16];
    struct store_job job;
    struct jobs jobs;
    uint64_t last = 0;
    struct box b;

    box_init(&b, state);
    snprintf(path, sizeof(path), "%s/state.db", b.dir);
    snprintf(away, sizeof(away), "%s/away", b.dir);
    box_open(&b);
    assert_int_equal(rename(path, away), 0);
    box_put_event(&b, 1, NULL);
    assert_true(loop_run_until(b.loop, is_held, &b, 5000));
    for (uint64_t seq = 2; seq <= 100100; seq++)
        last = box_put_event(&b, seq, NULL);
    assert_int_equal(last, 100100);
    assert_in_range(store_events_dropped(b.store), 90, 200);
    store_job_fill(&job, "orders");
    last = store_put_job(b.store, &job);
    assert_int_equal(rename(away, path), 0);
    box_wait_durable(&b, last);
    assert_false(b.held);
    box_close(&b);
    box_open(&b);
    box_load_jobs(&b, &jobs);
    assert_int_equal(jobs.n, 1);
    assert_int_equal(store_last_event_seq(b.store), 100100); /* also numbers of events not kept */
    box_close(&b);
    temp_dir_remove(b.dir);
}

/* Puts for ever; each step is a job and an event of the same number. Writes what is durable to fd.
 */
static void put_until_killed(struct box *b, int fd)
{
    uint64_t told = 0, seq = 0;
    struct store_job job;
    struct err err;

    CHECK(box_try_open(b, &err) == 0);
    seq = store_last_event_seq(b->store);
    store_job_fill(&job, "orders");
    for (;;) {
        for (uint64_t n = 1 + seq % 7; n > 0; n--) {
            job.run.attempt = (unsigned)++seq;
            store_put_job(b->store, &job);
            box_put_event(b, seq, "orders");
        }
        uv_run(b->loop, UV_RUN_ONCE);
        if (b->durable != told) {
            uint64_t steps = store_last_event_seq(b->store) + b->durable / 2;

            told = b->durable;
            CHECK(write(fd, &steps, sizeof(steps)) == sizeof(steps));
        }
    }
}

/* All events after `after` must be there without a gap; returns the last number. */
static uint64_t check_no_gaps(struct box *b, uint64_t last)
{
    uint64_t seen = 0;

    while (seen < last) {
        struct query q = {.done = false};

        store_events_start(&q.events, b->store,
                           &(struct store_event_query){.after = seen, .limit = 1000}, query_done);
        assert_true(loop_run_until_set(b->loop, &q.done, 10000));
        assert_true(q.events.n > 0);
        for (unsigned i = 0; i < q.events.n; i++)
            assert_int_equal(q.events.events[i].seq, ++seen);
        store_events_clear(&q.events);
    }
    return seen;
}

static void test_kill_loses_nothing_that_was_durable(void **state)
{
    uv_loop_t loop;
    struct box b;

    box_init(&b, state);
    for (int round = 0; round < 12; round++) {
        uint64_t told = 0, last;
        struct jobs jobs;
        int fds[2];
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            CHECK(uv_loop_init(&loop) == 0);
            b.loop = &loop;
            put_until_killed(&b, fds[1]);
        }
        close(fds[1]);
        for (int i = 0; i < 1 + round * 5; i++)
            assert_int_equal(read(fds[0], &told, sizeof(told)), sizeof(told));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        /* It may have said more until it died. */
        while (read(fds[0], &last, sizeof(last)) == sizeof(last))
            told = last;
        close(fds[0]);

        box_open(&b);
        last = store_last_event_seq(b.store);
        assert_true(last >= told);
        assert_int_equal(check_no_gaps(&b, last), last);
        box_load_jobs(&b, &jobs);
        assert_int_equal(jobs.n, 1);
        assert_int_equal(jobs.last.run.attempt, last);
        box_close(&b);
    }
    temp_dir_remove(b.dir);
}

static void test_killed_while_it_starts(void **state)
{
    uv_loop_t loop;
    struct box b;

    box_init(&b, state);
    for (int round = 0; round < 40; round++) {
        struct timespec delay = {.tv_nsec = round * 100000};
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            struct err err;

            CHECK(uv_loop_init(&loop) == 0);
            b.loop = &loop;
            CHECK(box_try_open(&b, &err) == 0);
            box_put_event(&b, 1, NULL);
            for (;;)
                uv_run(&loop, UV_RUN_ONCE);
        }
        /* Not a wait for something: the moment of the kill is what varies. */
        clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, NULL);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        box_open(&b);
        box_close(&b);
        if (round % 4 == 3) {
            temp_dir_remove(b.dir);
            temp_dir_make(b.dir);
        }
    }
    temp_dir_remove(b.dir);
}

#define LOOP_TEST(fn) cmocka_unit_test_setup_teardown(fn, loop_setup, loop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(test_read_only_directory),
        LOOP_TEST(test_disk_limit_holds_and_releases),
        LOOP_TEST(test_full_disk_holds_and_releases),
        LOOP_TEST(test_directory_that_goes_away_holds),
        LOOP_TEST(test_a_queue_too_long_holds_and_keeps_jobs),
        LOOP_TEST(test_kill_loses_nothing_that_was_durable),
        LOOP_TEST(test_killed_while_it_starts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
