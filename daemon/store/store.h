/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Durable state: what a restart needs, and nothing else. Names no SQLite type.
 *
 * Writes are queued and grouped: all of one loop turn become one commit in a worker thread. A put
 * returns a ticket; the write is durable once store_durable() has reached it, which on_durable
 * announces. Writes become durable in the order in which they were put.
 *
 * When the disk refuses (full, read-only, failing) the batch is kept and tried again every second:
 * the store is *held*, on_held says so with the reason, and again when it is over. Nothing is lost
 * and nothing is announced meanwhile.
 *
 * The queue's limit is 100,000 rows: beyond it the store is held too (with ERR_LIMIT), so that
 * nothing new begins. Jobs and settings are still kept then, for an intent must not get lost;
 * events no longer are: their tickets are served and their numbers stay used, but a reader finds a
 * gap.
 */
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/core/connection.h"
#include "daemon/core/run.h"
#include "daemon/core/setting.h"
#include "daemon/core/sibling.h"
#include "daemon/core/switched.h"
#include "lib/base/err.h"
#include "lib/base/op.h"

struct event;
struct histogram;
struct store;

struct store_job {
    char id[SPEC_ID_MAX + 1];
    char *file;      /* where it was read from last; owned */
    char *spec_text; /* the document the run was started from, for a restart without the file; may
                        hold an inline password; owned; NULL: none */
    struct run run;
};

/* Called from the loop, never from inside a put. why is empty when held is false. */
struct store_callbacks {
    void (*on_durable)(uint64_t ticket, void *arg);
    void (*on_held)(bool held, const struct err *why, void *arg);
    void *arg;
};

/* Opens, locks and if needed creates <dir>/state.db (0600, in a directory 0700). ERR_BUSY: another
 * daemon has it (the message names its pid if that is known). A file that is no database of ours is
 * refused with what to do; it is never overwritten. Blocks; call it before the loop runs. */
int store_open(uv_loop_t *loop, const char *dir, const struct store_callbacks *callbacks,
               struct store **ret, struct err *err) must_check;
/* Writes what is queued (waits at most 5 s for it), closes, frees, calls closed(arg) from the loop.
 * on_durable and on_held may still be called before that. No reads after it, and
 * no puts but from those two callbacks. */
void store_close(struct store *store, void (*closed)(void *arg), void *arg);

uint64_t store_durable(const struct store *store);
bool store_held(const struct store *store);
uint64_t store_commits(const struct store *store); /* transactions so far */
/* How long each of them took; borrowed. */
const struct histogram *store_commit_times(const struct store *store);
uint64_t store_events_dropped(const struct store *store); /* events not kept, see above */

/* The number of this state, the same in every process that has had it; never 0. */
uint32_t store_instance(const struct store *store);

/* Puts. Everything is copied. */
uint64_t store_put_job(struct store *store, const struct store_job *job);
/* And its connections and siblings; its settings must be gone already. */
uint64_t store_delete_job(struct store *store, const char *id);
/* Keeps the oldest old_value when a record of this job, side and name is there already. */
uint64_t store_put_setting(struct store *store, const struct setting *setting);
uint64_t store_delete_setting(struct store *store, const char *job, enum node_side side,
                              const char *name);
uint64_t store_put_connection(struct store *store, const struct connection *connection);
/* Takes the place of the opposite direction. */
uint64_t store_put_switched(struct store *store, const struct switched *switched);
uint64_t store_put_sibling(struct store *store, const struct sibling *sibling);
uint64_t store_delete_sibling(struct store *store, const char *job, const struct endpoint *at);
uint64_t store_put_event(struct store *store, const struct event *event);

/* Reads at boot; blocking, before the loop runs. Callbacks borrow their argument. */
int store_each_job(struct store *store, void (*fn)(const struct store_job *, void *), void *arg,
                   struct err *err) must_check;
int store_each_setting(struct store *store, void (*fn)(const struct setting *, void *), void *arg,
                       struct err *err) must_check;
int store_each_connection(struct store *store, void (*fn)(const struct connection *, void *),
                          void *arg, struct err *err) must_check;
int store_each_switched(struct store *store, void (*fn)(const struct switched *, void *), void *arg,
                        struct err *err) must_check;
int store_each_sibling(struct store *store, void (*fn)(const struct sibling *, void *), void *arg,
                       struct err *err) must_check;
uint64_t store_last_event_seq(const struct store *store);

/* Which events are read; they come in rising order of seq. */
struct store_event_query {
    const char *job;            /* NULL: all, the daemon's own included */
    const char *names;          /* with a space around each: " in_sync link_lost "; NULL: all */
    uint64_t after;             /* seq is higher than this */
    int64_t since_ms, until_ms; /* wall clock, both included; until_ms 0: no end */
    unsigned limit;             /* 1..1000 */
    bool tail;                  /* the last limit of them, not the first */
};

/* Reads events in the worker thread; query is copied. The result belongs to the op until
 * store_events_clear. */
struct store_events {
    struct op op;
    struct event *events;
    unsigned n;
    /* private */
    void *work;
};
void store_events_start(struct store_events *q, struct store *store,
                        const struct store_event_query *query, op_done_fn *done);
void store_events_clear(struct store_events *q);
