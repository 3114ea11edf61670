/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Two servers, their writers and the daemon, in virtual time: the pure core drives servers that are
 * a few lines each, so that thousands of schedules of crashes, losses and delays fit into a second.
 *
 * A write is one byte of the stream: its number. An offset is the length of a server's stream. What
 * the model keeps of a real server: replication ids, their inheritance at a promotion, partial and
 * full synchronisation, CLIENT PAUSE as a lease, loss of role and pause at a restart.
 */
#include "daemon/core/decide.h"

#define WORLD_STREAM_MAX 8192

struct server {
    bool up, primary, link_up, syncing;
    int follows; /* enum node_side of the other server; or -1: the fence, or nobody */
    int replid, replid2;
    int64_t second_offset;
    int stream[WORLD_STREAM_MAX];
    int n;
    uint64_t paused_until, sync_ends;
    unsigned full_syncs; /* it has made, as a replica */
    int run_id;
};

struct world {
    uint64_t now;
    struct server server[SIDE_MAX];
    struct spec spec;
    struct run run, durable; /* what the daemon believes; what a restart finds */
    struct observation seen;
    bool cut[SIDE_MAX]; /* the daemon cannot reach that server */
    bool link_cut;      /* the servers cannot reach each other */
    uint64_t phase_at, frozen_at, next_look, moved_at, idle_at;
    uint64_t lost_at[SIDE_MAX];
    enum action in_flight; /* sent, not yet arrived */
    uint64_t arrives_at;
    uint64_t seed;
    bool chaos; /* actions take their time, answers get lost */
    int acked[WORLD_STREAM_MAX];
    int n_acked, next_write, next_replid;
    unsigned two_primaries; /* instants in which both took writes, after the target was attached */
    bool writing;
    char trace[16384];
};

void world_init(struct world *w, uint64_t seed);
void world_step(struct world *w); /* one millisecond */
void world_run(struct world *w, uint64_t ms);
bool world_run_to(struct world *w, enum phase phase, uint64_t ms);
void world_verb(struct world *w, enum fsm_event verb);
void world_kill_daemon(struct world *w); /* and starts it again */
void world_stop_server(struct world *w, enum node_side side);
void world_start_server(struct world *w, enum node_side side); /* a primary, as its file says */
void world_promote_by_hand(struct world *w, enum node_side side);
unsigned world_lost_writes(const struct world *w, enum node_side side);
uint64_t world_random(struct world *w, uint64_t below);
