/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The side effects: one row each. A row adds its commands to a call; INFO replication goes behind
 * them in the same write, so that the answer is also the next look at that node.
 */
#include "daemon/node/actions.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/node/refusal.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

#define ACTION_TIMEOUT_MS 5000

/*
 * The target; what takes the writes before the switch-over; a source below that.
 */
struct action_row {
    enum action_place { AT_NEW, AT_OLD, AT_CHAINED } at;
    void (*add)(struct pair *pair, struct redis_call *call);
    void (*sent)(struct pair *pair,
                 const struct decision *d); /* before the first byte leaves; may be NULL */
    void (*done)(struct pair *pair);        /* acknowledged; may be NULL */
};

static void add_replicaof(const struct pair *pair, enum node_side side, struct redis_call *call,
                          const char *host, const char *port)
{
    bool old = pair->seen.node[side].info.redis_compat_num < 50000;

    redis_call_addv(call, old ? "SLAVEOF" : "REPLICAOF", host, port);
}

static void add_replicaof_endpoint(const struct pair *pair, enum node_side side,
                                   struct redis_call *call, const struct endpoint *ep)
{
    char port[8];

    snprintf(port, sizeof(port), "%u", ep->port);
    add_replicaof(pair, side, call, ep->host, port);
}

static void add_attach(struct pair *pair, struct redis_call *call)
{
    struct endpoint source = run_source_for_target(pair->spec, pair->run);

    add_replicaof_endpoint(pair, SIDE_TARGET, call, &source);
}

static void add_promote(struct pair *pair, struct redis_call *call)
{
    add_replicaof(pair, SIDE_TARGET, call, "NO", "ONE");
}

static void add_undemote(struct pair *pair, struct redis_call *call)
{
    add_replicaof(pair, pair->seen.writer, call, "NO", "ONE");
}

static void add_demote(struct pair *pair, struct redis_call *call)
{
    struct endpoint fence = {.host = FENCE_HOST, .port = FENCE_PORT};

    add_replicaof_endpoint(pair, pair->seen.writer, call, &fence);
}

static void add_reverse(struct pair *pair, struct redis_call *call)
{
    add_replicaof_endpoint(pair, pair->seen.writer, call, &pair->spec->target.reachable_as);
}

static void add_rejoin(struct pair *pair, struct redis_call *call)
{
    add_replicaof_endpoint(pair, SIDE_SOURCE, call, &pair->spec->target.reachable_as);
}

static const char *fence_of(const struct pair *pair)
{
    return fence_setting(pair->seen.node[pair->seen.writer].info.redis_compat_num);
}

static void add_freeze(struct pair *pair, struct redis_call *call)
{
    const char *fence = fence_of(pair);
    char ms[24];

    snprintf(ms, sizeof(ms), "%" PRIu64, pair->spec->cutover.pause_ms);
    if (fence)
        redis_call_addv(call, "CONFIG", "SET", fence, FENCE_VALUE);
    else
        redis_call_addv(call, "CLIENT", "PAUSE", ms, "WRITE");
}

static void add_thaw(struct pair *pair, struct redis_call *call)
{
    const char *fence = fence_of(pair);
    const char *old = fence ? settings_old(&pair->settings, pair->seen.writer, fence) : NULL;

    if (!fence)
        redis_call_addv(call, "CLIENT", "UNPAUSE");
    else if (old)
        redis_call_addv(call, "CONFIG", "SET", fence, old);
    else
        redis_call_addv(call, "PING");
}

static void add_drain_clients(struct pair *pair, struct redis_call *call)
{
    (void)pair;
    redis_call_addv(call, "CLIENT", "KILL", "TYPE", "normal");
    redis_call_addv(call, "CLIENT", "KILL", "TYPE", "pubsub");
}

static void attach_sent(struct pair *pair, const struct decision *d)
{
    (void)d;
    observation_attaching(&pair->seen);
}

static void detach_sent(struct pair *pair, const struct decision *d)
{
    (void)d;
    observation_detaching(&pair->seen);
}

static void detach_done(struct pair *pair)
{
    observation_detached(&pair->seen);
}

static void freeze_sent(struct pair *pair, const struct decision *d)
{
    (void)d;
    lease_begin(&pair->lease, pair->spec->cutover.pause_ms, clock_boot_ms(), uv_hrtime() / 1000);
}

static void freeze_done(struct pair *pair)
{
    pair->seen.frozen = true;
    pair->seen.frozen_offset = pair->seen.node[pair->seen.writer].info.master_repl_offset;
}

