/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's half of the world: looks, actions, the run. The servers are in servers.c. */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/core/chain.h"
#include "lib/base/base.h"

#define LOOK_TIMEOUT_MS 5000

uint64_t world_random(struct world *w, uint64_t below)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return below ? w->seed % below : 0;
}

/* --- the story --- */

void world_tell(struct world *w, const char *fmt, ...)
{
    size_t n = strlen(w->story);
    va_list ap;

    if (!w->telling)
        return;
    if (n > sizeof(w->story) - 512)
        n = 0;
    n += (size_t)snprintf(w->story + n, sizeof(w->story) - n, "[%6llu] ",
                          (unsigned long long)(w->now - 1000000));
    va_start(ap, fmt);
    n += (size_t)vsnprintf(w->story + n, sizeof(w->story) - n - 1, fmt, ap);
    va_end(ap);
    (void)str_copy(w->story + n, sizeof(w->story) - n, "\n");
}

static void tell_servers(struct world *w)
{
    if (!w->telling)
        return;
    for (int side = 0; side < SIDE_MAX; side++) {
        const struct server *s = &w->server[side];

        world_tell(
            w, "         %s %s%s follows %d link %d n %d replid %d replid2 %d@%lld run_id %d%s",
            side_name((enum node_side)side), s->up ? "" : "down ",
            s->primary ? "primary" : "replica", s->follows, s->link_up, s->n, s->replid, s->replid2,
            (long long)s->second_offset, s->run_id, w->now < s->paused_until ? " paused" : "");
    }
}

/* --- messages --- */

static enum node_side side_of(const struct world *w, enum action action)
{
    if (action == ACT_ATTACH || action == ACT_DETACH || action == ACT_PROMOTE)
        return SIDE_TARGET;
    return action == ACT_REJOIN || action == ACT_PREPARE ? SIDE_SOURCE : w->seen.writer;
}

static bool answers(const struct world *w, enum node_side side)
{
    return w->server[side].up && !w->cut[side];
}

/* Mostly at once; now and then later than the pause lasts. */
static uint64_t delay(struct world *w)
{
    if (!w->chaos)
        return 0;
    return world_random(w, 12) ? world_random(w, 4) : world_random(w, 1500);
}

static bool looking(const struct world *w, enum node_side side)
{
    for (int i = 0; i < WORLD_MESSAGES_MAX; i++) {
        const struct message *m = &w->message[side][i];

        if (m->used && !m->given_up && !m->copy && m->action == ACT_NONE)
            return true;
    }
    return false;
}

static struct message *send(struct world *w, enum node_side side, enum action action)
{
    uint64_t after = 0;
    struct message *free = NULL;

    for (int i = 0; i < WORLD_MESSAGES_MAX; i++) {
        struct message *m = &w->message[side][i];

        if (!m->used)
            free = m;
        else if (!m->given_up) /* one connection: executed in order */
            after = max_of(after, m->executes_at);
    }
    if (!free)
        return NULL;
    *free = (struct message){
        .used = true,
        .action = action,
        .number = action == ACT_NONE ? ++w->number : 0,
        .sent_at = w->now,
        .executes_at = max_of(w->now + delay(w), after),
    };
    free->answers_at = free->executes_at + delay(w);
    return free;
}

/* The connection ends. What is on its way may still be executed, unless it is closed there, too. */
static void give_up(struct world *w, enum node_side side)
{
    struct seen_node *node = &w->seen.node[side];
    bool killed = !world_random(w, 2);

    for (int i = 0; i < WORLD_MESSAGES_MAX; i++) {
        struct message *m = &w->message[side][i];

        if (m->used && m->executed)
            m->used = false;
        m->given_up = true;
        if (killed && m->action == ACT_NONE)
            m->used = false;
    }
    if (node->reachable)
        w->lost_at[side] = w->now;
    node->reachable = false;
    node->tried = true;
    node->why = side == SIDE_TARGET ? REASON_TARGET_UNREACHABLE : REASON_SOURCE_UNREACHABLE;
    err_set(&node->err, ERR_REFUSED, "connection refused");
}

/* What was sent over older connections is closed at the server before anything is decided. */
static void expel(struct world *w, enum node_side side)
{
    for (int i = 0; i < WORLD_MESSAGES_MAX; i++)
        if (w->message[side][i].given_up)
            w->message[side][i].used = false;
}

