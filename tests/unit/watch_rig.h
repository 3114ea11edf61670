/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A watcher over a directory of its own, and what it said about each name in there. */
#include "tests/unit/fixture.h"

#include "daemon/job/watcher.h"

#define WATCH_WAIT_MS 15000 /* until something happens; milliseconds are usual */
#define WATCH_QUIET_MS 400  /* for what must not happen; longer than any file is left alone */
#define WATCH_NAME_MAX 64
#define WATCH_FILES_MAX 1100

/* What the watcher said about one name, last. */
struct told {
    char name[WATCH_NAME_MAX];
    bool gone, ok;
    unsigned times; /* on_file was called */
    char id[SPEC_ID_MAX + 1];
    char problem[512];
};

struct watch {
    uv_loop_t *loop;
    struct watcher *watcher;
    char base[TEMP_DIR_MAX], dir[TEMP_DIR_MAX + 8];
    struct told *told; /* WATCH_FILES_MAX */
    unsigned n_told, n_files, n_gone, n_errors;
    bool scanned, complete, readable, closed;
    struct err err;

    /* what watch_wait() waits for */
    const char *name;
    bool (*is)(const struct told *told, const char *arg);
    const char *arg;
    unsigned wanted;
};

/* cmocka set-up and tear-down; the directory is there, and the watcher is not. */
int watch_set_up(void **state);
int watch_tear_down(void **state);
struct watch *watch_of(void **state);

/* Starts the watcher, and waits until it has looked at everything once. */
void watch_start(struct watch *x);
/* What a test needs to have a watcher of its own, which reports to x. */
struct watcher_callbacks watch_callbacks(struct watch *x);
void watch_closed(void *arg); /* for watcher_free(); arg: struct watch */

struct told *watch_told(struct watch *x, const char *name);
const char *watch_path(const struct watch *x, const char *name); /* until it is called again */
void watch_put(const char *path, const char *text);
void watch_put_job(const struct watch *x, const char *name, const char *id);

/* Waits until is(what was said about name, arg); one of those below, or a test's own. */
void watch_wait(struct watch *x, const char *name,
                bool (*is)(const struct told *told, const char *arg), const char *arg);
bool told_has_id(const struct told *t, const char *id);
bool told_has_problem(const struct told *t, const char *part);
bool told_is_gone(const struct told *t, const char *arg);
