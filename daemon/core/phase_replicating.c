/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replicating: the target follows every write. Waits, for days if need be, for the word to switch
 * over; then for the gate to open. A link that is lost is the servers' business: they reconnect by
 * themselves.
 */
#include <inttypes.h>
#include <string.h>

#include "daemon/core/gate.h"
#include "daemon/core/phase.h"

#define QUIET_POLL_MS 1000
#define EAGER_POLL_MS 20
/* What is under way adds to the write pause: a moment is given it to shrink. */
#define SMALL_LAG (64 << 10)
#define SMALL_LAG_WAIT_MS 2000
#define COPY_LAG (1 << 20)

/* What the copy needed is owed, and what has piled up meanwhile is with the target. What is refused
 * waits for the end of the run. */
static bool copy_is_done(const struct observation *seen)
{
    bool refused = seen->last_action == ACT_RESTORE && seen->last_failed;
    bool owed = seen->debts[SIDE_SOURCE][SCOPE_SYNC] > 0 && seen->node[SIDE_SOURCE].reachable;

    return owed && !refused && seen->linked && seen->streaming && seen->lag_bytes >= 0 &&
           seen->lag_bytes < COPY_LAG;
}

/* A primary that cannot be asked can only be judged by what comes from it: a PING every ten
 * seconds, by default, and nothing else once the writers have been stopped. */
#define STILL_MS 11000

static bool stands_still(const struct observation *seen)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];

    return !source->reachable ||
           (seen->still_ms >= STILL_MS && seen->linked && source->info.link_up &&
            seen->node[SIDE_TARGET].info.replica_offset >= source->info.master_repl_offset);
}

static void wait_for_stillness(const struct observation *seen, struct decision *d)
{
    const struct redis_info *s = &seen->node[SIDE_SOURCE].info;

    if (!s->link_up || !seen->linked)
        decide_wait(d, REASON_PRIMARY_UNREACHABLE, EAGER_POLL_MS,
                    "forced without the source's primary, and waiting for the links below it: "
                    "what it has not sent would be lost");
    else
        decide_wait(d, REASON_PRIMARY_UNREACHABLE, EAGER_POLL_MS,
                    "forced without the source's primary: the source is at offset %" PRId64
                    ", the target at %" PRId64 "; nothing but PINGs must come for %d s, for %llu s "
                    "so far",
                    s->master_repl_offset, seen->node[SIDE_TARGET].info.replica_offset,
                    STILL_MS / 1000, (unsigned long long)seen->still_ms / 1000);
}

static void cutover_wanted(const struct spec *spec, const struct run *run,
                           const struct observation *seen, struct decision *d)
{
    struct blocker blockers[BLOCKERS_MAX];
    int64_t left_ms = run->next_cutover_wall_ms - (int64_t)seen->wall_ms;
    const struct seen_node *writer = &seen->node[seen->writer];

    if (left_ms > 0 && left_ms <= (int64_t)spec->attach.backoff_max_ms) {
        decide_wait(d, run->reason, (uint32_t)min_of(left_ms, 1000), "%s", run->message);
    } else if (run->force && writer->reachable && !seen->writer_is_primary) {
        decide_wait(d, REASON_SOURCE_IS_REPLICA, EAGER_POLL_MS,
                    "the switch-over waits: the %s is a replica of '%s:%u'",
                    side_name(seen->writer), writer->info.master_host, writer->info.master_port);
    } else if (run->force && seen->writer == SIDE_PRIMARY && !writer->reachable &&
               !stands_still(seen)) {
        wait_for_stillness(seen, d);
    } else if (run->force && seen->chain_changed) {
        decide_wait(d, REASON_PRIMARY_CHANGED, EAGER_POLL_MS,
                    "the switch-over waits: another server takes the writes than when this run "
                    "began");
    } else if (!run->force && !seen->fresh) {
        decide_wait(d, REASON_WAITING_NODE, EAGER_POLL_MS,
                    "the switch-over waits for a fresh look at both nodes");
    } else if (!run->force && gate_check(spec, seen, blockers) > 0) {
        decide_wait(d, blockers[0].reason, EAGER_POLL_MS, "the switch-over waits: %s",
                    blockers[0].message);
    } else if (!run->force && seen->lag_bytes > SMALL_LAG && seen->wanted_ms < SMALL_LAG_WAIT_MS) {
        decide_wait(d, REASON_GATE_LAG, EAGER_POLL_MS / 4,
                    "the switch-over waits a moment for a small lag, which makes the pause short");
    } else if (!seen->prepared_cutover && !(run->force && !writer->reachable)) {
        bool refused = seen->last_action == ACT_PREPARE_CUTOVER && seen->last_failed;

        decide_act(d, ACT_PREPARE_CUTOVER, "%s",
                   refused ? seen->last_err.msg : "recording what the switch-over changes");
        d->reason = refused ? seen->last_reason : REASON_WAITING_NODE; /* it may be slow */
    } else {
        decide_go(d, EV_CUTOVER, REASON_NONE, "nothing holds the switch-over back");
    }
}

