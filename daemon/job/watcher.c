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

#include <dirent.h>
#include <errno.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/job/look.h"
#include "lib/base/list.h"

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
#define EVENT_READS_PER_TURN 16
#define BUCKETS 2048

#define DIR_EVENTS                                                                                 \
    (IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO |            \
     IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

enum entry_place { PLACE_RESTING, PLACE_SETTLING, PLACE_QUEUED };

struct entry {
    struct list link;   /* in settling or queue */
    struct entry *next; /* in its bucket */
    enum entry_place place;
    bool reported;   /* on_file has been called */
    bool broken;     /* as it was last read */
    bool must_read;  /* even if its key is the same */
    bool open;       /* somebody writes into it, as far as events tell */
    bool first_scan; /* the first scan waits for it */
    unsigned scan;   /* the last scan that saw it */
    uint64_t due_ms, settling_since_ms, broken_since_ms;
    struct look_key key;
    uint64_t signature; /* of what was reported */
    char name[];
};

struct watcher {
    struct watcher_callbacks callbacks;
    uv_loop_t *loop;
    char *dir;
    struct entry *buckets[BUCKETS];
    unsigned n_entries;
    struct list settling, queue;

    int inotify_fd, wd; /* -1: none */
    uv_poll_t poll;
    uv_idle_t worker;
    uv_timer_t tick, rescan;
    unsigned n_handles;
    bool freeing;
    void (*closed)(void *arg);
    void *closed_arg;

    DIR *listing; /* NULL: no scan under way */
    bool scan_wanted, scan_broken, crowded;
    unsigned scan;
    dev_t dir_dev;
    ino_t dir_ino;
    bool missing; /* and has been said to be */
    bool blind;   /* no inotify, and this has been said */
    bool scanned; /* on_scanned has been called */
    bool listed;  /* the first listing has ended */
    unsigned first_pending;
};

static void work(uv_idle_t *worker);

/* --- entries --- */

static struct entry **bucket_of(struct watcher *w, const char *name)
{
    uint32_t hash = 5381;

    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return &w->buckets[hash % BUCKETS];
}

static struct entry *entry_find(struct watcher *w, const char *name)
{
    for (struct entry *e = *bucket_of(w, name); e; e = e->next) {
        if (strcmp(e->name, name) == 0)
            return e;
    }
    return NULL;
}

static void report_error(struct watcher *w, enum err_code code, const char *text)
{
    struct err err;

    err_set(&err, code, "jobs directory '%s': %s", w->dir, text);
    w->callbacks.on_error(w->callbacks.arg, &err);
}

/* NULL when there is no room for one more. */
static struct entry *entry_get(struct watcher *w, const char *name)
{
    struct entry *e = entry_find(w, name), **bucket = bucket_of(w, name);
    size_t size = strlen(name) + 1;

    if (e)
        return e;
    if (w->n_entries == WATCHER_FILES_MAX) {
        if (!w->crowded)
            report_error(w, ERR_LIMIT, "too many files, ignoring the rest");
        w->crowded = true;
        return NULL;
    }
    e = xcalloc(1, sizeof(*e) + size);
    memcpy(e->name, name, size);
    list_init(&e->link);
    e->next = *bucket;
    *bucket = e;
    w->n_entries++;
    return e;
}

/* The first scan is over when nothing it found is left unreported. */
static void entry_settled(struct watcher *w, struct entry *e)
{
    if (!e->first_scan)
        return;
    e->first_scan = false;
    w->first_pending--;
}

static void entry_remove(struct watcher *w, struct entry *e)
{
    struct entry **at = bucket_of(w, e->name);

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    entry_settled(w, e);
    list_remove(&e->link);
    w->n_entries--;
    free(e);
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

static bool dir_exists(const struct watcher *w)
{
    struct stat st;

    return stat(w->dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_dev == w->dir_dev &&
           st.st_ino == w->dir_ino;
}

static void report_gone(struct watcher *w, struct entry *e)
{
    cleanup(freep) char *path = NULL;

    /* Not the file but the whole directory is away: a scan will tell, once it is back. */
    if (!dir_exists(w)) {
        entry_settled(w, e);
        return;
    }
    path = xasprintf("%s/%s", w->dir, e->name);
    if (e->reported)
        w->callbacks.on_gone(w->callbacks.arg, path);
    entry_remove(w, e);
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
    bool refused = w->inotify_fd < 0;

    if (w->wd >= 0)
        return;
    if (!refused) {
        w->wd = inotify_add_watch(w->inotify_fd, w->dir, DIR_EVENTS);
        refused = w->wd < 0 && (errno == ENOSPC || errno == ENOMEM);
    }
    if (refused && !w->blind)
        report_error(w, ERR_LIMIT,
                     "the kernel refuses to watch it (see fs.inotify.max_user_instances and "
                     "max_user_watches), ignoring; changes are seen a little later");
    w->blind = refused;
}

static void unwatch_dir(struct watcher *w)
{
    if (w->wd >= 0)
        inotify_rm_watch(w->inotify_fd, w->wd);
    w->wd = -1;
}

static void dir_missing(struct watcher *w, int errnum)
{
    struct err err;

    unwatch_dir(w);
    w->dir_ino = 0;
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
    struct stat st;

    if (!stat(w->dir, &st) && (st.st_dev != w->dir_dev || st.st_ino != w->dir_ino))
        unwatch_dir(w);
    watch_dir(w);
    w->listing = opendir(w->dir);
    if (!w->listing) {
        dir_missing(w, errno);
        return;
    }
    if (fstat(dirfd(w->listing), &st))
        st.st_ino = 0;
    w->dir_dev = st.st_dev;
    w->dir_ino = st.st_ino;
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
static void end_listing(struct watcher *w)
{
    closedir(w->listing);
    w->listing = NULL;
    w->listed = true;
    w->scan_broken = false;
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct entry *e = w->buckets[i]; e; e = e->next) {
            if (e->scan != w->scan && e->place == PLACE_RESTING)
                entry_queue(w, e);
        }
    }
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
        const struct dirent *d = readdir(w->listing);

        if (!d) {
            end_listing(w);
            return;
        }
        saw(w, d->d_name);
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
        if (w->listing) {
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
    uint64_t ms = w->missing ? MISSING_MS : w->wd < 0 ? BLIND_MS : RESCAN_MS;

    if (!w->freeing)
        uv_timer_start(&w->rescan, rescan_due, ms, 0);
}

void watcher_rescan(struct watcher *w)
{
    w->scan_broken = true;
    want_scan(w);
}

/* --- inotify --- */

static void handle_event(struct watcher *w, const struct inotify_event *event)
{
    struct entry *e;

    if (event->mask & IN_Q_OVERFLOW) {
        want_scan(w);
        return;
    }
    if (event->wd != w->wd)
        return;
    if (event->mask & IN_IGNORED)
        w->wd = -1;
    if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
        w->dir_ino = 0; /* another directory may get the same number */
        want_scan(w);
        return;
    }
    if (event->len == 0 || !jobfile_is_name(event->name))
        return;
    e = entry_get(w, event->name);
    if (!e)
        return;
    if (event->mask & (IN_CREATE | IN_MODIFY))
        e->open = true;
    else if (!(event->mask & IN_ATTRIB))
        e->open = false;
    entry_touched(w, e);
}

static void events_ready(uv_poll_t *poll, int status, int events)
{
    struct watcher *w = container_of(poll, struct watcher, poll);
    char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));

    (void)events;
    if (status < 0) {
        want_scan(w);
        return;
    }
    for (unsigned i = 0; i < EVENT_READS_PER_TURN; i++) {
        ssize_t n = read(w->inotify_fd, buf, sizeof(buf));

        for (const char *p = buf; n > 0 && p < buf + n;) {
            const struct inotify_event *event = (const void *)p;

            handle_event(w, event);
            p += sizeof(*event) + event->len;
        }
        if (n <= 0 || w->freeing)
            return;
    }
}

