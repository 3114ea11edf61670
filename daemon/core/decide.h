/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The decision core: from what is wanted, what is durable and what has been seen, to what is done
 * next. Pure: no I/O, no clock, no memory of its own.
 */
#include "daemon/core/observation.h"
#include "daemon/core/run.h"
#include "daemon/spec/spec.h"

#define UNDECIDED_MS 60000    /* for a node that does not answer, before a human is asked */
#define POLL_NEVER UINT32_MAX /* nothing to look at: the connections may be closed */

struct decision {
    enum fsm_event event; /* EV_NONE: stay in the phase */
    enum action action;   /* ACT_NONE: only look again */
    enum reason reason;   /* why the edge is taken, or what is waited for */
    char message[RUN_MESSAGE_MAX];
    uint32_t poll_ms; /* look again after this time; 0: at once */
};

struct decision decide(const struct spec *spec, const struct run *run,
                       const struct observation *seen);

/* A verb that must wait until the nodes have been seen: after a restart during the switch-over
 * nobody knows yet whether it has already happened, and aborting it then would make a second
 * primary. */
bool decide_verb_waits(const struct run *run, const struct observation *seen, enum fsm_event verb);

/* The run after edge has been taken because of d. jitter: 0..1, from a source of chance. */
struct run run_after(const struct spec *spec, const struct run *run, const struct edge *edge,
                     const struct decision *d, const struct observation *seen, double jitter);

/* Where the target finds the run's source, and the old source the new primary. */
struct endpoint run_source_for_target(const struct spec *spec, const struct run *run);

/* What holds a switch-over back; appends to ret and returns how many there are in all. */
struct blocker {
    enum reason reason;
    char message[RUN_MESSAGE_MAX];
};
#define BLOCKERS_MAX 8
unsigned gate_check(const struct spec *spec, const struct observation *seen,
                    struct blocker ret[BLOCKERS_MAX]);

/* One function a phase; in daemon/core/phase_<name>.c. */
typedef void phase_decide_fn(const struct spec *spec, const struct run *run,
                             const struct observation *seen, struct decision *d);
phase_decide_fn phase_idle_decide, phase_queued_decide, phase_checking_decide,
    phase_attaching_decide, phase_backoff_decide, phase_syncing_decide, phase_replicating_decide,
    phase_freezing_decide, phase_switching_decide, phase_rolling_back_decide,
    phase_completed_decide, phase_failed_decide, phase_halted_decide;

/* Ways to fill a decision. */
void decide_wait(struct decision *d, enum reason reason, uint32_t poll_ms, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void decide_act(struct decision *d, enum action action, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void decide_go(struct decision *d, enum fsm_event event, enum reason reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* ACT_THAW, remembering why the switch-over is given up. */
void decide_resume_writes(struct decision *d, enum reason reason, const char *why);
/* This attempt to attach has failed: EV_FAIL, or EV_FATAL when another one cannot help or none is
 * left. */
void decide_attempt_failed(struct decision *d, const struct spec *spec, const struct run *run,
                           enum reason reason, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The last action of this phase was refused: the same, with its reason. True when it was. */
bool decide_action_failed(struct decision *d, const struct spec *spec, const struct run *run,
                          const struct observation *seen);
/* A node that cannot be reached: waits grace_ms, then this attempt has failed. True when one
 * cannot. */
bool decide_unreachable(struct decision *d, const struct spec *spec, const struct run *run,
                        const struct observation *seen, enum node_side side, uint64_t grace_ms);
/* The promoted target continues the very history the source has. */
bool histories_join(const struct observation *seen);
/* The source follows the fence address and the target the source: nobody is a primary. */
bool source_fenced(const struct observation *seen);
/* What a rollback still has to do, if anything: fills d with the action or the wait and returns
 * true. */
bool rollback_next(const struct run *run, const struct observation *seen, struct decision *d);
