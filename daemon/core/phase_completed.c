/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completed: the target is the primary. Settings changed for the run are restored; what the reverse
 * link needs stays, with the link.
 */
#include "daemon/core/phase.h"

#define DEBT_POLL_MS 2000
#define WATCH_POLL_MS 5000 /* so that status tells how the reverse link is */

void phase_completed_decide(const struct spec *spec, const struct run *run,
                            const struct observation *seen, struct decision *d)
{
    bool owed = false;

    (void)spec;
    for (int side = 0; side < SIDE_MAX; side++) {
        if (seen->run_debts[side] == 0)
            continue;
        if (seen->node[side].reachable) {
            decide_act(d, ACT_RESTORE, "restoring changed settings");
            return;
        }
        owed = true;
    }
    if (owed)
        decide_wait(d, REASON_NOTHING_RESTORED_YET, DEBT_POLL_MS,
                    "a node does not answer; its settings are restored when it does");
    else
        decide_wait(d, run->reason, WATCH_POLL_MS, "%s", run->message);
}
