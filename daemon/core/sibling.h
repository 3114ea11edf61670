/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The old source's other replicas, each pointed to the new primary once that has been seen to be
 * one: what is durable of them, and what to do next with one, from what a look at it has shown.
 *
 *   waiting -> moving -> follows
 *     |          |
 *     |          +----> returning -> stays     its link did not come up: pointed back, settings too
 *     +-> left, stays, unreachable             it is not touched
 *
 * A sibling is touched only while it provably still holds the old source's history and nothing of
 * its own, and only where that costs no full copy.
 */
#include <stdbool.h>
#include <stdint.h>

#include "daemon/core/observation.h"
#include "daemon/core/run.h"
#include "lib/redis/info.h"

#define SIBLINGS_MAX REDIS_REPLICAS_MAX

enum sibling_state {
    SIBLING_NONE, /* a free place; with an address: one of the pair under another one */
    SIBLING_WAITING,
    SIBLING_MOVING,
    SIBLING_RETURNING,
    SIBLING_FOLLOWS,
    SIBLING_STAYS,
    SIBLING_LEFT,
    SIBLING_UNREACHABLE,
    SIBLING_STATES
};

/* What a sibling logs in with, and whether it speaks TLS to whom it follows. */
enum sibling_setting { SIBLING_USER, SIBLING_PASSWORD, SIBLING_TLS, SIBLING_SETTINGS };

struct sibling {
    char job[SPEC_ID_MAX + 1];
    struct endpoint at;
    enum sibling_state state;
    struct endpoint was;           /* whom it followed; "": not known */
    char message[RUN_MESSAGE_MAX]; /* what is the matter with it; "": nothing */
    /* A setting that was changed for it, and what it was; NULL: it was not. Owned; secrets. */
    struct {
        char *from, *to;
    } changed[SIBLING_SETTINGS];
};

/* "waiting" */
const char *sibling_state_name(enum sibling_state state);
enum sibling_state sibling_state_parse(const char *name); /* SIBLING_STATES: none */
/* Nothing more is done with it. */
bool sibling_has_ended(const struct sibling *f);
/* Where it has ended is where it was: one line points it to the target. */
bool sibling_can_be_pasted(const struct sibling *f);
const char *sibling_setting_name(enum sibling_setting setting);
void sibling_clear(struct sibling *f); /* frees what it owns: a free place */

/* The one at this address; NULL: none. list: of SIBLINGS_MAX, or NULL. */
const struct sibling *sibling_at(const struct sibling *list, const struct endpoint *at);
bool siblings_any(const struct sibling *list);

/* The replicas a primary lists but those to skip; ones that are no servers are no siblings. */
unsigned siblings_of(const struct redis_info *primary, const struct endpoint *skip, unsigned n,
                     struct endpoint ret[SIBLINGS_MAX]);
/* … in this pair: of what takes the writes, and neither source nor target under any name that is
 * known. One under another is found out by a look at it. */
unsigned siblings_of_writer(const struct spec *spec, const struct run *run,
                            const struct observation *seen, struct endpoint ret[SIBLINGS_MAX]);

/* What a look at one has shown. */
struct sibling_look {
    bool reachable;
    struct err err;                      /* why not */
    struct redis_info info;              /* … else */
    const char *refuses;                 /* a command that it does not let us use; NULL: none */
    const char *has[SIBLING_SETTINGS];   /* NULL: it does not say */
    const char *wants[SIBLING_SETTINGS]; /* what it needs at the target; "": nothing */
};

struct sibling_case {
    const struct spec *spec;
    const struct run *run;
    const struct observation *seen;
    uint64_t waited_ms; /* in this state */
    bool listed;        /* by the old source, at the last look at it */
};

/* The switch-over is over, as far as siblings are concerned: the target has been seen to be the
 * primary, and the old source not to be one. */
bool siblings_may_move(const struct run *run, const struct observation *seen);

enum sibling_act {
    SIBLING_LOOK,       /* again, after a while */
    SIBLING_SET,        /* its log-in to what it needs at the target */
    SIBLING_POINT,      /* to the target */
    SIBLING_RESTORE,    /* its log-in to what it was, where it still is what we set */
    SIBLING_POINT_BACK, /* that, and to whom it followed */
};

struct sibling_step {
    enum sibling_state to; /* another state: durable, then it is looked at anew */
    enum sibling_act act;
    char message[RUN_MESSAGE_MAX];
};

/* Before the switch-over: whether it could be pointed elsewhere, in words; and whom it follows.
 * NONE: it is none of them, or no longer. */
struct sibling_step sibling_prepare(struct sibling *f, const struct sibling_look *look,
                                    const struct sibling_case *c);
/* After it. */
struct sibling_step sibling_next(const struct sibling *f, const struct sibling_look *look,
                                 const struct sibling_case *c);
/* It has refused what act wanted of it. */
struct sibling_step sibling_refused(const struct sibling *f, enum sibling_act act,
                                    const char *words);
/* How long it is tried to reach one, and how long a link may take to come up. */
uint64_t sibling_patience_ms(const struct spec *spec);
uint64_t sibling_link_ms(const struct spec *spec);
