/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* An open store in a directory of its own, for the tests of daemon/store. */
#include "tests/unit/fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "daemon/event/event.h"
#include "daemon/store/store.h"

struct box {
    uv_loop_t *loop;
    struct store *store;
    char dir[TEMP_DIR_MAX];
    uint64_t durable;
    unsigned calls; /* of on_durable */
    bool held, closed;
    unsigned held_calls;
    struct err why;
    uint64_t want; /* for reached() */
};

void box_init(struct box *b, void **state);
int box_try_open(struct box *b, struct err *err);
void box_open(struct box *b); /* fails the test when it cannot be opened */
void box_close(struct box *b);
void box_set_flag(void *arg); /* a store's closed() that sets a bool */
bool box_reached(void *arg);  /* for loop_run_until: everything up to b->want is durable */
void box_wait_durable(struct box *b, uint64_t ticket);

/* A job with a value in every member. */
void store_job_fill(struct store_job *job, const char *id);

struct jobs {
    unsigned n;
    struct store_job last;
    char file[64], spec_text[64];
};

void box_load_jobs(struct box *b, struct jobs *jobs);
void box_take_job(const struct store_job *job, void *arg); /* arg: struct jobs */

/* An event whose members all follow from seq and job. */
uint64_t box_put_event(struct box *b, uint64_t seq, const char *job);

struct query {
    struct store_events events;
    bool done;
};

void query_done(struct op *op);

/* For what runs in a child: cmocka's assertions would jump out of it. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)
#define CANNOT 77

/* Runs fn in a process of its own, with a loop of its own; skips the test, aloud, when that one
 * ends with CANNOT. */
void in_child(void (*fn)(struct box *b), struct box *b);
