/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is durable of a job: the run it is in, or was in last, and where that run has got to.
 * Plain data: the state machine computes with it, the store keeps it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "daemon/core/fsm.h"
#include "daemon/core/reason.h"
#include "daemon/spec/spec.h"
#include "lib/net/endpoint.h"

#define RUN_MESSAGE_MAX 200
#define RUN_WHO_MAX 64

struct decision;
struct observation;

struct run {
    unsigned number; /* 0: never started */
    enum phase phase;
    int64_t since_wall_ms; /* when the phase was entered */
    enum reason reason;    /* why it is in this phase, where that is a failure; else REASON_NONE */
    char message[RUN_MESSAGE_MAX];

    unsigned attempt; /* attach attempts begun in this run: 1, 2, … */
    unsigned copies;  /* full synchronisations begun since it was in sync, that failed */
    int64_t next_attempt_wall_ms; /* in backoff: when the next one is due; else 0 */
    bool checked;                 /* the pre-checks of this run have passed */
    bool attached;  /* the target has been told to follow in this run: its data may be gone */
    bool synced;    /* the link has been up in this run */
    bool recopy;    /* a demoted source took writes that no replica gets: the target lacks them */
    bool committed; /* the source may have been told to step down: only the switch-over goes on */
    int64_t errors_base;  /* the target's count of replication errors when the link came up; -1 */
    int64_t evicted_base; /* … and of the keys it had evicted */
    int64_t given_keys; /* what the target held when it was last known to be ours; -1: not known */
    int64_t given_offset; /* … and how far in which history it had got */
    char given_replid[41];

    bool
        want_cutover; /* the switch-over was asked for and has neither happened nor been given up */
    bool force;       /* … with --force */
    bool keep_roles;  /* rolling back from halted: settings only, nobody is promoted */
    bool aborted;     /* the operator ended it */
    bool again;       /* the operator wants it against an earlier switch-over */
    int64_t want_since_wall_ms;   /* when it was asked for */
    int64_t want_until_wall_ms;   /* it lapses by itself then; 0: never */
    char want_by[RUN_WHO_MAX];    /* who asked; "" where the job file did */
    unsigned cutover_attempt;     /* of the present request */
    int64_t next_cutover_wall_ms; /* earliest time of the next attempt; 0: now */
    unsigned epoch; /* rises with every daemon start that touches the run; in CLIENT SETNAME */

    struct endpoint
        source; /* the run's source, which a restart must know; host "" when there is none */
    char source_run_id[41], target_run_id[41]; /* the servers' own ids when the checks passed */
    struct endpoint writer; /* what took the writes then: the source, or the top of its chain; host
                               "": that was not known */
    char writer_run_id[41];

    /* the result of the cutover; at_wall_ms 0: none yet */
    struct {
        int64_t at_wall_ms;
        int64_t gap_us; /* -1: not known, this process did not begin the pause */
        int64_t offset;
        int64_t told_ms; /* from then until all Sentinels named the target; 0: not yet, or none */
    } cutover;
    bool sentinel_owed; /* Sentinels may hold on to a target that is given up */
};

/* The run after edge has been taken because of d. jitter: 0..1, from a source of chance. */
struct run run_after(const struct spec *spec, const struct run *run, const struct edge *edge,
                     const struct decision *d, const struct observation *seen, double jitter);

/* What a verb is to this run: a job that was halted before the source was told to step down is
 * begun anew, not gone on with; only what is wanted can be withdrawn. EV_NONE: it is not possible.
 */
enum fsm_event run_verb_event(const struct run *run, enum fsm_event verb);

/* Where the target finds the run's source. */
struct endpoint run_source_for_target(const struct spec *spec, const struct run *run);
