/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syncing: the source's data set is on its way. Ends with the link up, or fails when nothing moves
 * for sync.stall_timeout, when the transfer breaks off and is not taken up again, or when it begins
 * anew (a dump the target cannot load, an output buffer that is cut): each copy is a load on a live
 * source.
 */
#include <inttypes.h>

#include "daemon/core/phase.h"

#define SYNCING_POLL_MS 15

static bool under_way(const struct observation *seen)
{
    const struct redis_info *target = &seen->node[SIDE_TARGET].info;

    return target->sync_in_progress || target->loading || target->async_loading;
}

/* A target that loads a stream answers between two blocks of it only. */
static bool silent_but_fed(const struct spec *spec, const struct observation *seen,
                           struct decision *d)
{
    const struct redis_info *source = &seen->node[SIDE_SOURCE].info;

    if (seen->node[SIDE_TARGET].reachable || !source_sees_target(spec, seen) ||
        seen->stalled_ms > spec->sync.stall_timeout_ms)
        return false;
    if (source->save_keys_processed > 0 && source->bgsave_in_progress)
        decide_wait(d, REASON_NONE, SYNCING_POLL_MS,
                    "the target takes in the data and does not answer meanwhile; the source has "
                    "sent %" PRId64 " of %" PRId64 " keys",
                    source->save_keys_processed, source->save_keys_total);
    else
        decide_wait(d, REASON_NONE, SYNCING_POLL_MS,
                    "the target takes in the data and does not answer meanwhile; the source has "
                    "it as its replica");
    return true;
}

void phase_syncing_decide(const struct spec *spec, const struct run *run,
                          const struct observation *seen, struct decision *d)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];

    if (silent_but_fed(spec, seen, d) || decide_died(d, spec, run, seen) ||
        decide_unreachable(d, spec, run, seen, SIDE_TARGET, spec->attach.timeout_ms))
        return;
    if (decide_others(d, spec, run, seen, true))
        return;
    if (decide_linked(d, seen, "the target holds the data set"))
        return;
    if (!seen->target_follows) {
        decide_attempt_failed(d, spec, run, REASON_TARGET_DIED,
                              "the target was restarted while it took in the data");
    } else if (seen->stalled_ms > spec->sync.stall_timeout_ms) {
        decide_attempt_failed(d, spec, run, REASON_SYNC_STALLED,
                              "the synchronisation has not moved for %llu ms",
                              (unsigned long long)seen->stalled_ms);
    } else if (decide_copied_again(d, spec, run, seen)) {
        return;
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
