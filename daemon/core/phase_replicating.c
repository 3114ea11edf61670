/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replicating: the target follows every write. Waits, for days if need be, for the word to switch
 * over; then for the gate to open. A link that is lost is the servers' business: they reconnect by
 * themselves.
 */
#include "daemon/core/gate.h"
#include "daemon/core/phase.h"

#define QUIET_POLL_MS 1000
#define EAGER_POLL_MS 20
/* What is under way adds to the write pause: a moment is given it to shrink. */
#define SMALL_LAG (64 << 10)
#define SMALL_LAG_WAIT_MS 2000

static void cutover_wanted(const struct spec *spec, const struct run *run,
                           const struct observation *seen, struct decision *d)
{
    struct blocker blockers[BLOCKERS_MAX];
    int64_t left_ms = run->next_cutover_wall_ms - (int64_t)seen->wall_ms;
    const struct seen_node *source = &seen->node[SIDE_SOURCE];

    if (left_ms > 0 && left_ms <= (int64_t)spec->attach.backoff_max_ms) {
        decide_wait(d, run->reason, (uint32_t)min_of(left_ms, 1000), "%s", run->message);
    } else if (!run->force && !seen->fresh) {
        decide_wait(d, REASON_WAITING_NODE, EAGER_POLL_MS,
                    "the switch-over waits for a fresh look at both nodes");
    } else if (!run->force && gate_check(spec, seen, blockers) > 0) {
        decide_wait(d, blockers[0].reason, EAGER_POLL_MS, "the switch-over waits: %s",
                    blockers[0].message);
    } else if (!run->force && seen->lag_bytes > SMALL_LAG && seen->wanted_ms < SMALL_LAG_WAIT_MS) {
        decide_wait(d, REASON_GATE_LAG, EAGER_POLL_MS / 4,
                    "the switch-over waits a moment for a small lag, which makes the pause short");
    } else if (!seen->prepared_cutover && !(run->force && !source->reachable)) {
        bool refused = seen->last_action == ACT_PREPARE_CUTOVER && seen->last_failed;

        decide_act(d, ACT_PREPARE_CUTOVER, "%s",
                   refused ? seen->last_err.msg : "recording what the switch-over changes");
        d->reason = refused ? seen->last_reason : REASON_NONE;
    } else {
        decide_go(d, EV_CUTOVER, REASON_NONE, "nothing holds the switch-over back");
    }
}

void phase_replicating_decide(const struct spec *spec, const struct run *run,
                              const struct observation *seen, struct decision *d)
{
    const struct seen_node *target = &seen->node[SIDE_TARGET];
    const struct seen_node *source = &seen->node[SIDE_SOURCE];

    bool forced = run->want_cutover && run->force && !source->reachable;

    if (!target->reachable) {
        decide_wait(d, REASON_WAITING_NODE, 200, "the target does not answer: %s", target->err.msg);
    } else if (!forced && decide_others(d, spec, run, seen, true)) {
        return;
    } else if (!forced && !seen->target_follows) {
        decide_go(d, EV_DETACHED, REASON_TARGET_DETACHED,
                  "the target was restarted, with nothing but what this source gave it");
    } else if (source_fenced(seen)) {
        decide_act(d, ACT_UNDEMOTE, "a demotion that was given up has come late; undoing it");
    } else if (run->want_until_wall_ms && (int64_t)seen->wall_ms >= run->want_until_wall_ms) {
        decide_go(d, EV_LAPSE, REASON_LAPSED,
                  "the switch-over could not begin within the time it was asked for");
    } else if (target->info.sync_in_progress && !run->force) {
        decide_go(d, EV_SYNCING, REASON_NONE, "the source sends its data set again");
    } else if (run->want_cutover) {
        cutover_wanted(spec, run, seen, d);
    } else if (!source->reachable) {
        decide_wait(d, REASON_WAITING_NODE, 200, "the source does not answer: %s", source->err.msg);
    } else if (!target->info.link_up) {
        decide_wait(d, REASON_LINK_DOWN, 200, "the link is down; the target reconnects by itself");
    } else if (run->cutover_attempt > 0 && run->cutover_attempt >= spec->cutover.attempts) {
        decide_wait(d, REASON_CUTOVER_GIVEN_UP, QUIET_POLL_MS,
                    "the switch-over was given up after %u attempts; the last one: %.110s",
                    run->cutover_attempt, run->message);
    } else {
        decide_wait(d, REASON_WAITING_COMPLETE, QUIET_POLL_MS,
                    "in sync; waiting for: ecmigratectl complete %s", spec->id);
    }
}
