/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "lib/base/base.h"
#include "tests/sim/world.h"

#define SYNC_MS 40
#define FAILOVER_MS 400

/* What takes the writes at first. */
static enum node_side writer_of(const struct world *w)
{
    return w->chained ? SIDE_PRIMARY : SIDE_SOURCE;
}

/* Whoever followed it is dropped. */
static void drop_followers(struct world *w, enum node_side side)
{
    for (int i = 0; i < SIDE_MAX; i++)
        if (w->server[i].follows == (int)side)
            w->server[i].link_up = false;
}

/* --- roles --- */

static void become_primary(struct world *w, struct server *s, bool by_us)
{
    if (s->primary)
        return;
    s->replid2 = s->replid;
    s->second_offset = s->n + 1;
    s->replid = ++w->next_replid;
    s->primary = true;
    s->link_up = s->syncing = false;
    s->follows = WORLD_FENCE;
    s->primary_since = w->now;
    s->made_primary_by_us = by_us;
    drop_followers(w,
                   (enum node_side)(s - w->server)); /* they come back, to a history of its own */
    s->taken_by_others = s->taken_by_others || !by_us;
}

static void become_replica(struct world *w, enum node_side side, int follows)
{
    struct server *s = &w->server[side];

    if (!s->primary && s->follows == follows)
        return;
    s->primary = s->link_up = s->syncing = false;
    s->failover_until = 0;
    s->follows = follows;
    drop_followers(w, side);
    if (follows == WORLD_STRANGER) {
        s->replid = ++w->next_replid;
        s->taken_by_others = true;
    }
}

/* --- replication --- */

static bool can_continue(const struct server *replica, const struct server *primary)
{
    return (replica->replid == primary->replid && replica->n <= primary->n) ||
           (replica->replid == primary->replid2 && replica->n < primary->second_offset);
}

static void empty(struct server *s)
{
    s->n = 0;
    memset(s->holds, 0, sizeof(s->holds));
}

static void replicate(struct world *w, enum node_side side)
{
    struct server *s = &w->server[side], *peer;

    if (!s->up || s->primary || s->follows == WORLD_STRANGER)
        return;
    peer = &w->server[max_of(s->follows, 0)];
    if (s->follows == WORLD_FENCE || !peer->up || w->link_cut) {
        s->link_up = s->syncing = false;
        return;
    }
    /* A replica serves others only while its own link is up; those that have one keep it. */
    if (!peer->primary && !peer->link_up && !s->link_up) {
        s->syncing = false;
        return;
    }
    if (!s->link_up && !s->syncing) {
        if (can_continue(s, peer)) {
            s->link_up = true;
            if (s->replid != peer->replid) { /* those that follow it can go on, too */
                s->replid2 = s->replid;
                s->second_offset = s->n + 1;
                drop_followers(w, side);
            }
        } else {
            s->syncing = true;
            s->full_syncs++;
            s->sync_ends = w->now + SYNC_MS;
            empty(s); /* the old data is flushed when the new begins to come */
        }
    }
    if (s->syncing && w->now >= s->sync_ends) {
        s->syncing = false;
        s->link_up = true;
        memcpy(s->holds, peer->holds, sizeof(s->holds)); /* also what is in no stream */
        drop_followers(w, side);                         /* they copy anew */
        for (int i = 0; i < SIDE_MAX; i++)
            if (w->server[i].follows == (int)side && !w->server[i].primary)
                w->server[i].replid = 0;
    }
    if (s->link_up) {
        for (; s->n < peer->n; s->n++) {
            s->stream[s->n] = peer->stream[s->n];
            s->holds[max_of(s->stream[s->n], 0)] = true;
        }
        s->replid = peer->replid;
    }
}

/* The source hands its role over once the target has everything, or gives up. */
static void fail_over(struct world *w)
{
    struct server *s = &w->server[SIDE_SOURCE], *t = &w->server[SIDE_TARGET];

    if (s->failover_until == 0)
        return;
    if (w->now >= s->failover_until || !s->up || !s->primary) {
        s->failover_until = 0;
        return;
    }
    if (!t->up || w->link_cut || !t->link_up || t->follows != SIDE_SOURCE || t->n != s->n)
        return;
    become_replica(w, SIDE_SOURCE, SIDE_TARGET);
    become_primary(w, t, false);
}

/* --- writers --- */

static bool takes_writes(const struct world *w, enum node_side side)
{
    const struct server *s = &w->server[side];

    return s->up && (s->primary || s->writable) && w->now >= s->paused_until &&
           s->failover_until == 0 && s->n < WORLD_STREAM_MAX - 1;
}

