/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The API over a real store and a real event bus, on a Unix socket. Registry and migrations are
 * fakes: what they show is set by hand, and what is asked of them is recorded. Linked only with the
 * tests that the Makefile names.
 */
#include "daemon/api/api.h"
#include "daemon/bus/bus.h"
#include "daemon/job/registry.h"
#include "daemon/store/store.h"
#include "tests/unit/fixture.h"

struct migration {
    struct spec spec;
    struct run run;
    struct observation seen;
    struct migration_view view;

    enum verb verb; /* asked last; VERB_MAX: none */
    struct verb_options options;
    struct err refusal; /* code 0: it is accepted */
    bool busy;          /* nothing is durable */
    struct blocker blockers[BLOCKERS_MAX];
    unsigned n_blockers;
    bool hidden;               /* the registry does not have it (any more) */
    struct registry *registry; /* borrowed */
};

struct registry {
    struct migration *jobs; /* owned; job-0000, job-0001, … */
    unsigned n;
    unsigned looks; /* how often one of them was shown */
};

struct rig {
    uv_loop_t *loop;
    char dir[TEMP_DIR_MAX], path[TEMP_DIR_MAX + 8]; /* path: the socket */
    struct registry registry;
    struct store *store;
    struct event_bus *bus;
    struct api *api;
    bool ready, held, deaf; /* deaf: the bus does not hear what is durable */
    bool api_ends, api_closed, store_closed;
    uint64_t emitted;
};

struct rig *rig_start(void **state, unsigned n_jobs);
void rig_end_api(struct rig *rig); /* teardown does it otherwise */
int rig_teardown(void **state);    /* of a cmocka test that was set up with loop_setup() */

void rig_emit(struct rig *rig, const char *job); /* data is {"n": how many so far} */
/* n of them, for job-0000 and job-0001 in turns; waits until they are durable. */
void rig_emit_many(struct rig *rig, unsigned n);
/* For loop_run_until: all that was emitted is durable. */
bool rig_all_durable(void *arg);

#define RIG_TEST(fn) cmocka_unit_test_setup_teardown(fn, loop_setup, rig_teardown)
