/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/jobs as a stream: each job at first, then whenever what is shown of it has changed.
 *
 * One feed works for all its followers. It goes through the jobs pass by pass, a few in each turn
 * of the loop however many there are, and keeps the text of each. A job whose text has changed is
 * told to every follower that keeps up. One that does not owes nothing to the others: it is noted
 * in the entry (owed) that it has to be told, and it gets what is owed, the newest state only, when
 * it has taken what was written before. So a slow client misses steps between two states, never the
 * last state, and costs no memory.
 *
 *   event: job          data: JOB
 *   event: job_removed  data: {"id":…}
 *   event: ready        data: {}        each job there was has been told
 */
#include <strings.h>

#include "daemon/api/private.h"
#include "daemon/api/view_job.h"
#include "daemon/job/registry.h"
#include "lib/base/by_id.h"
#include "lib/http/json_text.h"
#include "lib/http/stream.h"

#define FOLLOWERS_MAX 64
#define PERIOD_MS 500 /* from one pass to the next, unless a pass takes longer */
#define TURN_MS 10
#define TURN_JOBS 20
#define AHEAD_MAX (64 * 1024) /* bytes that may wait for a follower before it counts as behind */

struct entry {
    char id[SPEC_ID_MAX + 1];
    char *frame;   /* owned: what is sent; NULL: not looked at yet */
    bool gone;     /* frame says so; forgotten when nobody is owed it any more */
    bool listed;   /* the registry named it when the pass began */
    uint64_t owed; /* a bit for each follower that has to be told */
};

struct follower {
    struct feed *feed;
    struct http_stream *stream; /* borrowed */
    uint64_t bit;
    char job[SPEC_ID_MAX + 1]; /* "": all */
    unsigned cursor;           /* of the entries, where it goes on when it is behind */
    bool behind, ready;
};

struct feed {
    struct api *api; /* held */
    uv_timer_t timer;
    struct by_id entries; /* struct entry, owned */
    unsigned next;        /* of the pass: the entry to look at */
    unsigned listed;      /* where the registry's next id most likely stands */
    uint64_t pass_since_ms;
    bool passed; /* once at least */
    struct follower *followers[FOLLOWERS_MAX];
    unsigned n_followers;
};

/* --- entries --- */

static struct entry *entry_at(const struct feed *feed, unsigned at)
{
    return feed->entries.items[at];
}

static bool stands_at(const struct feed *feed, unsigned at, const char *id)
{
    return at < feed->entries.n && strcmp(entry_at(feed, at)->id, id) == 0;
}

static struct entry *insert(struct feed *feed, unsigned at, const char *id)
{
    struct entry *entry = xcalloc(1, sizeof(*entry));

    (void)str_copy(entry->id, sizeof(entry->id), id);
    by_id_insert(&feed->entries, at, entry);
    return entry;
}

static void entry_free(struct entry *entry)
{
    free(entry->frame);
    free(entry);
}

/* --- followers --- */

static bool wants(const struct follower *f, const struct entry *entry)
{
    return f->job[0] == '\0' || strcmp(f->job, entry->id) == 0;
}

/* False: it has to take what is waiting for it first. */
static bool write_frame(struct follower *f, const char *frame)
{
    size_t pending = http_stream_pending(f->stream), len;

    assert(frame);
    len = strlen(frame);
    if (pending > 0 && pending + len > AHEAD_MAX)
        return false;
    (void)http_stream_write(f->stream, frame, len);
    return true;
}

static void tell_ready(struct follower *f)
{
    if (f->ready || f->behind || (!f->feed->passed && f->job[0] == '\0'))
        return;
    f->ready = write_frame(f, "event: ready\ndata: {}\n\n");
}

/* Writes what it is owed, as much as it takes. It goes round, so that jobs which change all the
 * time do not keep the others from it. */
