/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What one look at both nodes has shown, and what is known besides: the only thing beside spec and
 * run that a decision is made from. */
#include <stdbool.h>
#include <stdint.h>

#include "daemon/core/action.h"
#include "daemon/core/facts.h"
#include "daemon/core/fsm.h"
#include "daemon/core/reason.h"
#include "daemon/core/run.h"
#include "daemon/core/setting.h"
#include "daemon/core/side.h"
#include "daemon/core/survey.h"
#include "lib/base/err.h"
#include "lib/redis/info.h"

/* Nobody listens there: what a demoted source follows until the target has been seen to be the
 * primary. */
#define FENCE_HOST "127.0.0.1"
#define FENCE_PORT 1

struct seen_sentinels;

#define AHEAD_UNKNOWN INT64_MIN

struct sibling;

struct seen_node {
    bool reachable;            /* logged in, and INFO has been answered on this connection */
    bool tried;                /* a first attempt to reach it has ended, one way or the other */
    uint64_t lost_ms;          /* how long it has not been reachable, 0 while it is */
    enum reason why;           /* why it is not reachable */
    struct err err;            /* … in words */
    struct redis_info info;    /* last known; check reachable before believing it */
    struct survey survey;      /* the same */
    uint64_t looked;           /* the number of the look that info is from */
    uint64_t age_ms;           /* … and the time since it was sent */
    uint64_t looked_whole;     /* the number of the last look at all of INFO */
    uint64_t whole_learnt;     /* … and the number that had been reached when it was learnt */
    uint64_t whole_age_ms;     /* … and the time since it was sent */
    uint64_t acted;            /* the number that was reached when the last action here ended */
    const struct facts *facts; /* while they matter; NULL: nobody has asked */
    int64_t ahead_ms;          /* its clock, of ours, at the look at facts; AHEAD_UNKNOWN */
    int64_t databases;         /* … and how many it had: it may be gone when that matters; -1 */
    int64_t tls_port;          /* … and its port for TLS; 0: none, -1: not known */
};

/* What the source had counted when the target was last told to follow, or the link was well: what
 * has grown since tells how it fares. */
struct attach_base {
    bool known;
    bool alone;      /* there was no other replica: what is copied, is copied for the target */
    char run_id[41]; /* of the source */
    int64_t master_repl_offset, sync_full, sync_partial_ok, sync_partial_err;
    int64_t rejected_connections, forks, buffer_cuts, refused_logins;
    bool save_failed;
};

struct observation {
    struct seen_node node[SIDE_MAX];
    /* The source may be a replica; then the top of its chain takes the writes. core/chain.c */
    struct endpoint primary;  /* host "": the source is no replica, or of whom is not known */
    struct endpoint upstream; /* whom the source was seen to follow when that was found */
    unsigned hops;            /* from the source up to it */
    enum node_side writer;    /* SIDE_PRIMARY where there is one, or SIDE_SOURCE */

    /* relations, worked out from the two once for all phases */
    bool target_follows; /* the target is a replica of the run's source */
    bool target_follows_other;
    bool target_is_primary;
    bool chain_changed; /* the writer is another than when the run began */
    bool writer_is_primary;
    bool writer_demoted;        /* it is a replica of the fence address or of the target */
    bool writer_at_fence;       /* … of the fence address: our own doing */
    bool writer_follows_target; /* … of the target itself */
    bool source_follows_target; /* the source does, in a chain or not */
    bool linked;                /* the target follows, and its link is up */
    bool same_history;          /* one replid on both */
    int64_t lag_bytes;          /* -1: cannot be compared */

