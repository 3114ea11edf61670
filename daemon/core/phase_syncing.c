/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syncing: the source's data set is on its way. Ends with the link up, or fails when nothing moves
 * for sync.stall_timeout, when the transfer breaks off and is not taken up again, or when it begins
 * again and again (a dump the target cannot load, an output buffer that is cut).
 */
#include "daemon/core/phase.h"

#define SYNCING_POLL_MS 15
#define SYNC_STARTS_MAX 3

static bool under_way(const struct observation *seen)
{
    const struct redis_info *target = &seen->node[SIDE_TARGET].info;

    return target->sync_in_progress || target->loading || target->async_loading;
}

void phase_syncing_decide(const struct spec *spec, const struct run *run,
                          const struct observation *seen, struct decision *d)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];

    if (decide_unreachable(d, spec, run, seen, SIDE_TARGET, spec->attach.timeout_ms))
        return;
    if (decide_others(d, spec, run, seen, true))
        return;
    if (decide_linked(d, seen, "the target holds the data set"))
        return;
    if (!seen->target_follows) {
        decide_attempt_failed(d, spec, run, REASON_TARGET_DETACHED,
                              "the target was restarted during the synchronisation");
    } else if (seen->stalled_ms > spec->sync.stall_timeout_ms) {
        decide_attempt_failed(d, spec, run, REASON_SYNC_STALLED,
                              "the synchronisation has not moved for %llu ms",
                              (unsigned long long)seen->stalled_ms);
    } else if (seen->sync_starts > SYNC_STARTS_MAX) {
        decide_attempt_failed(d, spec, run, REASON_SYNC_FAILED,
                              "the synchronisation began %u times and never came to its end",
                              seen->sync_starts);
    } else if (!under_way(seen) && !source->reachable &&
               source->lost_ms > spec->attach.timeout_ms) {
        decide_attempt_failed(d, spec, run, REASON_SOURCE_LOST, "source %s", source->err.msg);
    } else if (!under_way(seen) && seen->sync_idle_ms > spec->attach.timeout_ms) {
        decide_attempt_failed(d, spec, run, REASON_SYNC_FAILED,
                              "the transfer broke off and was not taken up again within %llu ms",
                              (unsigned long long)spec->attach.timeout_ms);
    } else {
        decide_wait(d, REASON_NONE, SYNCING_POLL_MS, "the full synchronisation is under way");
    }
}
