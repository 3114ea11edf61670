/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The inside of a migration, for the files of this directory only. */
#include "daemon/bus/bus.h"
#include "daemon/core/alarm.h"
#include "daemon/core/check/report.h"
#include "daemon/core/decide.h"
#include "daemon/migration/env.h"
#include "daemon/migration/migration.h"
#include "daemon/migration/precheck.h"
#include "daemon/migration/transition.h"
#include "daemon/node/pair.h"

struct migration {
    struct migration_env *env; /* borrowed */
    struct list link;          /* in env->migrations */
    struct spec *spec;         /* owned: the text in force; see migration_set_spec() */
    struct spec *next_spec;    /* owned: a newer text, for the next run; or NULL */
    struct run run;
    struct transition transition;
    struct pair pair;
    struct decision last; /* what the last look led to: the reason shown while it waits */
    struct slot slot;
    unsigned alarms; /* those that have been told: alarm_bits() */
    enum reason alarm_told[ALARMS_MAX];

    struct {                  /* a verb, or a changed file, that waits for its turn */
        enum fsm_event event; /* EV_NONE: none */
        struct verb_options options;
    } posted;
    struct {
        struct precheck *running;    /* owned; NULL: none */
        struct check_report *latest; /* owned: how the checks last went; NULL: never */
        struct slot slot;            /* to check ahead of a slot for a full synchronisation */
        unsigned run;                /* … this one */
    } checks;

    struct turn turn;
    struct store_wait wait;
    uv_timer_t timer;

    bool file_gone;
    bool forgotten; /* being freed: nothing is begun any more */
    unsigned closing;
    void (*freed)(void *arg);
    void *freed_arg;
};

/* Asks for a decision in this turn of the loop. */
static inline void migration_poke(struct migration *m)
{
    if (!m->forgotten)
        turn_ask(&m->env->turns, &m->turn);
}

/* begin.c: what a new run begins with. */
/* The text in force; taken over. */
void migration_set_spec(struct migration *m, struct spec *spec);
/* Puts it into next: the newest text, and the source that was named. */
void migration_begin_run(struct migration *m, struct run *next, enum fsm_event event);

/* checks.c: the checks without a run. */
int migration_check(struct migration *m, const struct endpoint *source, struct err *err) must_check;
/* … of a run that waits for a slot. */
void migration_check_ahead(struct migration *m);

/* rival.c: puts into seen what this daemon knows of the two nodes besides: other jobs, earlier
 * switch-overs. */
void migration_see_around(const struct migration *m, const struct spec *spec, const struct run *run,
                          struct observation *seen);

/* writer.c: the only one that changes where a migration stands. */
extern const struct pair_owner migration_pair_owner;
/* Takes the posted verb at once where nothing is under way, so that its answer shows what it did;
 * else in its turn. Not to be called from inside a decision. */
void migration_obey(struct migration *m);
/* Puts the run as it is into the store, without an edge. */
uint64_t migration_keep(struct migration *m, const struct run *run);
/* The phase has been entered, from this one or by an earlier process. */
void migration_enter(struct migration *m, enum phase from, bool resumed);
void migration_take_turn(struct turn *turn);
void migration_reached(struct store_wait *wait, uint64_t ticket);

/* announce.c: what the world hears. */
struct event_context migration_context(const struct migration *m);
/* … of a transition; */
void migration_announce(struct migration *m, const struct edge *edge, const struct run *after);
/* … of a check without a run, or of one that waits for a slot; */
void migration_announce_check(struct migration *m, const struct check_report *report, bool ahead);
/* … of a setting of a node; */
void migration_announce_setting(struct migration *m, const struct setting_report *report);
/* … of another replica of the old source; */
void migration_announce_sibling(struct migration *m, const struct sibling *one);
/* … that the Sentinels send clients to the target; */
void migration_announce_told(struct migration *m);
/* … of the link; */
void migration_announce_link(struct migration *m, enum link_news news);
/* … of the alarms that are on now, and were not, or the other way round. */
void migration_announce_alarms(struct migration *m);
