/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A follower of events. It hears every new event from the bus, and is in one of two ways:
 *
 *   live     what the bus says is written to the stream
 *   behind   the bus is only noted (newest); events are read from the store, a page at a time, each
 * page when the one before has been taken. A page that is the end of the store, with nothing new
 *            since it was asked for, makes the follower live.
 *
 * It starts behind when history was asked for, and falls behind when the client does not keep up.
 * So each event comes once and in order, and a slow client costs no memory. One that takes nothing
 * at all is cut off by the server.
 */
#include <inttypes.h>

#include "daemon/api/events.h"
#include "daemon/bus/bus.h"
#include "lib/http/json_text.h"
#include "lib/http/stream.h"

#define PAGE 64

struct follower {
    struct event_follower bus;
    struct store_events read;
    struct api *api;            /* held */
    struct http_stream *stream; /* borrowed; NULL when it is over */
    bool any_job;
    char job[SPEC_ID_MAX + 1];

    bool live, reading;
    uint64_t sent;          /* the highest number that was written */
    uint64_t heard;         /* … that the bus has told of, wanted or not */
    uint64_t newest;        /* … that has to be sent */
    uint64_t newest_before; /* … when the page was asked for */
    unsigned page;
};

static void read_page(struct follower *f, unsigned limit, bool tail);

static void follower_put(struct follower *f)
{
    struct api *api = f->api;

    if (f->reading || f->stream)
        return;
    free(f);
    api_release(api);
}

static bool is_wanted(const struct follower *f, const struct event *event)
{
    if (event->seq <= f->sent)
        return false;
    return f->any_job || (event->job && strcmp(event->job, f->job) == 0);
}

/* What is sent of an event. The latest is kept: it goes to all followers, one after the other. */
static const struct event_frame *frame_of(struct api *api, const struct event *event)
{
    struct event_frame *frame = &api->event_frame;
    cleanup(freep) char *data = NULL;
    json_t *json;

    if (frame->text && frame->seq == event->seq)
        return frame;
    json = event_json(event);
    data = json_text(json, NULL);
    json_decref(json);
    free(frame->text);
    frame->text =
        xasprintf("id: %" PRIu64 "\nevent: %s\ndata: %s\n\n", event->seq, event->name, data);
    frame->len = strlen(frame->text);
    frame->seq = event->seq;
    return frame;
}

/* False when much is waiting for the client already: it has to take that first. */
static bool write_event(struct follower *f, const struct event *event)
{
    const struct event_frame *frame = frame_of(f->api, event);
    size_t pending = http_stream_pending(f->stream);

    if (pending > 0 && pending + frame->len > http_stream_room(f->stream))
        return false;
    f->sent = event->seq;
    http_stream_write(f->stream, frame->text, frame->len);
    return true;
}

static void on_event(struct event_follower *bus, const struct event *event)
{
    struct follower *f = container_of(bus, struct follower, bus);
    uint64_t before = f->heard > 0 ? f->heard : event->seq - 1;
    bool gap = event->seq > before + 1; /* the bus passed events over; the store has them */

    f->heard = event->seq;
    if (f->live && f->sent == 0)
        f->sent = before; /* nothing that lies further back was asked for */
    if (!gap && !is_wanted(f, event))
        return;
    f->newest = event->seq;
    if (!f->live)
        return;
    f->live = !gap && write_event(f, event);
    if (gap)
        read_page(f, PAGE, false);
    /* else, if it was not written, drained() comes and reads it from the store */
}

/* Returns how many of the page's events were written. */
static unsigned write_page(struct follower *f)
{
    unsigned n = 0;

    while (n < f->read.n && write_event(f, &f->read.events[n]))
        n++;
    return n;
}

static void page_read(struct op *op)
{
    struct follower *f = container_of(op, struct follower, read.op);
    bool whole, last;

    f->reading = false;
    if (!f->stream || op->err.code) {
        store_events_clear(&f->read);
        if (f->stream)
            http_stream_end(f->stream); /* it will come back, and say how far it got */
        follower_put(f);
        return;
    }
    whole = write_page(f) == f->read.n;
    last = f->read.n < f->page;
    store_events_clear(&f->read);
    if (whole && last && f->newest == f->newest_before) {
        f->sent = max_of(f->sent, f->newest);
        f->live = true;
    } else if (http_stream_pending(f->stream) == 0) {
        read_page(f, PAGE, false);
    } /* else drained() comes */
}

static void read_page(struct follower *f, unsigned limit, bool tail)
{
    f->reading = true;
    f->page = limit;
    f->newest_before = f->newest;
    store_events_start(
        &f->read, f->api->deps.store,
        &(struct store_event_query){
            .job = f->any_job ? NULL : f->job, .after = f->sent, .limit = limit, .tail = tail},
        page_read);
}

static void on_drained(struct http_stream *stream, void *arg)
{
    struct follower *f = arg;

    (void)stream;
    if (!f->live && !f->reading)
        read_page(f, PAGE, false);
}

static void on_closed(void *arg)
{
    struct follower *f = arg;

    event_unfollow(f->api->deps.bus, &f->bus);
    f->stream = NULL;
    if (f->reading)
        op_cancel(&f->read.op);
    follower_put(f);
}

void follow_start(struct api *api, struct http_request *request, const struct events_query *query)
{
    static const struct http_stream_callbacks callbacks = {on_drained, on_closed};
    struct follower *f = xcalloc(1, sizeof(*f));

    f->api = api;
    f->any_job = !query->has_job;
    str_copy(f->job, sizeof(f->job), query->job);
    f->sent = query->after;
    f->stream = http_respond_stream(request, &callbacks, f);
    if (!f->stream) {
        free(f);
        return;
    }
    api_hold(api);
    f->bus.on_event = on_event;
    event_follow(api->deps.bus, &f->bus);
    if (query->has_after)
        read_page(f, PAGE, false);
    else if (query->has_limit)
        read_page(f, query->limit, true);
    else
        f->live = true;
}
