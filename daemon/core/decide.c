/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/decide.h"

#include "daemon/core/phase.h"
#include "lib/base/base.h"

static phase_decide_fn *const phase_decide[PHASE_MAX] = {
#define PHASE(id, name, state, flags, meaning, next) [PHASE_##id] = phase_##name##_decide,
#include "daemon/core/phase_table.h"
#undef PHASE
};

struct decision decide(const struct spec *spec, const struct run *run,
                       const struct observation *seen)
{
    struct decision d = {.event = EV_NONE, .action = ACT_NONE, .poll_ms = 1000};

    assert(run->phase >= 0 && run->phase < PHASE_MAX);
    phase_decide[run->phase](spec, run, seen, &d);
    /* After a stall or a clock step what was seen may be old: look on, act later. Inside the write
     * pause what counts is what is seen now, and freezing has its lease. */
    if (seen->tilt && !(phase_get(run->phase)->flags & F_PAUSE) &&
        (d.event != EV_NONE || d.action != ACT_NONE)) {
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
