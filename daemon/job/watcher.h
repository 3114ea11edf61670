/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Watches a directory of job files and tells what is new, changed or gone.
 *
 *   inotify says that a name was touched -> its file is left alone for a moment, to be complete
 *   the moment has passed                -> stat, read, parse -> on_file
 *   it does not exist any more           -> on_gone
 *
 * A scan of the whole directory goes through the same steps: at the start, on watcher_rescan(),
 * when the kernel lost events, and every half minute, for file systems that do not tell.
 *
 *   a file that is broken and was written just now: looked at again before it is reported
 *   a file that stays broken: read again by each scan, reported when what is wrong with it changes
 *   links that lead out of the directory, FIFOs, devices, …: reported as a broken file, never
 * opened the directory is missing: on_error; nothing is reported gone; looked for every second
 *   inotify is not to be had: on_error; a scan every two seconds
 *   thousands of files at once: a few milliseconds of work in each turn of the loop
 */
#include <uv.h>

#include "daemon/spec/jobfile.h"

#define WATCHER_FILES_MAX 20000

struct watcher;

/* Called from the loop only, never from inside the functions below. */
struct watcher_callbacks {
    /* A new file, or one whose contents changed; right or not. Borrowed. */
    void (*on_file)(void *arg, const char *path, const struct jobfile *file);
    void (*on_gone)(void *arg, const char *path);
    /* Everything that was there at the start has been reported. complete: false when the directory
     * could not be read, so that nobody may conclude that a file is gone. Called once. */
    void (*on_scanned)(void *arg, bool complete);
    /* A condition has begun (each once); ERR_NONE: the directory is readable again. */
    void (*on_error)(void *arg, const struct err *err);
    void *arg;
};

struct watcher *watcher_new(uv_loop_t *loop, const char *dir,
                            const struct watcher_callbacks *callbacks);
void watcher_start(struct watcher *w);

/* Looks at every file now; broken ones are read again even if they are as they were. */
void watcher_rescan(struct watcher *w);

/* Stops at once; closed(arg) follows when the loop has let go of everything. NULL w: closed is
 * called now. */
void watcher_free(struct watcher *w, void (*closed)(void *arg), void *arg);
