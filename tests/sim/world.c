/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/world.h"

#include <stdio.h>

#include "lib/base/base.h"

#define SYNC_MS 40
#define RUN_NODE_PORT(side) (uint16_t)(7000 + (side))

uint64_t world_random(struct world *w, uint64_t below)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return below ? w->seed % below : 0;
}

static enum node_side other(enum node_side side)
{
    return side == SIDE_SOURCE ? SIDE_TARGET : SIDE_SOURCE;
}

/* --- servers --- */

static void become_primary(struct world *w, struct server *s)
{
    if (s->primary)
        return;
    s->replid2 = s->replid;
    s->second_offset = s->n + 1;
    s->replid = ++w->next_replid;
    s->primary = true;
    s->link_up = s->syncing = false;
    s->follows = -1;
}

static void become_replica(struct world *w, enum node_side side, int follows)
{
    struct server *s = &w->server[side];
    struct server *peer = &w->server[other(side)];

    if (!s->primary && s->follows == follows)
        return;
    s->primary = s->link_up = s->syncing = false;
    s->follows = follows;
    peer->link_up = false; /* whoever followed it is dropped */
}

static bool can_continue(const struct server *replica, const struct server *primary)
{
    return replica->replid == primary->replid ||
           (replica->replid == primary->replid2 && replica->n < primary->second_offset);
}

static void replicate(struct world *w, enum node_side side)
{
    struct server *s = &w->server[side];
    struct server *peer = &w->server[other(side)];

    if (!s->up || s->primary || s->follows < 0 || !peer->up || w->link_cut || !peer->primary) {
        s->link_up = s->syncing = false;
        return;
    }
    if (!s->link_up && !s->syncing) {
        if (can_continue(s, peer)) {
            s->link_up = true;
        } else {
            s->syncing = true;
            s->full_syncs++;
            s->sync_ends = w->now + SYNC_MS;
            s->n = 0; /* the old data is flushed when the new begins to come */
        }
    }
    if (s->syncing && w->now >= s->sync_ends) {
        s->syncing = false;
        s->link_up = true;
    }
    if (s->link_up) {
        memcpy(s->stream, peer->stream, (size_t)peer->n * sizeof(int));
        s->n = peer->n;
        s->replid = peer->replid;
    }
}

static bool takes_writes(const struct world *w, enum node_side side)
{
    const struct server *s = &w->server[side];

    return s->up && s->primary && w->now >= s->paused_until;
}

/* An application: writes to the source; goes to the target when the source refuses as a replica. */
static void write_something(struct world *w)
{
    struct server *source = &w->server[SIDE_SOURCE];
    enum node_side side = SIDE_SOURCE;

    if (source->up && !source->primary)
        side = SIDE_TARGET;
    if (!w->writing || !takes_writes(w, side) || w->server[side].n >= WORLD_STREAM_MAX - 1 ||
        w->n_acked >= WORLD_STREAM_MAX - 1)
        return;
    w->server[side].stream[w->server[side].n++] = ++w->next_write;
    w->acked[w->n_acked++] = w->next_write;
}

void world_stop_server(struct world *w, enum node_side side)
{
    w->server[side].up = false;
    w->server[side].link_up = w->server[side].syncing = false;
    w->server[other(side)].link_up = false;
}

void world_start_server(struct world *w, enum node_side side)
{
    struct server *s = &w->server[side];

    if (s->up)
        return;
    s->up = s->primary = true;
    s->follows = -1;
    s->paused_until = 0;
    s->replid2 = 0;
    s->replid = ++w->next_replid;
    s->run_id = ++w->next_replid;
}

void world_promote_by_hand(struct world *w, enum node_side side)
{
    become_primary(w, &w->server[side]);
}

unsigned world_lost_writes(const struct world *w, enum node_side side)
{
    const struct server *s = &w->server[side];
    unsigned lost = 0;

    for (int i = 0; i < w->n_acked; i++) {
        bool found = false;

        for (int k = 0; k < s->n && !found; k++)
            found = s->stream[k] == w->acked[i];
        lost += !found;
    }
    return lost;
}

