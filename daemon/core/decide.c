/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/decide.h"

#include "daemon/core/phase.h"
#include "lib/base/base.h"

static phase_decide_fn *const phase_decide[PHASE_MAX] = {
    [PHASE_IDLE] = phase_idle_decide,
    [PHASE_QUEUED] = phase_queued_decide,
    [PHASE_CHECKING] = phase_checking_decide,
    [PHASE_ATTACHING] = phase_attaching_decide,
    [PHASE_BACKOFF] = phase_backoff_decide,
    [PHASE_SYNCING] = phase_syncing_decide,
    [PHASE_REPLICATING] = phase_replicating_decide,
    [PHASE_FREEZING] = phase_freezing_decide,
    [PHASE_SWITCHING] = phase_switching_decide,
    [PHASE_ROLLING_BACK] = phase_rolling_back_decide,
    [PHASE_COMPLETED] = phase_completed_decide,
    [PHASE_FAILED] = phase_failed_decide,
    [PHASE_HALTED] = phase_halted_decide,
};

/*
 * After a stall or a clock step what was seen may be old: look on, act later. The phases in which
 * standing still is itself a risk (writes are paused, or nobody is a primary) judge by what they
 * see now, and freezing has its lease.
 */
static bool waits_out_tilt(enum phase phase)
{
    return phase != PHASE_FREEZING && phase != PHASE_SWITCHING;
}

struct decision decide(const struct spec *spec, const struct run *run,
                       const struct observation *seen)
{
    struct decision d = {.event = EV_NONE, .action = ACT_NONE, .poll_ms = 1000};

    assert(run->phase >= 0 && run->phase < PHASE_MAX);
    phase_decide[run->phase](spec, run, seen, &d);
    if (seen->tilt && waits_out_tilt(run->phase) && (d.event != EV_NONE || d.action != ACT_NONE)) {
        d = (struct decision){.poll_ms = 200};
        decide_wait(&d, REASON_TILT, 200,
                    "the clock stepped or the daemon stood still; looking on "
                    "before acting");
    }
    return d;
}

bool decide_verb_waits(const struct run *run, const struct observation *seen, enum fsm_event verb)
{
    return verb == EV_ABORT && run->phase == PHASE_FREEZING && seen->resumed;
}