/* A link that is down for a while, or breaks again and again: why. */
static bool say_cause(const struct observation *seen, struct decision *d)
{
    d->ask = link_is_troubled(seen) && !seen->surveyed;
    if (seen->link_cause == REASON_NONE)
        return false;
    decide_wait(d, seen->link_cause, 200, "%s: %s",
                seen->linked ? "the link does not stay up" : "the link is down",
                seen->link_cause_message);
    return true;
}

/* A password that was changed shows only here: whoever is logged in stays so. */
static void link_is_down(const struct observation *seen, struct decision *d)
{
    if (seen->link_login == LOGIN_REFUSED)
        decide_wait(d, REASON_AUTH_REFUSED, 200,
                    "the link is down: the target cannot log in to the source: %s",
                    seen->link_login_err.msg);
    else if (seen->link_login == LOGIN_WORKS)
        decide_act(d, ACT_RELOGIN, "the link is down; setting the target's log-in anew");
    else if (!say_cause(seen, d))
        decide_wait(d, REASON_LINK_DOWN, 200, "the link is down; the target reconnects by itself");
}

/* What a demoted source took is in no stream: only a full copy brings it to the target. */
static bool wants_copy(const struct run *run, const struct observation *seen)
{
    return run->recopy && seen->node[seen->writer].reachable && seen->writer_is_primary;
}

/* Let go of for that copy, by us, and the source is the one it was. */
static bool let_go(const struct run *run, const struct observation *seen)
{
    return wants_copy(run, seen) && !seen->target_follows && seen->last_action == ACT_DETACH &&
           !seen->last_failed &&
           strcmp(seen->node[SIDE_SOURCE].info.run_id, run->source_run_id) == 0;
}

void phase_replicating_decide(const struct spec *spec, const struct run *run,
                              const struct observation *seen, struct decision *d)
{
    const struct seen_node *target = &seen->node[SIDE_TARGET];
    const struct seen_node *source = &seen->node[SIDE_SOURCE];
    const struct seen_node *writer = &seen->node[seen->writer];

    bool forced =
        run->want_cutover && run->force && !writer->reachable && !seen->node[SIDE_SOURCE].reachable;

    if (!target->reachable) {
        decide_wait(d, REASON_WAITING_NODE, 200, "the target does not answer: %s", target->err.msg);
    } else if (let_go(run, seen)) {
        decide_go(d, EV_DETACHED, REASON_SOURCE_WRITABLE,
                  "the target lacks what the source took while it was demoted, and copies it anew");
    } else if (!forced && decide_others(d, spec, run, seen, true)) {
        return;
    } else if (wants_copy(run, seen) && seen->writer == SIDE_PRIMARY) {
        decide_go(d, EV_STOP, REASON_SOURCE_WRITABLE,
                  "the primary took writes while it was demoted (replica-read-only no), which the "
                  "source lacks: at the source, REPLICAOF NO ONE and then REPLICAOF %s %u copies "
                  "them",
                  seen->primary.host, seen->primary.port);
    } else if (wants_copy(run, seen) && seen->target_follows) {
        decide_act(d, ACT_DETACH,
                   "the target lacks what the source took while it was demoted; letting go of it");
    } else if (!forced && !seen->target_follows) {
        decide_go(d, EV_DETACHED, REASON_TARGET_DETACHED,
                  "the target was restarted, with nothing but what this source gave it");
    } else if (writer_fenced(seen) && !writer->info.read_only && !run->recopy) {
        decide_go(d, EV_RECOPY, REASON_SOURCE_WRITABLE,
                  "a demotion that was given up has come late, and the source takes writes");
    } else if (writer_fenced(seen)) {
        decide_act(d, ACT_UNDEMOTE, "a demotion that was given up has come late; undoing it");
    } else if (run->want_until_wall_ms && (int64_t)seen->wall_ms >= run->want_until_wall_ms) {
        decide_go(d, EV_LAPSE, REASON_LAPSED,
                  "the switch-over could not begin within the time it was asked for");
    } else if (copy_is_done(seen)) {
        decide_act(d, ACT_RESTORE, "restoring what only the copy needed");
    } else if (target->info.sync_in_progress && !run->force) {
        decide_go(d, EV_SYNCING, REASON_NONE, "the source sends its data set again");
    } else if (run->want_cutover) {
        cutover_wanted(spec, run, seen, d);
    } else if (!source->reachable) {
        decide_wait(d, source->why == REASON_AUTH_REFUSED ? source->why : REASON_WAITING_NODE, 200,
                    "the source does not answer: %s", source->err.msg);
    } else if (!target->info.link_up) {
        link_is_down(seen, d);
    } else if (say_cause(seen, d)) {
        return;
    } else if (run->reason == REASON_LAPSED) {
        decide_wait(d, run->reason, QUIET_POLL_MS, "%s", run->message);
    } else if (run->cutover_attempt > 0) {
        decide_wait(d, REASON_CUTOVER_GIVEN_UP, QUIET_POLL_MS,
                    "the switch-over was given up after %u attempt%s; the last one: %.110s",
                    run->cutover_attempt, run->cutover_attempt == 1 ? "" : "s", run->message);
    } else {
        decide_wait(d, REASON_WAITING_COMPLETE, QUIET_POLL_MS,
                    "in sync; waiting for: ecmigratectl complete %s", spec->id);
    }
}
