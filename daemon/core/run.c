/* SPDX-License-Identifier: Apache-2.0 */
/* What a transition does to the durable run. Pure. */
#include "daemon/core/run.h"

#include <string.h>

#include "daemon/core/chain.h"
#include "daemon/core/decision.h"
#include "lib/base/base.h"

struct endpoint run_source_for_target(const struct spec *spec, const struct run *run)
{
    if (endpoint_is_set(&spec->source.reachable_as) &&
        (!spec->has_source || endpoint_equal(&spec->source.endpoint, &run->source)))
        return spec->source.reachable_as;
    return run->source;
}

/* Capped exponential back-off with full jitter, but never less than a tenth: "0 ms" is no back-off.
 */
static int64_t backoff(const struct spec *spec, unsigned failures, double jitter)
{
    double cap = (double)spec->attach.backoff_max_ms;
    double delay = (double)spec->attach.backoff_initial_ms;

    for (unsigned i = 1; i < failures && delay < cap; i++)
        delay *= 2;
    return (int64_t)(min_of(delay, cap) * (0.1 + 0.9 * jitter));
}

static void begin_run(struct run *r)
{
    struct run fresh = {
        .number = r->number + 1,
        .phase = r->phase,
        .since_wall_ms = r->since_wall_ms,
        .epoch = r->epoch,
        .source = r->source,
        /* A target the last run could not detach may still follow: that is ours to know. */
        .attached = r->attached,
        /* In a chain the operator was told what to copy, and has begun anew. */
        .recopy =
            r->recopy && (!endpoint_is_set(&r->writer) || endpoint_equal(&r->writer, &r->source)),
        .sentinel_owed = r->sentinel_owed,
        .errors_base = -1,
        .evicted_base = -1,
        .given_keys = -1,
        .given_offset = -1,
    };

    *r = fresh;
}

/* Nobody asks for the switch-over any more. */
static void unwant(struct run *r)
{
    r->want_cutover = r->force = false;
    r->want_since_wall_ms = r->want_until_wall_ms = 0;
    r->want_by[0] = '\0';
    r->next_cutover_wall_ms = 0;
}

static void withdrawn(struct run *r)
{
    unwant(r);
    r->cutover_attempt = 0;
}

/* What cannot be cured by repeating is not repeated: each attempt pauses the writers. */
static void cutover_failed(const struct spec *spec, struct run *r, enum reason reason,
                           double jitter, int64_t now)
{
    if (r->cutover_attempt >= spec->cutover.attempts || !reason_get(reason)->retry)
        unwant(r);
    else
        r->next_cutover_wall_ms = now + backoff(spec, r->cutover_attempt, jitter);
}

static void remember_target(struct run *r, const struct observation *seen)
{
    const struct seen_node *target = &seen->node[SIDE_TARGET];

    r->given_keys = max_of(target->info.keys, seen->given_keys);
    r->given_offset = target->info.master_repl_offset;
    (void)str_copy(r->given_replid, sizeof(r->given_replid), target->info.replid);
}

/* Once known it stays: another one need not hold what was copied. */
static void remember_writer(struct run *r, const struct observation *seen)
{
    if (endpoint_is_set(&r->writer) || !chain_is_known(seen))
        return;
    r->writer = *chain_writer(r, seen);
    (void)str_copy(r->writer_run_id, sizeof(r->writer_run_id),
                   seen->node[seen->writer].info.run_id);
}

static void remember_target_process(struct run *r, const struct observation *seen)
{
    (void)str_copy(r->target_run_id, sizeof(r->target_run_id), seen->node[SIDE_TARGET].info.run_id);
}

/* The source's process is taken over only where it has been seen to hold its data: one that came
 * back without them is told by its being another. */
