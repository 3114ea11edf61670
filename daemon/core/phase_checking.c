/* SPDX-License-Identifier: Apache-2.0 */
/* checking: both nodes are reached and the table of checks is gone through. Changes nothing on any
 * node. */
#include "daemon/core/check/check.h"
#include "daemon/core/phase.h"

void phase_checking_decide(const struct spec *spec, const struct run *run,
                           const struct observation *seen, struct decision *d)
{
    struct check_result result;

    /* One connection attempt, with its own deadline, is one try: the next comes after back-off. */
    if (decide_unreachable(d, spec, run, seen, SIDE_SOURCE, 0) ||
        decide_unreachable(d, spec, run, seen, SIDE_TARGET, 0))
        return;
    if (!seen->surveyed) {
        decide_wait(d, REASON_WAITING_NODE, 20, "asking both nodes for what the checks go by");
        return;
    }
    if (!check_run(spec, run, seen, &result))
        decide_attempt_failed(d, spec, run, result.reason, "%s", result.message);
    else if (!seen->slot)
        decide_wait(d, REASON_WAITING_SLOT, 1000,
                    "the checks passed; waiting for one of the running synchronisations to finish");
    else
        decide_go(d, EV_OK, REASON_NONE, "the checks passed");
}