static void thaw_sent(struct pair *pair, const struct decision *d)
{
    pair->seen.thaw_reason = d->reason;
    (void)str_copy(pair->seen.thaw_message, sizeof(pair->seen.thaw_message),
                   d->reason == REASON_NONE ? "" : d->message);
}

static void thaw_done(struct pair *pair)
{
    pair->seen.thawed = true;
}

static void undemote_sent(struct pair *pair, const struct decision *d)
{
    thaw_sent(pair, d);
    pair->seen.undemote_sent = true;
    pair->seen.frozen = false; /* the offset it was frozen at means nothing any more */
}

static void promote_sent(struct pair *pair, const struct decision *d)
{
    (void)d;
    pair->seen.promote_sent = true;
}

static void drain_clients_done(struct pair *pair)
{
    pair->seen.clients_drained = true;
}

static const struct action_row action_rows[ACT_MAX] = {
    [ACT_ATTACH] = {AT_NEW, add_attach, attach_sent, NULL},
    [ACT_DETACH] = {AT_NEW, add_promote, detach_sent, detach_done},
    [ACT_FREEZE] = {AT_OLD, add_freeze, freeze_sent, freeze_done},
    [ACT_THAW] = {AT_OLD, add_thaw, thaw_sent, thaw_done},
    [ACT_DEMOTE] = {AT_OLD, add_demote, NULL, NULL},
    [ACT_UNDEMOTE] = {AT_OLD, add_undemote, undemote_sent, NULL},
    [ACT_PROMOTE] = {AT_NEW, add_promote, promote_sent, NULL},
    [ACT_REVERSE] = {AT_OLD, add_reverse, NULL, NULL},
    [ACT_REJOIN] = {AT_CHAINED, add_rejoin, NULL, NULL},
    [ACT_DRAIN_CLIENTS] = {AT_OLD, add_drain_clients, NULL, drain_clients_done},
};

static enum node_side side_of(const struct pair *pair, const struct action_row *row)
{
    switch (row->at) {
    case AT_NEW:
        return SIDE_TARGET;
    case AT_OLD:
        return pair->seen.writer;
    case AT_CHAINED:
        break;
    }
    return SIDE_SOURCE;
}

/* An answer that refuses: it has not happened. */
static void refused(struct pair *pair)
{
    if (pair->acting == ACT_PROMOTE)
        pair->seen.promote_sent = false;
    else if (pair->acting == ACT_UNDEMOTE)
        pair->seen.undemote_sent = false;
    else if (pair->acting == ACT_DRAIN_CLIENTS)
        pair->seen.clients_drained = true; /* they are not to be held for it */
}

static void replied(struct op *op)
{
    struct pair *pair = container_of(op, struct pair, call.op);
    struct redis_call *call = &pair->call;
    const struct action_row *row = &action_rows[pair->acting];
    enum node_side side = side_of(pair, row);
    struct node *node = &pair->node[side];
    struct err err = op->err;
    bool answered = err.code == ERR_NONE;
    bool learnt =
        node_acted(node, answered ? call->replies[call->n - 1] : NULL, pair->action_sent_ms);

    observation_relate(&pair->seen, pair->spec, pair->run);
    if (answered && redis_call_reply_err(call, &err)) {
        if (call->replies[0]->type == REDIS_REPLY_ERROR)
            refused(pair);
        err_wrap(&err, "the %s refuses", side_name(side));
    } else if (answered && !learnt) {
        err_set(&err, ERR_PROTOCOL, "the %s did not show what came of it", side_name(side));
    }
    if (err.code != ERR_NONE) {
        pair->action_done(pair, refusal_reason(side, &err), &err);
        return;
    }
    if (row->done)
        row->done(pair);
    pair->action_done(pair, REASON_NONE, NULL);
}

void action_start(struct pair *pair, const struct decision *d, action_done_fn *done)
{
    const struct action_row *row = &action_rows[d->action];
    uint64_t timeout_ms = ACTION_TIMEOUT_MS;

    assert(row->add);
    if (d->action == ACT_FREEZE) /* an answer that comes past the lease is of no use */
        timeout_ms = pair->spec->cutover.pause_ms / 2;
    redis_call_init(&pair->call);
    pair->action_done = done;
    pair->action_sent_ms = clock_boot_ms();
    row->add(pair, &pair->call);
    redis_call_addv(&pair->call, "INFO", "replication");
    if (row->sent)
        row->sent(pair, d);
    redis_call_start(&pair->call, pair->node[side_of(pair, row)].client, timeout_ms, replied);
}
