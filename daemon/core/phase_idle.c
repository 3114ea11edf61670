/* SPDX-License-Identifier: Apache-2.0 */
/* idle: registered. Leaves at once when the file says start: auto and names a source. */
#include "daemon/core/phase.h"

void phase_idle_decide(const struct spec *spec, const struct run *run,
                       const struct observation *seen, struct decision *d)
{
    (void)run;
    (void)seen;
    if (spec->start_auto && spec->has_source)
        decide_go(d, EV_START, REASON_NONE, "start: auto");
    else
        decide_wait(d, REASON_WAITING_START, POLL_NEVER, "waiting for a start%s",
                    spec->has_source ? "" : " that names the source");
}