static void remember_servers(struct run *r, const struct observation *seen)
{
    (void)str_copy(r->source_run_id, sizeof(r->source_run_id), seen->node[SIDE_SOURCE].info.run_id);
    if (chain_is_known(seen) && !chain_changed(r, seen))
        (void)str_copy(r->writer_run_id, sizeof(r->writer_run_id),
                       seen->node[seen->writer].info.run_id);
    remember_target_process(r, seen);
}

/* What entering a phase does to a run. */
struct entry {
    const struct spec *spec;
    const struct edge *edge;
    const struct decision *d;
    const struct observation *seen;
    double jitter;
    int64_t now; /* wall clock */
};

static void enter_queued(struct run *r, const struct entry *e)
{
    (void)e;
    begin_run(r);
}

static void enter_checking(struct run *r, const struct entry *e)
{
    (void)e;
    r->attempt++;
}

static void enter_attaching(struct run *r, const struct entry *e)
{
    if (e->edge->from == PHASE_CHECKING) {
        r->checked = true;
        r->writer.host[0] = '\0';
        remember_writer(r, e->seen);
        remember_servers(r, e->seen);
        remember_target(r, e->seen);
    } else {
        r->attempt = e->edge->from == PHASE_BACKOFF ? r->attempt + 1 : 1;
    }
    if (e->edge->from == PHASE_REPLICATING) { /* it has just been found to be harmless */
        remember_target_process(r, e->seen);
        remember_target(r, e->seen);
    }
    if (e->d->reason == REASON_SOURCE_WRITABLE) /* let go of, so that all of it is copied */
        r->recopy = false;
    r->attached = true;
    r->sentinel_owed = r->sentinel_owed || e->spec->n_sentinels > 0;
}

static void enter_backoff(struct run *r, const struct entry *e)
{
    if (e->edge->event == EV_SETTLED)
        return;
    if (e->edge->event == EV_DETACHED) { /* what it holds is the source's doing, up to here */
        remember_target(r, e->seen);
        return;
    }
    r->copies += e->seen->sync_starts;
    r->next_attempt_wall_ms = e->now + backoff(e->spec, r->attempt, e->jitter);
    /* Only then it is the source's doing, what it holds. */
    if (e->seen->linked)
        remember_target(r, e->seen);
}

static void enter_syncing(struct run *r, const struct entry *e)
{
    remember_target_process(r, e->seen);
    if (e->edge->from == PHASE_REPLICATING) /* the attempts of days ago are not this one's */
        r->attempt = 1;
}

static void want(struct run *r, const struct entry *e)
{
    unwant(r);
    r->want_cutover = true;
    r->want_since_wall_ms = e->now;
    r->cutover_attempt = 0;
}

/* In a chain the source is emptied by a primary that came back empty, and stays the process it was.
 * What is known of before is kept until that primary has been seen to hold its data. */
static bool may_be_emptied(const struct run *r, const struct observation *seen)
{
    const struct seen_node *primary = &seen->node[SIDE_PRIMARY];

    return r->synced && seen->writer == SIDE_PRIMARY &&
           (!primary->reachable || (strcmp(primary->info.run_id, r->writer_run_id) != 0 &&
                                    primary->info.keys < r->given_keys / 2));
}

static void enter_replicating(struct run *r, const struct entry *e)
{
    enum fsm_event event = e->edge->event;

    r->committed = false;
    r->recopy = r->recopy || event == EV_RECOPY;
    if (event == EV_LINKED) {
        r->errors_base = e->seen->node[SIDE_TARGET].info.unexpected_error_replies;
        r->evicted_base = e->seen->node[SIDE_TARGET].info.evicted_keys;
        if (!r->synced && chain_is_known(e->seen)) /* what is copied now, is its */
            r->writer.host[0] = '\0';
        remember_writer(r, e->seen);
        if (may_be_emptied(r, e->seen)) {
            remember_target_process(r, e->seen);
        } else {
            remember_servers(r, e->seen);
            remember_target(r, e->seen);
        }
        if (!r->synced && e->spec->cutover.mode_auto)
            want(r, e);
        r->synced = true;
        r->copies = 0;
    } else if (event == EV_COMPLETE) {
        want(r, e);
    } else if (event == EV_LAPSE) {
        withdrawn(r);
    } else if (event == EV_RETREAT || event == EV_SLIPPED) {
        cutover_failed(e->spec, r, e->d->reason, e->jitter, e->now);
    }
}

