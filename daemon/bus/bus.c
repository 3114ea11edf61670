/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   event_emit -> log           at once
 *              -> store         ticket
 *              -> pending       until event_bus_durable() has reached the ticket -> followers
 *
 * Followers are told only what a crash cannot take back, so a number they have seen is never given
 * to another event.
 */
#include "daemon/bus/bus.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/store/store.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"
#include "lib/base/utf8.h"

#define PENDING_MAX 10000
#define MESSAGE_MAX 1024
#define DATA_MAX 65536

struct pending {
    struct list link;
    uint64_t ticket;
    struct event event;
};

struct event_bus {
    struct log *log;     /* borrowed */
    struct store *store; /* borrowed */
    uint64_t last_seq;
    struct list followers;
    struct list pending;
    unsigned n_pending;
};

struct event_bus *event_bus_new(struct log *log, struct store *store, uint64_t last_seq)
{
    struct event_bus *bus = xcalloc(1, sizeof(*bus));

    bus->log = log;
    bus->store = store;
    bus->last_seq = last_seq;
    list_init(&bus->followers);
    list_init(&bus->pending);
    return bus;
}

/* Takes the oldest pending event out. */
static struct pending *pop(struct event_bus *bus)
{
    struct pending *p = container_of(bus->pending.next, struct pending, link);

    list_remove(&p->link);
    assert(bus->pending.next != &p->link);
    bus->n_pending--;
    return p;
}

static void pending_free(struct pending *p)
{
    event_clear(&p->event);
    free(p);
}

void event_bus_free(struct event_bus *bus)
{
    if (!bus)
        return;
    assert(list_empty(&bus->followers));
    while (!list_empty(&bus->pending))
        pending_free(pop(bus));
    free(bus);
}

void event_follow(struct event_bus *bus, struct event_follower *follower)
{
    list_push(&bus->followers, &follower->link);
}

void event_unfollow(struct event_bus *bus, struct event_follower *follower)
{
    (void)bus;
    list_remove(&follower->link);
}

void event_bus_durable(struct event_bus *bus, uint64_t ticket)
{
    while (!list_empty(&bus->pending)) {
        struct pending *p = container_of(bus->pending.next, struct pending, link);

        if (p->ticket > ticket)
            return;
        pop(bus);
        list_each (link, &bus->followers) {
            struct event_follower *follower = container_of(link, struct event_follower, link);

            follower->on_event(follower, &p->event);
        }
        pending_free(p);
    }
}

static void log_event(struct event_bus *bus, const struct event_def *def, const struct event *event,
                      const struct event_context *context)
{
    char run[16];
    struct log_field fields[] = {
        {"job", context->job},
        {"run", context->run ? run : NULL},
        {"state", context->state},
        {"phase", context->phase},
        {"event", def->name},
        {"reason", context->reason},
        {"message_id", def->message_id},
    };

    snprintf(run, sizeof(run), "%u", context->run);
    log_write(bus->log, def->level, fields, array_len(fields), "%s", event->message);
}

static json_t *bounded(json_t *data)
{
    if (!data)
        return json_object();
    assert(json_is_object(data));
    if (json_dumpb(data, NULL, 0, JSON_COMPACT) <= DATA_MAX)
        return data;
    json_decref(data);
    return json_pack("{s:b}", "truncated", 1);
}

void event_emit(struct event_bus *bus, enum event_name name, const struct event_context *context,
                json_t *data, const char *fmt, ...)
{
    static const struct event_context daemon = {.job = NULL};
    const struct event_def *def = event_def(name);
    char message[MESSAGE_MAX];
    struct pending *p = xcalloc(1, sizeof(*p));
    va_list ap;

    va_start(ap, fmt);
    if (vsnprintf(message, sizeof(message), fmt, ap) < 0)
        message[0] = '\0';
    va_end(ap);
    if (!context)
        context = &daemon;
    p->event = (struct event){
        .seq = ++bus->last_seq,
        .time_ms = clock_wall_ms(),
        .job = xstrdup(context->job),
        .run = context->run,
        .level = log_level_name(def->level),
        .name = xstrdup(def->name),
        .message = utf8_clean(message),
        .data = bounded(data),
    };
    log_event(bus, def, &p->event, context);
    p->ticket = store_put_event(bus->store, &p->event);
    list_push(&bus->pending, &p->link);
    if (++bus->n_pending > PENDING_MAX)
        pending_free(pop(bus));
}
