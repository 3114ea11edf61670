/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The tables of state.db and every statement the store uses on them. */
#include "lib/db/db.h"

enum statement {
    ST_PUT_JOB,
    ST_DELETE_JOB,
    ST_PUT_SETTING,
    ST_DELETE_SETTING,
    ST_PUT_CONNECTION,
    ST_DELETE_CONNECTIONS, /* of a job */
    ST_PUT_SWITCHED,
    ST_DELETE_SWITCHED,
    ST_PUT_SIBLING,
    ST_DELETE_SIBLING,
    ST_DELETE_SIBLINGS, /* of a job */
    ST_PUT_INSTANCE,
    ST_PUT_EVENT,
    ST_PRUNE_EVENTS,   /* up to this seq */
    ST_RAISE_LAST_SEQ, /* numbers given out, whether or not an event of that number is kept */
    ST_JOBS,
    ST_SETTINGS,
    ST_CONNECTIONS,
    ST_SWITCHED,
    ST_SIBLINGS,
    ST_NUMBERS,         /* the last event's, and the instance's */
    ST_EVENTS,          /* after, limit, since, until, names */
    ST_EVENTS_TAIL,     /* …, falling */
    ST_EVENTS_JOB,      /* after, limit, since, until, names, job */
    ST_EVENTS_JOB_TAIL, /* …, falling */
    ST_MAX
};

extern const struct db_config schema_config;
