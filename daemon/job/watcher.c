/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry for each name in the directory, in one of these places:
 *
 *            a name was touched                     a moment of quiet
 *   resting ------------------------> settling --------------------------> queued --> looked at
 *      ^    \___ a scan found it ______________________________________^              |  |
 *      |                                                                              |  |
 *      |                        RELOOK_MS: broken, and written just now               |  |
 *      |                   settling <--------------------------------------------------  |
 *      +----------------------------------------------------------------------------------
 *
 * Work (listing the directory, looking at queued entries) is done in slices by an idle handle. Time
 * is the loop's, but for file times and for the length of a slice.
 */
#include "daemon/job/watcher.h"

#include <errno.h>

#include "daemon/job/dir_list.h"
#include "daemon/job/dir_watch.h"
#include "daemon/job/entries.h"

#define SETTLE_MS 50         /* of quiet after the last event, before a file is read */
#define OPEN_SETTLE_MS 300   /* … while its writer has not closed it */
#define SETTLE_LIMIT_MS 2000 /* … but no longer than this after the first */
#define RELOOK_MS 200        /* between two looks at a broken file that is fresh */
#define FRESH_MS 1000        /* since it was written */
#define FRESH_LIMIT_MS 3000  /* a broken file that is always fresh is reported after this */
#define TICK_MS 10
#define RESCAN_MS 30000
#define MISSING_MS 1000 /* between two looks for a directory that is missing */
#define BLIND_MS 2000   /* between two scans without inotify */
#define SLICE_NS 4000000
#define READS_PER_SLICE 8

struct watcher {
    struct watcher_callbacks callbacks;
    uv_loop_t *loop;
    char *dir;
    struct entries entries;
    struct list settling, queue;

    struct dir_watch watch;
    uv_idle_t worker;
    uv_timer_t tick, rescan;
    unsigned n_handles;
    bool freeing;
    void (*closed)(void *arg);
    void *closed_arg;

    struct dir_list list; /* active: a scan is under way */
    bool scan_wanted, scan_broken, crowded;
    unsigned scan;
    bool missing; /* and has been said to be */
    bool blind;   /* no inotify, and this has been said */
    bool scanned; /* on_scanned has been called */
    bool listed;  /* the first listing has ended */
    unsigned first_pending;
};

static void work(uv_idle_t *worker);

/* --- entries --- */

static void report_error(struct watcher *w, enum err_code code, const char *text)
{
    struct err err;

    err_set(&err, code, "jobs directory '%s': %s", w->dir, text);
    w->callbacks.on_error(w->callbacks.arg, &err);
}

/* NULL when there is no room for one more. */
static struct entry *entry_get(struct watcher *w, const char *name)
{
    struct entry *e = entries_find(&w->entries, name);

    if (e)
        return e;
    if (w->entries.n < WATCHER_FILES_MAX)
        return entries_add(&w->entries, name);
    if (!w->crowded)
        report_error(w, ERR_LIMIT, "too many files, ignoring the rest");
    w->crowded = true;
    return NULL;
}

/* The first scan is over when nothing it found is left unreported. */
static void entry_settled(struct watcher *w, struct entry *e)
{
    if (!e->first_scan)
        return;
    e->first_scan = false;
    w->first_pending--;
}

static void entry_move(struct entry *e, enum entry_place place, struct list *to)
{
    list_remove(&e->link);
    if (to)
        list_push(to, &e->link);
    e->place = place;
}

static void start_work(struct watcher *w)
{
    if (!w->freeing)
        uv_idle_start(&w->worker, work);
}

static void entry_queue(struct watcher *w, struct entry *e)
{
    entry_move(e, PLACE_QUEUED, &w->queue);
    start_work(w);
}

static void settle(struct watcher *w, struct entry *e, uint64_t ms);

/* Something happened to a name: leave it alone for a moment. */
static void entry_touched(struct watcher *w, struct entry *e)
{
    uint64_t now = uv_now(w->loop), limit;

    if (e->place != PLACE_SETTLING)
        e->settling_since_ms = now;
    limit = e->settling_since_ms + SETTLE_LIMIT_MS;
    e->must_read = true;
    settle(w, e,
           min_of((uint64_t)(e->open ? OPEN_SETTLE_MS : SETTLE_MS), max_of(limit, now) - now));
}

/* --- settling --- */

static void ticked(uv_timer_t *timer)
{
    struct watcher *w = container_of(timer, struct watcher, tick);
    uint64_t now = uv_now(w->loop);

    list_each (pos, &w->settling) {
        struct entry *e = container_of(pos, struct entry, link);

        if (e->due_ms <= now)
            entry_queue(w, e);
    }
    if (list_empty(&w->settling))
        uv_timer_stop(timer);
}

