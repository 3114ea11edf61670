/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completed: the target is the primary. Settings changed for the run are restored; what the reverse
 * link needs stays, with the link.
 */
#include "daemon/core/phase.h"
#include "daemon/core/sentinel.h"
#include "daemon/core/sibling.h"

#define UNTOLD_MS 30000
#define UNTOLD_POLL_MS 100
#define DEBT_POLL_MS 2000
#define JOIN_POLL_MS 100
#define SIBLINGS_MS 30000
#define RECONNECT_MS 2500  /* the servers before 7.0 are back within a second */
#define WATCH_POLL_MS 5000 /* so that status tells how the reverse link is */

/*
 * What the target keeps for those that lack a little is needed by its own replicas and the old
 * source's other ones, too: restored, it may hold less, and the servers before 7.0 drop all of it.
 */
static bool awaits_replicas(const struct observation *seen)
{
    bool old = seen->node[SIDE_TARGET].info.redis_compat_num < 70000;

    if (old && seen->replicas_had > 0 && seen->phase_ms < RECONNECT_MS)
        return true;
    for (unsigned i = 0; seen->siblings && i < SIBLINGS_MAX; i++)
        if (seen->siblings[i].state == SIBLING_WAITING || seen->siblings[i].state == SIBLING_MOVING)
            return seen->phase_ms < SIBLINGS_MS;
    return false;
}

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

#define JOIN_MS 60000 /* servers before 7.0 begin up to a second later */

/* A node that comes to the target by partial resynchronisation needs the backlog as it is. */
static bool is_joined(const struct observation *seen)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];

    return !source->reachable || !seen->source_follows_target || source->info.link_up;
}

void phase_completed_decide(const struct spec *spec, const struct run *run,
                            const struct observation *seen, struct decision *d)
{
    bool owed = false;

    /* Until then the target must stay the first of those that Sentinel may promote. */
    if (sentinels_untold(spec, run, seen) && seen->phase_ms < UNTOLD_MS) {
        decide_wait(d, REASON_SENTINEL_NOT_TOLD, UNTOLD_POLL_MS,
                    "the target is the primary; waiting for the Sentinels to say so");
        return;
    }
    /* What comes to the target without a full copy needs its backlog as it is. */
    if (seen->phase_ms < JOIN_MS &&
        (!is_joined(seen) || awaits_replicas(seen) || sentinels_at_it(run, seen))) {
        say_how_it_is(run, seen, d);
        d->poll_ms = JOIN_POLL_MS;
        return;
    }
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
