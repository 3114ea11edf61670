/* SPDX-License-Identifier: Apache-2.0 */
/* idle: registered. Leaves at once when the file says start: auto and names a source. */
#include "daemon/core/phase.h"
#include "lib/base/clock.h"

void phase_idle_decide(const struct spec *spec, const struct run *run,
                       const struct observation *seen, struct decision *d)
{
    char at[CLOCK_TEXT_MAX];

    if (run->reason == REASON_ALREADY_SWITCHED)
        decide_wait(d, run->reason, POLL_NEVER, "%s", run->message);
    else if (seen->took_over_ms != 0 && spec->start_auto && spec->has_source)
        decide_go(d, EV_STOP, REASON_ALREADY_SWITCHED,
                  "the target took over from this source at %s; this job would overwrite it, and "
                  "does not start by itself",
                  clock_format(seen->took_over_ms, at));
    else if (spec->start_auto && spec->has_source)
        decide_go(d, EV_START, REASON_NONE, "start: auto");
    else
        decide_wait(d, REASON_WAITING_START, POLL_NEVER, "waiting for a start%s",
                    spec->has_source ? "" : " that names the source");
}
