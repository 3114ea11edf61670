/* SPDX-License-Identifier: Apache-2.0 */
/* The watcher and its directory: empty, missing, taken away and made anew; and its own end. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/base.h"
#include "tests/unit/watch_rig.h"

static void an_empty_directory_is_complete(void **state)
{
    struct watch *x = watch_of(state);

    watch_start(x);
    assert_true(x->complete);
    assert_int_equal(x->n_files, 0);
}

static void a_missing_directory_is_said_once_and_looked_for(void **state)
{
    struct watch *x = watch_of(state);

    assert_int_equal(rmdir(x->dir), 0);
    watch_start(x);
    assert_false(x->complete);
    assert_int_equal(x->n_errors, 1);
    assert_int_equal(x->err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(x->err.msg, x->dir));
    assert_int_equal(mkdir(x->dir, 0755), 0);
    watch_put_job(x, "a.yaml", "a");
    watch_wait(x, "a.yaml", told_has_id, "a");
    assert_true(x->readable);
    assert_int_equal(x->n_errors, 1);
    /* and it is watched */
    watch_put_job(x, "b.yaml", "b");
    watch_wait(x, "b.yaml", told_has_id, "b");
}

static void a_directory_that_comes_back_is_watched_again(void **state)
{
    struct watch *x = watch_of(state);
    char aside[TEMP_DIR_MAX + 8];

    watch_put_job(x, "a.yaml", "a");
    watch_put_job(x, "b.yaml", "b");
    watch_start(x);
    snprintf(aside, sizeof(aside), "%s/aside", x->base);
    assert_int_equal(rename(x->dir, aside), 0);
    while (x->n_errors == 0)
        loop_run_for(x->loop, 10);
    loop_run_for(x->loop, WATCH_QUIET_MS);
    assert_int_equal(x->n_gone,
                     0); /* the directory is away, and this says nothing about its files */
    assert_int_equal(mkdir(x->dir, 0755), 0);
    watch_put_job(x, "a.yaml", "changed");
    watch_wait(x, "a.yaml", told_has_id, "changed");
    watch_wait(x, "b.yaml", told_is_gone, NULL);
    watch_put_job(x, "c.yaml", "c");
    watch_wait(x, "c.yaml", told_has_id, "c");
}

static void a_removed_directory_may_be_made_anew(void **state)
{
    struct watch *x = watch_of(state);

    watch_put_job(x, "a.yaml", "a");
    watch_start(x);
    temp_dir_remove(x->dir);
    assert_int_equal(mkdir(x->dir, 0755), 0);
    watch_put_job(x, "b.yaml", "b");
    watch_wait(x, "b.yaml", told_has_id, "b");
    watch_wait(x, "a.yaml", told_is_gone, NULL);
    watch_put_job(x, "b.yaml", "changed");
    watch_wait(x, "b.yaml", told_has_id, "changed");
}

static void it_can_be_freed_at_any_time(void **state)
{
    struct watch *x = watch_of(state);
    const struct watcher_callbacks callbacks = watch_callbacks(x);

    watch_put_job(x, "a.yaml", "a");
    for (unsigned turns = 0; turns < 6; turns++) {
        struct watcher *w = watcher_new(x->loop, x->dir, &callbacks);
        unsigned n;

        x->closed = x->scanned = false;
        watcher_start(w);
        for (unsigned i = 0; i < turns; i++)
            uv_run(x->loop, UV_RUN_NOWAIT);
        n = x->n_files;
        watcher_free(w, watch_closed, x);
        assert_false(x->closed);
        watch_put_job(x, "a.yaml", turns % 2 ? "a" : "b");
        assert_true(loop_run_until_set(x->loop, &x->closed, WATCH_WAIT_MS));
        assert_int_equal(x->n_files, n); /* nothing after free */
    }
    x->closed = false;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, watch_set_up, watch_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_directory_is_complete),
        TEST(a_missing_directory_is_said_once_and_looked_for),
        TEST(a_directory_that_comes_back_is_watched_again),
        TEST(a_removed_directory_may_be_made_anew),
        TEST(it_can_be_freed_at_any_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
