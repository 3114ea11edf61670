/* SPDX-License-Identifier: Apache-2.0 */
/*
 * switching: the old source becomes read-only, then the target becomes the primary, in this order:
 * at no instant do two nodes take writes.
 *
 *   demote the source to a replica of nobody -> [its offset is not past the target's]
 *   -> promote the target -> close its clients, if need be -> resume what was paused (held clients
 *   now get -READONLY)
 *   -> reverse link -> completed
 *
 * The source is demoted to an address where nobody listens, not yet to the target: should the
 * target come back from a restart as an old or empty primary at this very moment, the source must
 * not copy that.
 *
 * Everything is decided by what the two nodes show, so that a restart goes on from wherever they
 * are:
 *
 *   source    target    then
 *   primary   replica   demote while our own pause is known to hold; else slipped
 *   demoted   replica   promote when the target has every byte; else source primary: slipped.
 *                       One that takes writes nevertheless: the same, and the target copies anew
 *   demoted   primary   resume, reverse link, completed
 *   primary   primary   demote if the source has taken nothing since; else halted
 *   gone      replica   wait; after a minute halted (forced: promote)
 *   gone      primary   wait a little, then completed with a warning
 *   demoted   gone      make the source primary if the target was not promoted; else wait
 */
#include <inttypes.h>

#include "daemon/core/phase.h"

#define LINK_GRACE_MS 10000  /* for the reverse link, before it completes without */
#define FORCE_GRACE_MS 10000 /* a look and a new connection may each take five seconds */
#define PING_BYTES 14        /* a replication PING; no write is as short */
#define WAIT_POLL_MS 20
#define UNRECORDED_MS                                                                              \
    1000                 /* what is told to the store is mostly durable within some milliseconds */
#define LAST_BYTES_MS 50 /* what the source sent before its demotion may still be on its way */

static void halt(struct decision *d, enum reason reason, const struct observation *seen,
                 const char *what)
{
    const struct redis_info *s = &seen->node[seen->writer].info;
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;

    decide_go(d, EV_HALT, reason,
              "%s (source offset %" PRId64 ", target offset %" PRId64 ", switched at %" PRId64 ")",
              what, s->master_repl_offset, t->master_repl_offset, t->second_repl_offset);
}

static void wait_or_halt(struct decision *d, const struct observation *seen, const char *what)
{
    if (seen->phase_ms > UNDECIDED_MS)
        halt(d, REASON_UNDECIDED, seen, what);
    else
        decide_wait(d, REASON_WAITING_NODE, WAIT_POLL_MS, "%s", what);
}

/* The source is the primary and the target has not been promoted: back to replicating. */
static void slip(struct decision *d, const struct observation *seen, enum reason reason,
                 const char *why)
{
    if (seen->thawed || seen->pause_expired)
        decide_go(d, EV_SLIPPED, seen->thaw_reason != REASON_NONE ? seen->thaw_reason : reason,
                  "%s", seen->thaw_message[0] ? seen->thaw_message : why);
    else
        decide_resume_writes(d, reason, why);
}

static bool refused(const struct observation *seen, enum action action)
{
    return seen->last_action == action && seen->last_failed;
}

/* What the action just asked for met the last time is what there is to be said. */
static void say_refusal(const struct observation *seen, struct decision *d)
{
    if (d->action == ACT_NONE || !refused(seen, d->action))
        return;
    d->reason = seen->last_reason;
    (void)str_copy(d->message, sizeof(d->message), seen->last_err.msg);
}

/*
 * The target was promoted with every byte the source had. A restarted one may come up as a primary
 * from an older dump, of the same history, or from nothing.
 */
static bool continues(const struct observation *seen)
{
    const struct redis_info *s = &seen->node[seen->writer].info;
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;
    int64_t needed = max_of(s->master_repl_offset, seen->frozen ? seen->frozen_offset : 0);

    if (s->replid[0] == '\0')
        return false;
    return strcmp(s->replid, t->replid) == 0 ||
           (histories_join(seen) && t->second_repl_offset + PING_BYTES > needed);
}

/* A source in a chain follows through the old primary, or by itself: only what its history lets it
 * take up without a copy. */