/* --- learning --- */

static void learn(struct world *w, enum node_side side, const struct message *m, uint64_t number)
{
    struct seen_node *node = &w->seen.node[side];

    if (!seen_learns(node, number))
        return;
    if (side == SIDE_TARGET)
        w->would_wipe = m->overwritten;
    node->info = m->info;
    node->looked = node->looked_whole = number;
    node->whole_learnt = w->number;
    w->look_sent_at[side] = m->sent_at;
    node->survey = (struct survey){.known = true};
}

static void looked(struct world *w, enum node_side side, const struct message *m)
{
    struct seen_node *node = &w->seen.node[side];

    learn(w, side, m, m->number);
    if (m->copy)
        return;
    if (!node->reachable) {
        expel(w, side);
        node->acted = ++w->number; /* what was seen may have been before a late command */
    }
    node->reachable = node->tried = true;
    node->err = ERR_INIT;
}

static void acted(struct world *w, enum node_side side, const struct message *m, bool ok)
{
    struct observation *seen = &w->seen;
    enum action action = m->action;

    w->acting = false;
    seen->node[side].acted = ++w->number;
    if (ok)
        learn(w, side, m, ++w->number);
    observation_relate(seen, &w->spec, &w->run);
    seen->last_action = action;
    seen->last_failed = !ok || m->refused;
    seen->last_reason = !m->refused          ? REASON_SOURCE_UNREACHABLE
                        : world_random(w, 2) ? REASON_SOURCE_LOADING
                                             : REASON_ACL_DENIED;
    err_set(&seen->last_err, m->refused ? ERR_REPLY : ERR_CLOSED,
            m->refused ? "it refuses" : "the connection was lost");
    if (ok && m->refused && action == ACT_PROMOTE)
        seen->promote_sent = false;
    if (ok && m->refused && action == ACT_UNDEMOTE)
        seen->undemote_sent = false;
    if (seen->last_failed)
        return;
    seen->last_err = ERR_INIT;
    seen->last_reason = REASON_NONE;
    if (action == ACT_DETACH)
        observation_detached(seen);
    if (action == ACT_FREEZE) {
        seen->frozen = true;
        seen->frozen_offset = m->info.master_repl_offset;
    }
    if (action == ACT_THAW)
        seen->thawed = true;
    if (action == ACT_PREPARE)
        observation_prepared(seen);
    if (action == ACT_PREPARE_CUTOVER)
        seen->prepared_cutover = true;
    if (action == ACT_DRAIN_CLIENTS)
        seen->clients_drained = true;
}

/* One of those that are due. Answers of one connection come in order; but what was learnt of them
 * may come in any, and a look a second time. */
static bool deliver_one(struct world *w)
{
    struct message *due[SIDE_MAX * WORLD_MESSAGES_MAX], *m;
    enum node_side sides[SIDE_MAX * WORLD_MESSAGES_MAX];
    unsigned n = 0, i;

    for (int side = 0; side < SIDE_MAX; side++)
        for (int k = 0; k < WORLD_MESSAGES_MAX; k++) {
            m = &w->message[side][k];
            if (!m->used || m->given_up || !m->executed || w->now < m->answers_at)
                continue;
            sides[n] = (enum node_side)side;
            due[n++] = m;
        }
    if (n == 0)
        return false;
    i = w->chaos ? (unsigned)world_random(w, n) : 0;
    m = due[i];
    m->used = false;
    if (m->action != ACT_NONE) {
        acted(w, sides[i], m, true);
        return true;
    }
    looked(w, sides[i], m);
    if (w->chaos && !m->copy && world_random(w, 6) == 0) {
        m->used = m->copy = true;
        m->answers_at = w->now + world_random(w, 900);
    }
    return true;
}

static void time_out(struct world *w, enum node_side side)
{
    bool late = false;

    for (int i = 0; i < WORLD_MESSAGES_MAX; i++) {
        struct message *m = &w->message[side][i];
        uint64_t limit = m->action == ACT_FREEZE ? w->spec.cutover.pause_ms / 2 : LOOK_TIMEOUT_MS;

        if (m->used && !m->given_up && !m->copy)
            late = late || !answers(w, side) || w->now - m->sent_at > limit;
    }
    if (!late)
        return;
    for (int i = 0; i < WORLD_MESSAGES_MAX; i++) {
        struct message *m = &w->message[side][i];

        if (m->used && !m->given_up && m->action != ACT_NONE)
            acted(w, side, m, false);
    }
    give_up(w, side);
}

