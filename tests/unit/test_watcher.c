/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/job/watcher.h"
#include "lib/base/base.h"

#define WAIT_MS 15000 /* until something happens; milliseconds are usual */
#define QUIET_MS 400  /* for what must not happen; longer than any file is left alone */
#define NAME_MAX_HERE 64
#define FILES_MAX 1100

/* What the watcher said about one name, last. */
struct told {
    char name[NAME_MAX_HERE];
    bool gone, ok;
    unsigned times; /* on_file was called */
    char id[SPEC_ID_MAX + 1];
    char problem[512];
};

struct watch {
    uv_loop_t *loop;
    struct watcher *watcher;
    char base[TEMP_DIR_MAX], dir[TEMP_DIR_MAX + 8];
    struct told *told; /* FILES_MAX */
    unsigned n_told, n_files, n_gone, n_errors;
    bool scanned, complete, readable, closed;
    struct err err;

    /* what wait_for() waits for */
    const char *name;
    bool (*is)(const struct told *told, const char *arg);
    const char *arg;
    unsigned wanted;
};

static struct told *told_about(struct watch *x, const char *name)
{
    for (unsigned i = 0; i < x->n_told; i++) {
        if (!strcmp(x->told[i].name, name))
            return &x->told[i];
    }
    assert_true(x->n_told < FILES_MAX);
    assert_true(str_copy(x->told[x->n_told].name, NAME_MAX_HERE, name));
    return &x->told[x->n_told++];
}

static void on_file(void *arg, const char *path, const struct jobfile *file)
{
    struct watch *x = arg;
    struct told *t = told_about(x, strrchr(path, '/') + 1);
    char *problem = diags_render(&file->diags);

    x->n_files++;
    t->times++;
    t->gone = false;
    t->ok = jobfile_ok(file);
    str_copy(t->id, sizeof(t->id), t->ok ? file->specs[0]->id : "");
    str_copy(t->problem, sizeof(t->problem), problem);
    free(problem);
}

static void on_gone(void *arg, const char *path)
{
    struct watch *x = arg;

    x->n_gone++;
    told_about(x, strrchr(path, '/') + 1)->gone = true;
}

static void on_scanned(void *arg, bool complete)
{
    struct watch *x = arg;

    assert_false(x->scanned);
    x->scanned = true;
    x->complete = complete;
}

static void on_error(void *arg, const struct err *err)
{
    struct watch *x = arg;

    x->n_errors += err->code != ERR_NONE;
    x->readable = err->code == ERR_NONE;
    x->err = *err;
}

static void on_closed(void *arg)
{
    struct watch *x = arg;

    x->closed = true;
}

/* --- fixture --- */

static int set_up(void **state)
{
    struct watch *x = xcalloc(1, sizeof(*x));
    struct fixture *f;

    if (loop_setup(state))
        return -1;
    f = *state;
    f->data = x;
    x->loop = &f->loop;
    x->told = xcalloc(FILES_MAX, sizeof(*x->told));
    temp_dir_make(x->base);
    snprintf(x->dir, sizeof(x->dir), "%s/jobs", x->base);
    return mkdir(x->dir, 0755);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct watch *x = f->data;
    int failed;

    watcher_free(x->watcher, on_closed, x);
    failed = loop_teardown(state);
    if (!failed && !x->closed)
        failed = -1;
    temp_dir_remove(x->base);
    free(x->told);
    free(x);
    return failed;
}

static struct watch *watch_of(void **state)
{
    return ((struct fixture *)*state)->data;
}

static void start(struct watch *x)
{
    const struct watcher_callbacks callbacks = {.on_file = on_file,
                                                .on_gone = on_gone,
                                                .on_scanned = on_scanned,
                                                .on_error = on_error,
                                                .arg = x};

    x->watcher = watcher_new(x->loop, x->dir, &callbacks);
    watcher_start(x->watcher);
    assert_int_equal(x->n_files, 0); /* nothing is called from inside */
    assert_false(x->scanned);
    assert_true(loop_run_until_set(x->loop, &x->scanned, WAIT_MS));
}

/* --- files --- */

static const char *path_of(const struct watch *x, const char *name)
{
    static char path[192];

    snprintf(path, sizeof(path), "%s/%s", x->dir, name);
    return path;
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void put_job(const struct watch *x, const char *name, const char *id)
{
    char text[160];

    snprintf(text, sizeof(text), "replication_group: %s\ntarget: {endpoint: t:1}\n", id);
    put(path_of(x, name), text);
}

/* --- waiting --- */

static bool has_id(const struct told *t, const char *id)
{
    return !t->gone && t->ok && !strcmp(t->id, id);
}

static bool has_problem(const struct told *t, const char *part)
{
    return !t->gone && !t->ok && strstr(t->problem, part);
}

static bool is_gone(const struct told *t, const char *arg)
{
    (void)arg;
    return t->gone;
}

static bool holds(void *arg)
{
    struct watch *x = arg;

    return x->is(told_about(x, x->name), x->arg);
}

static void wait_for(struct watch *x, const char *name,
                     bool (*is)(const struct told *told, const char *arg), const char *arg)
{
    x->name = name;
    x->is = is;
    x->arg = arg;
    if (!loop_run_until(x->loop, holds, x, WAIT_MS))
        fail_msg("%s: no '%s'; problem: %s", name, arg ? arg : "end", told_about(x, name)->problem);
}

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
    assert_true(loop_run_until(x->loop, enough, x, WAIT_MS));
}

