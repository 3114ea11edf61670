/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/alarm.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "daemon/core/sibling.h"
#include "lib/base/base.h"

static bool raise(struct blocker *ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Always true. */
static bool raise(struct blocker *ret, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(ret->message, sizeof(ret->message), fmt, ap);
    va_end(ap);
    return true;
}

/* An idle primary sends a PING every ten seconds. */
#define SILENT_SECONDS 15

#define ALARM(name) static bool name(const struct observation *seen, struct blocker *ret)
#define SOURCE (&seen->node[SIDE_SOURCE].info)
#define TARGET (&seen->node[SIDE_TARGET].info)

/* --- while the target follows --- */

ALARM(keys_differ)
{
    return seen->keys_differ && raise(ret,
                                      "at the same offset the source has %" PRId64
                                      " keys without expiry, the target %" PRId64,
                                      SOURCE->lasting, TARGET->lasting);
}

ALARM(errors_grew)
{
    return seen->errors_grew && raise(ret, "the target has counted errors while applying writes "
                                           "(unexpected_error_replies)");
}

ALARM(evictions)
{
    return seen->evictions_grew &&
           raise(ret, "the target has evicted keys since the link came up: it lacks what the "
                      "source has");
}

ALARM(target_writable)
{
    return seen->node[SIDE_TARGET].reachable && seen->target_follows && !TARGET->read_only &&
           raise(ret, "the target takes writes of clients: somebody has set replica-read-only to "
                      "no there");
}

ALARM(keys_collapsed)
{
    return seen->collapsed_from > 0 &&
           raise(ret,
                 "the source had %" PRId64 " keys and has %" PRId64
                 ": were they deleted on purpose? The target has followed",
                 seen->collapsed_from, SOURCE->lasting);
}

ALARM(link_unwell)
{
    ret->reason = seen->link_cause;
    return seen->link_cause != REASON_NONE && raise(ret, "%s", seen->link_cause_message);
}

ALARM(copied_again)
{
    return seen->copied_again > 0 &&
           raise(ret,
                 "the link broke, and everything was copied again (%" PRId64
                 " times since the target was in sync): repl-backlog-size of the source, %" PRId64
                 " bytes, does not hold what is written meanwhile",
                 seen->copied_again, SOURCE->backlog_bytes);
}

ALARM(source_restarted)
{
    return seen->source_restarts > 0 &&
           raise(ret, "the source was restarted (%u times since the target was in sync)",
                 seen->source_restarts);
}

ALARM(source_lost_role)
{
    return seen->source_lost_role &&
           raise(ret,
                 "the source was the primary, and is a replica of '%s:%u' now: somebody has "
                 "taken its role",
                 SOURCE->master_host, SOURCE->master_port);
}

ALARM(replicas_lost)
{
    return seen->replicas_lost > 0 &&
           raise(ret, "%u of the target's own replicas are no longer online", seen->replicas_lost);
}

ALARM(link_silent)
{
    return seen->linked && TARGET->last_io_seconds > SILENT_SECONDS &&
           raise(ret, "the target has not heard from the source for %" PRId64 " s",
                 TARGET->last_io_seconds);
}

/* --- after the switch-over --- */

ALARM(primary_demoted)
{
    return seen->node[SIDE_TARGET].reachable && TARGET->role == REDIS_ROLE_REPLICA &&
           raise(ret, "the new primary is a replica of '%s:%u': somebody has taken its role",
                 TARGET->master_host, TARGET->master_port);
}

ALARM(reverse_errors)
{
    return seen->reverse_errors > 0 &&
           raise(ret,
                 "the old source has dropped %" PRId64
                 " writes of the new primary that it does not know, or cannot apply",
                 seen->reverse_errors);
}

ALARM(primary_evicts)
{
    return seen->primary_evicted > 0 &&
           raise(ret,
                 "the new primary has evicted %" PRId64 " keys since the switch-over: it is at "
                 "its maxmemory",
                 seen->primary_evicted);
}

/* --- before and after --- */

/* Those that would not come along, or have not. */
ALARM(replica_left_behind)
{
    const struct sibling *first = NULL;
    char label[ENDPOINT_LABEL_MAX];
    unsigned n = 0;

    for (unsigned i = 0; seen->siblings && i < SIBLINGS_MAX; i++) {
        if (!seen->siblings[i].message[0] || seen->siblings[i].state == SIBLING_NONE)
            continue;
        first = first ? first : &seen->siblings[i];
        n++;
    }
    return first && raise(ret, "the replica '%s' of the source (%u such): %s",
                          endpoint_label(&first->at, label), n, first->message);
}

ALARM(sentinels)
{
    ret->reason = seen->sentinel_trouble;
    return seen->sentinel_trouble != REASON_NONE &&
           raise(ret, "%s", seen->sentinel_trouble_message);
}

#undef SOURCE
#undef TARGET

/* What makes keys differ comes before that they do. */
static const struct alarm_row {
    enum reason reason;
    enum phase phase;
    enum { TELLS, HOLDS } kind; /* holds the switch-over back */
    bool (*on)(const struct observation *seen, struct blocker *ret);
} rows[] = {
    {REASON_REPLICATION_ERRORS, PHASE_REPLICATING, HOLDS, errors_grew},
    {REASON_EVICTIONS, PHASE_REPLICATING, HOLDS, evictions},
    {REASON_KEYS_DIFFER, PHASE_REPLICATING, HOLDS, keys_differ},
    {REASON_TARGET_WRITABLE, PHASE_REPLICATING, HOLDS, target_writable},
    {REASON_KEYS_COLLAPSED, PHASE_REPLICATING, HOLDS, keys_collapsed},
    {REASON_NONE, PHASE_REPLICATING, TELLS, link_unwell}, /* it says which */
    {REASON_BACKLOG_TOO_SMALL, PHASE_REPLICATING, TELLS, copied_again},
    {REASON_LINK_SILENT, PHASE_REPLICATING, HOLDS, link_silent},
    {REASON_SOURCE_RESTARTED, PHASE_REPLICATING, TELLS, source_restarted},
    {REASON_SOURCE_IS_REPLICA, PHASE_REPLICATING, TELLS, source_lost_role},
    {REASON_GATE_REPLICAS, PHASE_REPLICATING, TELLS, replicas_lost},
    {REASON_PRIMARY_DEMOTED, PHASE_COMPLETED, TELLS, primary_demoted},
    {REASON_REVERSE_ERRORS, PHASE_COMPLETED, TELLS, reverse_errors},
    {REASON_PRIMARY_EVICTS, PHASE_COMPLETED, TELLS, primary_evicts},
    {REASON_REPLICA_LEFT_BEHIND, PHASE_REPLICATING, TELLS, replica_left_behind},
    {REASON_REPLICA_LEFT_BEHIND, PHASE_COMPLETED, TELLS, replica_left_behind},
    {REASON_NONE, PHASE_REPLICATING, TELLS, sentinels}, /* it says which, as the next two */
    {REASON_NONE, PHASE_COMPLETED, TELLS, sentinels},
    {REASON_NONE, PHASE_FAILED, TELLS, sentinels},
};
_Static_assert(array_len(rows) <= ALARMS_MAX, "a bit for each");

unsigned alarm_bits(const struct observation *seen, enum phase phase)
{
    unsigned bits = 0;

    for (unsigned i = 0; i < array_len(rows); i++) {
        struct blocker said;

        if (rows[i].phase == phase && rows[i].on(seen, &said))
            bits |= 1u << i;
    }
    return bits;
}

bool alarm_is_of(unsigned row, enum phase phase)
{
    return row < array_len(rows) && rows[row].phase == phase;
}

bool alarm_says(unsigned row, const struct observation *seen, struct blocker *ret)
{
    *ret = (struct blocker){.reason = rows[row].reason};
    rows[row].on(seen, ret);
    return rows[row].kind == HOLDS;
}
