/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rolling_back: the target is a primary again, writes go on at the source, settings are restored.
 * A node that is gone is waited for, but not for ever: what is still owed to it stays recorded, and
 * is paid in the phase failed as soon as it answers.
 */
#include "daemon/core/phase.h"

#define TARGET_WAIT_MS 30000
#define SOURCE_WAIT_MS 5000

/* A node that settings are owed to, and that answers, or does not; NULL: none. */
static const char *owed_to(const struct observation *seen, bool reachable)
{
    for (int side = 0; side < SIDE_MAX; side++)
        if (seen->debts[side][SCOPE_LINK] && seen->node[side].reachable == reachable)
            return side_name((enum node_side)side);
    return NULL;
}

bool rollback_next(const struct run *run, const struct observation *seen, struct decision *d)
{
    const struct seen_node *writer = &seen->node[seen->writer];
    const struct seen_node *target = &seen->node[SIDE_TARGET];
    bool roles = run->attached && !run->keep_roles;
    bool failed = seen->last_failed;

    if (seen->frozen && !seen->thawed && !seen->pause_expired && writer->reachable) {
        decide_act(d, ACT_THAW, "resuming writes at the source");
    } else if (roles && target->reachable && writer_fenced(seen)) {
        decide_act(d, ACT_UNDEMOTE, "a demotion that was given up has come late; undoing it");
    } else if (roles && target->reachable && seen->target_follows) {
        decide_act(d, ACT_DETACH, "making the target a primary again");
    } else if (owed_to(seen, true)) {
        decide_act(d, ACT_RESTORE, "restoring changed settings");
    } else if ((roles || seen->debts[SIDE_TARGET][SCOPE_LINK]) && !target->reachable) {
        decide_wait(d, REASON_NOTHING_RESTORED_YET, 1000,
                    "the target does not answer; it is restored when it does");
    } else if (owed_to(seen, false)) {
        decide_wait(d, REASON_NOTHING_RESTORED_YET, 1000,
                    "the %s does not answer; it is restored when it does", owed_to(seen, false));
    } else {
        return false;
    }
    if (failed && d->action != ACT_NONE) {
        d->reason = seen->last_reason;
        (void)str_copy(d->message, sizeof(d->message), seen->last_err.msg);
    }
    return true;
}

void phase_rolling_back_decide(const struct spec *spec, const struct run *run,
                               const struct observation *seen, struct decision *d)
{
    const struct seen_node *target = &seen->node[SIDE_TARGET];
    uint64_t limit = target->reachable ? SOURCE_WAIT_MS : TARGET_WAIT_MS;

    (void)spec;
    if (!rollback_next(run, seen, d)) {
        decide_go(d, EV_OK, run->reason, "%s", run->message);
    } else if ((d->action == ACT_NONE && seen->phase_ms > limit) ||
               (seen->last_failed && seen->phase_ms > TARGET_WAIT_MS)) {
        struct decision owed = *d;

        decide_go(d, EV_OK, run->reason, "%.110s (still owed: %.70s)", run->message, owed.message);
    }
}
