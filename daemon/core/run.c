/* SPDX-License-Identifier: Apache-2.0 */
/* What a transition does to the durable run. Pure. */
#include "daemon/core/run.h"

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
    };

    *r = fresh;
}

static void cutover_failed(const struct spec *spec, struct run *r, double jitter, int64_t now)
{
    if (r->cutover_attempt >= spec->cutover.attempts) {
        r->want_cutover = r->force = false;
        r->next_cutover_wall_ms = 0;
    } else {
        r->next_cutover_wall_ms = now + backoff(spec, r->cutover_attempt, jitter);
    }
}

static void attach(struct run *r, enum phase from, const struct observation *seen)
{
    if (from == PHASE_CHECKING) {
        r->checked = true;
        (void)str_copy(r->source_run_id, sizeof(r->source_run_id),
                       seen->node[SIDE_SOURCE].info.run_id);
        (void)str_copy(r->target_run_id, sizeof(r->target_run_id),
                       seen->node[SIDE_TARGET].info.run_id);
    } else {
        r->attempt = from == PHASE_BACKOFF ? r->attempt + 1 : 1;
    }
    r->attached = true;
}

static void replicate(const struct spec *spec, struct run *r, enum fsm_event event, double jitter,
                      int64_t now)
{
    if (event == EV_LINKED && !r->synced) {
        r->synced = true;
        r->want_cutover = spec->cutover.mode_auto;
    } else if (event == EV_COMPLETE) {
        r->want_cutover = true;
        r->cutover_attempt = 0;
        r->next_cutover_wall_ms = 0;
    } else if (event == EV_RETREAT || event == EV_SLIPPED) {
        cutover_failed(spec, r, jitter, now);
    }
}

static void complete(struct run *r, const struct observation *seen, int64_t now)
{
    r->want_cutover = r->force = false;
    if (r->cutover.at_wall_ms != 0)
        return;
    /* Promoted by a process that is no more. */
    r->cutover.at_wall_ms = now;
    r->cutover.offset = seen->node[SIDE_TARGET].info.second_repl_offset - 1;
    r->cutover.gap_us = -1;
}

struct run run_after(const struct spec *spec, const struct run *run, const struct edge *edge,
                     const struct decision *d, const struct observation *seen, double jitter)
{
    struct run r = *run;
    int64_t now = (int64_t)seen->wall_ms;

    r.phase = edge->to;
    r.since_wall_ms = edge->from == edge->to ? run->since_wall_ms : now;
    switch (edge->to) {
    case PHASE_QUEUED:
        begin_run(&r);
        break;
    case PHASE_CHECKING:
        r.attempt++;
        break;
    case PHASE_ATTACHING:
        attach(&r, edge->from, seen);
        break;
    case PHASE_BACKOFF:
        r.next_attempt_wall_ms = now + backoff(spec, r.attempt, jitter);
        break;
    case PHASE_REPLICATING:
        replicate(spec, &r, edge->event, jitter, now);
        break;
    case PHASE_FREEZING:
        r.cutover_attempt++;
        r.epoch++;
        break;
    case PHASE_ROLLING_BACK:
        r.keep_roles = edge->from == PHASE_HALTED;
        break;
    case PHASE_FAILED:
        /* attached stays set while the target may still follow: then a detach is owed. */
        if (seen->node[SIDE_TARGET].reachable && !seen->target_follows)
            r.attached = false;
        break;
    case PHASE_COMPLETED:
        complete(&r, seen, now);
        break;
    case PHASE_SYNCING:
        if (edge->from == PHASE_REPLICATING) /* the attempts of days ago are not this one's */
            r.attempt = 1;
        break;
    case PHASE_SWITCHING:
        if (edge->event == EV_COMPLETE) { /* may lead back to replicating, and is still wanted */
            r.want_cutover = true;
            r.cutover_attempt = 0;
        }
        break;
    case PHASE_IDLE:
    case PHASE_HALTED:
    case PHASE_MAX:
        break;
    }
    if (r.phase != PHASE_BACKOFF)
        r.next_attempt_wall_ms = 0;
    if (edge->event == EV_ABORT)
        r.aborted = true;
    r.reason = d->reason;
    (void)str_copy(r.message, sizeof(r.message), d->message);
    return r;
}