static void look(struct world *w, enum node_side side)
{
    if (side == SIDE_PRIMARY && w->seen.writer != SIDE_PRIMARY)
        return;
    if (looking(w, side))
        return;
    if (answers(w, side))
        (void)send(w, side, ACT_NONE);
    else
        give_up(w, side);
}

/* --- the daemon --- */

/* A source that is a replica: up to where what takes the writes is. */
static void climb(struct world *w)
{
    unsigned flags = phase_get(w->run.phase)->flags;

    if (!(flags & F_ABORTABLE) || flags & F_PAUSE || w->run.phase == PHASE_HALTED ||
        !chain_follow(&w->spec, &w->run, &w->seen))
        return;
    give_up(w, SIDE_PRIMARY);
    seen_init(&w->seen.node[SIDE_PRIMARY]);
    w->seen.node[SIDE_PRIMARY].looked = w->seen.node[SIDE_PRIMARY].acted = w->number;
    w->lost_at[SIDE_PRIMARY] = w->now;
}

static void observe(struct world *w)
{
    struct observation *seen = &w->seen;

    climb(w);
    seen->wall_ms = w->now;
    seen->phase_ms = w->now - w->phase_at;
    seen->slot = true;
    for (int side = 0; side < SIDE_MAX; side++) {
        seen->node[side].age_ms = seen->node[side].whole_age_ms = w->now - w->look_sent_at[side];
        seen->node[side].lost_ms = seen->node[side].reachable ? 0 : w->now - w->lost_at[side];
    }
    seen->lease_over = w->frozen_at && w->now - w->frozen_at > w->spec.cutover.pause_ms / 2;
    seen->pause_expired =
        w->now - (w->frozen_at ? w->frozen_at : w->phase_at) > w->spec.cutover.pause_ms;
    observation_relate(seen, &w->spec, &w->run);
    observation_remember(seen, &w->run);
    seen->streaming = true;
    seen->fresh = w->look_sent_at[SIDE_SOURCE] > w->fresh_since &&
                  w->look_sent_at[seen->writer] > w->fresh_since &&
                  w->look_sent_at[SIDE_TARGET] > w->fresh_since;
    if (w->server[SIDE_TARGET].link_up || w->server[SIDE_TARGET].syncing)
        w->idle_at = w->now;
    seen->stalled_ms = w->server[SIDE_TARGET].syncing ? 0 : w->now - w->moved_at;
    seen->sync_idle_ms = w->now - w->idle_at;
}

static void enter(struct world *w, enum phase from, bool resumed)
{
    w->phase_at = w->moved_at = w->idle_at = w->fresh_since = w->now;
    observation_enter(&w->seen, from, w->run.phase, resumed);
    if (lease_ends(from, w->run.phase))
        w->frozen_at = 0;
    w->seen.surveyed = true;
}

static void trace(struct world *w, const char *from, const struct edge *edge)
{
    size_t n = strlen(w->trace);

    if (n > sizeof(w->trace) - 256)
        n = 0;
    snprintf(w->trace + n, sizeof(w->trace) - n, "%s -> %s: %s\n", from, phase_get(edge->to)->name,
             edge->why);
}

static void step(struct world *w, const struct decision *d)
{
    const struct edge *edge = fsm_next(w->run.phase, d->event);
    enum phase from = w->run.phase;

    if (!edge) {
        fprintf(stderr, "no edge from %s on %s\n", phase_get(from)->name, fsm_event_name(d->event));
        abort();
    }
    w->run = run_after(&w->spec, &w->run, edge, d, &w->seen, 0.5);
    if (!w->chaos || !(edge->flags & E_HOT) || world_random(w, 2))
        w->durable = w->run; /* a hot edge may be lost in a crash */
    trace(w, phase_get(from)->name, edge);
    world_tell(w, "%s -> %s: %s (%s %s)", phase_get(from)->name, phase_get(edge->to)->name,
               edge->why, reason_get(d->reason)->code, d->message);
    if (edge->from != edge->to)
        enter(w, from, false);
    w->fresh_since = w->now;
    w->next_look = 0;
}

