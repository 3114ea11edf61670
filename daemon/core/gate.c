/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/gate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "daemon/core/alarm.h"
#include "daemon/core/memory.h"
#include "daemon/core/replicas.h"
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
#define SOURCE (&seen->node[seen->writer].info)
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

GATE(primary_unreachable)
{
    const struct seen_node *primary = &seen->node[SIDE_PRIMARY];
    char label[ENDPOINT_LABEL_MAX];

    return seen->writer == SIDE_PRIMARY && !primary->reachable &&
           hold(ret, "the source's primary '%s' does not answer: %s",
                endpoint_label(&seen->primary, label), primary->err.msg);
}

GATE(primary_changed)
{
    char label[ENDPOINT_LABEL_MAX];

    return seen->chain_changed &&
           hold(ret, "the writes are taken by '%s' now, which this run did not begin with",
                seen->writer == SIDE_PRIMARY ? endpoint_label(&seen->primary, label)
                                             : "the source itself");
}

/* In a chain: what the source lacks, the target lacks. */
GATE(source_link_down)
{
    return seen->writer == SIDE_PRIMARY && !seen->node[SIDE_SOURCE].info.link_up &&
           hold(ret, "the source's own link to its primary is down");
}

GATE(source_is_replica)
{
    return SOURCE->role == REDIS_ROLE_REPLICA &&
           hold(ret, "the %s is a replica of '%s:%u'", side_name(seen->writer), SOURCE->master_host,
                SOURCE->master_port);
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

/* Named ones must be there; these and all that are connected, near: in a switch-over they follow
 * without a copy only then. */
GATE(replicas)
{
    const struct redis_info *t = TARGET;
    unsigned listed = min_of(t->connected_replicas, (unsigned)REDIS_REPLICAS_MAX);
    char where[RUN_MESSAGE_MAX - 56];

    if (replicas_far(t, spec->target.replicas, spec->target.n_replicas,
                     (int64_t)spec->cutover.max_lag, where, sizeof(where)) > 0)
        return hold(ret, "the target's own replicas are not all in sync: %s", where);
    return t->n_replicas < listed && hold(ret, "the target lists %u of its %u replicas",
                                          t->n_replicas, t->connected_replicas);
}

GATE(maxmemory)
{
    uint64_t counted = (uint64_t)memory_with_backlog(TARGET, TARGET->backlog_bytes);

    return TARGET->maxmemory > 0 && counted > TARGET->maxmemory &&
           hold(ret,
                "the target uses %" PRIu64 " bytes and its maxmemory is %" PRIu64
                ": as a primary it would %s",
                counted, TARGET->maxmemory,
                strcmp(TARGET->maxmemory_policy, "noeviction") == 0 ? "refuse writes"
                                                                    : "evict keys");
}

/* Once it is the primary, the reverse link counts. */
GATE(min_replicas)
{
    int64_t wanted = seen->node[SIDE_TARGET].survey.min_replicas;
    int64_t coming = replicas_online(TARGET) + (spec->cutover.reverse ? 1 : 0);

    return wanted > coming && hold(ret,
                                   "the target takes writes with %" PRId64
                                   " replicas only (min-replicas-to-write), and will have %" PRId64,
                                   wanted, coming);
}

GATE(misconf)
{
    const struct survey *survey = &seen->node[SIDE_TARGET].survey;

    if (TARGET->save_failed && survey->saves && survey->stops_writes)
        return hold(ret, "the target could not save its data set, and takes no writes after that "
                         "(stop-writes-on-bgsave-error)");
    return TARGET->aof_failed &&
           hold(ret, "the target cannot write its append-only file, and takes no writes then");
}

GATE(source_paused)
{
    return writer_is_paused(seen) &&
           hold(ret, "somebody else has paused the %s's clients (CLIENT PAUSE)",
                side_name(seen->writer));
}

GATE(failing_over)
{
    return SOURCE->failing_over &&
           hold(ret, "a FAILOVER is under way at the %s", side_name(seen->writer));
}

GATE(stranger)
{
    for (int side = 0; side < SIDE_MAX; side++)
        if (seen->node[side].survey.stranger[0])
            return hold(ret, "another ecmigrate is connected to the %s: %s",
                        side_name((enum node_side)side), seen->node[side].survey.stranger);
    return false;
}

/* What a Sentinel does after the switch-over is prepared before. */
GATE(sentinels)
{
    return seen->sentinels_hold && hold(ret, "%s", seen->sentinels_message);
}

#undef SOURCE
#undef TARGET

static const struct gate {
    enum reason reason;
    enum { FIRM, WAIVABLE } kind; /* by checks.waive */
    bool (*holds)(const struct spec *spec, const struct observation *seen, struct blocker *ret);
} gates[] = {
    {REASON_WAITING_NODE, FIRM, source_unreachable},
    {REASON_WAITING_NODE, FIRM, target_unreachable},
    {REASON_PRIMARY_UNREACHABLE, FIRM, primary_unreachable},
    {REASON_PRIMARY_CHANGED, FIRM, primary_changed},
    {REASON_SOURCE_IS_REPLICA, FIRM, source_is_replica},
    {REASON_SOURCE_LINK_DOWN, FIRM, source_link_down},
    {REASON_LINK_DOWN, FIRM, link_down},
    {REASON_GATE_HISTORY, FIRM, other_history},
    {REASON_GATE_LAG, FIRM, lag},
    {REASON_GATE_LAG, FIRM, not_streaming},
    {REASON_FAILOVER, FIRM, failing_over},
    {REASON_SOURCE_PAUSED, FIRM, source_paused},
    {REASON_ANOTHER_DAEMON, FIRM, stranger},
    {REASON_MAXMEMORY, WAIVABLE, maxmemory},
    {REASON_TARGET_REFUSES_WRITES, WAIVABLE, misconf},
    {REASON_MIN_REPLICAS, WAIVABLE, min_replicas},
    {REASON_GATE_REPLICAS, WAIVABLE, replicas},
    {REASON_GATE_SENTINEL, WAIVABLE, sentinels},
};
_Static_assert(array_len(gates) + ALARMS_MAX <= BLOCKERS_MAX, "each may hold it back");

/* What is told as soon as it is seen, too. */
static unsigned add_alarms(const struct spec *spec, const struct observation *seen, unsigned n,
                           struct blocker ret[BLOCKERS_MAX])
{
    unsigned bits = alarm_bits(seen, PHASE_REPLICATING);

    for (unsigned row = 0; row < ALARMS_MAX; row++) {
        if (!(bits & 1u << row) || !alarm_says(row, seen, &ret[n]))
            continue;
        ret[n].waived = spec_waives(spec, reason_get(ret[n].reason)->code);
        n++;
    }
    return n;
}

static bool is_silence(enum reason reason)
{
    return reason == REASON_WAITING_NODE || reason == REASON_PRIMARY_UNREACHABLE;
}

unsigned gate_all(const struct spec *spec, const struct observation *seen,
                  struct blocker ret[BLOCKERS_MAX])
{
    unsigned n = 0;

    for (size_t i = 0; i < array_len(gates); i++) {
        /* What an unreachable node showed last is not worth judging. */
        if (n > 0 && is_silence(ret[0].reason) && !is_silence(gates[i].reason))
            break;
        if (!gates[i].holds(spec, seen, &ret[n]))
            continue;
        ret[n].reason = gates[i].reason;
        ret[n++].waived =
            gates[i].kind == WAIVABLE && spec_waives(spec, reason_get(gates[i].reason)->code);
    }
    /* What an unreachable node showed last is not worth judging. */
    return n > 0 && is_silence(ret[0].reason) ? n : add_alarms(spec, seen, n, ret);
}

unsigned gate_check(const struct spec *spec, const struct observation *seen,
                    struct blocker ret[BLOCKERS_MAX])
{
    unsigned n = gate_all(spec, seen, ret), kept = 0;

    for (unsigned i = 0; i < n; i++)
        if (!ret[i].waived)
            ret[kept++] = ret[i];
    return kept;
}