/* --- tests --- */

static void what_is_there_at_the_start_is_reported(void **state)
{
    struct watch *x = watch_of(state);

    put_job(x, "a.yaml", "a");
    put_job(x, "b.yml", "b");
    put(path_of(x, "c.yaml"), "nonsense\n");
    put_job(x, ".hidden.yaml", "h");
    put_job(x, "d.yaml~", "d");
    put_job(x, "e.yaml.dpkg-new", "e");
    put_job(x, "f.txt", "f");
    start(x);
    assert_true(x->complete);
    assert_int_equal(x->n_files, 3);
    assert_true(has_id(told_about(x, "a.yaml"), "a"));
    assert_true(has_id(told_about(x, "b.yml"), "b"));
    assert_true(has_problem(told_about(x, "c.yaml"), "error[wrong-type]"));
    assert_int_equal(x->n_errors, 0);
}

static void an_empty_directory_is_complete(void **state)
{
    struct watch *x = watch_of(state);

    start(x);
    assert_true(x->complete);
    assert_int_equal(x->n_files, 0);
}

static void files_come_change_and_go(void **state)
{
    struct watch *x = watch_of(state);

    start(x);
    put_job(x, "a.yaml", "one");
    wait_for(x, "a.yaml", has_id, "one");
    put_job(x, "a.yaml", "two"); /* the same size, perhaps in the same tick of the clock */
    wait_for(x, "a.yaml", has_id, "two");
    assert_int_equal(unlink(path_of(x, "a.yaml")), 0);
    wait_for(x, "a.yaml", is_gone, NULL);
    put_job(x, "a.yaml", "two");
    wait_for(x, "a.yaml", has_id, "two");
    assert_int_equal(told_about(x, "a.yaml")->times, 3);
}

static void replacing_by_rename_is_a_change(void **state)
{
    struct watch *x = watch_of(state);
    char from[192];

    put_job(x, "a.yaml", "one");
    start(x);
    put_job(x, ".a.yaml.tmp", "two");
    snprintf(from, sizeof(from), "%s", path_of(x, ".a.yaml.tmp"));
    assert_int_equal(rename(from, path_of(x, "a.yaml")), 0);
    wait_for(x, "a.yaml", has_id, "two");
    assert_int_equal(x->n_gone, 0);
    /* away to a name that is none of ours */
    snprintf(from, sizeof(from), "%s", path_of(x, "a.yaml"));
    assert_int_equal(rename(from, path_of(x, "a.yaml.off")), 0);
    wait_for(x, "a.yaml", is_gone, NULL);
}

static void deleting_and_creating_at_once_is_a_change(void **state)
{
    struct watch *x = watch_of(state);

    put_job(x, "a.yaml", "one");
    start(x);
    assert_int_equal(unlink(path_of(x, "a.yaml")), 0);
    put_job(x, "a.yaml", "two");
    wait_for(x, "a.yaml", has_id, "two");
    assert_int_equal(x->n_gone, 0);
}

static void touching_changes_nothing(void **state)
{
    struct watch *x = watch_of(state);

    put_job(x, "a.yaml", "one");
    start(x);
    put_job(x, "a.yaml", "one");
    watcher_rescan(x->watcher);
    loop_run_for(x->loop, QUIET_MS);
    assert_int_equal(x->n_files, 1);
}

static void a_half_written_file_is_not_reported(void **state)
{
    struct watch *x = watch_of(state);
    int fd;

    start(x);
    fd = open(path_of(x, "a.yaml"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "target: {endpoint: ", 19), 19);
    loop_run_for(x->loop, QUIET_MS);
    assert_int_equal(x->n_files, 0);
    assert_int_equal(write(fd, "t:1}\n", 5), 5);
    close(fd);
    wait_for(x, "a.yaml", has_id, "a");
    assert_int_equal(x->n_files, 1);
}

static void a_file_that_stays_broken_is_reported_once(void **state)
{
    struct watch *x = watch_of(state);

    start(x);
    put(path_of(x, "a.yaml"), "target: {endpiont: t:1}\n");
    wait_for(x, "a.yaml", has_problem, "did you mean 'endpoint'?");
    watcher_rescan(x->watcher);
    loop_run_for(x->loop, QUIET_MS);
    assert_int_equal(x->n_files, 1);
    put_job(x, "a.yaml", "a");
    wait_for(x, "a.yaml", has_id, "a");
}

