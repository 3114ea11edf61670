/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The side effects: one row each. A row adds its commands to a call; INFO replication goes behind
 * them in the same write, so that the answer is also the next look at that node.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/migration/migration_private.h"
#include "daemon/migration/setting_rows.h"
#include "lib/base/clock.h"

#define ACTION_TIMEOUT_MS 5000

struct action_row {
    enum node_side side;
    void (*add)(struct migration *m, struct redis_call *call);
    void (*sent)(struct migration *m); /* before the first byte leaves; may be NULL */
    void (*done)(struct migration *m); /* acknowledged; may be NULL */
};

static void add_replicaof(const struct migration *m, enum node_side side, struct redis_call *call,
                          const char *host, const char *port)
{
    bool old = m->seen.node[side].info.redis_compat_num < 50000;

    redis_call_addv(call, old ? "SLAVEOF" : "REPLICAOF", host, port);
}

static void add_replicaof_endpoint(const struct migration *m, enum node_side side,
                                   struct redis_call *call, const struct endpoint *ep)
{
    char port[8];

    snprintf(port, sizeof(port), "%u", ep->port);
    add_replicaof(m, side, call, ep->host, port);
}

static void add_attach(struct migration *m, struct redis_call *call)
{
    struct endpoint source = run_source_for_target(m->spec, &m->run);

    add_replicaof_endpoint(m, SIDE_TARGET, call, &source);
}

static void add_promote(struct migration *m, struct redis_call *call)
{
    add_replicaof(m, SIDE_TARGET, call, "NO", "ONE");
}

static void add_undemote(struct migration *m, struct redis_call *call)
{
    add_replicaof(m, SIDE_SOURCE, call, "NO", "ONE");
}

static void add_demote(struct migration *m, struct redis_call *call)
{
    struct endpoint fence = {.host = FENCE_HOST, .port = FENCE_PORT};

    add_replicaof_endpoint(m, SIDE_SOURCE, call, &fence);
}

static void add_reverse(struct migration *m, struct redis_call *call)
{
    add_replicaof_endpoint(m, SIDE_SOURCE, call, &m->spec->target.reachable_as);
}

static const char *fence_of(const struct migration *m)
{
    return fence_setting(m->seen.node[SIDE_SOURCE].info.redis_compat_num);
}

static void add_freeze(struct migration *m, struct redis_call *call)
{
    const char *fence = fence_of(m);
    char ms[24];

    snprintf(ms, sizeof(ms), "%" PRIu64, m->spec->cutover.pause_ms);
    if (fence)
        redis_call_addv(call, "CONFIG", "SET", fence, FENCE_VALUE);
    else
        redis_call_addv(call, "CLIENT", "PAUSE", ms, "WRITE");
}

static void add_thaw(struct migration *m, struct redis_call *call)
{
    const char *fence = fence_of(m);
    const char *old = fence ? settings_old(&m->settings, SIDE_SOURCE, fence) : NULL;

    if (!fence)
        redis_call_addv(call, "CLIENT", "UNPAUSE");
    else if (old)
        redis_call_addv(call, "CONFIG", "SET", fence, old);
    else
        redis_call_addv(call, "PING");
}

static void add_drain_clients(struct migration *m, struct redis_call *call)
{
    (void)m;
    redis_call_addv(call, "CLIENT", "KILL", "TYPE", "normal");
}

static void freeze_sent(struct migration *m)
{
    m->frozen_at_ms = clock_boot_ms();
    m->frozen_pause_ms = m->spec->cutover.pause_ms;
    m->frozen_sent_us = uv_hrtime() / 1000;
}

static void freeze_done(struct migration *m)
{
    m->seen.frozen = true;
    m->seen.frozen_offset = m->seen.node[SIDE_SOURCE].info.master_repl_offset;
}

static void thaw_sent(struct migration *m)
{
    m->seen.thaw_reason = m->last.reason;
    (void)str_copy(m->seen.thaw_message, sizeof(m->seen.thaw_message),
                   m->last.reason == REASON_NONE ? "" : m->last.message);
}

static void thaw_done(struct migration *m)
{
    m->seen.thawed = true;
}

static void undemote_sent(struct migration *m)
{
    thaw_sent(m);
    m->seen.frozen = false; /* the offset it was frozen at means nothing any more */
}

static void promote_sent(struct migration *m)
{
    m->seen.promote_sent = true;
}

/* The write gap ends here: from the first byte of the pause to the acknowledged promotion. */
static void promote_done(struct migration *m)
{
    if (m->run.cutover.at_wall_ms)
        return;
    m->run.cutover.at_wall_ms = clock_wall_ms();
    m->run.cutover.offset = m->seen.node[SIDE_TARGET].info.second_repl_offset - 1;
    m->run.cutover.gap_us = m->frozen_sent_us ? (int64_t)(m->call.done_us - m->frozen_sent_us) : -1;
}

static void drain_clients_done(struct migration *m)
{
    m->seen.clients_drained = true;
}

static const struct action_row action_rows[ACT_MAX] = {
    [ACT_ATTACH] = {SIDE_TARGET, add_attach, NULL, NULL},
    [ACT_DETACH] = {SIDE_TARGET, add_promote, NULL, NULL},
    [ACT_FREEZE] = {SIDE_SOURCE, add_freeze, freeze_sent, freeze_done},
    [ACT_THAW] = {SIDE_SOURCE, add_thaw, thaw_sent, thaw_done},
    [ACT_DEMOTE] = {SIDE_SOURCE, add_demote, NULL, NULL},
    [ACT_UNDEMOTE] = {SIDE_SOURCE, add_undemote, undemote_sent, NULL},
    [ACT_PROMOTE] = {SIDE_TARGET, add_promote, promote_sent, promote_done},
    [ACT_REVERSE] = {SIDE_SOURCE, add_reverse, NULL, NULL},
    [ACT_DRAIN_CLIENTS] = {SIDE_SOURCE, add_drain_clients, NULL, drain_clients_done},
};

static void acted(struct op *op)
{
    struct migration *m = container_of(op, struct migration, call.op);
    const struct action_row *row = &action_rows[m->acting];
    struct err err = op->err;

    if (err.code == ERR_NONE) {
        (void)node_learn(&m->node[row->side], m->call.replies[m->call.n - 1]);
        observation_relate(&m->seen, m->spec, &m->run);
        if (!redis_call_reply_err(&m->call, &err)) {
            if (row->done)
                row->done(m);
            migration_acted(m, REASON_NONE, NULL);
            return;
        }
        if (m->acting == ACT_PROMOTE) /* an answer that refuses: it has not happened */
            m->seen.promote_sent = false;
        err_wrap(&err, "the %s refuses", row->side == SIDE_SOURCE ? "source" : "target");
    }
    migration_acted(m, node_reason(row->side, &err), &err);
}

void migration_act(struct migration *m, const struct decision *d)
{
    const struct action_row *row = &action_rows[d->action];
    uint64_t timeout_ms = ACTION_TIMEOUT_MS;

    m->acting = d->action;
    if (!row->add) {
        settings_start(m, d->action);
        return;
    }
    if (d->action == ACT_FREEZE) /* an answer that comes past the lease is of no use */
        timeout_ms = m->spec->cutover.pause_ms / 2;
    redis_call_init(&m->call);
    row->add(m, &m->call);
    redis_call_addv(&m->call, "INFO", "replication");
    if (row->sent)
        row->sent(m);
    redis_call_start(&m->call, m->node[row->side].client, timeout_ms, acted);
}
