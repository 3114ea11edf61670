/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Events: the milestones of a job, under stable names. */
#include <jansson.h>
#include <stdint.h>

#include "lib/base/log.h"

enum event_name {
#define EVENT(id, name, level, message_id, doc) EVENT_##id,
#include "daemon/event/event_table.h"
#undef EVENT
    EVENT_MAX
};

struct event_def {
    const char *name; /* "job_accepted" */
    enum log_level level;
    const char *message_id; /* 32 hex digits, for the journal */
    const char *doc;
};
const struct event_def *event_def(enum event_name name);

/* One event. Strings are owned by the event where it is on the heap. */
struct event {
    uint64_t seq;      /* 1, 2, …; never used twice, also not after a crash */
    int64_t time_ms;   /* wall clock, since the epoch */
    char *job;         /* NULL: the daemon itself */
    unsigned run;      /* 0: none */
    const char *level; /* log_level_name() */
    char *name;
    char *message;
    json_t *data; /* an object, owned */
};

/* Frees what the event owns, and empties it. */
void event_clear(struct event *event);

/* EVENT of the API: seq time job run level name message data. New reference. */
json_t *event_json(const struct event *event);