/* --- life --- */

struct watcher *watcher_new(uv_loop_t *loop, const char *dir,
                            const struct watcher_callbacks *callbacks)
{
    struct watcher *w = xcalloc(1, sizeof(*w));

    w->callbacks = *callbacks;
    w->loop = loop;
    w->dir = xstrdup(dir);
    w->inotify_fd = w->wd = -1;
    list_init(&w->settling);
    list_init(&w->queue);
    uv_idle_init(loop, &w->worker);
    uv_timer_init(loop, &w->tick);
    uv_timer_init(loop, &w->rescan);
    w->n_handles = 3;
    return w;
}

static void start_inotify(struct watcher *w)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd >= 0 && uv_poll_init(w->loop, &w->poll, fd)) {
        close(fd);
        fd = -1;
    }
    if (fd < 0)
        return;
    w->inotify_fd = fd;
    w->n_handles++;
    uv_poll_start(&w->poll, UV_READABLE, events_ready);
}

void watcher_start(struct watcher *w)
{
    start_inotify(w);
    want_scan(w);
}

static void free_all(struct watcher *w)
{
    void (*closed)(void *arg) = w->closed;
    void *arg = w->closed_arg;

    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct entry *e = w->buckets[i], *next; e; e = next) {
            next = e->next;
            free(e);
        }
    }
    if (w->listing)
        closedir(w->listing);
    if (w->inotify_fd >= 0)
        close(w->inotify_fd);
    free(w->dir);
    free(w);
    if (closed)
        closed(arg);
}

static void handle_closed(uv_handle_t *handle)
{
    struct watcher *w = handle->data;

    if (--w->n_handles == 0)
        free_all(w);
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
    if (w->inotify_fd >= 0)
        close_handle(w, (uv_handle_t *)&w->poll);
    close_handle(w, (uv_handle_t *)&w->worker);
    close_handle(w, (uv_handle_t *)&w->tick);
    close_handle(w, (uv_handle_t *)&w->rescan);
}
