/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freezing: the source's writes stand still, the target takes the last bytes.
 *
 *   pause + read the final offset O -> target's applied offset >= O -> switching
 *   half of the pause has passed, the link is lost, the pause refused -> resume writes ->
 * replicating
 *
 * The pause is a lease that runs out by itself: past half of it nothing may begin that relies on
 * it. The fence of servers before 6.2 is no lease; it is lifted as soon as the source answers. A
 * process that did not see its pause begin (a restart) never goes on from it: it resumes the
 * writes.
 */
#include "daemon/core/phase.h"

#define FORCE_SOURCE_GRACE_MS 10000 /* a look and a new connection may each take five seconds */

static void retreat(struct decision *d, const struct observation *seen, enum reason reason,
                    const char *why)
{
    if (seen->thawed || seen->pause_expired)
        decide_go(d, EV_RETREAT, reason, "%s", why);
    else if (seen->node[seen->writer].reachable && seen->node[seen->writer].info.failing_over)
        decide_wait(d, reason, 20, "%s; a FAILOVER needs the pause, which runs out by itself", why);
    else if (seen->node[seen->writer].reachable)
        decide_resume_writes(d, reason, why);
    else
        decide_wait(d, reason, 20, "%s; the source does not answer, its writes resume when it does",
                    why);
}

static void drain(const struct run *run, const struct observation *seen, struct decision *d)
{
    const struct seen_node *target = &seen->node[SIDE_TARGET];

    if (seen->node[seen->writer].info.failing_over)
        retreat(d, seen, REASON_FAILOVER, "somebody has begun a FAILOVER at the source");
    else if (!target->reachable)
        retreat(d, seen, REASON_FREEZE_FAILED, "the target was lost during the write pause");
    else if (!seen->target_follows || !seen->same_history)
        retreat(d, seen, REASON_FREEZE_FAILED, "the link changed during the write pause");
    else if (target->info.replica_offset >= seen->frozen_offset)
        decide_go(d, EV_OK, REASON_NONE, "the target has every byte");
    else if (!target->info.link_up)
        retreat(d, seen, REASON_FREEZE_FAILED, "the link was lost during the write pause");
    else if (seen->lease_over && run->force)
        decide_go(d, EV_OK, REASON_NONE, "not drained in time, forced by the operator");
    else if (seen->lease_over)
        retreat(d, seen, REASON_DRAIN_TIMEOUT, "the target did not take the last bytes in time");
    else
        decide_look(d, 1u << SIDE_TARGET, "the target takes the last bytes");
}

/*
 * Whether a process before this one got further than the phase tells: its last edge is written
 * behind. A source that has been gone for long leaves it open; switching then asks a human. A
 * target which is another process than it was has been restarted, whatever its dump says of its
 * history.
 */
static bool came_later(const struct run *run, const struct observation *seen)
{
    const struct seen_node *source = &seen->node[seen->writer];
    bool restarted = source->reachable && seen->writer_is_primary &&
                     strcmp(seen->node[SIDE_TARGET].info.run_id, run->target_run_id) != 0;

    return (source->reachable && seen->writer_demoted) || (seen->target_is_primary && !restarted) ||
           (seen->resumed && !source->reachable && seen->phase_ms > UNDECIDED_MS);
}

/* Everything is as it was when the switch-over was decided upon. */
static void begin(const struct run *run, const struct observation *seen, struct decision *d)
{
    const struct seen_node *source = &seen->node[seen->writer];

    if (source->reachable && source->info.failing_over)
        decide_go(d, EV_RETREAT, REASON_FAILOVER, "somebody has begun a FAILOVER at the source");
    else if (seen->chain_changed) /* while that was on its way to the disk */
        decide_go(d, EV_RETREAT, REASON_PRIMARY_CHANGED,
                  "another server takes the writes than when this run began");
    else if (!source->reachable && !run->force)
        decide_go(d, EV_RETREAT, REASON_FREEZE_FAILED,
                  "the source was lost before the write pause");
    else if (!source->reachable)
        decide_wait(d, REASON_WAITING_NODE, 100, "waiting for the source before going on by force");
    else
        decide_act(d, ACT_FREEZE, "pausing the source's writes");
}

void phase_freezing_decide(const struct spec *spec, const struct run *run,
                           const struct observation *seen, struct decision *d)
{
    const struct seen_node *source = &seen->node[seen->writer];

    (void)spec;
    /* A crash came later than the phase tells: switching goes by what it sees. */
    if (came_later(run, seen)) {
        decide_go(d, EV_OK, REASON_NONE, "the switch has already begun");
        return;
    }
    if (seen->target_is_primary) {
        retreat(d, seen, REASON_TARGET_DETACHED,
                "the target came back as a primary with a history of its own");
        return;
    }
    if (seen->resumed && !source->reachable) { /* it may have been demoted by who was here before */
        decide_wait(d, REASON_WAITING_NODE, 20,
                    "the daemon was restarted during the switch-over; waiting to see the source");
        return;
    }
    if (seen->resumed) {
        retreat(d, seen, REASON_RESTARTED, "the daemon was restarted during the write pause");
        return;
    }
    if (run->force && !source->reachable && source->lost_ms > FORCE_SOURCE_GRACE_MS) {
        decide_go(d, EV_OK, REASON_NONE, "the source is gone, forced by the operator");
        return;
    }
    /* Writes may have been resumed, though the answer was lost: the pause is not to be relied on.
     */
    if (seen->thawed || seen->last_action == ACT_THAW) {
        retreat(d, seen, seen->thaw_reason, seen->thaw_message);
        return;
    }
    if (seen->frozen) {
        if (source->reachable)
            drain(run, seen, d);
        else
            retreat(d, seen, REASON_FREEZE_FAILED, "the source was lost during the write pause");
        return;
    }
    if (seen->last_action == ACT_FREEZE) {
        /* What repeating cannot cure keeps its own reason, and is not repeated. */
        retreat(d, seen,
                reason_get(seen->last_reason)->retry ? REASON_FREEZE_FAILED : seen->last_reason,
                seen->last_err.msg);
        return;
    }
    begin(run, seen, d);
}
