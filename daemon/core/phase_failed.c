/* SPDX-License-Identifier: Apache-2.0 */
/* failed: the run is over. What a node, or a Sentinel, that was gone is still owed is paid when it
 * is back. */
#include "daemon/core/phase.h"
#include "daemon/core/sentinel.h"

#define DEBT_POLL_MS 2000
#define RESET_POLL_MS 500

void phase_failed_decide(const struct spec *spec, const struct run *run,
                         const struct observation *seen, struct decision *d)
{
    char sentinel[RUN_MESSAGE_MAX];

    if (rollback_next(run, seen, d))
        d->poll_ms = d->action == ACT_NONE ? DEBT_POLL_MS : d->poll_ms;
    else if (run->sentinel_owed && !sentinels_let_go(spec, run, seen, sentinel))
        decide_wait(d, run->reason, RESET_POLL_MS, "%s", run->message);
    else
        decide_wait(d, run->reason, POLL_NEVER, "%s", run->message);
}
