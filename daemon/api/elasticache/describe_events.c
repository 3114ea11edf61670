/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DescribeEvents: our events in the words of the API, oldest first. They are read from the store, a
 * batch at a time, until the page is full or there are no more; the marker is the number of the
 * last event on the page.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/api/elasticache/answer.h"
#include "daemon/api/elasticache/marker.h"
#include "daemon/api/elasticache/message.h"
#include "daemon/api/elasticache/operation.h"
#include "daemon/api/event_reader.h"
#include "lib/base/clock.h"

#define MARKER_KIND 'e'
#define SOURCE_TYPE "replication-group"
#define MINUTE_MS INT64_C(60000)
#define WINDOW_MS (60 * MINUTE_MS) /* without times */
#define BACK_MS (14 * 24 * 60 * MINUTE_MS)
#define BACK_SLACK_MS (60 * MINUTE_MS) /* the way here takes time, and clocks differ */

struct listing {
    struct event_reader reader;
    char job[SPEC_ID_MAX + 1];
    char names[MESSAGE_NAMES_MAX];
    struct store_event_query query; /* its strings are the two above */

    struct xml xml; /* the answer, as it is being made */
    unsigned n, size;
    uint64_t last; /* on the page */
};

/* --- the page --- */

static void over(struct event_reader *reader)
{
    struct listing *l = container_of(reader, struct listing, reader);

    xml_deinit(&l->xml);
    free(l);
}

static void write_event(struct xml *xml, const struct event *event, const char *message)
{
    char date[CLOCK_TEXT_MAX];

    xml_open(xml, "Event", NULL);
    xml_text(xml, "SourceIdentifier", event->job);
    xml_text(xml, "SourceType", SOURCE_TYPE);
    xml_text(xml, "Message", message);
    xml_text(xml, "Date", clock_format(event->time_ms, date));
    xml_close(xml);
}

/* False: the page is full, and there is one more. */
static bool add_event(struct listing *l, const struct event *event)
{
    cleanup(freep) char *message = message_of(event);

    if (message && l->n == l->size)
        return false;
    if (message) {
        write_event(&l->xml, event, message);
        l->last = event->seq;
        l->n++;
    }
    return true;
}

static void finish(struct listing *l, bool more)
{
    char marker[MARKER_MAX], place[24];

    xml_close(&l->xml);
    if (more) {
        snprintf(place, sizeof(place), "%" PRIu64, l->last);
        xml_text(&l->xml, "Marker", marker_write(MARKER_KIND, place, marker));
    }
    answer_end(&l->xml, l->reader.request);
}

static void batch_read(struct event_reader *reader)
{
    struct listing *l = container_of(reader, struct listing, reader);
    const struct store_events *read = &reader->read;
    bool last = read->n < l->query.limit, more = false;

    for (unsigned i = 0; i < read->n && !more; i++) {
        l->query.after = read->events[i].seq;
        more = !add_event(l, &read->events[i]);
    }
    if (read->op.err.code)
        elasticache_respond_fault(reader->request, FAULT_UNAVAILABLE,
                                  "the events cannot be read: %s", read->op.err.msg);
    else if (more || last)
        finish(l, more);
    else
        event_reader_start(reader, &l->query);
}

/* --- the request --- */

static bool read_window(const struct call *call, struct store_event_query *query)
{
    const struct arguments *a = &call->arguments;
    bool has_start = a->start_ms != ARGUMENT_NO_TIME, has_end = a->end_ms != ARGUMENT_NO_TIME;
    int64_t now_ms = clock_wall_ms(), end_ms = has_end ? a->end_ms : now_ms;
    int64_t window_ms = a->duration_minutes ? a->duration_minutes * MINUTE_MS : WINDOW_MS;

    if (a->duration_minutes && has_start) {
        elasticache_respond_fault(call->request, FAULT_PARAMETER_COMBINATION,
                                  "Duration and StartTime cannot both be given");
        return false;
    }
    if (has_start && has_end && a->start_ms > a->end_ms) {
        elasticache_respond_fault(call->request, FAULT_PARAMETER_COMBINATION,
                                  "StartTime is after EndTime");
        return false;
    }
    query->since_ms = has_start ? a->start_ms : end_ms - window_ms;
    query->until_ms = has_end ? end_ms : 0;
    if (query->since_ms >= now_ms - BACK_MS - BACK_SLACK_MS)
        return true;
    elasticache_respond_fault(call->request, FAULT_PARAMETER_VALUE,
                              "%s: events go back 14 days at most",
                              has_start ? "StartTime"
                              : has_end ? "EndTime"
                                        : "Duration");
    return false;
}

static bool read_marker(const struct call *call, struct store_event_query *query)
{
    const char *marker = call->arguments.marker;
    char place[MARKER_TEXT_MAX];
    struct err err = ERR_INIT;
    char *end;

    if (!marker)
        return true;
    if (marker_read(MARKER_KIND, marker, place, &err) == 0) {
        errno = 0;
        query->after = strtoull(place, &end, 10);
        if (*place >= '0' && *place <= '9' && !*end && !errno)
            return true;
        err_set(&err, ERR_INVALID, "'%.40s' is no marker of this list", marker);
    }
    elasticache_respond_fault(call->request, FAULT_PARAMETER_VALUE, "Marker: %s", err.msg);
    return false;
}

enum wanted { WANTED_OURS, WANTED_OTHERS, WANTED_WRONG };

/* Of the kinds of sources there are, only one has events here. */
static enum wanted wanted_type(const char *type)
{
    static const char *const others[] = {
        "cache-cluster",
        "cache-parameter-group",
        "cache-security-group",
        "serverless-cache",
        "serverless-cache-snapshot",
        "cache-subnet-group",
        "user",
        "user-group",
    };

    if (!type || strcmp(type, SOURCE_TYPE) == 0)
        return WANTED_OURS;
    for (size_t i = 0; i < array_len(others); i++)
        if (strcmp(type, others[i]) == 0)
            return WANTED_OTHERS;
    return WANTED_WRONG;
}

static void start(const struct call *call, const struct store_event_query *query, bool nothing)
{
    struct listing *l = xcalloc(1, sizeof(*l));
    const char *identifier = call->arguments.source_identifier;

    l->query = *query;
    l->query.names = message_names(l->names);
    /* A name that no job can have is nobody's. */
    if (identifier && !operation_job_id(identifier, l->job))
        nothing = true;
    l->query.job = identifier ? l->job : NULL;
    l->size = (unsigned)call->arguments.max_records;
    l->query.limit = l->size + 1;
    event_reader_init(&l->reader, call->api, call->request, batch_read, over);
    answer_begin(&l->xml, call->action);
    xml_open(&l->xml, "Events", NULL);
    if (nothing)
        finish(l, false);
    else
        event_reader_start(&l->reader, &l->query);
}

void describe_events(const struct call *call)
{
    struct store_event_query query = {.after = 0};
    enum wanted wanted = wanted_type(call->arguments.source_type);

    if (wanted == WANTED_WRONG)
        elasticache_respond_fault(call->request, FAULT_PARAMETER_VALUE,
                                  "SourceType: there is no '%.40s'", call->arguments.source_type);
    else if (read_window(call, &query) && read_marker(call, &query))
        start(call, &query, wanted == WANTED_OTHERS);
}
