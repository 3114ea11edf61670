/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completed: the target is the primary. Settings changed for the run are restored; what the reverse
 * link needs stays, with the link.
 */
#include "daemon/core/phase.h"

#define DEBT_POLL_MS 2000
#define WATCH_POLL_MS 5000 /* so that status tells how the reverse link is */

/* Writes to an old source that is a primary again would never come to the target. */
static void say_how_it_is(const struct run *run, const struct observation *seen, struct decision *d)
{
    const struct seen_node *old = &seen->node[seen->writer];

    if (old->reachable && seen->writer_is_primary && old->info.run_id[0])
        decide_wait(d, REASON_OLD_SOURCE_IS_PRIMARY, WATCH_POLL_MS,
                    "the old source is a primary again: what is written there is not here");
    else
        decide_wait(d, run->reason, WATCH_POLL_MS, "%s", run->message);
}

void phase_completed_decide(const struct spec *spec, const struct run *run,
                            const struct observation *seen, struct decision *d)
{
    bool owed = false;

    (void)spec;
    for (int side = 0; side < SIDE_MAX; side++) {
        if (seen->debts[side][SCOPE_RUN] == 0)
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
        say_how_it_is(run, seen, d);
}
