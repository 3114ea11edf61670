/* SPDX-License-Identifier: Apache-2.0 */
/* failed: the run is over. What a node that was gone is still owed is paid when it is back. */
#include "daemon/core/phase.h"

#define DEBT_POLL_MS 2000

void phase_failed_decide(const struct spec *spec, const struct run *run,
                         const struct observation *seen, struct decision *d)
{
    (void)spec;
    if (!rollback_next(run, seen, d))
        decide_wait(d, run->reason, POLL_NEVER, "%s", run->message);
    else if (d->action == ACT_NONE)
        d->poll_ms = DEBT_POLL_MS;
}
