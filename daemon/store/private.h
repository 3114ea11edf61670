/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the files of daemon/store/ share. */
#include "daemon/store/schema.h"
#include "daemon/store/store.h"
#include "lib/base/histogram.h"

#define STORE_FILE "state.db"

#define STORE_MAGIC 0x73746f72u
#define STORE_QUEUE_MAX 100000   /* rows waiting; see store.h */
#define STORE_EVENTS_KEPT 100000 /* newest ones in the table; pruned from time to time */
#define STORE_PRUNE_EVERY 1000   /* events */

/* A batch in the thread. On the heap: it outlives the store when the disk never answers. */
struct flight {
    struct db_commit commit;
    struct store *store;
    struct db_batch *batch; /* owned */
    uint64_t ticket;        /* of its last row */
};

struct store {
    unsigned magic;
    uv_loop_t *loop;
    struct store_callbacks callbacks;
    int lock_fd;
    struct db *db; /* owned; NULL once closed */

    struct db_batch *pending; /* owned; puts since the last batch was handed over */
    struct flight *flight;    /* owned; NULL: the thread has nothing of ours */
    bool in_thread; /* the flight is with the thread, else it failed and waits for the retry */
    uint64_t ticket, durable; /* last one given out; last one reached */
    uint64_t commits;
    struct histogram commit_times;

    uint64_t last_seq; /* in the store at the start */
    uint32_t instance;
    uint64_t dropped_seq; /* of the last event that was not kept; 0: none since the last batch */
    uint64_t dropped;

    bool held, failing, overfull;
    uv_idle_t idle;   /* active while puts wait: keeps the loop from sleeping before ... */
    uv_check_t check; /* ... this hands them over, at the end of the turn */
    uv_timer_t retry, patience;

    bool closing, shut;
    unsigned open; /* handles, and the database, still to close */
    void (*closed)(void *arg);
    void *closed_arg;
};

/* Adds one row to the pending batch and arms the handing over. */
void store_add(struct store *store, enum statement statement, const struct db_value *values,
               unsigned n);

/* Makes the directory where it is missing, and locks it: *ret_fd holds the lock until it is closed.
 */
int store_lock(const char *dir, int *ret_fd, struct err *err) must_check;