static void enter_freezing(struct run *r, const struct entry *e)
{
    remember_writer(r, e->seen);
    r->cutover_attempt++;
    r->epoch++;
}

static void enter_switching(struct run *r, const struct entry *e)
{
    r->committed = true;
    r->recopy = r->recopy || e->edge->event == EV_RECOPY;
    if (e->edge->event == EV_COMPLETE) /* may lead back to replicating, and is still wanted */
        want(r, e);
}

static void enter_rolling_back(struct run *r, const struct entry *e)
{
    unwant(r);
    r->keep_roles = e->edge->from == PHASE_HALTED;
}

static void enter_completed(struct run *r, const struct entry *e)
{
    unwant(r);
    r->sentinel_owed = false;
    if (r->cutover.at_wall_ms != 0)
        return;
    /* Promoted by a process that is no more. */
    r->cutover.at_wall_ms = e->now;
    r->cutover.offset = e->seen->node[SIDE_TARGET].info.second_repl_offset - 1;
    r->cutover.gap_us = -1;
}

/* Whoever decides now decides anew about the switch-over, too. */
static void enter_halted(struct run *r, const struct entry *e)
{
    (void)e;
    if (!r->committed)
        unwant(r);
}

static void enter_failed(struct run *r, const struct entry *e)
{
    unwant(r);
    /* attached stays set while the target may still follow: then a detach is owed. */
    if (e->seen->node[SIDE_TARGET].reachable && !e->seen->target_follows)
        r->attached = false;
}

/* NULL: it does nothing. */
static void (*const enter[PHASE_MAX])(struct run *r, const struct entry *e) = {
    [PHASE_QUEUED] = enter_queued,
    [PHASE_CHECKING] = enter_checking,
    [PHASE_ATTACHING] = enter_attaching,
    [PHASE_BACKOFF] = enter_backoff,
    [PHASE_SYNCING] = enter_syncing,
    [PHASE_REPLICATING] = enter_replicating,
    [PHASE_FREEZING] = enter_freezing,
    [PHASE_SWITCHING] = enter_switching,
    [PHASE_ROLLING_BACK] = enter_rolling_back,
    [PHASE_COMPLETED] = enter_completed,
    [PHASE_FAILED] = enter_failed,
    [PHASE_HALTED] = enter_halted,
};

struct run run_after(const struct spec *spec, const struct run *run, const struct edge *edge,
                     const struct decision *d, const struct observation *seen, double jitter)
{
    struct entry e = {.spec = spec,
                      .edge = edge,
                      .d = d,
                      .seen = seen,
                      .jitter = jitter,
                      .now = (int64_t)seen->wall_ms};
    struct run r = *run;

    r.phase = edge->to;
    r.since_wall_ms = edge->from == edge->to ? run->since_wall_ms : e.now;
    if (edge->event == EV_CANCEL)
        withdrawn(&r);
    else if (enter[edge->to])
        enter[edge->to](&r, &e);
    if (r.phase != PHASE_BACKOFF)
        r.next_attempt_wall_ms = 0;
    if (edge->event == EV_ABORT)
        r.aborted = true;
    r.reason = d->reason;
    (void)str_copy(r.message, sizeof(r.message), d->message);
    return r;
}

enum fsm_event run_verb_event(const struct run *run, enum fsm_event verb)
{
    if (verb == EV_CANCEL && !run->want_cutover)
        return EV_NONE;
    if (run->phase != PHASE_HALTED || run->committed)
        return verb;
    return verb == EV_RETRY ? EV_AGAIN : verb == EV_COMPLETE ? EV_NONE : verb;
}
