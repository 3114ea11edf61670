/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attaching: settings are recorded and set, the target is told to follow, and the link is waited
 * for.
 *
 *   prepare -> REPLICAOF -> [a synchronisation is seen] -> syncing
 *                        -> [the link is up]            -> replicating
 *                        -> attach.timeout              -> backoff, or rollback
 *
 * A target that follows already (restart, or an operator's hand) is taken as it is. One that holds
 * what this source did not give it is never told to follow.
 */
#include "daemon/core/diagnosis.h"
#include "daemon/core/phase.h"

#define ATTACHING_POLL_MS 10
#define LATE_MS 1500 /* for a link; then it is asked why */

static void link_timeout(struct decision *d, const struct spec *spec, const struct run *run,
                         const struct observation *seen)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];
    const struct endpoint endpoint = run_source_for_target(spec, run);
    char label[ENDPOINT_LABEL_MAX];

    endpoint_label(&endpoint, label);
    if (!source->reachable)
        decide_attempt_failed(d, spec, run, source->why, "source %s", source->err.msg);
    else if (source->info.connected_replicas == 0)
        decide_attempt_failed(
            d, spec, run, REASON_LINK_TIMEOUT,
            "no link within %llu ms; the source '%s' has not seen a replica at all",
            (unsigned long long)spec->attach.timeout_ms, label);
    else
        decide_attempt_failed(
            d, spec, run, REASON_LINK_TIMEOUT,
            "no link within %llu ms; the source '%s' sees a replica, which does not "
            "get into sync",
            (unsigned long long)spec->attach.timeout_ms, label);
}

/* A cause that is certain need not be waited for. */
static void wait_for_link(struct decision *d, const struct spec *spec, const struct run *run,
                          const struct observation *seen)
{
    char message[RUN_MESSAGE_MAX];
    enum reason cause = REASON_NONE;

    if (seen->phase_ms >= LATE_MS && seen->surveyed)
        cause = diagnose(spec, run, seen, message);
    if (is_certain(cause)) {
        decide_attempt_failed(d, spec, run, cause, "%s", message);
        return;
    }
    decide_wait(d, REASON_NONE, ATTACHING_POLL_MS, "waiting for the link to come up");
    d->ask = seen->phase_ms >= LATE_MS && !seen->surveyed;
}

void phase_attaching_decide(const struct spec *spec, const struct run *run,
                            const struct observation *seen, struct decision *d)
{
    const struct seen_node *target = &seen->node[SIDE_TARGET];
    bool followed = seen->last_action == ACT_ATTACH && !seen->last_failed;

    if (followed && !target->reachable && source_sees_target(spec, seen)) {
        decide_go(d, EV_SYNCING, REASON_NONE,
                  "the target takes in the data and does not answer meanwhile");
        return;
    }
    if ((followed && decide_died(d, spec, run, seen)) ||
        decide_unreachable(d, spec, run, seen, SIDE_TARGET, spec->attach.timeout_ms))
        return;
    if (run->synced && seen->target_follows && decide_others(d, spec, run, seen, followed))
        return;
    /* With other replicas the source may have copied for one of those. */
    if (decide_linked(d, seen, "the link is up") ||
        (seen->base.alone && decide_copied_again(d, spec, run, seen)))
        return;
    if (seen->target_follows && target->info.sync_in_progress) {
        decide_go(d, EV_SYNCING, REASON_NONE, "a full synchronisation has begun");
        return;
    }
    if (decide_action_failed(d, spec, run, seen))
        return;
    if (seen->phase_ms > spec->attach.timeout_ms) {
        link_timeout(d, spec, run, seen);
        return;
    }
    /* One that was restarted meanwhile has lost what was set; whose it is comes first. */
    if (seen->prepared && !is_prepared(seen)) {
        if (decide_others(d, spec, run, seen, followed))
            return;
        if (followed) {
            decide_attempt_failed(d, spec, run, REASON_TARGET_DIED,
                                  "the target was restarted after it had been told to follow");
            return;
        }
    }
    if (!is_prepared(seen)) {
        if (decide_unreachable(d, spec, run, seen, SIDE_SOURCE, spec->attach.timeout_ms))
            return;
        decide_act(d, ACT_PREPARE, "recording and setting what the replication needs");
    } else if (decide_others(d, spec, run, seen, followed)) {
        return;
    } else if (!seen->target_follows) {
        decide_act(d, ACT_ATTACH, "telling the target to follow the source");
    } else {
        wait_for_link(d, spec, run, seen);
    }
}
