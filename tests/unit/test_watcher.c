/* SPDX-License-Identifier: Apache-2.0 */
/* The watcher and the files: those that come, change and go, and those that are none. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/base.h"
#include "tests/unit/watch_rig.h"

static bool has_files(void *arg)
{
    const struct watch *x = arg;

    return x->n_files >= x->wanted;
}

static bool has_gone(void *arg)
{
    const struct watch *x = arg;

    return x->n_gone >= x->wanted;
}

static void wait_for_count(struct watch *x, bool (*enough)(void *arg), unsigned n)
{
    x->wanted = n;
    assert_true(loop_run_until(x->loop, enough, x, WATCH_WAIT_MS));
}

/* --- files --- */

static void what_is_there_at_the_start_is_reported(void **state)
{
    struct watch *x = watch_of(state);

    watch_put_job(x, "a.yaml", "a");
    watch_put_job(x, "b.yml", "b");
    watch_put(watch_path(x, "c.yaml"), "nonsense\n");
    watch_put_job(x, ".hidden.yaml", "h");
    watch_put_job(x, "d.yaml~", "d");
    watch_put_job(x, "e.yaml.dpkg-new", "e");
    watch_put_job(x, "f.txt", "f");
    watch_start(x);
    assert_true(x->complete);
    assert_int_equal(x->n_files, 3);
    assert_true(told_has_id(watch_told(x, "a.yaml"), "a"));
    assert_true(told_has_id(watch_told(x, "b.yml"), "b"));
    assert_true(told_has_problem(watch_told(x, "c.yaml"), "error[wrong-type]"));
    assert_int_equal(x->n_errors, 0);
}

static void files_come_change_and_go(void **state)
{
    struct watch *x = watch_of(state);

    watch_start(x);
    watch_put_job(x, "a.yaml", "one");
    watch_wait(x, "a.yaml", told_has_id, "one");
    watch_put_job(x, "a.yaml", "two"); /* the same size, perhaps in the same tick of the clock */
    watch_wait(x, "a.yaml", told_has_id, "two");
    assert_int_equal(unlink(watch_path(x, "a.yaml")), 0);
    watch_wait(x, "a.yaml", told_is_gone, NULL);
    watch_put_job(x, "a.yaml", "two");
    watch_wait(x, "a.yaml", told_has_id, "two");
    assert_int_equal(watch_told(x, "a.yaml")->times, 3);
}

static void replacing_by_rename_is_a_change(void **state)
{
    struct watch *x = watch_of(state);
    char from[192];

    watch_put_job(x, "a.yaml", "one");
    watch_start(x);
    watch_put_job(x, ".a.yaml.tmp", "two");
    snprintf(from, sizeof(from), "%s", watch_path(x, ".a.yaml.tmp"));
    assert_int_equal(rename(from, watch_path(x, "a.yaml")), 0);
    watch_wait(x, "a.yaml", told_has_id, "two");
    assert_int_equal(x->n_gone, 0);
    /* away to a name that is none of ours */
    snprintf(from, sizeof(from), "%s", watch_path(x, "a.yaml"));
    assert_int_equal(rename(from, watch_path(x, "a.yaml.off")), 0);
    watch_wait(x, "a.yaml", told_is_gone, NULL);
}

static void deleting_and_creating_at_once_is_a_change(void **state)
{
    struct watch *x = watch_of(state);

    watch_put_job(x, "a.yaml", "one");
    watch_start(x);
    assert_int_equal(unlink(watch_path(x, "a.yaml")), 0);
    watch_put_job(x, "a.yaml", "two");
    watch_wait(x, "a.yaml", told_has_id, "two");
    assert_int_equal(x->n_gone, 0);
}

static void touching_changes_nothing(void **state)
{
    struct watch *x = watch_of(state);

    watch_put_job(x, "a.yaml", "one");
    watch_start(x);
    watch_put_job(x, "a.yaml", "one");
    watcher_rescan(x->watcher);
    loop_run_for(x->loop, WATCH_QUIET_MS);
    assert_int_equal(x->n_files, 1);
}

