/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backoff: an attempt failed. The target is detached meanwhile: left alone it would go on asking
 * the source for a full synchronisation once a second.
 */
#include "daemon/core/phase.h"

#define BACKOFF_POLL_MS 1000 /* hundreds of jobs may stand here at a time */

void phase_backoff_decide(const struct spec *spec, const struct run *run,
                          const struct observation *seen, struct decision *d)
{
    int64_t left_ms = run->next_attempt_wall_ms - (int64_t)seen->wall_ms;
    bool detached_once = seen->last_action == ACT_DETACH;
    const struct redis_info *target = &seen->node[SIDE_TARGET].info;

    /* What it held when we let go of it must be known after a restart, too. */
    if (detached_once && !seen->last_failed && seen_anew(seen, SIDE_TARGET) &&
        target->role == REDIS_ROLE_MASTER && seen->detached_offset == target->master_repl_offset &&
        run->given_offset != target->master_repl_offset) {
        decide_go(d, EV_DETACHED, run->reason, "%s", run->message);
        return;
    }
    /* A clock that was set back must not stretch the pause. */
    if (left_ms > (int64_t)spec->attach.backoff_max_ms)
        left_ms = (int64_t)spec->attach.backoff_max_ms;
    if (left_ms > 0 && seen->phase_ms < spec->attach.backoff_max_ms) {
        if (run->attached && seen->node[SIDE_TARGET].reachable && seen->target_follows &&
            !detached_once)
            decide_act(d, ACT_DETACH, "detaching the target until the next attempt");
        else
            decide_wait(d, run->reason, (uint32_t)min_of(left_ms, BACKOFF_POLL_MS), "%s",
                        run->message);
        return;
    }
    if (!seen->slot)
        decide_wait(d, REASON_WAITING_SLOT, BACKOFF_POLL_MS,
                    "waiting for one of the running synchronisations to finish");
    else
        decide_go(d, run->checked ? EV_OK : EV_RECHECK, REASON_NONE, "attempt %u of %u",
                  run->attempt + 1, spec->attach.attempts);
}
