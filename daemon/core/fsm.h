/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The state machine as data: phases are rows, edges are rows. Pure.
 * The log, the store, the API, and `ecmigratectl fsm` read these tables.
 */
#include <stdbool.h>
#include <stddef.h>

enum public_state { STATE_PENDING, STATE_MIGRATING, STATE_AVAILABLE, STATE_FAILED, STATE_MAX };

enum phase {
#define PHASE(id, name, state, flags, meaning, next) PHASE_##id,
#include "daemon/core/phase_table.h"
#undef PHASE
    PHASE_MAX
};

enum fsm_event {
    EV_NONE,
#define FSM_EVENT(id, name, what) EV_##id,
#include "daemon/core/fsm_event_table.h"
#undef FSM_EVENT
    EV_MAX
};

enum phase_flag {
    F_ABORTABLE = 1 << 0, /* the verb abort is possible */
    F_ENDED = 1 << 1,     /* the run is over */
    F_SLOT = 1 << 2,      /* holds one of the slots for full synchronisations */
    F_RESPEC = 1 << 3,    /* a changed job file starts anew */
    F_OBSERVE = 1 << 4,   /* both nodes are connected to and watched */
    F_EXPECT = 1 << 5,    /* begins with a new attempt to reach them, where they are not */
    F_SURVEY = 1 << 6,    /* begins with a survey of them */
    F_PAUSE = 1 << 7,     /* inside the write pause: standing still is a risk of its own */
};

struct phase_def {
    const char *name; /* "rolling_back" */
    enum public_state state;
    unsigned flags;
    const char *meaning;
    const char *next_step; /* what ends the phase, or what the operator can do */
};

enum edge_flag {
    E_HOT = 1 << 0, /* inside the write pause: takes effect at once, is written behind */
};

struct edge {
    enum phase from;
    enum fsm_event event;
    enum phase to;
    unsigned flags;
    const char *why;
};

const struct phase_def *phase_get(enum phase phase);
/* PHASE_MAX when there is no such name. */
enum phase phase_parse(const char *name);
const char *public_state_name(enum public_state state);
const char *fsm_event_name(enum fsm_event event);

/* The edge taken from phase on event, or NULL: then nothing may happen. */
const struct edge *fsm_next(enum phase phase, enum fsm_event event);
/* All edges, for printing. */
const struct edge *fsm_edges(size_t *ret_n);