static void a_half_written_file_is_not_reported(void **state)
{
    struct watch *x = watch_of(state);
    int fd;

    watch_start(x);
    fd = open(watch_path(x, "a.yaml"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "target: {endpoint: ", 19), 19);
    loop_run_for(x->loop, WATCH_QUIET_MS);
    assert_int_equal(x->n_files, 0);
    assert_int_equal(write(fd, "t:1}\n", 5), 5);
    close(fd);
    watch_wait(x, "a.yaml", told_has_id, "a");
    assert_int_equal(x->n_files, 1);
}

static void a_file_that_stays_broken_is_reported_once(void **state)
{
    struct watch *x = watch_of(state);

    watch_start(x);
    watch_put(watch_path(x, "a.yaml"), "target: {endpiont: t:1}\n");
    watch_wait(x, "a.yaml", told_has_problem, "did you mean 'endpoint'?");
    watcher_rescan(x->watcher);
    loop_run_for(x->loop, WATCH_QUIET_MS);
    assert_int_equal(x->n_files, 1);
    watch_put_job(x, "a.yaml", "a");
    watch_wait(x, "a.yaml", told_has_id, "a");
}

static void a_rescan_sees_that_a_password_file_has_come(void **state)
{
    struct watch *x = watch_of(state);
    char text[256], secret[192];

    snprintf(secret, sizeof(secret), "%s/secret", x->base);
    snprintf(text, sizeof(text), "target: {endpoint: t:1, password_file: %s}\n", secret);
    watch_put(watch_path(x, "a.yaml"), text);
    watch_start(x);
    assert_true(told_has_problem(watch_told(x, "a.yaml"), "error[password-file]"));
    watch_put(secret, "x\n");
    watcher_rescan(x->watcher);
    watch_wait(x, "a.yaml", told_has_id, "a");
}

static void chmod_mends_a_file_with_a_password(void **state)
{
    struct watch *x = watch_of(state);

    watch_put(watch_path(x, "a.yaml"), "target: {endpoint: t:1, password: x}\n");
    assert_int_equal(chmod(watch_path(x, "a.yaml"), 0644), 0);
    watch_start(x);
    assert_true(told_has_problem(watch_told(x, "a.yaml"), "chmod o-rwx"));
    assert_int_equal(chmod(watch_path(x, "a.yaml"), 0600), 0);
    watch_wait(x, "a.yaml", told_has_id, "a");
}

static void what_is_no_file_is_refused_without_waiting(void **state)
{
    struct watch *x = watch_of(state);

    assert_int_equal(mkfifo(watch_path(x, "fifo.yaml"), 0600), 0);
    assert_int_equal(mkdir(watch_path(x, "dir.yaml"), 0700), 0);
    watch_start(x);
    assert_true(told_has_problem(watch_told(x, "fifo.yaml"), "error[not-regular]: a FIFO"));
    assert_true(told_has_problem(watch_told(x, "dir.yaml"), "error[not-regular]: a directory"));
    assert_int_equal(mkfifo(watch_path(x, "late.yaml"), 0600), 0);
    watch_wait(x, "late.yaml", told_has_problem, "a FIFO");
    watch_put_job(x, "huge.yaml", "huge");
    assert_int_equal(truncate(watch_path(x, "huge.yaml"), (off_t)1 << 30), 0);
    watch_wait(x, "huge.yaml", told_has_problem, "error[too-large]: larger than 256 KiB");
    watcher_rescan(x->watcher);
    loop_run_for(x->loop, WATCH_QUIET_MS);
    assert_int_equal(x->n_files, 4);
}