static void settle(struct watcher *w, struct entry *e, uint64_t ms)
{
    e->due_ms = uv_now(w->loop) + ms;
    entry_move(e, PLACE_SETTLING, &w->settling);
    if (!uv_is_active((uv_handle_t *)&w->tick))
        uv_timer_start(&w->tick, ticked, TICK_MS, TICK_MS);
}

/* --- looking at one file --- */

/* Looks again later at what is broken and may be only half there. True when it does. */
static bool defer(struct watcher *w, struct entry *e)
{
    uint64_t now = uv_now(w->loop);

    if (!look_is_fresh(&e->key, FRESH_MS))
        return false;
    if (!e->broken_since_ms)
        e->broken_since_ms = max_of(now, (uint64_t)1);
    if (now - e->broken_since_ms >= FRESH_LIMIT_MS)
        return false;
    e->must_read = true;
    e->settling_since_ms = now;
    settle(w, e, RELOOK_MS);
    return true;
}

static void report_file(struct watcher *w, struct entry *e, const char *path,
                        const struct jobfile *file)
{
    uint64_t signature = look_signature(file);
    bool again = e->reported && e->signature == signature;

    e->broken = !jobfile_ok(file);
    e->reported = true;
    e->signature = signature;
    e->broken_since_ms = 0;
    if (!again)
        w->callbacks.on_file(w->callbacks.arg, path, file);
    entry_settled(w, e);
}

static void report_gone(struct watcher *w, struct entry *e)
{
    cleanup(freep) char *path = NULL;

    /* Not the file but the whole directory is away: a scan will tell, once it is back. */
    if (!dir_list_is(&w->list, w->dir)) {
        entry_settled(w, e);
        return;
    }
    path = xasprintf("%s/%s", w->dir, e->name);
    if (e->reported)
        w->callbacks.on_gone(w->callbacks.arg, path);
    entry_settled(w, e);
    entries_remove(&w->entries, e);
}

/* Returns how many files had to be read. */
static unsigned look(struct watcher *w, struct entry *e)
{
    const struct look_key *known = e->reported && !e->must_read ? &e->key : NULL;
    struct jobfile file;

    entry_move(e, PLACE_RESTING, NULL);
    switch (look_at(w->dir, e->name, known, &e->key, &file)) {
    case LOOK_GONE:
        report_gone(w, e);
        return 0;
    case LOOK_SAME:
        entry_settled(w, e);
        return 0;
    case LOOK_READ:
        e->must_read = false;
        if (jobfile_ok(&file) || !defer(w, e))
            report_file(w, e, file.path, &file);
        jobfile_clear(&file);
        return 1;
    case LOOK_RESULT_MAX:
        break;
    }
    return 0;
}

/* --- scanning --- */

/* That the directory is missing is for the listing to find. */
static void watch_dir(struct watcher *w)
{
    bool refused = !dir_watch_add(&w->watch, w->dir);

    if (refused && !w->blind)
        report_error(w, ERR_LIMIT,
                     "the kernel refuses to watch it (see fs.inotify.max_user_instances and "
                     "max_user_watches), ignoring; changes are seen a little later");
    w->blind = refused;
}

static void dir_missing(struct watcher *w, int errnum)
{
    struct err err;

    dir_watch_remove(&w->watch);
    if (w->missing)
        return;
    w->missing = true;
    err_errno(&err, errnum, "jobs directory '%s'", w->dir);
    w->callbacks.on_error(w->callbacks.arg, &err);
}

/* The watch comes first: what is created during the listing is seen by one of them, or by both. */
static void open_listing(struct watcher *w)
{
    struct err none = ERR_INIT;
    int errnum;

    if (!dir_list_is(&w->list, w->dir))
        dir_watch_remove(&w->watch);
    watch_dir(w);
    errnum = dir_list_open(&w->list, w->dir);
    if (errnum) {
        dir_missing(w, errnum);
        return;
    }
    w->scan++;
    w->crowded = false;
    if (w->missing)
        w->callbacks.on_error(w->callbacks.arg, &none);
    w->missing = false;
}

static void saw(struct watcher *w, const char *name)
{
    struct entry *e = jobfile_is_name(name) ? entry_get(w, name) : NULL;

    if (!e)
        return;
    e->scan = w->scan;
    if (w->scan_broken && e->broken)
        e->must_read = true;
    if (!w->listed && !e->first_scan) {
        e->first_scan = true;
        w->first_pending++;
    }
    /* One that is settling will be looked at soon enough. */
    if (e->place == PLACE_RESTING)
        entry_queue(w, e);
}

/* Those that the listing did not show have to be looked at, too: they are gone. */
static void queue_unseen(struct entry *e, void *arg)
{
    struct watcher *w = arg;

    if (e->scan != w->scan && e->place == PLACE_RESTING)
        entry_queue(w, e);
}

