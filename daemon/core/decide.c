/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/decide.h"

#include <stdio.h>
#include <string.h>

#include "daemon/core/phase.h"
#include "lib/base/base.h"

static phase_decide_fn *const phase_decide[PHASE_MAX] = {
#define PHASE(id, name, state, flags, meaning, next) [PHASE_##id] = phase_##name##_decide,
#include "daemon/core/phase_table.h"
#undef PHASE
};

/* A node that does not answer cannot be looked at: the phase has taken that into account. Inside
 * the write pause a source that is no writer decides nothing. */
static unsigned stale_nodes(const struct run *run, const struct observation *seen,
                            enum action action)
{
    bool aside = phase_get(run->phase)->flags & F_PAUSE && seen->writer != SIDE_SOURCE &&
                 action != ACT_REJOIN;
    unsigned sides = 0;

    for (int side = 0; side < SIDE_MAX; side++)
        if (seen->node[side].reachable && !seen_anew(seen, (enum node_side)side) &&
            !(aside && side == SIDE_SOURCE))
            sides |= 1u << side;
    return sides;
}

/* What takes the writes is the source, mostly, and is spoken of as such. */
static void name_writer(const struct run *run, const struct observation *seen, struct decision *d)
{
    static const char *const words[][2] = {{"the source", "the primary"},
                                           {"the old source", "the old primary"}};
    char before[RUN_MESSAGE_MAX];
    char *at;

    if (seen->writer != SIDE_PRIMARY || !(phase_get(run->phase)->flags & F_PAUSE))
        return;
    for (size_t i = 0; i < array_len(words); i++)
        while ((at = strstr(d->message, words[i][0]))) {
            (void)str_copy(before, sizeof(before), d->message);
            snprintf(at, sizeof(d->message) - (size_t)(at - d->message), "%s%s", words[i][1],
                     before + (at - d->message) + strlen(words[i][0]));
        }
}

/* After a stall or a clock step what was seen may be old: look on, act later. Inside the write
 * pause what counts is what is seen now, and freezing has its lease. Where nobody may be a primary,
 * waiting is no care. */
static bool waits_out_tilt(const struct run *run, const struct decision *d)
{
    return !(phase_get(run->phase)->flags & F_PAUSE) &&
           (d->event != EV_NONE || d->action != ACT_NONE) && !(action_flags(d->action) & A_RETURNS);
}

struct decision decide(const struct spec *spec, const struct run *run,
                       const struct observation *seen)
{
    struct decision d = {.event = EV_NONE, .action = ACT_NONE, .poll_ms = 1000};
    unsigned stale;

    assert(run->phase >= 0 && run->phase < PHASE_MAX);
    phase_decide[run->phase](spec, run, seen, &d);
    name_writer(run, seen, &d);
    stale = stale_nodes(run, seen, d.action);
    if (seen->tilt && waits_out_tilt(run, &d)) {
        d = (struct decision){.poll_ms = 200};
        decide_wait(&d, REASON_TILT, 200,
                    "the clock stepped or the daemon stood still; looking on "
                    "before acting");
    } else if (stale && (action_flags(d.action) & A_ROLE)) {
        enum action action = d.action;

        d = (struct decision){.poll_ms = 200};
        decide_look(&d, stale, "looking at the nodes before: %s", action_name(action));
    }
    return d;
}

bool decide_verb_waits(const struct run *run, const struct observation *seen, enum fsm_event verb)
{
    return verb == EV_ABORT && run->phase == PHASE_FREEZING && seen->resumed;
}
