/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What all migrations of a daemon share: loop, store, events, slots, the queue of those that want
 * to decide, and of those that wait for the store.
 */
#include <uv.h>

#include "daemon/core/slots.h"
#include "daemon/core/switched.h"
#include "daemon/migration/counters.h"
#include "daemon/migration/tilt.h"
#include "daemon/store/store.h"
#include "lib/base/log.h"
#include "lib/base/turns.h"

struct event_bus;
struct tls_contexts;

struct migration_env {
    uv_loop_t *loop;
    struct log *log; /* borrowed, as the next two */
    struct store *store;
    struct event_bus *bus;
    struct slots slots;
    struct slots checks_ahead;     /* of those that wait for one of these */
    struct tls_contexts *contexts; /* owned; of the nodes that speak TLS */
    struct migration_counters counters;
    struct turns turns;
    struct tilt tilt;
    struct list migrations;     /* struct migration.link: all there are */
    char instance[9];           /* of the daemon's state: how the names of its connections end */
    struct {                    /* what was switched over, each pair once */
        struct switched *items; /* owned */
        unsigned n;
    } switched;

    /* private */
    struct list waiting; /* struct store_wait.link */
    unsigned closing;
    void (*closed)(void *arg);
    void *closed_arg;
};

void migration_env_init(struct migration_env *env, uv_loop_t *loop, struct log *log,
                        struct store *store, struct event_bus *bus, unsigned max_syncs,
                        unsigned max_syncs_per_host);
/* No migration may be left. closed(arg) comes from the loop. */
void migration_env_deinit(struct migration_env *env, void (*closed)(void *arg), void *arg);

/* At boot: what a completed job tells of its pair; the latest one counts, where nothing is
 * recorded. */
void migration_env_suppose_switched(struct migration_env *env, const struct switched *switched);
/* At boot, after that: what was recorded when it happened. */
void migration_env_load_switched(struct migration_env *env, const struct switched *switched);
/* A pair has been switched over; made durable. */
void migration_env_switched(struct migration_env *env, const struct switched *switched);
/* When the target was last made the primary of these two by a switch-over, and has not been
 * switched away from since; 0: it was not. */
int64_t migration_env_took_over_ms(const struct migration_env *env, const struct endpoint *source,
                                   const struct endpoint *target);

/* Embedded in whoever waits for the store. */
struct store_wait {
    struct list link;
    void (*reached)(struct store_wait *wait, uint64_t ticket);
};
/* reached() is called when the store has got further, once. */
void migration_env_wait(struct migration_env *env, struct store_wait *wait);
/* The store's on_durable. */
void migration_env_durable(struct migration_env *env, uint64_t ticket);