static void end_listing(struct watcher *w)
{
    w->listed = true;
    w->scan_broken = false;
    entries_each(&w->entries, queue_unseen, w);
}

static void end_first_scan(struct watcher *w)
{
    if (w->scanned || !(w->listed || w->missing) || w->first_pending > 0)
        return;
    w->scanned = true;
    w->callbacks.on_scanned(w->callbacks.arg, w->listed);
}

static void list_some(struct watcher *w)
{
    for (unsigned i = 0; i < 256; i++) {
        const char *name = dir_list_next(&w->list);

        if (!name) {
            end_listing(w);
            return;
        }
        saw(w, name);
    }
}

static void schedule_rescan(struct watcher *w);

/* One slice: as much as fits into a few milliseconds, so that the loop stays responsive. */
static void work(uv_idle_t *worker)
{
    struct watcher *w = container_of(worker, struct watcher, worker);
    uint64_t end = uv_hrtime() + SLICE_NS;
    unsigned reads = 0;

    do {
        if (dir_list_active(&w->list)) {
            list_some(w);
        } else if (w->scan_wanted) {
            w->scan_wanted = false;
            open_listing(w);
            schedule_rescan(w);
        } else if (!list_empty(&w->queue)) {
            reads += look(w, container_of(w->queue.next, struct entry, link));
        } else {
            uv_idle_stop(worker);
            break;
        }
    } while (!w->freeing && reads < READS_PER_SLICE && uv_hrtime() < end);
    if (!w->freeing)
        end_first_scan(w);
}

static void want_scan(struct watcher *w)
{
    w->scan_wanted = true;
    start_work(w);
}

static void rescan_due(uv_timer_t *timer)
{
    struct watcher *w = container_of(timer, struct watcher, rescan);

    w->scan_broken = true;
    want_scan(w);
}

static void schedule_rescan(struct watcher *w)
{
    uint64_t ms = w->missing ? MISSING_MS : !dir_watch_active(&w->watch) ? BLIND_MS : RESCAN_MS;

    if (!w->freeing)
        uv_timer_start(&w->rescan, rescan_due, ms, 0);
}

void watcher_rescan(struct watcher *w)
{
    w->scan_broken = true;
    want_scan(w);
}

/* --- what the kernel tells --- */

static void on_change(struct dir_watch *watch, enum dir_change change, const char *name)
{
    struct watcher *w = container_of(watch, struct watcher, watch);
    struct entry *e = name && jobfile_is_name(name) ? entry_get(w, name) : NULL;

    switch (change) {
    case DIR_REPLACED:
        dir_list_forget(&w->list);
        want_scan(w);
        return;
    case DIR_LOST:
        want_scan(w);
        return;
    case DIR_WRITTEN:
    case DIR_FINISHED:
        if (e)
            e->open = change == DIR_WRITTEN;
        break;
    case DIR_TOUCHED:
        break;
    }
    if (e)
        entry_touched(w, e);
}

/* --- life --- */

struct watcher *watcher_new(uv_loop_t *loop, const char *dir,
                            const struct watcher_callbacks *callbacks)
{
    struct watcher *w = xcalloc(1, sizeof(*w));

    w->callbacks = *callbacks;
    w->loop = loop;
    w->dir = xstrdup(dir);
    dir_watch_init(&w->watch);
    list_init(&w->settling);
    list_init(&w->queue);
    uv_idle_init(loop, &w->worker);
    uv_timer_init(loop, &w->tick);
    uv_timer_init(loop, &w->rescan);
    w->n_handles = 4;
    return w;
}

void watcher_start(struct watcher *w)
{
    dir_watch_start(&w->watch, w->loop, on_change);
    want_scan(w);
}

static void free_all(struct watcher *w)
{
    void (*closed)(void *arg) = w->closed;
    void *arg = w->closed_arg;

    entries_clear(&w->entries);
    dir_list_close(&w->list);
    free(w->dir);
    free(w);
    if (closed)
        closed(arg);
}

static void part_closed(struct watcher *w)
{
    if (--w->n_handles == 0)
        free_all(w);
}

static void handle_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

static void watch_closed(struct dir_watch *watch)
{
    part_closed(container_of(watch, struct watcher, watch));
}

static void close_handle(struct watcher *w, uv_handle_t *handle)
{
    handle->data = w;
    uv_close(handle, handle_closed);
}

void watcher_free(struct watcher *w, void (*closed)(void *arg), void *arg)
{
    if (!w) {
        if (closed)
            closed(arg);
        return;
    }
    assert(!w->freeing);
    w->freeing = true;
    w->closed = closed;
    w->closed_arg = arg;
    dir_watch_close(&w->watch, watch_closed);
    close_handle(w, (uv_handle_t *)&w->worker);
    close_handle(w, (uv_handle_t *)&w->tick);
    close_handle(w, (uv_handle_t *)&w->rescan);
}