static void catch_up(struct follower *f)
{
    struct feed *feed = f->feed;

    for (unsigned i = 0; i < feed->entries.n; i++) {
        struct entry *entry = entry_at(feed, f->cursor % feed->entries.n);

        if ((entry->owed & f->bit) && !write_frame(f, entry->frame)) {
            f->behind = true;
            return;
        }
        entry->owed &= ~f->bit;
        f->cursor = (f->cursor + 1) % feed->entries.n;
    }
    f->behind = false;
    tell_ready(f);
}

static void tell(struct feed *feed, struct entry *entry)
{
    for (unsigned i = 0; i < FOLLOWERS_MAX; i++) {
        struct follower *f = feed->followers[i];

        if (!f || !wants(f, entry))
            continue;
        if (f->behind || !write_frame(f, entry->frame)) {
            entry->owed |= f->bit;
            f->behind = true;
        }
    }
}

/* --- looking --- */

static void leave(struct feed *feed, struct entry *entry)
{
    free(entry->frame);
    entry->frame = xasprintf("event: job_removed\ndata: {\"id\":\"%s\"}\n\n", entry->id);
    entry->gone = true;
    tell(feed, entry);
}

static char *frame_of(const struct migration *m)
{
    struct migration_view view;
    cleanup(freep) char *text = NULL;
    json_t *job;

    migration_view(m, &view);
    job = view_job(&view);
    text = json_text(job, NULL);
    json_decref(job);
    return xasprintf("event: job\ndata: %s\n\n", text);
}

static void look(struct feed *feed, struct entry *entry)
{
    const struct migration *m = registry_find(feed->api->deps.registry, entry->id);
    char *frame;

    if (!m) {
        if (!entry->gone)
            leave(feed, entry);
        return;
    }
    frame = frame_of(m);
    if (entry->frame && strcmp(frame, entry->frame) == 0) {
        free(frame);
        return;
    }
    free(entry->frame);
    entry->frame = frame;
    entry->gone = false;
    tell(feed, entry);
}

/* Drops what everybody knows to be gone. */
static void reap(struct feed *feed)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < feed->entries.n; i++) {
        struct entry *entry = entry_at(feed, i);

        entry->listed = false;
        if (entry->gone && entry->owed == 0)
            entry_free(entry);
        else
            feed->entries.items[kept++] = entry;
    }
    feed->entries.n = kept;
}

static void list_job(struct migration *m, void *arg)
{
    struct feed *feed = arg;
    const char *id = migration_id(m);
    unsigned at =
        stands_at(feed, feed->listed, id) ? feed->listed : by_id_position(&feed->entries, id);

    if (!stands_at(feed, at, id))
        (void)insert(feed, at, id);
    entry_at(feed, at)->listed = true;
    feed->listed = at + 1;
}

static void begin_pass(struct feed *feed)
{
    feed->pass_since_ms = uv_now(feed->api->loop);
    feed->next = feed->listed = 0;
    reap(feed);
    registry_each(feed->api->deps.registry, list_job, feed);
    for (unsigned i = 0; i < feed->entries.n; i++)
        if (!entry_at(feed, i)->listed && !entry_at(feed, i)->gone)
            leave(feed, entry_at(feed, i));
}

static void end_pass(struct feed *feed)
{
    feed->passed = true;
    for (unsigned i = 0; i < FOLLOWERS_MAX; i++)
        if (feed->followers[i])
            tell_ready(feed->followers[i]);
}

static void on_turn(uv_timer_t *timer)
{
    struct feed *feed = container_of(timer, struct feed, timer);
    uint64_t now = uv_now(timer->loop), wait = TURN_MS;

    if (feed->next == 0)
        begin_pass(feed);
    for (unsigned i = 0; i < TURN_JOBS && feed->next < feed->entries.n; i++)
        look(feed, entry_at(feed, feed->next++));
    if (feed->next == feed->entries.n) {
        end_pass(feed);
        feed->next = 0;
        if (feed->pass_since_ms + PERIOD_MS > now + TURN_MS)
            wait = feed->pass_since_ms + PERIOD_MS - now;
    }
    uv_timer_start(timer, on_turn, wait, 0);
}