/* --- the daemon --- */

static void look_at(struct world *w, enum node_side side)
{
    const struct server *s = &w->server[side];
    struct seen_node *node = &w->seen.node[side];
    struct redis_info *info = &node->info;

    node->tried = true;
    if (!s->up || w->cut[side]) {
        if (node->reachable)
            w->lost_at[side] = w->now;
        node->reachable = false;
        node->why = side == SIDE_SOURCE ? REASON_SOURCE_UNREACHABLE : REASON_TARGET_UNREACHABLE;
        err_set(&node->err, ERR_REFUSED, "connection refused");
        node->lost_ms = w->now - w->lost_at[side];
        return;
    }
    node->reachable = true;
    node->lost_ms = 0;
    node->err = ERR_INIT;
    *info = (struct redis_info){
        .sections = REDIS_INFO_SERVER | REDIS_INFO_REPLICATION,
        .redis_compat_num = 70015,
        .role = s->primary ? REDIS_ROLE_MASTER : REDIS_ROLE_REPLICA,
        .master_repl_offset = s->n,
        .replica_offset = s->primary ? -1 : s->n,
        .second_repl_offset = s->second_offset,
        .link_up = s->link_up,
        .sync_in_progress = s->syncing,
        .unexpected_error_replies = -1,
    };
    snprintf(info->run_id, sizeof(info->run_id), "%d", s->run_id);
    snprintf(info->replid, sizeof(info->replid), "%d", s->replid);
    snprintf(info->replid2, sizeof(info->replid2), "%d", s->replid2);
    if (!s->primary) {
        (void)str_copy(info->master_host, sizeof(info->master_host), "127.0.0.1");
        info->master_port = s->follows < 0 ? FENCE_PORT : RUN_NODE_PORT(s->follows);
    }
}

static void observe(struct world *w)
{
    struct observation *seen = &w->seen;

    seen->wall_ms = w->now;
    seen->phase_ms = w->now - w->phase_at;
    seen->slot = true;
    seen->lease_over = w->frozen_at && w->now - w->frozen_at > w->spec.cutover.pause_ms / 2;
    seen->pause_expired =
        w->now - (w->frozen_at ? w->frozen_at : w->phase_at) > w->spec.cutover.pause_ms;
    observation_relate(seen, &w->spec, &w->run);
    seen->streaming = seen->fresh = true;
    if (w->server[SIDE_TARGET].link_up || w->server[SIDE_TARGET].syncing)
        w->idle_at = w->now;
    seen->stalled_ms = w->server[SIDE_TARGET].syncing ? 0 : w->now - w->moved_at;
    seen->sync_idle_ms = w->now - w->idle_at;
}

static void enter(struct world *w, enum phase from, bool resumed)
{
    struct observation *seen = &w->seen;

    w->phase_at = w->moved_at = w->idle_at = w->now;
    seen->resumed = resumed;
    seen->last_action = ACT_NONE;
    seen->last_failed = false;
    seen->node[SIDE_SOURCE].replication_auth_tried = true;
    if (w->run.phase == PHASE_SWITCHING && from == PHASE_FREEZING)
        return;
    if (w->run.phase != PHASE_ROLLING_BACK) {
        seen->frozen = false;
        w->frozen_at = 0;
    }
    seen->thawed = false;
    seen->thaw_reason = REASON_NONE;
    seen->thaw_message[0] = '\0';
    seen->promote_sent = resumed;
    if (w->run.phase == PHASE_ATTACHING)
        seen->prepared = seen->prepared_cutover = false;
}

