/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/event/event.h"

#include "lib/base/base.h"
#include "lib/base/clock.h"

static const struct event_def defs[EVENT_MAX] = {
#define EVENT(id, row_name, row_level, row_message_id, row_doc)                                    \
    [EVENT_##id] = {                                                                               \
        .name = row_name, .level = row_level, .message_id = row_message_id, .doc = row_doc},
#include "daemon/event/event_table.h"
#undef EVENT
};

const struct event_def *event_def(enum event_name name)
{
    assert(name >= 0 && name < EVENT_MAX);
    return &defs[name];
}

void event_clear(struct event *event)
{
    free(event->job);
    free(event->name);
    free(event->message);
    json_decref(event->data);
    *event = (struct event){.seq = 0};
}

json_t *event_json(const struct event *event)
{
    char time[CLOCK_TEXT_MAX];
    json_t *run = event->run ? json_integer(event->run) : json_null();

    clock_format(event->time_ms, time);
    return json_pack("{s:I, s:s, s:s?, s:o, s:s, s:s, s:s, s:O}", "seq", (json_int_t)event->seq,
                     "time", time, "job", event->job, "run", run, "level", event->level, "name",
                     event->name, "message", event->message, "data", event->data);
}
