/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is to be done next, and the ways to say so. Every phase ends in one of them.
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
    unsigned look;    /* 1 << SIDE_x: look at that node at once */
    bool look_whole;  /* … at all of it */
    bool ask;         /* both nodes for all that the checks, and a diagnosis, go by */
    uint32_t poll_ms; /* look at both again after this time */
};

/* Ways to fill a decision. */
void decide_wait(struct decision *d, enum reason reason, uint32_t poll_ms, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* … for a look at some nodes: 1 << SIDE_x. */
void decide_look(struct decision *d, unsigned sides, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
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
/* The link is up: EV_LINKED, once all of what the target holds then has been seen. True when it is
 * up. */
bool decide_linked(struct decision *d, const struct observation *seen, const char *why);
/* Nobody listens any more where the target did, which was told to follow: this attempt has failed.
 * True when it has. */
bool decide_died(struct decision *d, const struct spec *spec, const struct run *run,
                 const struct observation *seen);
/* Servers begin a copy that failed again at once, ten times a second: this attempt has failed. True
 * when it has. */
bool decide_copied_again(struct decision *d, const struct spec *spec, const struct run *run,
                         const struct observation *seen);
/* A node that cannot be reached: waits grace_ms, then this attempt has failed. True when one
 * cannot. */
bool decide_unreachable(struct decision *d, const struct spec *spec, const struct run *run,
                        const struct observation *seen, enum node_side side, uint64_t grace_ms);
