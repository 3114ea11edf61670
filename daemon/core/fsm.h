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
    PHASE_IDLE,
    PHASE_QUEUED,
    PHASE_CHECKING,
    PHASE_ATTACHING,
    PHASE_BACKOFF,
    PHASE_SYNCING,
    PHASE_REPLICATING,
    PHASE_FREEZING,
    PHASE_SWITCHING,
    PHASE_ROLLING_BACK,
    PHASE_COMPLETED,
    PHASE_FAILED,
    PHASE_HALTED,
    PHASE_MAX
};

enum fsm_event {
    EV_NONE,
    EV_START,    /* a verb, or a job file with start: auto */
    EV_OK,       /* the phase has reached its goal */
    EV_RECHECK,  /* back-off is over, and the checks have not passed yet */
    EV_SYNCING,  /* a full synchronisation is under way */
    EV_LINKED,   /* the link is up and the data set is there */
    EV_DETACHED, /* the target no longer follows the source */
    EV_FAIL,     /* this attempt failed; another may succeed */
    EV_FATAL,    /* no further attempt can help, or none is left */
    EV_CUTOVER,  /* the gate is open and the switch-over is wanted */
    EV_RETREAT,  /* before the point of no return: writes go on at the source */
    EV_SLIPPED,  /* the source took writes before it was demoted, and is the primary again */
    EV_HALT,     /* only a human can decide */
    EV_COMPLETE, /* verb complete */
    EV_ABORT,    /* verb abort */
    EV_RETRY,    /* verb retry */
    EV_RESPEC,   /* the job file of an ended or idle job changed */
    EV_MAX
};

enum phase_flag {
    F_ABORTABLE = 1 << 0, /* the verb abort is possible */
    F_ENDED = 1 << 1,     /* the run is over */
    F_SLOT = 1 << 2,      /* holds one of the slots for full synchronisations */
    F_RESPEC = 1 << 3,    /* a changed job file starts anew */
    F_OBSERVE = 1 << 4,   /* both nodes are connected to and watched */
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
