/* SPDX-License-Identifier: Apache-2.0 */
/* queued: full synchronisations are heavy on a host; only so many run at a time. What cannot work
 * need not wait for its turn to hear of it. */
#include "daemon/core/phase.h"

void phase_queued_decide(const struct spec *spec, const struct run *run,
                         const struct observation *seen, struct decision *d)
{
    (void)spec;
    (void)run;
    if (seen->slot)
        decide_go(d, EV_OK, REASON_NONE, "a slot is free");
    else if (seen->checked_ahead && !reason_get(seen->ahead_reason)->retry)
        decide_go(d, EV_FATAL, seen->ahead_reason, "%s", seen->ahead_message);
    else
        decide_wait(d, REASON_WAITING_SLOT, POLL_NEVER,
                    "waiting for one of the running synchronisations to finish%s",
                    seen->checked_ahead && seen->ahead_reason == REASON_NONE ? "; the checks passed"
                                                                             : "");
}