/* --- from the first follower to the last --- */

static struct feed *feed_new(struct api *api)
{
    struct feed *feed = xcalloc(1, sizeof(*feed));

    feed->api = api;
    api_hold(api);
    uv_timer_init(api->loop, &feed->timer);
    uv_timer_start(&feed->timer, on_turn, 0, 0);
    return feed;
}

static void timer_closed(uv_handle_t *handle)
{
    struct feed *feed = container_of(handle, struct feed, timer);
    struct api *api = feed->api;

    for (unsigned i = 0; i < feed->entries.n; i++)
        entry_free(entry_at(feed, i));
    by_id_deinit(&feed->entries);
    free(feed);
    api_release(api);
}

static void feed_end(struct feed *feed)
{
    feed->api->feed = NULL;
    uv_close((uv_handle_t *)&feed->timer, timer_closed);
}

static void on_drained(struct http_stream *stream, void *arg)
{
    struct follower *f = arg;

    (void)stream;
    if (f->behind)
        catch_up(f);
}

static void on_closed(void *arg)
{
    struct follower *f = arg;
    struct feed *feed = f->feed;

    for (unsigned i = 0; i < feed->entries.n; i++)
        entry_at(feed, i)->owed &= ~f->bit;
    for (unsigned i = 0; i < FOLLOWERS_MAX; i++)
        if (feed->followers[i] == f)
            feed->followers[i] = NULL;
    free(f);
    if (--feed->n_followers == 0)
        feed_end(feed);
}

/* The one job it wants is looked at now, wherever the pass is. */
static void look_for(struct feed *feed, const struct follower *f)
{
    unsigned at = by_id_position(&feed->entries, f->job);

    if (f->job[0] == '\0')
        return;
    look(feed, stands_at(feed, at, f->job) ? entry_at(feed, at) : insert(feed, at, f->job));
}

/* What the feed knows already is owed to the newcomer. */
static void join(struct feed *feed, struct follower *f)
{
    unsigned slot = 0;

    look_for(feed, f);
    while (feed->followers[slot])
        slot++;
    f->feed = feed;
    f->bit = UINT64_C(1) << slot;
    feed->followers[slot] = f;
    feed->n_followers++;
    for (unsigned i = 0; i < feed->entries.n; i++)
        if (entry_at(feed, i)->frame && !entry_at(feed, i)->gone && wants(f, entry_at(feed, i)))
            entry_at(feed, i)->owed |= f->bit;
    catch_up(f);
}

static bool read_query(struct http_request *request, struct follower *f, struct api *api)
{
    static const char *const known[] = {"job", NULL};
    const char *odd = http_request_query_odd(request, known);
    const char *job = http_request_query(request, "job");

    if (odd)
        http_respond_error(request, 400, "bad-query", NULL,
                           "'%.40s' is not known here, stands there twice or has no value", odd);
    else if (job &&
             (!str_copy(f->job, sizeof(f->job), job) || !registry_find(api->deps.registry, job)))
        api_no_such_job(request, job);
    else if (api->feed && api->feed->n_followers == FOLLOWERS_MAX)
        http_respond_error(request, 503, "too-many-streams",
                           "Try again later, or end other followers.",
                           "no more than %d followers of jobs are served at a time", FOLLOWERS_MAX);
    else
        return true;
    return false;
}

bool api_wants_stream(const struct http_request *request)
{
    const char *accept = http_request_header(request, "Accept");

    return accept && strcasestr(accept, "text/event-stream");
}

void api_follow_jobs(struct api *api, struct http_request *request)
{
    static const struct http_stream_callbacks callbacks = {on_drained, on_closed};
    struct follower *f = xcalloc(1, sizeof(*f));

    if (read_query(request, f, api))
        f->stream = http_respond_stream(request, &callbacks, f);
    if (!f->stream) {
        free(f);
        return;
    }
    if (!api->feed)
        api->feed = feed_new(api);
    join(api->feed, f);
}
