/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Two servers, or three in a chain, their writers, strangers and the daemon, in virtual time: the
 * pure core drives servers that are a few lines each, so that thousands of schedules of crashes,
 * losses and delays fit into a second.
 *
 * A write is one byte of the stream: its number. An offset is the length of a server's stream. What
 * the model keeps of a real server: replication ids, their inheritance at a promotion, partial and
 * full synchronisation, CLIENT PAUSE as a lease, FAILOVER, loss of role and pause at a restart,
 * with the data or without. What it keeps of the way there: a connection answers in order, but
 * answers may be learnt late, twice, or in another order than they came; a command of a connection
 * that was given up may be executed later; any command may be refused.
 */
#include "daemon/core/decide.h"
#include "daemon/core/lease.h"
#include "tests/sim/servers.h"

#define WORLD_STREAM_MAX 4096
#define WORLD_WRITES_MAX (2 * WORLD_STREAM_MAX)
#define WORLD_MESSAGES_MAX 6

struct server {
    bool up, primary, link_up, syncing;
    int follows; /* enum node_side of the other server; WORLD_FENCE, WORLD_STRANGER */
    int replid, replid2;
    int64_t second_offset;
    int stream[WORLD_STREAM_MAX];
    bool holds[WORLD_WRITES_MAX]; /* by the number of the write */
    int n;
    uint64_t paused_until, sync_ends, primary_since;
    uint64_t failover_until; /* FAILOVER is under way, and gives up then; 0: none */
    unsigned full_syncs;     /* it has made, as a replica */
    int run_id;
    unsigned restarts;
    int dirty;               /* writes since it was started */
    bool writable;           /* replica-read-only is no */
    bool made_primary_by_us; /* its present role is our doing */
    bool taken_by_others;    /* … a stranger's, since it first followed */
};
#define WORLD_FENCE (-1)    /* the fence address, or nobody */
#define WORLD_STRANGER (-2) /* another server, which is none of ours */

/* A look or an action on its way to a server and back. */
struct message {
    bool used, executed, refused, given_up;
    bool copy;          /* a look that is delivered a second time */
    enum action action; /* ACT_NONE: a look */
    uint64_t number, sent_at, executes_at, answers_at;
    struct redis_info info; /* what it shows, once executed */
    unsigned overwritten;   /* what the target would lose then, if it was told to follow */
};

struct world {
    uint64_t now;
    struct server server[SIDE_MAX];
    struct spec spec;
    struct run run, durable; /* what the daemon believes; what a restart finds */
    struct observation seen;
    bool cut[SIDE_MAX]; /* the daemon cannot reach that server */
    bool link_cut;      /* the servers cannot reach each other */
    bool stopped;       /* the daemon stands still */
    uint64_t phase_at, frozen_at, next_look, moved_at, idle_at;
    uint64_t fresh_since; /* what is judged at the gate must be newer */
    uint64_t lost_at[SIDE_MAX], look_sent_at[SIDE_MAX];
    struct message message[SIDE_MAX][WORLD_MESSAGES_MAX];
    bool acting;
    struct decision last;
    uint64_t number;
    uint64_t seed;
    bool chained;                /* the source is a replica; set before world_init() */
    bool chaos;                  /* messages take their time, answers get lost */
    bool strangers;              /* somebody else acts, too */
    enum action refuse;          /* this action is refused, once; ACT_NONE: none */
    int acked[WORLD_STREAM_MAX]; /* by the source, or by a target we promoted */
    int n_acked;
    int stranger_acked[256]; /* by a target that a stranger had promoted */
    int n_stranger_acked;
    int next_write, next_replid;
    unsigned would_wipe;    /* as of the last look at the target */
    unsigned two_primaries; /* times a primary's role was given while the other had it */
    unsigned wiped;         /* acknowledged writes that we made a node overwrite */
    bool writing;
    char trace[16384]; /* the edges taken */
    bool telling;      /* the story, too; set before world_init() */
    char story[65536]; /* … and whatever else happened, with times, for the report of a failure */
};

void world_init(struct world *w, uint64_t seed);
void world_step(struct world *w); /* one millisecond */
void world_run(struct world *w, uint64_t ms);
bool world_run_to(struct world *w, enum phase phase, uint64_t ms);
void world_verb(struct world *w, enum fsm_event verb);
void world_kill_daemon(struct world *w); /* and starts it again */
void world_stop_server(struct world *w, enum node_side side);
/* A primary, as its file says; without its data if keep is false. */
void world_start_server(struct world *w, enum node_side side, bool keep);
void world_promote_by_hand(struct world *w, enum node_side side);
void world_point_elsewhere(struct world *w, enum node_side side, int follows);
/* A source that came back as a primary follows the one above it again. */
void world_mend_chain(struct world *w);
/* FAILOVER TO the target, at the source. */
void world_failover(struct world *w);
/* A line of the story. */
void world_tell(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
unsigned world_lost_writes(const struct world *w, enum node_side side);
/* What a stranger's clients were told and the target no longer has. */
unsigned world_lost_strangers(const struct world *w);
uint64_t world_random(struct world *w, uint64_t below);