static bool may_rejoin(const struct observation *seen)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];
    const struct redis_info *s = &source->info, *t = &seen->node[SIDE_TARGET].info;

    return seen->writer == SIDE_PRIMARY && source->reachable && !seen->source_follows_target &&
           s->role == REDIS_ROLE_REPLICA &&
           (strcmp(s->replid, t->replid) == 0 ||
            (strcmp(s->replid, t->replid2) == 0 && s->master_repl_offset < t->second_repl_offset));
}

static void target_promoted(const struct spec *spec, const struct run *run,
                            const struct observation *seen, struct decision *d)
{
    const struct seen_node *source = &seen->node[seen->writer];
    bool reverse = spec->cutover.reverse && continues(seen);
    /* The target is the primary: what the old source refuses for long does not hold that up. */
    bool patient = seen->phase_ms <= LINK_GRACE_MS || !seen->last_failed;

    if (!source->reachable) {
        if (!run->force && !continues(seen))
            wait_or_halt(d, seen,
                         "the source does not answer; whether the target has all of its "
                         "writes is not known");
        else if (source->lost_ms > LINK_GRACE_MS || run->force)
            decide_go(d, EV_OK, REASON_SOURCE_NOT_FENCED,
                      "the old source does not answer; it may come back as a primary");
        else
            decide_wait(d, REASON_WAITING_NODE, WAIT_POLL_MS, "waiting for the old source");
    } else if (seen->writer_is_primary) {
        int64_t past =
            source->info.master_repl_offset - (seen->node[SIDE_TARGET].info.second_repl_offset - 1);

        if (refused(seen, ACT_DEMOTE) && seen->phase_ms > UNDECIDED_MS)
            halt(d, REASON_DIVERGED, seen, "both are primaries, the source refuses its demotion");
        else if (run->force || (histories_join(seen) && (past <= 0 || past == PING_BYTES)))
            decide_act(d, ACT_DEMOTE, "the source is a primary again; demoting it");
        else
            halt(d, REASON_DIVERGED, seen, "source and target are both primaries");
    } else if (!continues(seen) && !run->force) {
        halt(d, REASON_UNDECIDED, seen,
             "the target is a primary, but lacks what the source holds; it was restarted");
    } else if (wants_drain(spec, seen) && !seen->clients_drained && patient) {
        decide_act(d, ACT_DRAIN_CLIENTS, "closing the clients' connections to the old source");
    } else if (!seen->thawed && !seen->pause_expired && patient) {
        decide_act(d, ACT_THAW, "releasing the clients held at the old source");
    } else if (reverse && !seen->writer_follows_target && patient) {
        decide_act(d, ACT_REVERSE, "the old source follows the new primary");
    } else if (reverse && may_rejoin(seen) && patient) {
        decide_act(d, ACT_REJOIN, "the former chain follows the new primary");
    } else if (reverse && !source->info.link_up && seen->phase_ms <= LINK_GRACE_MS) {
        decide_wait(d, REASON_WAITING_NODE, WAIT_POLL_MS, "waiting for the reverse link");
    } else if (reverse && !source->info.link_up) {
        decide_go(d, EV_OK, REASON_LINK_DOWN,
                  "the target is the primary; the old source is read-only, but does not reach it");
    } else {
        decide_go(d, EV_OK, REASON_NONE, "the target is the primary");
    }
}

static void source_demoted(const struct run *run, const struct observation *seen,
                           struct decision *d)
{
    const struct redis_info *s = &seen->node[seen->writer].info;
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;