    uint64_t phase_ms;        /* time in this phase, as this process has seen it */
    bool resumed;             /* the phase was entered by an earlier process */
    unsigned sync_starts;     /* full synchronisations begun in this phase */
    uint64_t stalled_ms;      /* since the synchronisation last moved on; 0 when it moves */
    uint64_t sync_idle_ms;    /* since a synchronisation or link was last seen */
    uint64_t wall_ms;         /* now, for back-off across restarts */
    bool slot;                /* a slot for a full synchronisation is ours */
    bool tilt;                /* look, do not act */
    bool checked_ahead;       /* while it waited for that slot the checks were gone through */
    enum reason ahead_reason; /* … and one of them blocks; REASON_NONE: none */
    char ahead_message[RUN_MESSAGE_MAX];
    bool surveyed;       /* the checks know what they go by, and it is new */
    uint64_t wanted_ms;  /* since the switch-over was asked for, or tried last */
    bool fresh;          /* all of INFO has been seen of both since the switch-over was asked for */
    bool streaming;      /* the source is known to send its writes since the link came up */
    bool errors_grew;    /* the target's replication errors since the link came up */
    bool unrecorded;     /* a new connection is not durable yet: nothing new is begun over it */
    bool evictions_grew; /* … and the keys it has evicted */
    bool keys_differ;    /* the two held another number of lasting keys at the last equal offsets */
    int64_t collapsed_from; /* how many keys the source had before most of them went; 0 */
    uint64_t still_ms;      /* for how long the source has got nothing but PINGs from its primary */
    uint64_t link_down_ms;  /* for how long the link has been down while the target follows; 0 */
    enum reason link_cause; /* why the link is not well; REASON_NONE: it is, or nobody knows */
    char link_cause_message[RUN_MESSAGE_MAX];
    int64_t link_breaks;      /* how often the link was taken up again within a minute */
    int64_t copied_again;     /* … and everything copied, since the target was in sync */
    unsigned source_restarts; /* since the target was in sync */
    bool source_lost_role;    /* it was a primary, and is a replica of another now */
    unsigned replicas_lost;   /* of the target: they were online since the link came up */
    unsigned replicas_had;    /* … the most that were online at a time */

    /* after the switch-over, since this process has looked */
    int64_t reverse_errors;  /* what the old source could not apply */
    int64_t primary_evicted; /* keys that the new primary has evicted */
    /* While the link is down: whether what the target is to log in with works at the source. */
    enum link_login { LOGIN_UNKNOWN, LOGIN_WORKS, LOGIN_REFUSED } link_login;
    struct err link_login_err;
    /* The source's other replicas, with free places; borrowed; NULL: none are looked after. */
    const struct sibling *siblings;
    bool pause_held; /* a harmless write at the source was held back: its clients are paused */
    bool pause_free; /* … was done at once: they are not */
    /* Recorded settings still to be restored, by node, up to a scope. */
    unsigned debts[SIDE_MAX][SCOPE_MAX];

    /* the write pause, as this process holds it */
    bool frozen;        /* pause acknowledged by the source */
    bool lease_over;    /* half of the pause, or more, has passed */
    bool pause_expired; /* the whole of it: the source takes writes again without being told */
    bool promote_sent;  /* the target may have been promoted (also: not known, after a restart) */
    bool undemote_sent; /* the source may have been made a primary again, in this phase */
    bool thawed;        /* the source has been told to go on since */
    enum reason thaw_reason; /* why the switch-over is given up, where thawed because of that */
    char thaw_message[RUN_MESSAGE_MAX];
    int64_t frozen_offset;   /* the source's final offset */
    int64_t detached_offset; /* the target's, when we let go of it while its link was up; else -1 */
    char detaching_replid[41]; /* the history it was in then, as far as we had seen; "": none */
    struct attach_base base;   /* the source's counters then */
    char attached_replid[41];  /* the target's, when it was last told to follow */
    int64_t attached_offset;
    int64_t given_keys; /* what the target held when it was last seen to follow; -1: never */
    char rival[SPEC_ID_MAX + 1]; /* another job of this daemon that has the target; "": none */
    bool rival_migrates_from;    /* … as its source */
    int64_t took_over_ms;  /* when the target was switched to, from this very source; 0: never */
    bool prepared;         /* settings for the run are recorded and set */
    char prepared_for[41]; /* … at this process of the target: another has lost them */
    bool prepared_cutover; /* … and those for the switch-over and the reverse link */
    bool clients_drained;  /* … or the source does not let us */

