/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/events: reads the query; a list is answered here, a follower is handed to follow.c. */
#include "daemon/api/events.h"

#include <errno.h>
#include <limits.h>
#include <strings.h>

#include "daemon/api/event_reader.h"
#include "daemon/event/event.h"

#define LIMIT_DEFAULT 100

/* --- the query --- */

static int read_number(const char *text, uint64_t *ret, struct err *err)
{
    unsigned long long n;
    char *end;

    errno = 0;
    n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno)
        return err_set(err, ERR_INVALID, "'%.24s' is not a number", text);
    *ret = n;
    return 0;
}

static int read_after(struct http_request *request, struct events_query *query, struct err *err)
{
    const char *after = http_request_query(request, "after");
    /* A browser's EventSource comes back with its first URL, and this header says how far it got.
     */
    const char *last = query->follow ? http_request_header(request, "Last-Event-ID") : NULL;

    if (after && read_number(after, &query->after, err))
        return err_wrap(err, "after");
    if (last && *last && read_number(last, &query->after, err))
        return err_wrap(err, "Last-Event-ID");
    query->has_after = after || (last && *last);
    return 0;
}

static int read_limit(struct http_request *request, struct events_query *query, struct err *err)
{
    const char *text = http_request_query(request, "limit");
    uint64_t n = LIMIT_DEFAULT;

    if (text && read_number(text, &n, err))
        return err_wrap(err, "limit");
    if (n < 1 || n > EVENTS_LIMIT_MAX)
        return err_set(err, ERR_INVALID, "limit: %llu is outside 1..%d", (unsigned long long)n,
                       EVENTS_LIMIT_MAX);
    query->has_limit = text != NULL;
    query->limit = (unsigned)n;
    return 0;
}

static int read_query(struct http_request *request, struct events_query *ret, struct err *err)
{
    static const char *const known[] = {"job", "after", "limit", NULL};
    const char *accept = http_request_header(request, "Accept");
    const char *odd = http_request_query_odd(request, known);
    const char *job = http_request_query(request, "job");
    struct events_query query = {.has_job = job != NULL};

    if (odd)
        return err_set(err, ERR_INVALID,
                       "'%.40s' is not known here, stands there twice or has no value", odd);
    if (job && !str_copy(query.job, sizeof(query.job), job))
        return err_set(err, ERR_INVALID, "job: a name has at most %d characters", SPEC_ID_MAX);
    query.follow = accept && strcasestr(accept, "text/event-stream");
    if (read_after(request, &query, err) || read_limit(request, &query, err))
        return err->code;
    *ret = query;
    return 0;
}

/* --- the list --- */

static void list_read(struct event_reader *reader)
{
    const struct store_events *read = &reader->read;
    json_t *events;

    if (read->op.err.code) {
        http_respond_error(reader->request, 503, "store-unreadable", NULL,
                           "the events cannot be read: %s", read->op.err.msg);
        return;
    }
    events = json_array();
    for (unsigned i = 0; i < read->n; i++)
        json_array_append_new(events, event_json(&read->events[i]));
    http_respond_json(reader->request, 200, json_pack("{s:o}", "events", events));
}

static void list_over(struct event_reader *reader)
{
    free(reader);
}

static void list_start(struct api *api, struct http_request *request,
                       const struct events_query *query)
{
    struct event_reader *reader = xcalloc(1, sizeof(*reader));

    event_reader_init(reader, api, request, list_read, list_over);
    event_reader_start(reader,
                       &(struct store_event_query){.job = query->has_job ? query->job : NULL,
                                                   .after = query->after,
                                                   .limit = query->limit,
                                                   .tail = !query->has_after});
}

void api_events(struct http_request *request, void *arg)
{
    struct events_query query = {.follow = false};
    struct err err = ERR_INIT;

    if (read_query(request, &query, &err))
        http_respond_error(request, 400, "bad-query",
                           "Possible are job=NAME, after=NUMBER and limit=1..1000.", "%s", err.msg);
    else if (query.follow)
        follow_start(arg, request, &query);
    else
        list_start(arg, request, &query);
}
