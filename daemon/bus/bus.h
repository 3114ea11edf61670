/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Events on their way. One event_emit() takes an event to the log, to the store and, once it is
 * durable, to the followers of the event stream.
 */
#include "daemon/event/event.h"
#include "lib/base/list.h"

struct store;

struct event_bus;

/* A follower; embedded in whoever listens. on_event is called once the event is durable, in the
 * order of seq; the event is borrowed for the call, which may unfollow this follower and no other.
 * It gets what became durable since event_follow. While the disk holds, 10,000 events wait; beyond
 * that the oldest are passed over: seq shows a gap, and the store has them. */
struct event_follower {
    void (*on_event)(struct event_follower *follower, const struct event *event);
    /* private */
    struct list link;
};

/* last_seq: the highest number in the store. */
struct event_bus *event_bus_new(struct log *log, struct store *store, uint64_t last_seq);
/* To be called with what the store's on_durable says: followers get what has become durable. */
void event_bus_durable(struct event_bus *bus, uint64_t ticket);
void event_bus_free(struct event_bus *bus); /* asserts that nobody follows any more */
void event_follow(struct event_bus *bus, struct event_follower *follower);
void event_unfollow(struct event_bus *bus, struct event_follower *follower);

/* What an event says of the job it is about; state, phase and reason go to the log as fields. */
struct event_context {
    const char *job; /* NULL: the daemon */
    unsigned run;
    const char *state, *phase, *reason; /* NULL where it does not apply */
};

/* context NULL: the daemon itself. data: an object whose reference is taken over, or NULL for {};
 * more than 64 KiB of it are replaced by {"truncated": true}. The sentence is cut after 1 KiB;
 * malformed UTF-8 in it becomes U+FFFD. */
void event_emit(struct event_bus *bus, enum event_name name, const struct event_context *context,
                json_t *data, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