    /* how the last action ended; of the current phase only */
    enum action last_action;
    bool last_failed;
    struct err last_err;
    enum reason last_reason;

    /* Sentinels of the job file: core/sentinel.h */
    const struct seen_sentinels *sentinels; /* NULL: nobody looks at them */
    bool sentinels_hold;                    /* they are not ready for a switch-over */
    char sentinels_message[RUN_MESSAGE_MAX];
    enum reason sentinel_trouble; /* what is not as it should be with them; REASON_NONE */
    char sentinel_trouble_message[RUN_MESSAGE_MAX];
};

/* The job goes from one phase to another; resumed: an earlier process did. What belonged to the
 * phase that was left is forgotten. */
void observation_enter(struct observation *seen, enum phase from, enum phase to, bool resumed);
/*
 * Looks and actions are numbered in one order: a look when it is sent, an action when it has ended.
 * A look is learnt only if nothing newer is known and nothing was done to the node since it was
 * sent.
 */
bool seen_learns(const struct seen_node *node, uint64_t number);
/* The same for all that INFO shows, not only for replication. */
bool seen_whole(const struct observation *seen, enum node_side side);
/* … and it is all from one look. */
bool seen_at_once(const struct observation *seen, enum node_side side);
/* What is known of this node is newer than all that was done to either node, and hardly a moment
 * old. */
bool seen_anew(const struct observation *seen, enum node_side side);
/* Nothing has been seen of it. */
void seen_init(struct seen_node *node);
/* Nothing has been seen yet. */
void observation_init(struct observation *seen);
/* The target is about to be told to follow, or to follow no longer / has been told the latter:
 * keeps what tells later whether it was touched in between. */
void observation_attaching(struct observation *seen);
/* The link is well: what the source counts from here on tells how it fares. */
void observation_rebase(struct observation *seen);
void observation_detaching(struct observation *seen);
void observation_detached(struct observation *seen);
/* The settings for the run have been set. */
void observation_prepared(struct observation *seen);
/* … and the target has not been restarted since. */
bool is_prepared(const struct observation *seen);
/* Keeps what will have to be known once the target no longer follows. */
void observation_remember(struct observation *seen, const struct run *run);
/* Works out the relations between the two nodes. */
void observation_relate(struct observation *seen, const struct spec *spec, const struct run *run);
/* The promoted target continues the very history the source has. */
bool histories_join(const struct observation *seen);
/* The link is down for a while, or does not stay up: why is worth asking. */
bool link_is_troubled(const struct observation *seen);
/* Somebody has paused the writer's clients. */
bool writer_is_paused(const struct observation *seen);
/*
 * The clients' connections to the old source are to be closed before they are let go on: a script
 * that was held by the pause, and passes over errors, would be told by a read-only server that all
 * is well.
 */
bool wants_drain(const struct spec *spec, const struct observation *seen);
/* Where a replica's primary lists it: at what it announces, or where it is. */
struct endpoint seen_announced(const struct seen_node *node, const struct endpoint *at);
/* The source's line of the target among its replicas; NULL: it does not see it. */
const struct redis_info_replica *source_sees_target(const struct spec *spec,
                                                    const struct observation *seen);
/* The target's line of the old source, once that follows it; NULL: it does not see it. */
const struct redis_info_replica *target_sees_source(const struct spec *spec, const struct run *run,
                                                    const struct observation *seen);
/* The primary's line of a source that is its replica; NULL: it does not see it. */
const struct redis_info_replica *primary_sees_source(const struct spec *spec, const struct run *run,
                                                     const struct observation *seen);
/* The writer follows the fence address and the target the source: nobody is a primary. */
bool writer_fenced(const struct observation *seen);
