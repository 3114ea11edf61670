/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/decision.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/core/diagnosis.h"
#include "lib/base/base.h"

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

#define LOOK_POLL_MS 5

void decide_look(struct decision *d, unsigned sides, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(d, REASON_NONE, fmt, ap);
    va_end(ap);
    d->event = EV_NONE;
    d->action = ACT_NONE;
    d->look = sides;
    d->poll_ms = LOOK_POLL_MS;
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
    /* What it was is found out in backoff; then the attempts are counted. */
    bool again = is_symptom(reason) || (reason_get(reason)->retry && !last);
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

bool decide_linked(struct decision *d, const struct observation *seen, const char *why)
{
    if (!seen->linked)
        return false;
    if (seen_at_once(seen, SIDE_TARGET)) {
        decide_go(d, EV_LINKED, REASON_NONE, "%s", why);
    } else {
        decide_look(d, 1u << SIDE_TARGET, "looking at what the target holds");
        d->look_whole = true;
    }
    return true;
}

bool decide_died(struct decision *d, const struct spec *spec, const struct run *run,
                 const struct observation *seen)
{
    const struct seen_node *target = &seen->node[SIDE_TARGET];

    if (target->reachable || target->err.code != ERR_REFUSED ||
        target->lost_ms < spec->attach.timeout_ms)
        return false;
    decide_attempt_failed(d, spec, run, REASON_TARGET_DIED,
                          "the target's process ended while it took in the data: %s",
                          target->err.msg);
    return true;
}

bool decide_copied_again(struct decision *d, const struct spec *spec, const struct run *run,
                         const struct observation *seen)
{
    if (seen->sync_starts <= 1)
        return false;
    if (seen->prepared && !is_prepared(seen))
        decide_attempt_failed(d, spec, run, REASON_TARGET_DIED,
                              "the target was restarted while it took in the data");
    else
        decide_attempt_failed(d, spec, run, REASON_SYNC_FAILED,
                              "the copy began anew before it had come to its end (%u times so far)",
                              seen->sync_starts);
    return true;
}

bool decide_unreachable(struct decision *d, const struct spec *spec, const struct run *run,
                        const struct observation *seen, enum node_side side, uint64_t grace_ms)
{
    const struct seen_node *node = &seen->node[side];
    const char *what = side_name(side);

    if (node->reachable)
        return false;
    if (!node->tried || (reason_get(node->why)->retry && node->lost_ms < grace_ms))
        decide_wait(d, REASON_WAITING_NODE, 20, "waiting for the %s to answer%s%s", what,
                    node->err.code ? ": " : "", node->err.msg);
    else
        decide_attempt_failed(d, spec, run, node->why, "%s %s", what, node->err.msg);
    return true;
}
