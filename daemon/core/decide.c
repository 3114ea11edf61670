/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/decide.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/base.h"

static phase_decide_fn *const phase_decide[PHASE_MAX] = {
    [PHASE_IDLE] = phase_idle_decide,
    [PHASE_QUEUED] = phase_queued_decide,
    [PHASE_CHECKING] = phase_checking_decide,
    [PHASE_ATTACHING] = phase_attaching_decide,
    [PHASE_BACKOFF] = phase_backoff_decide,
    [PHASE_SYNCING] = phase_syncing_decide,
    [PHASE_REPLICATING] = phase_replicating_decide,
    [PHASE_FREEZING] = phase_freezing_decide,
    [PHASE_SWITCHING] = phase_switching_decide,
    [PHASE_ROLLING_BACK] = phase_rolling_back_decide,
    [PHASE_COMPLETED] = phase_completed_decide,
    [PHASE_FAILED] = phase_failed_decide,
    [PHASE_HALTED] = phase_halted_decide,
};

const char *action_name(enum action action)
{
    static const char *const names[ACT_MAX] = {
        [ACT_NONE] = "none",
        [ACT_PREPARE] = "prepare",
        [ACT_ATTACH] = "attach",
        [ACT_DETACH] = "detach",
        [ACT_PREPARE_CUTOVER] = "prepare_cutover",
        [ACT_FREEZE] = "freeze",
        [ACT_THAW] = "thaw",
        [ACT_DEMOTE] = "demote",
        [ACT_UNDEMOTE] = "undemote",
        [ACT_PROMOTE] = "promote",
        [ACT_REVERSE] = "reverse",
        [ACT_DRAIN_CLIENTS] = "drain_clients",
        [ACT_RESTORE] = "restore",
    };

    assert(action >= 0 && action < ACT_MAX);
    return names[action];
}

/*
 * After a stall or a clock step what was seen may be old: look on, act later. The phases in which
 * standing still is itself a risk (writes are paused, or nobody is a primary) judge by what they
 * see now, and freezing has its lease.
 */
static bool waits_out_tilt(enum phase phase)
{
    return phase != PHASE_FREEZING && phase != PHASE_SWITCHING;
}

struct decision decide(const struct spec *spec, const struct run *run,
                       const struct observation *seen)
{
    struct decision d = {.event = EV_NONE, .action = ACT_NONE, .poll_ms = 1000};

    assert(run->phase >= 0 && run->phase < PHASE_MAX);
    phase_decide[run->phase](spec, run, seen, &d);
    if (seen->tilt && waits_out_tilt(run->phase) && (d.event != EV_NONE || d.action != ACT_NONE)) {
        d = (struct decision){.poll_ms = 200};
        decide_wait(&d, REASON_TILT, 200,
                    "the clock stepped or the daemon stood still; looking on "
                    "before acting");
    }
    return d;
}

bool histories_join(const struct observation *seen)
{
    const struct redis_info *s = &seen->node[SIDE_SOURCE].info;
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;

    return strcmp(s->replid, t->replid2) == 0 || strcmp(s->replid, t->replid) == 0;
}

bool decide_verb_waits(const struct run *run, const struct observation *seen, enum fsm_event verb)
{
    return verb == EV_ABORT && run->phase == PHASE_FREEZING && seen->resumed;
}

static void say(struct decision *d, enum reason reason, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void say(struct decision *d, enum reason reason, const char *fmt, va_list ap)
{
    d->reason = reason;
    vsnprintf(d->message, sizeof(d->message), fmt, ap);
}

void decide_wait(struct decision *d, enum reason reason, uint32_t poll_ms, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(d, reason, fmt, ap);
    va_end(ap);
    d->event = EV_NONE;
    d->action = ACT_NONE;
    d->poll_ms = poll_ms;
}

void decide_act(struct decision *d, enum action action, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(d, REASON_NONE, fmt, ap);
    va_end(ap);
    d->event = EV_NONE;
    d->action = action;
    d->poll_ms = 0;
}

void decide_go(struct decision *d, enum fsm_event event, enum reason reason, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(d, reason, fmt, ap);
    va_end(ap);
    d->event = event;
    d->action = ACT_NONE;
    d->poll_ms = 0;
}

void decide_resume_writes(struct decision *d, enum reason reason, const char *why)
{
    decide_act(d, ACT_THAW, "%s", why);
    d->reason = reason;
}

void decide_attempt_failed(struct decision *d, const struct spec *spec, const struct run *run,
                           enum reason reason, const char *fmt, ...)
{
    bool last = run->attempt >= spec->attach.attempts;
    bool again = reason_get(reason)->retry && !last;
    va_list ap;

    va_start(ap, fmt);
    say(d, reason, fmt, ap);
    va_end(ap);
    d->event = again ? EV_FAIL : EV_FATAL;
    d->action = ACT_NONE;
    d->poll_ms = 0;
}

bool decide_action_failed(struct decision *d, const struct spec *spec, const struct run *run,
                          const struct observation *seen)
{
    if (seen->last_action == ACT_NONE || !seen->last_failed)
        return false;
    decide_attempt_failed(d, spec, run, seen->last_reason, "%s", seen->last_err.msg);
    return true;
}

bool decide_unreachable(struct decision *d, const struct spec *spec, const struct run *run,
                        const struct observation *seen, enum node_side side, uint64_t grace_ms)
{
    const struct seen_node *node = &seen->node[side];
    const char *what = side == SIDE_SOURCE ? "source" : "target";

    if (node->reachable)
        return false;
    if (!node->tried || (reason_get(node->why)->retry && node->lost_ms < grace_ms))
        decide_wait(d, REASON_WAITING_NODE, 20, "waiting for the %s to answer%s%s", what,
                    node->err.code ? ": " : "", node->err.msg);
    else
        decide_attempt_failed(d, spec, run, node->why, "%s %s", what, node->err.msg);
    return true;
}

bool source_fenced(const struct observation *seen)
{
    return seen->node[SIDE_SOURCE].reachable && seen->source_demoted &&
           !seen->source_follows_target && seen->target_follows;
}
