/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/gate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/base.h"

struct gate {
    struct blocker *found;
    unsigned n;
};

static void block(struct gate *gate, enum reason reason, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void block(struct gate *gate, enum reason reason, const char *fmt, ...)
{
    va_list ap;

    if (gate->n < BLOCKERS_MAX) {
        gate->found[gate->n].reason = reason;
        va_start(ap, fmt);
        vsnprintf(gate->found[gate->n].message, sizeof(gate->found[0].message), fmt, ap);
        va_end(ap);
    }
    gate->n++;
}

static void gate_replicas(struct gate *gate, const struct spec *spec, const struct redis_info *info)
{
    unsigned online = 0;

    for (unsigned i = 0; i < info->n_replicas; i++)
        online += info->replicas[i].state == REDIS_REPLICA_ONLINE;
    if (info->connected_replicas > REDIS_REPLICAS_MAX)
        online += info->connected_replicas - REDIS_REPLICAS_MAX; /* their lines are not kept */
    if (online < info->connected_replicas || online < spec->target.n_replicas)
        block(gate, REASON_GATE_REPLICAS, "%u of the target's %u replicas are online", online,
              max_of(info->connected_replicas, spec->target.n_replicas));
}

unsigned gate_check(const struct spec *spec, const struct observation *seen,
                    struct blocker ret[BLOCKERS_MAX])
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];
    const struct seen_node *target = &seen->node[SIDE_TARGET];
    struct gate gate = {.found = ret};

    if (!source->reachable)
        block(&gate, REASON_WAITING_NODE, "the source does not answer: %s", source->err.msg);
    if (!target->reachable)
        block(&gate, REASON_WAITING_NODE, "the target does not answer: %s", target->err.msg);
    if (gate.n > 0)
        return gate.n;
    if (source->info.role == REDIS_ROLE_REPLICA)
        block(&gate, REASON_SOURCE_IS_REPLICA, "the source is a replica of '%s:%u'",
              source->info.master_host, source->info.master_port);
    if (!seen->target_follows || !target->info.link_up)
        block(&gate, REASON_LINK_DOWN, "the link is down");
    else if (!seen->same_history)
        block(&gate, REASON_GATE_HISTORY, "source and target report different replication ids");
    else if (seen->lag_bytes > (int64_t)spec->cutover.max_lag)
        block(&gate, REASON_GATE_LAG, "lag is %" PRId64 " bytes, cutover.max_lag is %" PRIu64,
              seen->lag_bytes, spec->cutover.max_lag);
    /* After a full synchronisation a source holds its stream back until it hears from the replica.
     */
    else if (!seen->streaming)
        block(&gate, REASON_GATE_LAG, "the source does not send its writes to the target yet");
    gate_replicas(&gate, spec, &target->info);
    if (target->info.maxmemory > 0 && target->info.maxmemory < source->info.used_memory_dataset)
        block(&gate, REASON_MAXMEMORY,
              "the data takes %" PRIu64 " bytes, the target's maxmemory is %" PRIu64,
              source->info.used_memory_dataset, target->info.maxmemory);
    if (seen->errors_grew)
        block(&gate, REASON_REPLICATION_ERRORS,
              "the target has counted errors while applying writes (unexpected_error_replies)");
    return gate.n;
}
