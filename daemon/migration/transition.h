/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* An edge of the state machine that is being made durable: it is taken when the store has it. */
#include "daemon/core/fsm.h"
#include "daemon/core/run.h"

struct transition {
    const struct edge *edge; /* NULL: none is under way */
    struct run after;        /* the run as it will be */
    uint64_t ticket;         /* the store's */
};

static inline bool transition_pending(const struct transition *t)
{
    return t->edge != NULL;
}

/* The run as others meet it: an edge that is under way counts as taken. */
static inline const struct run *transition_upcoming(const struct transition *t,
                                                    const struct run *run)
{
    return transition_pending(t) ? &t->after : run;
}

/* Takes the edge, and puts what the run is then into *run; NULL: there is none, or the store, which
 * has reached ticket, has not got to it. */
static inline const struct edge *transition_take(struct transition *t, uint64_t ticket,
                                                 struct run *run)
{
    const struct edge *edge = t->edge;

    if (!edge || ticket < t->ticket)
        return NULL;
    *run = t->after;
    t->edge = NULL;
    return edge;
}
