/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/watch_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/base.h"

struct told *watch_told(struct watch *x, const char *name)
{
    for (unsigned i = 0; i < x->n_told; i++) {
        if (!strcmp(x->told[i].name, name))
            return &x->told[i];
    }
    assert_true(x->n_told < WATCH_FILES_MAX);
    assert_true(str_copy(x->told[x->n_told].name, WATCH_NAME_MAX, name));
    return &x->told[x->n_told++];
}

static void on_file(void *arg, const char *path, const struct jobfile *file)
{
    struct watch *x = arg;
    struct told *t = watch_told(x, strrchr(path, '/') + 1);
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
    watch_told(x, strrchr(path, '/') + 1)->gone = true;
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

struct watcher_callbacks watch_callbacks(struct watch *x)
{
    return (struct watcher_callbacks){.on_file = on_file,
                                      .on_gone = on_gone,
                                      .on_scanned = on_scanned,
                                      .on_error = on_error,
                                      .arg = x};
}

void watch_closed(void *arg)
{
    struct watch *x = arg;

    x->closed = true;
}

/* --- fixture --- */

int watch_set_up(void **state)
{
    struct watch *x = xcalloc(1, sizeof(*x));
    struct fixture *f;

    if (loop_setup(state))
        return -1;
    f = *state;
    f->data = x;
    x->loop = &f->loop;
    x->told = xcalloc(WATCH_FILES_MAX, sizeof(*x->told));
    temp_dir_make(x->base);
    snprintf(x->dir, sizeof(x->dir), "%s/jobs", x->base);
    return mkdir(x->dir, 0755);
}

int watch_tear_down(void **state)
{
    struct fixture *f = *state;
    struct watch *x = f->data;
    int failed;

    watcher_free(x->watcher, watch_closed, x);
    failed = loop_teardown(state);
    if (!failed && !x->closed)
        failed = -1;
    temp_dir_remove(x->base);
    free(x->told);
    free(x);
    return failed;
}

struct watch *watch_of(void **state)
{
    return ((struct fixture *)*state)->data;
}

void watch_start(struct watch *x)
{
    const struct watcher_callbacks callbacks = watch_callbacks(x);

    x->watcher = watcher_new(x->loop, x->dir, &callbacks);
    watcher_start(x->watcher);
    assert_int_equal(x->n_files, 0); /* nothing is called from inside */
    assert_false(x->scanned);
    assert_true(loop_run_until_set(x->loop, &x->scanned, WATCH_WAIT_MS));
}

/* --- files --- */

const char *watch_path(const struct watch *x, const char *name)
{
    static char path[192];

    snprintf(path, sizeof(path), "%s/%s", x->dir, name);
    return path;
}

void watch_put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

void watch_put_job(const struct watch *x, const char *name, const char *id)
{
    char text[160];

    snprintf(text, sizeof(text), "replication_group: %s\ntarget: {endpoint: t:1}\n", id);
    watch_put(watch_path(x, name), text);
}

/* --- waiting --- */

bool told_has_id(const struct told *t, const char *id)
{
    return !t->gone && t->ok && !strcmp(t->id, id);
}

bool told_has_problem(const struct told *t, const char *part)
{
    return !t->gone && !t->ok && strstr(t->problem, part);
}

bool told_is_gone(const struct told *t, const char *arg)
{
    (void)arg;
    return t->gone;
}

static bool holds(void *arg)
{
    struct watch *x = arg;

    return x->is(watch_told(x, x->name), x->arg);
}

void watch_wait(struct watch *x, const char *name,
                bool (*is)(const struct told *told, const char *arg), const char *arg)
{
    x->name = name;
    x->is = is;
    x->arg = arg;
    if (!loop_run_until(x->loop, holds, x, WATCH_WAIT_MS))
        fail_msg("%s: no '%s'; problem: %s", name, arg ? arg : "end", watch_told(x, name)->problem);
}
