/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The inside of a migration, for the files of this directory only. */
#include "daemon/core/check/report.h"
#include "daemon/migration/env.h"
#include "daemon/migration/migration.h"
#include "daemon/migration/node.h"
#include "daemon/migration/precheck.h"
#include "daemon/migration/settings.h"

struct migration {
    struct migration_env *env; /* borrowed */
    struct spec *spec;         /* owned: the text in force */
    struct spec *next_spec;    /* owned: a newer text, for the next run; or NULL */
    struct run run;
    bool file_gone;
    bool forgotten; /* being freed: nothing is begun any more */

    struct node node[SIDE_MAX];
    struct observation seen;
    struct decision last;       /* what the last look led to: the reason shown while it waits */
    struct redis_client *probe; /* owned: tries the replication user's log-in */
    struct settings settings;
    struct slot slot;
    struct precheck *precheck;    /* owned; NULL: none is under way */
    struct check_report *checked; /* owned: how the checks last went; NULL: never */

    /* the edge that is being made durable */
    uint64_t ticket; /* 0: none */
    struct run next_run;
    struct list waiting; /* in env->waiting */
    const struct edge *next_edge;

    /* the action under way */
    enum action acting; /* ACT_NONE: none */
    struct redis_call call;
    uint64_t act_again_ms; /* the last action is not tried again before this */

    /* a verb that waits for its turn */
    enum fsm_event posted; /* EV_NONE: none */
    struct verb_options options;

    uint64_t phase_at_ms;
    uint64_t fresh_since_ms;  /* what is judged at the gate must be newer */
    uint64_t frozen_at_ms;    /* when the pause was sent; 0: never */
    uint64_t frozen_pause_ms; /* how long it was to last */
    uint64_t frozen_sent_us;
    uint64_t moved_at_ms;  /* the synchronisation last moved on */
    uint64_t synced_at_ms; /* a synchronisation or a link was last seen */
    int64_t errors_base;   /* unexpected_error_replies when the link came up; -1: not known */
    int64_t stream_base;   /* the target's offset when the link came up; -1: it is down */
    uint64_t stream_base_ms;
    bool link_was_up;
    int64_t link_since_wall_ms;
    bool was_syncing;
    struct progress progress;
    int64_t sample_bytes; /* of the last rate sample */
    uint64_t sample_ms;
    struct redis_info moved; /* what was last seen to move */

    uv_timer_t timer;
    struct list ready; /* in env->ready */
    unsigned closing;
    void (*freed)(void *arg);
    void *freed_arg;
};

/* Asks for a decision in this turn of the loop. */
void migration_poke(struct migration *m);
/* Takes the posted verb at once where nothing is under way, so that its answer shows what it did;
 * else in its turn. Not to be called from inside a decision. */
void migration_obey(struct migration *m);
/* Decides, once; called by the environment. */
void migration_decide(struct migration *m);
/* The store has what m waited for. */
void migration_durable(struct migration *m, uint64_t ticket);

/* m is told by migration_durable() when the store has got further. */
void migration_wait_durable(struct migration *m);

/* observe.c: brings m->seen up to date from the clocks and what the nodes have shown. */
void migration_observe(struct migration *m);
/* … forgets what belonged to the phase that was left. */
void migration_observe_enter(struct migration *m, enum phase from, bool resumed);

/* actions.c: begins an action; it ends in migration_acted(). */
void migration_act(struct migration *m, const struct decision *d);
void migration_acted(struct migration *m, enum reason reason, const struct err *err);

/* probe.c: begins to try the replication user's log-in; the result goes to m->seen. */
void migration_probe(struct migration *m);

/* A precheck is through; report is taken over. */
void migration_checked(struct migration *m, struct check_report *report);

/* announce.c: the events of a transition. */
void migration_announce(struct migration *m, const struct edge *edge, const struct run *after);
/* … of a check without a run. */
void migration_announce_check(struct migration *m, const struct check_report *report);
struct event_context migration_context(const struct migration *m);