void world_verb(struct world *w, enum fsm_event verb)
{
    struct decision d = {.event = run_verb_event(&w->run, verb)};

    if (verb == EV_ABORT)
        d.reason = REASON_ABORTED;
    if (!w->acting && fsm_next(w->run.phase, d.event) &&
        !decide_verb_waits(&w->run, &w->seen, verb))
        step(w, &d);
}

static void begin(struct world *w, const struct decision *d)
{
    struct message *m = send(w, side_of(w, d->action), d->action);

    if (!m)
        return;
    w->acting = true;
    world_tell(w, "%s is sent: %s", action_name(d->action), d->message);
    tell_servers(w);
    if (d->action == ACT_ATTACH && w->seen.target_is_primary)
        w->wiped += w->would_wipe;
    if (w->refuse == d->action) {
        m->refused = true;
        w->refuse = ACT_NONE;
    }
    if (d->action == ACT_ATTACH)
        observation_attaching(&w->seen);
    if (d->action == ACT_DETACH)
        observation_detaching(&w->seen);
    if (d->action == ACT_FREEZE)
        w->frozen_at = w->now;
    if (d->action == ACT_PROMOTE)
        w->seen.promote_sent = true;
    if (d->action == ACT_UNDEMOTE) {
        w->seen.undemote_sent = true;
        w->seen.frozen = false;
    }
    if (d->action == ACT_THAW || d->action == ACT_UNDEMOTE) {
        w->seen.thaw_reason = d->reason;
        (void)str_copy(w->seen.thaw_message, sizeof(w->seen.thaw_message),
                       d->reason == REASON_NONE ? "" : d->message);
    }
}

static void daemon_turn(struct world *w)
{
    struct decision d;

    if (w->stopped)
        return;
    for (int side = 0; side < SIDE_MAX; side++)
        time_out(w, (enum node_side)side);
    while (deliver_one(w) && world_random(w, 2))
        continue; /* two answers in one turn */
    if (w->now >= w->next_look) {
        for (int side = 0; side < SIDE_MAX; side++)
            look(w, (enum node_side)side);
        w->next_look = UINT64_MAX;
    }
    if (w->acting)
        return;
    observe(w);
    w->last = d = decide(&w->spec, &w->run, &w->seen);
    for (int side = 0; side < SIDE_MAX; side++)
        if (d.look & 1u << side)
            look(w, (enum node_side)side);
    w->next_look = min_of(w->next_look, w->now + min_of(d.poll_ms, 20u));
    if (d.event != EV_NONE)
        step(w, &d);
    else if (d.action != ACT_NONE)
        begin(w, &d);
}

void world_kill_daemon(struct world *w)
{
    world_tell(w, "the daemon is killed and starts again");
    for (int side = 0; side < SIDE_MAX; side++)
        give_up(w, (enum node_side)side);
    w->acting = false;
    w->run = w->durable;
    observation_init(&w->seen);
    w->seen.slot = true;
    w->frozen_at = w->number = 0;
    w->next_look = 0;
    for (int side = 0; side < SIDE_MAX; side++)
        w->lost_at[side] = w->now;
    enter(w, w->run.phase, true);
    chain_resume(&w->run, &w->seen);
}

void world_step(struct world *w)
{
    w->now++;
    servers_step(w);
    daemon_turn(w);
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
    bool telling = w->telling, chained = w->chained;

    memset(w, 0, sizeof(*w));
    w->telling = telling;
    w->chained = chained;
    w->now = 1000000;
    w->seed = seed * 2654435761u + 1;
    w->writing = true;
    servers_init(w);
    observation_init(&w->seen);
    (void)str_copy(w->spec.id, sizeof(w->spec.id), "sim");
    w->spec.has_source = w->spec.start_auto = true;
    w->spec.source.endpoint = (struct endpoint){"127.0.0.1", WORLD_PORT(SIDE_SOURCE)};
    w->spec.target.endpoint = (struct endpoint){"127.0.0.1", WORLD_PORT(SIDE_TARGET)};
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