static void step(struct world *w, const struct decision *d)
{
    const struct edge *edge = fsm_next(w->run.phase, d->event);
    enum phase from = w->run.phase;
    size_t n = strlen(w->trace);

    if (!edge) {
        fprintf(stderr, "no edge from %s on %s\n", phase_get(from)->name, fsm_event_name(d->event));
        abort();
    }
    w->run = run_after(&w->spec, &w->run, edge, d, &w->seen, 0.5);
    if (!w->chaos || !(edge->flags & E_HOT) || world_random(w, 2))
        w->durable = w->run; /* a hot edge may be lost in a crash */
    snprintf(w->trace + n, sizeof(w->trace) - n, "%s -> %s: %s\n", phase_get(from)->name,
             phase_get(edge->to)->name, edge->why);
    if (n > sizeof(w->trace) - 256)
        w->trace[0] = '\0';
    if (edge->from != edge->to)
        enter(w, from, false);
}

void world_verb(struct world *w, enum fsm_event verb)
{
    struct decision d = {.event = verb};

    if (verb == EV_ABORT)
        d.reason = REASON_ABORTED;
    if (w->in_flight == ACT_NONE && fsm_next(w->run.phase, verb) &&
        !decide_verb_waits(&w->run, &w->seen, verb))
        step(w, &d);
}

/* What an action does to the servers. */
static void apply(struct world *w, enum action action)
{
    struct server *s = &w->server[SIDE_SOURCE], *t = &w->server[SIDE_TARGET];

    switch (action) {
    case ACT_ATTACH:
        become_replica(w, SIDE_TARGET, SIDE_SOURCE);
        break;
    case ACT_DETACH:
    case ACT_PROMOTE:
        become_primary(w, t);
        break;
    case ACT_FREEZE:
        s->paused_until = w->now + w->spec.cutover.pause_ms;
        break;
    case ACT_THAW:
        s->paused_until = 0;
        break;
    case ACT_DEMOTE:
        become_replica(w, SIDE_SOURCE, -1);
        break;
    case ACT_UNDEMOTE:
        become_primary(w, s);
        break;
    case ACT_REVERSE:
        become_replica(w, SIDE_SOURCE, SIDE_TARGET);
        break;
    case ACT_NONE:
    case ACT_PREPARE:
    case ACT_PREPARE_CUTOVER:
    case ACT_DRAIN_CLIENTS:
    case ACT_RESTORE:
    case ACT_MAX:
        break;
    }
}

static void acknowledge(struct world *w, enum action action, bool ok)
{
    struct observation *seen = &w->seen;

    seen->last_action = action;
    seen->last_failed = !ok;
    seen->last_reason = REASON_SOURCE_UNREACHABLE;
    if (!ok) {
        err_set(&seen->last_err, ERR_CLOSED, "the connection was lost");
        return;
    }
    if (action == ACT_FREEZE) {
        seen->frozen = true;
        seen->frozen_offset = w->server[SIDE_SOURCE].n;
    }
    if (action == ACT_THAW)
        seen->thawed = true;
    if (action == ACT_UNDEMOTE)
        seen->frozen = false;
    if (action == ACT_PREPARE)
        seen->prepared = true;
    if (action == ACT_PREPARE_CUTOVER)
        seen->prepared_cutover = true;
}

static enum node_side side_of(enum action action)
{
    return action == ACT_ATTACH || action == ACT_DETACH || action == ACT_PROMOTE ? SIDE_TARGET
                                                                                 : SIDE_SOURCE;
}

static void arrive(struct world *w)
{
    enum action action = w->in_flight;
    enum node_side side = side_of(action);
    bool ok = w->server[side].up && !w->cut[side];

    w->in_flight = ACT_NONE;
    if (ok)
        apply(w, action);
    if (ok && w->chaos && world_random(w, 20) == 0)
        ok = false; /* done, but the answer is lost */
    acknowledge(w, action, ok);
    look_at(w, side);
}