static void links_are_followed_inside_only(void **state)
{
    struct watch *x = watch_of(state);
    char outside[192];

    snprintf(outside, sizeof(outside), "%s/outside.yaml", x->base);
    watch_put(outside, "target: {endpoint: t:1}\n");
    assert_int_equal(mkdir(watch_path(x, "..data"), 0700), 0);
    watch_put(watch_path(x, "..data/in.yaml"), "target: {endpoint: t:1}\n");
    assert_int_equal(symlink("..data/in.yaml", watch_path(x, "inside.yaml")), 0);
    assert_int_equal(symlink(outside, watch_path(x, "out.yaml")), 0);
    assert_int_equal(symlink("../outside.yaml", watch_path(x, "up.yaml")), 0);
    assert_int_equal(symlink("nowhere", watch_path(x, "dangling.yaml")), 0);
    assert_int_equal(symlink("loop.yaml", watch_path(x, "loop.yaml")), 0);
    assert_int_equal(symlink("/dev/zero", watch_path(x, "device.yaml")), 0);
    watch_start(x);
    assert_true(told_has_id(watch_told(x, "inside.yaml"), "inside"));
    assert_true(told_has_problem(watch_told(x, "out.yaml"), "leads out of the directory"));
    assert_true(told_has_problem(watch_told(x, "up.yaml"), "leads out of the directory"));
    assert_true(told_has_problem(watch_told(x, "device.yaml"), "leads out of the directory"));
    assert_true(told_has_problem(watch_told(x, "dangling.yaml"), "cannot be followed"));
    assert_true(told_has_problem(watch_told(x, "loop.yaml"), "cannot be followed"));
    /* pointed somewhere else, as configuration managers do */
    watch_put(watch_path(x, "..data/new.yaml"), "target: {endpoint: other:1}\n");
    assert_int_equal(symlink("..data/new.yaml", watch_path(x, ".tmp")), 0);
    snprintf(outside, sizeof(outside), "%s", watch_path(x, ".tmp"));
    assert_int_equal(rename(outside, watch_path(x, "inside.yaml")), 0);
    x->n_files = 0;
    wait_for_count(x, has_files, 1);
    assert_int_equal(watch_told(x, "inside.yaml")->times, 2);
}

/* --- many files --- */

static void a_thousand_at_once_do_not_stall_the_loop(void **state)
{
    struct watch *x = watch_of(state);
    char name[WATCH_NAME_MAX], id[16];

    watch_start(x);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "j%u.yaml", i);
        snprintf(id, sizeof(id), "j%u", i);
        watch_put_job(x, name, id);
    }
    wait_for_count(x, has_files, 1000);
    for (unsigned i = 0; i < x->n_told; i++)
        assert_true(x->told[i].ok);
    assert_int_equal(x->n_told, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "j%u.yaml", i);
        assert_int_equal(unlink(watch_path(x, name)), 0);
    }
    wait_for_count(x, has_gone, 1000);
    loop_run_for(x->loop, WATCH_QUIET_MS);
    assert_int_equal(x->n_files, 1000);
    assert_int_equal(x->n_gone, 1000);
}

/* Each turn of the loop, as its other handles see it. */
struct turns {
    uv_check_t check;
    uint64_t last, longest;
};

static void turned(uv_check_t *check)
{
    struct turns *t = container_of(check, struct turns, check);
    uint64_t now = uv_hrtime();

    if (t->last && now - t->last > t->longest)
        t->longest = now - t->last;
    t->last = now;
}

static void a_scan_is_done_in_slices(void **state)
{
    struct watch *x = watch_of(state);
    struct turns turns = {.last = 0};
    char name[WATCH_NAME_MAX], id[16];

    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "j%u.yaml", i);
        snprintf(id, sizeof(id), "j%u", i);
        watch_put_job(x, name, id);
    }
    uv_check_init(x->loop, &turns.check);
    uv_check_start(&turns.check, turned);
    watch_start(x);
    assert_int_equal(x->n_files, 1000);
    /* The aim is 10 ms; the rest is for slow machines and sanitizers. */
    assert_true(turns.longest < UINT64_C(100000000));
    uv_close((uv_handle_t *)&turns.check, NULL);
    uv_run(x->loop, UV_RUN_NOWAIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, watch_set_up, watch_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_there_at_the_start_is_reported),
        TEST(files_come_change_and_go),
        TEST(replacing_by_rename_is_a_change),
        TEST(deleting_and_creating_at_once_is_a_change),
        TEST(touching_changes_nothing),
        TEST(a_half_written_file_is_not_reported),
        TEST(a_file_that_stays_broken_is_reported_once),
        TEST(a_rescan_sees_that_a_password_file_has_come),
        TEST(chmod_mends_a_file_with_a_password),
        TEST(what_is_no_file_is_refused_without_waiting),
        TEST(links_are_followed_inside_only),
        TEST(a_thousand_at_once_do_not_stall_the_loop),
        TEST(a_scan_is_done_in_slices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