static int append(struct world *w, enum node_side side)
{
    struct server *s = &w->server[side];

    assert(w->next_write < WORLD_WRITES_MAX - 1);
    s->dirty++;
    s->holds[++w->next_write] = true;
    if (s->primary) /* what is written to a replica is in no stream */
        s->stream[s->n++] = w->next_write;
    return w->next_write;
}

/* An application: writes to the source, or the primary above it; goes to the target when that
 * refuses as a replica. */
static void write_something(struct world *w)
{
    const struct server *source = &w->server[writer_of(w)], *target = &w->server[SIDE_TARGET];
    bool refuses = source->up && !source->primary && !source->writable;
    enum node_side side = refuses ? SIDE_TARGET : writer_of(w);

    if (!w->writing)
        return;
    if (takes_writes(w, side) && w->n_acked < WORLD_STREAM_MAX - 1)
        w->acked[w->n_acked++] = append(w, side);
    /* Whoever promotes a target lets somebody write to it. */
    if (source->primary && takes_writes(w, SIDE_TARGET) && !target->made_primary_by_us &&
        target->taken_by_others && w->n_stranger_acked < (int)array_len(w->stranger_acked))
        w->stranger_acked[w->n_stranger_acked++] = append(w, SIDE_TARGET);
}

static unsigned missing(const struct server *s, const int *writes, int n)
{
    unsigned lost = 0;

    for (int i = 0; i < n; i++)
        lost += !s->holds[writes[i]];
    return lost;
}

unsigned world_lost_writes(const struct world *w, enum node_side side)
{
    return missing(&w->server[side], w->acked, w->n_acked);
}

unsigned world_lost_strangers(const struct world *w)
{
    return missing(&w->server[SIDE_TARGET], w->stranger_acked, w->n_stranger_acked);
}

/* --- what the daemon's messages do --- */

unsigned servers_overwritten(const struct world *w)
{
    const struct server *s = &w->server[writer_of(w)], *t = &w->server[SIDE_TARGET];
    unsigned n = 0;

    for (int i = 0; i < t->n; i++)
        n += t->stream[i] > 0 && !s->holds[t->stream[i]];
    return n;
}

static void execute(struct world *w, enum node_side side, const struct message *m)
{
    struct server *s = &w->server[side == SIDE_TARGET ? w->seen.writer : side];
    struct server *t = &w->server[SIDE_TARGET];
    /* What a hand did while the command was on its way no look could have shown. */
    bool unseen = s->primary_since > m->sent_at && !s->made_primary_by_us;

    switch (m->action) {
    case ACT_ATTACH:
        become_replica(w, SIDE_TARGET, SIDE_SOURCE);
        break;
    case ACT_DETACH:
        become_primary(w, t, true);
        break;
    case ACT_PROMOTE:
        w->two_primaries += !t->primary && s->up && s->primary && !unseen;
        become_primary(w, t, true);
        break;
    case ACT_FREEZE:
        s->paused_until = max_of(s->paused_until, w->now + w->spec.cutover.pause_ms);
        break;
    case ACT_THAW:
        s->paused_until = 0;
        break;
    case ACT_DEMOTE:
        become_replica(w, side, WORLD_FENCE);
        break;
    case ACT_UNDEMOTE:
        w->two_primaries += !s->primary && t->up && t->primary && t->made_primary_by_us;
        become_primary(w, s, true);
        break;
    case ACT_REVERSE:
        become_replica(w, side, SIDE_TARGET);
        break;
    case ACT_REJOIN:
        become_replica(w, SIDE_SOURCE, SIDE_TARGET);
        break;
    case ACT_PREPARE:
        t->writable = false;
        break;
    case ACT_PREPARE_CUTOVER:
        s->writable = false;
        break;
    case ACT_NONE:
    case ACT_RELOGIN:
    case ACT_DRAIN_CLIENTS:
    case ACT_RESTORE:
    case ACT_MAX:
        break;
    }
}

static void show(const struct server *s, struct redis_info *info)
{
    *info = (struct redis_info){
        .sections = REDIS_INFO_SERVER | REDIS_INFO_REPLICATION,
        .redis_compat_num = 70015,
        .role = s->primary ? REDIS_ROLE_MASTER : REDIS_ROLE_REPLICA,
        .master_repl_offset = s->n,
        .replica_offset = s->primary ? -1 : s->n,
        .second_repl_offset = s->second_offset,
        .failing_over = s->failover_until != 0,
        .read_only = !s->primary && !s->writable,
        .backlog_active = true, /* offsets count, whoever looks */
        .link_up = s->link_up,
        .sync_in_progress = s->syncing,
        .unexpected_error_replies = -1,
        .good_replicas = -1,
        .keys = s->n,
        .lasting = s->n,
        .changes = s->dirty,
        .last_save_seconds = -1,
    };
    snprintf(info->run_id, sizeof(info->run_id), "%d", s->run_id);
    snprintf(info->replid, sizeof(info->replid), "%d", s->replid);
    snprintf(info->replid2, sizeof(info->replid2), "%d", s->replid2);
    if (!s->primary) {
        (void)str_copy(info->master_host, sizeof(info->master_host),
                       s->follows == WORLD_STRANGER ? "10.9.9.9" : FENCE_HOST);
        info->master_port = s->follows < 0 ? FENCE_PORT : WORLD_PORT(s->follows);
    }
}

