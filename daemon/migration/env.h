/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What all migrations of a daemon share: loop, store, events, slots, and the queue of those that
 * want to decide. The queue is drained once per turn of the loop, so that no migration is entered
 * from inside itself.
 */
#include <uv.h>

#include "daemon/core/slots.h"
#include "daemon/event/event.h"
#include "daemon/migration/counters.h"
#include "daemon/store/store.h"
#include "lib/base/list.h"
#include "lib/base/log.h"

struct migration_env {
    uv_loop_t *loop;
    struct log *log; /* borrowed, as the next two */
    struct store *store;
    struct event_bus *bus;
    struct slots slots;
    struct migration_counters counters;

    /* private */
    struct list ready;   /* migrations that want to decide */
    struct list waiting; /* … that wait for the store */
    uv_prepare_t drain;
    uv_idle_t again;      /* keeps the loop from sleeping while ready is not empty */
    uv_timer_t heartbeat; /* notices a loop that stood still and a clock that stepped */
    uint64_t beat_boot_ms;
    int64_t beat_wall_ms;
    uint64_t tilt_until_ms;
    unsigned closing;
    void (*closed)(void *arg);
    void *closed_arg;
};

void migration_env_init(struct migration_env *env, uv_loop_t *loop, struct log *log,
                        struct store *store, struct event_bus *bus, unsigned max_syncs,
                        unsigned max_syncs_per_host);
/* No migration may be left. closed(arg) comes from the loop. */
void migration_env_deinit(struct migration_env *env, void (*closed)(void *arg), void *arg);

/* The store's on_durable: lets those go on that waited for this ticket. */
void migration_env_durable(struct migration_env *env, uint64_t ticket);

bool migration_env_tilt(const struct migration_env *env);