static void a_rescan_sees_that_a_password_file_has_come(void **state)
{
    struct watch *x = watch_of(state);
    char text[256], secret[192];

    snprintf(secret, sizeof(secret), "%s/secret", x->base);
    snprintf(text, sizeof(text), "target: {endpoint: t:1, password_file: %s}\n", secret);
    put(path_of(x, "a.yaml"), text);
    start(x);
    assert_true(has_problem(told_about(x, "a.yaml"), "error[password-file]"));
    put(secret, "x\n");
    watcher_rescan(x->watcher);
    wait_for(x, "a.yaml", has_id, "a");
}

static void chmod_mends_a_file_with_a_password(void **state)
{
    struct watch *x = watch_of(state);

    put(path_of(x, "a.yaml"), "target: {endpoint: t:1, password: x}\n");
    assert_int_equal(chmod(path_of(x, "a.yaml"), 0644), 0);
    start(x);
    assert_true(has_problem(told_about(x, "a.yaml"), "chmod o-rwx"));
    assert_int_equal(chmod(path_of(x, "a.yaml"), 0600), 0);
    wait_for(x, "a.yaml", has_id, "a");
}

static void what_is_no_file_is_refused_without_waiting(void **state)
{
    struct watch *x = watch_of(state);

    assert_int_equal(mkfifo(path_of(x, "fifo.yaml"), 0600), 0);
    assert_int_equal(mkdir(path_of(x, "dir.yaml"), 0700), 0);
    start(x);
    assert_true(has_problem(told_about(x, "fifo.yaml"), "error[not-regular]: a FIFO"));
    assert_true(has_problem(told_about(x, "dir.yaml"), "error[not-regular]: a directory"));
    assert_int_equal(mkfifo(path_of(x, "late.yaml"), 0600), 0);
    wait_for(x, "late.yaml", has_problem, "a FIFO");
    put_job(x, "huge.yaml", "huge");
    assert_int_equal(truncate(path_of(x, "huge.yaml"), (off_t)1 << 30), 0);
    wait_for(x, "huge.yaml", has_problem, "error[too-large]: larger than 256 KiB");
    watcher_rescan(x->watcher);
    loop_run_for(x->loop, QUIET_MS);
    assert_int_equal(x->n_files, 4);
}

static void links_are_followed_inside_only(void **state)
{
    struct watch *x = watch_of(state);
    char outside[192];

    snprintf(outside, sizeof(outside), "%s/outside.yaml", x->base);
    put(outside, "target: {endpoint: t:1}\n");
    assert_int_equal(mkdir(path_of(x, "..data"), 0700), 0);
    put(path_of(x, "..data/in.yaml"), "target: {endpoint: t:1}\n");
    assert_int_equal(symlink("..data/in.yaml", path_of(x, "inside.yaml")), 0);
    assert_int_equal(symlink(outside, path_of(x, "out.yaml")), 0);
    assert_int_equal(symlink("../outside.yaml", path_of(x, "up.yaml")), 0);
    assert_int_equal(symlink("nowhere", path_of(x, "dangling.yaml")), 0);
    assert_int_equal(symlink("loop.yaml", path_of(x, "loop.yaml")), 0);
    assert_int_equal(symlink("/dev/zero", path_of(x, "device.yaml")), 0);
    start(x);
    assert_true(has_id(told_about(x, "inside.yaml"), "inside"));
    assert_true(has_problem(told_about(x, "out.yaml"), "leads out of the directory"));
    assert_true(has_problem(told_about(x, "up.yaml"), "leads out of the directory"));
    assert_true(has_problem(told_about(x, "device.yaml"), "leads out of the directory"));
    assert_true(has_problem(told_about(x, "dangling.yaml"), "cannot be followed"));
    assert_true(has_problem(told_about(x, "loop.yaml"), "cannot be followed"));
    /* pointed somewhere else, as configuration managers do */
    put(path_of(x, "..data/new.yaml"), "target: {endpoint: other:1}\n");
    assert_int_equal(symlink("..data/new.yaml", path_of(x, ".tmp")), 0);
    snprintf(outside, sizeof(outside), "%s", path_of(x, ".tmp"));
    assert_int_equal(rename(outside, path_of(x, "inside.yaml")), 0);
    x->n_files = 0;
    wait_for_count(x, has_files, 1);
    assert_int_equal(told_about(x, "inside.yaml")->times, 2);
}