/* REPLICAOF is refused while a failover is under way. */
static bool refused(const struct world *w, const struct message *m, enum node_side side)
{
    return m->refused || (m->action != ACT_NONE && (action_flags(m->action) & A_ROLE) &&
                          w->server[side].failover_until != 0);
}

static void receive(struct world *w, enum node_side side)
{
    for (int i = 0; i < WORLD_MESSAGES_MAX; i++) {
        struct message *m = &w->message[side][i];

        if (!m->used || m->executed || w->now < m->executes_at)
            continue;
        if (!w->server[side].up || (w->cut[side] && !m->given_up)) {
            m->used = m->used && !m->given_up; /* the daemon notices by itself */
            continue;
        }
        m->refused = refused(w, m, side);
        if (m->action != ACT_NONE)
            world_tell(w, "  %s is %s%s", action_name(m->action),
                       m->refused ? "refused" : "executed", m->given_up ? ", late" : "");
        if (!m->refused)
            execute(w, side, m);
        m->executed = true;
        show(&w->server[side], &m->info);
        m->overwritten = side == SIDE_TARGET && w->strangers && w->server[side].primary
                             ? servers_overwritten(w)
                             : 0;
        if (m->given_up)
            m->used = false;
    }
}

/* --- strangers --- */

void world_stop_server(struct world *w, enum node_side side)
{
    world_tell(w, "the %s stops", side_name(side));
    w->server[side].up = false;
    w->server[side].link_up = w->server[side].syncing = false;
    drop_followers(w, side);
}

void world_start_server(struct world *w, enum node_side side, bool keep)
{
    struct server *s = &w->server[side];

    if (s->up)
        return;
    world_tell(w, "the %s starts %s its data", side_name(side), keep ? "with" : "without");
    s->up = s->primary = true;
    s->follows = WORLD_FENCE;
    s->paused_until = s->failover_until = 0;
    /* Its dump tells where in which history it was. */
    s->replid2 = keep ? s->replid : 0;
    s->second_offset = keep ? s->n + 1 : -1;
    s->replid = ++w->next_replid;
    s->run_id = ++w->next_replid;
    s->dirty = 0;
    s->restarts++;
    s->primary_since = w->now;
    s->made_primary_by_us = false;
    if (!keep)
        empty(s);
    if (w->chained && side == SIDE_SOURCE && world_random(w, 4)) { /* mostly its file says so */
        s->replid = s->replid2;
        become_replica(w, side, SIDE_PRIMARY);
    }
}

void world_promote_by_hand(struct world *w, enum node_side side)
{
    world_tell(w, "somebody promotes the %s", side_name(side));
    if (w->server[side].up)
        become_primary(w, &w->server[side], false);
}

void world_point_elsewhere(struct world *w, enum node_side side, int follows)
{
    world_tell(w, "somebody points the %s elsewhere", side_name(side));
    if (w->server[side].up)
        become_replica(w, side, follows);
}

void world_failover(struct world *w)
{
    struct server *s = &w->server[SIDE_SOURCE];

    world_tell(w, "somebody asks for FAILOVER");
    if (s->up && s->primary && w->server[SIDE_TARGET].link_up)
        s->failover_until = w->now + FAILOVER_MS;
}

void servers_init(struct world *w)
{
    for (int side = 0; side < SIDE_MAX; side++) {
        struct server *s = &w->server[side];

        s->up = s->primary = true;
        s->follows = WORLD_FENCE;
        s->replid = ++w->next_replid;
        s->run_id = ++w->next_replid;
        s->second_offset = -1;
    }
    if (w->chained)
        become_replica(w, SIDE_SOURCE, SIDE_PRIMARY);
    w->server[SIDE_PRIMARY].up = w->chained;
}

/* How an operator would have it. */
void world_mend_chain(struct world *w)
{
    if (w->chained && w->server[SIDE_SOURCE].primary)
        world_point_elsewhere(w, SIDE_SOURCE, SIDE_PRIMARY);
}

void servers_step(struct world *w)
{
    write_something(w);
    fail_over(w);
    replicate(w, SIDE_PRIMARY);
    replicate(w, SIDE_SOURCE);
    replicate(w, SIDE_TARGET);
    for (int side = 0; side < SIDE_MAX; side++)
        receive(w, (enum node_side)side);
}