static void begin(struct world *w, const struct decision *d)
{
    w->in_flight = d->action;
    w->arrives_at = w->now;
    if (w->chaos) /* mostly at once; now and then later than the pause lasts */
        w->arrives_at += world_random(w, 10) ? world_random(w, 4) : world_random(w, 1500);
    if (d->action == ACT_FREEZE)
        w->frozen_at = w->now;
    if (d->action == ACT_PROMOTE)
        w->seen.promote_sent = true;
    if (d->action == ACT_THAW) {
        w->seen.thaw_reason = d->reason;
        (void)str_copy(w->seen.thaw_message, sizeof(w->seen.thaw_message), d->message);
    }
}

static void daemon_turn(struct world *w)
{
    struct decision d;

    if (w->in_flight != ACT_NONE) {
        if (w->now < w->arrives_at)
            return;
        arrive(w);
    }
    if (w->now >= w->next_look) {
        look_at(w, SIDE_SOURCE);
        look_at(w, SIDE_TARGET);
        w->next_look = UINT64_MAX;
    }
    observe(w);
    d = decide(&w->spec, &w->run, &w->seen);
    w->next_look = min_of(w->next_look, w->now + min_of(d.poll_ms, 20u));
    if (d.event != EV_NONE)
        step(w, &d);
    else if (d.action != ACT_NONE)
        begin(w, &d);
}

void world_kill_daemon(struct world *w)
{
    /* What was sent may still arrive; nobody hears the answer. */
    if (w->in_flight != ACT_NONE && world_random(w, 2) && w->server[side_of(w->in_flight)].up)
        apply(w, w->in_flight);
    w->in_flight = ACT_NONE;
    w->run = w->durable;
    w->seen = (struct observation){.slot = true};
    w->frozen_at = 0;
    w->next_look = 0;
    enter(w, w->run.phase, true);
}

void world_step(struct world *w)
{
    w->now++;
    write_something(w);
    replicate(w, SIDE_SOURCE);
    replicate(w, SIDE_TARGET);
    daemon_turn(w);
    if (w->run.attached && w->run.synced && takes_writes(w, SIDE_SOURCE) &&
        takes_writes(w, SIDE_TARGET) && w->run.phase == PHASE_SWITCHING)
        w->two_primaries++;
}

void world_run(struct world *w, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i++)
        world_step(w);
}

bool world_run_to(struct world *w, enum phase phase, uint64_t ms)
{
    for (uint64_t i = 0; i < ms && w->run.phase != phase; i++)
        world_step(w);
    return w->run.phase == phase;
}

void world_init(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    w->now = 1000000;
    w->seed = seed * 2654435761u + 1;
    w->writing = true;
    for (int side = 0; side < SIDE_MAX; side++) {
        struct server *s = &w->server[side];

        s->up = s->primary = true;
        s->follows = -1;
        s->replid = ++w->next_replid;
        s->run_id = ++w->next_replid;
    }
    (void)str_copy(w->spec.id, sizeof(w->spec.id), "sim");
    w->spec.has_source = w->spec.start_auto = true;
    w->spec.source.endpoint = (struct endpoint){"127.0.0.1", RUN_NODE_PORT(SIDE_SOURCE)};
    w->spec.target.endpoint = (struct endpoint){"127.0.0.1", RUN_NODE_PORT(SIDE_TARGET)};
    w->spec.source.reachable_as = w->spec.source.endpoint;
    w->spec.target.reachable_as = w->spec.target.endpoint;
    w->spec.attach.attempts = 5;
    w->spec.attach.timeout_ms = 500;
    w->spec.attach.backoff_initial_ms = 20;
    w->spec.attach.backoff_max_ms = 200;
    w->spec.sync.stall_timeout_ms = 2000;
    w->spec.cutover.max_lag = 1000;
    w->spec.cutover.pause_ms = 500;
    w->spec.cutover.attempts = 5;
    w->spec.cutover.reverse = true;
    w->run.source = w->spec.source.endpoint;
    w->durable = w->run;
    enter(w, PHASE_IDLE, false);
}