static void a_thousand_at_once_do_not_stall_the_loop(void **state)
{
    struct watch *x = watch_of(state);
    char name[NAME_MAX_HERE], id[16];

    start(x);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "j%u.yaml", i);
        snprintf(id, sizeof(id), "j%u", i);
        put_job(x, name, id);
    }
    wait_for_count(x, has_files, 1000);
    for (unsigned i = 0; i < x->n_told; i++)
        assert_true(x->told[i].ok);
    assert_int_equal(x->n_told, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "j%u.yaml", i);
        assert_int_equal(unlink(path_of(x, name)), 0);
    }
    wait_for_count(x, has_gone, 1000);
    loop_run_for(x->loop, QUIET_MS);
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
    char name[NAME_MAX_HERE], id[16];

    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "j%u.yaml", i);
        snprintf(id, sizeof(id), "j%u", i);
        put_job(x, name, id);
    }
    uv_check_init(x->loop, &turns.check);
    uv_check_start(&turns.check, turned);
    start(x);
    assert_int_equal(x->n_files, 1000);
    /* The aim is 10 ms; the rest is for slow machines and sanitizers. */
    assert_true(turns.longest < UINT64_C(100000000));
    uv_close((uv_handle_t *)&turns.check, NULL);
    uv_run(x->loop, UV_RUN_NOWAIT);
}

static void a_missing_directory_is_said_once_and_looked_for(void **state)
{
    struct watch *x = watch_of(state);

    assert_int_equal(rmdir(x->dir), 0);
    start(x);
    assert_false(x->complete);
    assert_int_equal(x->n_errors, 1);
    assert_int_equal(x->err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(x->err.msg, x->dir));
    assert_int_equal(mkdir(x->dir, 0755), 0);
    put_job(x, "a.yaml", "a");
    wait_for(x, "a.yaml", has_id, "a");
    assert_true(x->readable);
    assert_int_equal(x->n_errors, 1);
    /* and it is watched */
    put_job(x, "b.yaml", "b");
    wait_for(x, "b.yaml", has_id, "b");
}

static void a_directory_that_comes_back_is_watched_again(void **state)
{
    struct watch *x = watch_of(state);
    char aside[TEMP_DIR_MAX + 8];

    put_job(x, "a.yaml", "a");
    put_job(x, "b.yaml", "b");
    start(x);
    snprintf(aside, sizeof(aside), "%s/aside", x->base);
    assert_int_equal(rename(x->dir, aside), 0);
    while (x->n_errors == 0)
        loop_run_for(x->loop, 10);
    loop_run_for(x->loop, QUIET_MS);
    assert_int_equal(x->n_gone,
                     0); /* the directory is away, and this says nothing about its files */
    assert_int_equal(mkdir(x->dir, 0755), 0);
    put_job(x, "a.yaml", "changed");
    wait_for(x, "a.yaml", has_id, "changed");
    wait_for(x, "b.yaml", is_gone, NULL);
    put_job(x, "c.yaml", "c");
    wait_for(x, "c.yaml", has_id, "c");
}

static void a_removed_directory_may_be_made_anew(void **state)
{
    struct watch *x = watch_of(state);

    put_job(x, "a.yaml", "a");
    start(x);
    temp_dir_remove(x->dir);
    assert_int_equal(mkdir(x->dir, 0755), 0);
    put_job(x, "b.yaml", "b");
    wait_for(x, "b.yaml", has_id, "b");
    wait_for(x, "a.yaml", is_gone, NULL);
    put_job(x, "b.yaml", "changed");
    wait_for(x, "b.yaml", has_id, "changed");
}

static void it_can_be_freed_at_any_time(void **state)
{
    struct watch *x = watch_of(state);
    const struct watcher_callbacks callbacks = {.on_file = on_file,
                                                .on_gone = on_gone,
                                                .on_scanned = on_scanned,
                                                .on_error = on_error,
                                                .arg = x};

    put_job(x, "a.yaml", "a");
    for (unsigned turns = 0; turns < 6; turns++) {
        struct watcher *w = watcher_new(x->loop, x->dir, &callbacks);
        unsigned n;

        x->closed = x->scanned = false;
        watcher_start(w);
        for (unsigned i = 0; i < turns; i++)
            uv_run(x->loop, UV_RUN_NOWAIT);
        n = x->n_files;
        watcher_free(w, on_closed, x);
        assert_false(x->closed);
        put_job(x, "a.yaml", turns % 2 ? "a" : "b");
        assert_true(loop_run_until_set(x->loop, &x->closed, WAIT_MS));
        assert_int_equal(x->n_files, n); /* nothing after free */
    }
    x->closed = false;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_there_at_the_start_is_reported),
        TEST(an_empty_directory_is_complete),
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
        TEST(a_missing_directory_is_said_once_and_looked_for),
        TEST(a_directory_that_comes_back_is_watched_again),
        TEST(a_removed_directory_may_be_made_anew),
        TEST(it_can_be_freed_at_any_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
