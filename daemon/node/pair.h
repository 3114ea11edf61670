/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A source and its target, and all that belongs to them (the primary above the source, too): the
 * nodes, what has been seen of them, the settings changed on them, the write pause held on them,
 * the action under way. Knows no job: it reads the spec and the run it is given, and tells its
 * owner what happens.
 *
 *   pair_look    -> the nodes are looked at    -> changed
 *   pair_survey  -> the same, once, for checks: what pair_surveyed() says is then known
 *   pair_observe -> times and watches are put into seen: now decide() may look at it
 *   pair_act     -> commands are sent          -> acted; what they did, the next look shows
 */
#include "daemon/core/decision.h"
#include "daemon/core/lease.h"
#include "daemon/core/link_watch.h"
#include "daemon/core/progress.h"
#include "daemon/core/sync_watch.h"
#include "daemon/node/node.h"
#include "daemon/node/probe.h"
#include "daemon/node/sentinels.h"
#include "daemon/node/settings.h"
#include "daemon/node/siblings.h"

struct pair;
struct tls_contexts;

/* What the owner is told; from the loop or from inside the functions below. */
struct pair_owner {
    void (*changed)(struct pair *pair); /* seen has */
    /* The action is over, err NULL: well; what it was is in seen.last_action. */
    void (*acted)(struct pair *pair, const struct err *err);
    void (*recorded)(struct pair *pair); /* pair_durable() is waited for */
    void (*setting)(struct pair *pair, const struct setting_report *report);
    void (*sibling)(struct pair *pair, const struct sibling *one); /* it has ended */
};

struct pair_config {
    uv_loop_t *loop;
    struct store *store; /* NULL: for a pair that never acts */
    const char *job;
    const char *name;              /* of the connections, before the job's: "ecmigrate" */
    const char *instance;          /* the daemon's; borrowed */
    struct tls_contexts *contexts; /* the daemon's; borrowed */
    const struct spec *spec;       /* the text in force */
    const struct run *run;
    const struct pair_owner *owner;
    void *arg;
};

struct pair {
    const struct pair_owner *owner; /* borrowed, as the next three; spec may be replaced */
    void *arg;                      /* the owner's */
    const struct spec *spec;
    const struct run *run;
    char job[SPEC_ID_MAX + 1];
    const char *instance;          /* borrowed */
    struct tls_contexts *contexts; /* borrowed */
    char prefix[SPEC_ID_MAX + 24]; /* of the connections' names: "ecmigrate:JOB" */
    char name[SPEC_ID_MAX + 48];   /* … "ecmigrate:JOB:EPOCH:INSTANCE", where they act */

    struct node node[SIDE_MAX];
    struct observation seen;
    uint64_t number;               /* of the last look or action: they are counted in one order */
    struct probe login[SIDE_ENDS]; /* of the replication user there */
    struct probe relogin;          /* the same at the source, while the link is down */
    struct probe sample;           /* some keys of the source */
    struct probe hello[SIDE_ENDS]; /* of a Sentinel that looks after the node */
    struct probe pause;            /* whether somebody has paused the source's clients */
    struct connection connection[SIDE_MAX]; /* that can act, or was the last that could */
    struct settings settings;
    struct siblings *siblings;  /* owned; NULL: none were seen */
    struct sentinels sentinels; /* of the job file */

    struct lease lease;
    struct sync_watch sync;
    struct link_watch link;
    struct progress_meter progress;
    uint64_t phase_at_ms;    /* the phase was entered */
    uint64_t fresh_since_ms; /* what is judged at the gate must be newer */

    enum action acting; /* ACT_NONE: none */
    uint64_t acting_since_ms;
    struct redis_call call;
    uint64_t act_again_ms; /* the last action is not tried again before this */

    /* private */
    bool acts, surveying;
    uint64_t surveyed_ms;       /* when the last survey was over; 0: never */
    uint64_t relogin_at_ms;     /* not before, while the link is down */
    uint64_t pause_asked_ms;    /* when the answer of the latest such probe came; 0: never */
    uint64_t connection_ticket; /* of the store, waited for before anything is done; 0: none */
    uint64_t action_sent_ms;
    void (*action_done)(struct pair *pair, enum reason reason, const struct err *err);
    unsigned closing;
    void (*freed)(void *arg);
    void *freed_arg;
};

void pair_init(struct pair *pair, const struct pair_config *config);
/* Begins nothing more and lets go of everything; on the nodes nothing is changed. freed(arg) from
 * the loop, or at once where there is nothing to close. */
void pair_close(struct pair *pair, void (*freed)(void *arg), void *arg);

/* The run has gone from one phase to another; resumed: an earlier process did that. */
void pair_enter(struct pair *pair, enum phase from, bool resumed);
/* What is judged at the gate must be newer than now. */
void pair_want_fresh(struct pair *pair);

/* At boot: what the store has of a connection. */
void pair_load_connection(struct pair *pair, const struct connection *connection);
/* … and of a sibling. */
void pair_load_sibling(struct pair *pair, const struct sibling *sibling);
/* The switch-over begins: the siblings are to be durable with the next commit. */
void pair_keep_siblings(struct pair *pair);
/* One of them has been changed, and may have to be put back. */
bool pair_owes_siblings(const struct pair *pair);
/* Drops what is recorded of them, and of settings: the job is forgotten. */
void pair_forget(struct pair *pair);
/* Looks at both nodes, as closely as the phase needs. */
void pair_look(struct pair *pair);
/* … at one of them, and at all of INFO if whole. */
void pair_look_at(struct pair *pair, enum node_side side, bool whole);
/* The next look connects without waiting. */
void pair_expect(struct pair *pair);
void pair_disconnect(struct pair *pair);
/* Reaches both nodes, asks them for all that the checks go by, and tries the log-ins of the
 * replication users. */
void pair_survey(struct pair *pair);
/* … unless it is under way. */
void pair_ask(struct pair *pair);
/* That has ended, one way or the other. */
bool pair_surveyed(const struct pair *pair);
/* What the checks went by matters no longer. */
void pair_drop_facts(struct pair *pair);

/* What a pair cannot know. */
struct pair_moment {
    bool tilt; /* look, do not act */
    bool slot; /* a slot for a full synchronisation is ours */
};
/* Brings seen up to date, from the clocks and what the nodes have shown. */
enum link_news pair_observe(struct pair *pair, const struct pair_moment *moment);

/* Not before the connections are known to the store, but for what returns a primary's role. After a
 * refusal there is a pause; and before the same action again, though it was acknowledged: it did
 * not show. */
bool pair_may_act(const struct pair *pair, enum action action);
/* That pause. */
uint32_t pair_again_ms(const struct pair *pair);
/* Begins d's action; one at a time. */
void pair_act(struct pair *pair, const struct decision *d);
/* The store has reached ticket. */
void pair_durable(struct pair *pair, uint64_t ticket);
/* Something of the pair waits for the store. */
bool pair_waits_durable(const struct pair *pair);
