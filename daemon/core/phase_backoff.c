/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backoff: an attempt failed. The target is detached meanwhile: left alone it would go on asking
 * the source for a full synchronisation, up to ten times a second. Then it is found out why, and a
 * cause that repeating cannot cure ends the run.
 *
 *   detach -> ask both nodes -> diagnose -> [curable] wait -> the next attempt
 *                                        -> [not]     rollback
 */
#include "daemon/core/diagnosis.h"
#include "daemon/core/phase.h"
#include "lib/base/base.h"

#define BACKOFF_POLL_MS 1000 /* hundreds of jobs may stand here at a time */
#define ASKING_POLL_MS 20
#define COPIES_MAX 2 /* that failed, of a live source, for no known cause */

/* What it held when we let go of it must be known after a restart, too. */
static bool let_go(const struct run *run, const struct observation *seen, struct decision *d)
{
    const struct redis_info *target = &seen->node[SIDE_TARGET].info;
    bool detached = seen->last_action == ACT_DETACH && !seen->last_failed;

    if (detached && seen_anew(seen, SIDE_TARGET) && target->role == REDIS_ROLE_MASTER &&
        seen->detached_offset == target->master_repl_offset &&
        run->given_offset != target->master_repl_offset) {
        decide_go(d, EV_DETACHED, run->reason, "%s", run->message);
        return true;
    }
    if (!run->attached || !seen->node[SIDE_TARGET].reachable || !seen->target_follows ||
        seen->last_action == ACT_DETACH)
        return false;
    decide_act(d, ACT_DETACH, "detaching the target until the next attempt");
    return true;
}

/* From what was seen to why. False: that is settled, and there may be another attempt. */
static bool settle(const struct spec *spec, const struct run *run, const struct observation *seen,
                   struct decision *d)
{
    char message[RUN_MESSAGE_MAX];
    enum reason cause;

    if (!is_symptom(run->reason))
        return false;
    if (!seen->surveyed) {
        decide_wait(d, run->reason, ASKING_POLL_MS, "%s", run->message);
        d->ask = true;
        return true;
    }
    cause = diagnose(spec, run, seen, message);
    if (cause == REASON_NONE) {
        cause = run->reason;
        (void)str_copy(message, sizeof(message), run->message);
    }
    if (run->attempt >= spec->attach.attempts || !reason_get(cause)->retry ||
        (run->copies >= COPIES_MAX && is_symptom(cause))) {
        decide_go(d, EV_FATAL, cause, "%s", message);
        return true;
    }
    if (cause == run->reason)
        return false;
    decide_go(d, EV_SETTLED, cause, "%s", message);
    return true;
}

void phase_backoff_decide(const struct spec *spec, const struct run *run,
                          const struct observation *seen, struct decision *d)
{
    int64_t left_ms = run->next_attempt_wall_ms - (int64_t)seen->wall_ms;

    if (let_go(run, seen, d) || settle(spec, run, seen, d))
        return;
    /* A clock that was set back must not stretch the pause. */
    if (left_ms > (int64_t)spec->attach.backoff_max_ms)
        left_ms = (int64_t)spec->attach.backoff_max_ms;
    if (left_ms > 0 && seen->phase_ms < spec->attach.backoff_max_ms)
        decide_wait(d, run->reason, (uint32_t)min_of(left_ms, BACKOFF_POLL_MS), "%s", run->message);
    else if (!seen->slot)
        decide_wait(d, REASON_WAITING_SLOT, BACKOFF_POLL_MS,
                    "waiting for one of the running synchronisations to finish");
    else
        decide_go(d, run->checked ? EV_OK : EV_RECHECK, REASON_NONE, "attempt %u of %u",
                  run->attempt + 1, spec->attach.attempts);
}
