/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/gate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/base.h"

/* Always true: it holds the switch-over back. */
static bool hold(struct blocker *ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool hold(struct blocker *ret, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(ret->message, sizeof(ret->message), fmt, ap);
    va_end(ap);
    return true;
}

#define GATE(name)                                                                                 \
    static bool name(const struct spec *spec __attribute__((unused)),                              \
                     const struct observation *seen, struct blocker *ret)
#define SOURCE (&seen->node[SIDE_SOURCE].info)
#define TARGET (&seen->node[SIDE_TARGET].info)

GATE(source_unreachable)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];

    return !source->reachable && hold(ret, "the source does not answer: %s", source->err.msg);
}

GATE(target_unreachable)
{
    const struct seen_node *target = &seen->node[SIDE_TARGET];

    return !target->reachable && hold(ret, "the target does not answer: %s", target->err.msg);
}

GATE(source_is_replica)
{
    return SOURCE->role == REDIS_ROLE_REPLICA && hold(ret, "the source is a replica of '%s:%u'",
                                                      SOURCE->master_host, SOURCE->master_port);
}

/* The next four: what comes first hides what follows from it. */
static bool lag_ok(const struct spec *spec, const struct observation *seen)
{
    return seen->lag_bytes <= (int64_t)spec->cutover.max_lag;
}

GATE(link_down)
{
    return !seen->linked && hold(ret, "the link is down");
}

GATE(other_history)
{
    return seen->linked && !seen->same_history &&
           hold(ret, "source and target report different replication ids");
}

GATE(lag)
{
    return seen->linked && seen->same_history && !lag_ok(spec, seen) &&
           hold(ret, "lag is %" PRId64 " bytes, cutover.max_lag is %" PRIu64, seen->lag_bytes,
                spec->cutover.max_lag);
}

/* After a full synchronisation a source holds its stream back until it hears from the replica. */
GATE(not_streaming)
{
    return seen->linked && seen->same_history && lag_ok(spec, seen) && !seen->streaming &&
           hold(ret, "the source does not send its writes to the target yet");
}

GATE(replicas)
{
    unsigned online = 0;

    for (unsigned i = 0; i < TARGET->n_replicas; i++)
        online += TARGET->replicas[i].state == REDIS_REPLICA_ONLINE;
    if (TARGET->connected_replicas > REDIS_REPLICAS_MAX)
        online += TARGET->connected_replicas - REDIS_REPLICAS_MAX; /* their lines are not kept */
    return (online < TARGET->connected_replicas || online < spec->target.n_replicas) &&
           hold(ret, "%u of the target's %u replicas are online", online,
                max_of(TARGET->connected_replicas, spec->target.n_replicas));
}

GATE(maxmemory)
{
    return TARGET->maxmemory > 0 && TARGET->maxmemory < SOURCE->used_memory_dataset &&
           hold(ret, "the data takes %" PRIu64 " bytes, the target's maxmemory is %" PRIu64,
                SOURCE->used_memory_dataset, TARGET->maxmemory);
}

GATE(errors_grew)
{
    return seen->errors_grew && hold(ret, "the target has counted errors while applying writes "
                                          "(unexpected_error_replies)");
}

#undef SOURCE
#undef TARGET

static const struct gate {
    enum reason reason;
    bool (*holds)(const struct spec *spec, const struct observation *seen, struct blocker *ret);
} gates[] = {
    {REASON_WAITING_NODE, source_unreachable},
    {REASON_WAITING_NODE, target_unreachable},
    {REASON_SOURCE_IS_REPLICA, source_is_replica},
    {REASON_LINK_DOWN, link_down},
    {REASON_GATE_HISTORY, other_history},
    {REASON_GATE_LAG, lag},
    {REASON_GATE_LAG, not_streaming},
    {REASON_GATE_REPLICAS, replicas},
    {REASON_MAXMEMORY, maxmemory},
    {REASON_REPLICATION_ERRORS, errors_grew},
};
_Static_assert(array_len(gates) <= BLOCKERS_MAX, "each may hold it back");

unsigned gate_check(const struct spec *spec, const struct observation *seen,
                    struct blocker ret[BLOCKERS_MAX])
{
    unsigned n = 0;

    for (size_t i = 0; i < array_len(gates); i++) {
        /* What an unreachable node showed last is not worth judging. */
        if (n > 0 && ret[0].reason == REASON_WAITING_NODE && gates[i].reason != REASON_WAITING_NODE)
            break;
        if (gates[i].holds(spec, seen, &ret[n]))
            ret[n++].reason = gates[i].reason;
    }
    return n;
}