    if (!s->read_only && !run->recopy) {
        decide_go(d, EV_RECOPY, REASON_SOURCE_WRITABLE,
                  "the demoted source still takes writes (replica-read-only no)");
    } else if (run->recopy) {
        decide_act(d, ACT_UNDEMOTE,
                   "the demoted source took writes (replica-read-only no); making "
                   "it the primary again");
        d->reason = REASON_SOURCE_WRITABLE;
    } else if (seen->undemote_sent) {
        decide_act(d, ACT_UNDEMOTE, "making the source the primary again, as was begun");
        d->reason = seen->thaw_reason;
    } else if (seen->last_action == ACT_PROMOTE && seen->last_failed && !seen->promote_sent) {
        decide_act(d, ACT_UNDEMOTE, "%s; making the source the primary again", seen->last_err.msg);
        d->reason = seen->last_reason;
    } else if (seen->unrecorded && seen->phase_ms > UNRECORDED_MS) {
        decide_act(d, ACT_UNDEMOTE,
                   "the state directory does not take writes, so that nothing new "
                   "is begun; making the source the primary again");
        d->reason = REASON_STORE_HELD;
    } else if (run->force || (seen->same_history && seen->target_follows &&
                              s->master_repl_offset <= t->replica_offset)) {
        decide_act(d, ACT_PROMOTE, "promoting the target");
    } else if (seen->same_history && seen->phase_ms < LAST_BYTES_MS) {
        decide_look(d, 1u << SIDE_TARGET, "the target takes the last bytes");
    } else {
        decide_act(d, ACT_UNDEMOTE,
                   "the source took writes past the target's offset; making it the primary again");
        d->reason = REASON_SLIPPED;
    }
}

static void target_follows(const struct run *run, const struct observation *seen,
                           struct decision *d)
{
    const struct seen_node *source = &seen->node[seen->writer];
    /* Only a pause of this process counts, and none once its end may have been sent. By force, what
     * did not drain in time is left behind; a source that refuses then keeps its role. */
    bool holds = seen->frozen && !seen->thawed && seen->last_action != ACT_THAW;
    bool drained = holds && !seen->lease_over &&
                   seen->node[SIDE_TARGET].info.replica_offset >= seen->frozen_offset;
    bool forced = holds && run->force && !(refused(seen, ACT_DEMOTE) && seen->lease_over);

    if (!source->reachable && run->force && source->lost_ms > FORCE_GRACE_MS)
        decide_act(d, ACT_PROMOTE, "promoting the target without the source");
    else if (!source->reachable)
        wait_or_halt(d, seen, "the source does not answer; whether it was demoted is not known");
    else if (seen->writer_demoted)
        source_demoted(run, seen, d);
    else if (!seen->writer_is_primary)
        wait_or_halt(d, seen, "somebody made the source a replica of another server");
    else if (seen->undemote_sent)
        slip(d, seen, seen->thaw_reason != REASON_NONE ? seen->thaw_reason : REASON_SLIPPED,
             seen->thaw_message[0] ? seen->thaw_message : "the source is the primary again");
    else if (refused(seen, ACT_DEMOTE) &&
             (!reason_get(seen->last_reason)->retry || !(drained || forced)))
        slip(d, seen, seen->last_reason, seen->last_err.msg);
    else if (drained || forced)
        decide_act(d, ACT_DEMOTE, "demoting the source");
    else
        slip(d, seen, seen->resumed ? REASON_RESTARTED : REASON_DRAIN_TIMEOUT,
             "the write pause had run out before the source was demoted");
}

/* The target is out of our reach before it was promoted: gone, or somebody else's. */
static void target_lost(const struct run *run, const struct observation *seen, struct decision *d,
                        enum reason reason, const char *what, const char *undecided)
{
    const struct seen_node *source = &seen->node[seen->writer];
    bool promoted = seen->promote_sent || run->cutover.at_wall_ms != 0; /* or may have been */

    if (source->reachable && seen->writer_demoted && !promoted) {
        decide_act(d, ACT_UNDEMOTE, "%s before its promotion", what);
        d->reason = reason;
    } else if (source->reachable && seen->writer_is_primary && !promoted) {
        slip(d, seen, reason, what);
    } else {
        wait_or_halt(d, seen, undecided);
    }
}

void phase_switching_decide(const struct spec *spec, const struct run *run,
                            const struct observation *seen, struct decision *d)
{
    const struct seen_node *target = &seen->node[SIDE_TARGET];

    if (target->reachable && seen->target_is_primary)
        target_promoted(spec, run, seen, d);
    else if (target->reachable && seen->target_follows_other)
        target_lost(run, seen, d, REASON_TARGET_REPOINTED,
                    "somebody pointed the target to another server",
                    "somebody pointed the target to another server");
    else if (target->reachable)
        target_follows(run, seen, d);
    else
        target_lost(run, seen, d, REASON_TARGET_LOST, "the target was lost",
                    "the target does not answer; whether it was promoted is not known");
    say_refusal(seen, d);
}
