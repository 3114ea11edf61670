/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/sentinel.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"

#define QUIET_MS 10000
#define BUSY_MS 200
#define EAGER_MS 100
#define PATIENT_MS 2000  /* once it is said that it does not work */
#define TROUBLE_MS 10000 /* of waiting, before that is said */
#define FRESH_MS 2000    /* what a Sentinel is told by, and a switch-over is begun by */
#define OLD_MS 25000     /* … and what is worth repeating while nothing happens */
#define FAILOVER_MS 3000 /* one takes about one second to show */
#define REFUSED_MS 300
#define RESET_MS 1000
#define SETTLE_MS 1000

static bool same(const struct endpoint *a, const struct endpoint *b)
{
    return endpoint_is_set(b) && endpoint_equal(a, b);
}

static bool same_process(const struct seen_sentinel *s, const struct seen_node *node)
{
    return s->primary_run_id[0] && strcmp(s->primary_run_id, node->info.run_id) == 0;
}

enum sentinel_names sentinel_names(const struct spec *spec, const struct run *run,
                                   const struct observation *seen, const struct seen_sentinel *s)
{
    struct endpoint source = run_source_for_target(spec, run);

    if (!s->answers || !s->knows)
        return NAMES_NOBODY;
    if (same(&s->primary, &spec->target.endpoint) || same(&s->primary, &spec->target.reachable_as))
        return NAMES_TARGET;
    if (same(&s->primary, &run->source) || same(&s->primary, &source))
        return NAMES_SOURCE;
    if (same_process(s, &seen->node[SIDE_TARGET]))
        return NAMES_TARGET;
    return same_process(s, &seen->node[SIDE_SOURCE]) ? NAMES_SOURCE : NAMES_ANOTHER;
}

static uint64_t since(const struct observation *seen, uint64_t at_ms)
{
    uint64_t now = seen->sentinels->now_ms;

    return now > at_ms ? now - at_ms : 0;
}

static bool target_takes_writes(const struct observation *seen)
{
    return seen->node[SIDE_TARGET].reachable && seen->target_is_primary;
}

/* --- when --- */

bool sentinels_untold(const struct spec *spec, const struct run *run,
                      const struct observation *seen)
{
    return spec->n_sentinels > 0 && seen->sentinels && run->cutover.at_wall_ms != 0 &&
           run->cutover.told_ms == 0 &&
           (run->phase == PHASE_SWITCHING || run->phase == PHASE_COMPLETED);
}

bool sentinels_at_it(const struct run *run, const struct observation *seen)
{
    if (run->phase != PHASE_COMPLETED || run->cutover.told_ms == 0)
        return false;
    for (unsigned i = 0; seen->sentinels && i < seen->sentinels->n; i++)
        if (seen->sentinels->one[i].answers && seen->sentinels->one[i].failing_over)
            return true;
    return false;
}

static bool may_let_go(const struct run *run)
{
    return run->sentinel_owed && (run->phase == PHASE_ROLLING_BACK || run->phase == PHASE_FAILED);
}

static uint64_t untold_ms(const struct run *run, const struct observation *seen)
{
    int64_t ms = (int64_t)seen->wall_ms - run->cutover.at_wall_ms;

    return ms > 0 ? (uint64_t)ms : 0;
}

uint32_t sentinel_period(const struct spec *spec, const struct run *run,
                         const struct observation *seen)
{
    if (spec->n_sentinels == 0 || !seen->sentinels)
        return 0;
    switch (run->phase) {
    case PHASE_ATTACHING:
    case PHASE_BACKOFF:
    case PHASE_SYNCING:
        return QUIET_MS;
    case PHASE_REPLICATING:
        return run->want_cutover ? BUSY_MS : QUIET_MS;
    case PHASE_SWITCHING:
    case PHASE_COMPLETED:
        if (sentinels_at_it(run, seen))
            return BUSY_MS;
        if (!sentinels_untold(spec, run, seen))
            return run->phase == PHASE_COMPLETED ? QUIET_MS : 0;
        return untold_ms(run, seen) > 3 * TROUBLE_MS ? PATIENT_MS : EAGER_MS;
    case PHASE_ROLLING_BACK:
    case PHASE_FAILED:
        if (!may_let_go(run))
            return 0;
        return seen->phase_ms > TROUBLE_MS ? PATIENT_MS : BUSY_MS;
    case PHASE_IDLE:
    case PHASE_QUEUED:
    case PHASE_CHECKING: /* a survey asks them */
    case PHASE_FREEZING: /* not inside the pause */
    case PHASE_HALTED:
    case PHASE_MAX:
        break;
    }
    return 0;
}

/* --- what to tell it --- */

/* The pause is over, and the old source is where it belongs: what a Sentinel does to either node
 * from here on is what we would. */
static bool switch_is_over(const struct spec *spec, const struct run *run,
                           const struct observation *seen)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];

    return run->phase == PHASE_COMPLETED ||
           (run->phase == PHASE_SWITCHING && source->reachable && seen->thawed &&
            (seen->source_follows_target || !spec->cutover.reverse));
}

/* It would promote the target, and nobody else. */
static bool would_take_target(const struct spec *spec, const struct run *run,
                              const struct observation *seen, const struct seen_sentinel *s)
{
    return sentinel_names(spec, run, seen, s) == NAMES_SOURCE && s->lists_target && s->target_fit &&
           s->target_priority > 0 && !s->rival && since(seen, s->heard_ms) <= FRESH_MS;
}

/* One was told and has not come to an end with it. */
static bool failover_under_way(const struct observation *seen)
{
    const struct seen_sentinels *all = seen->sentinels;

    for (unsigned i = 0; i < all->n; i++) {
        const struct seen_sentinel *s = &all->one[i];
        uint64_t patience = s->said[0] ? REFUSED_MS : FAILOVER_MS;

        if (s->answers && s->failing_over && since(seen, s->heard_ms) <= FRESH_MS)
            return true;
        if (s->told_ms && s->told == SENTINEL_FAILOVER && since(seen, s->told_ms) < patience)
            return true;
    }
    return false;
}

/* Of those that would, the one that was not told for the longest time. Of several the last: the one
 * that is told is also the last to know, and clients ask the first. */
static bool is_next_to_tell(const struct spec *spec, const struct run *run,
                            const struct observation *seen, unsigned i)
{
    const struct seen_sentinels *all = seen->sentinels;

    if (!sentinels_untold(spec, run, seen) || !switch_is_over(spec, run, seen) ||
        !target_takes_writes(seen) || failover_under_way(seen) ||
        !would_take_target(spec, run, seen, &all->one[i]))
        return false;
    for (unsigned k = 0; k < all->n; k++)
        if (k != i && would_take_target(spec, run, seen, &all->one[k]) &&
            (all->one[k].told_ms < all->one[i].told_ms ||
             (all->one[k].told_ms == all->one[i].told_ms && k > i)))
            return false;
    return true;
}

static bool holds_on(const struct spec *spec, const struct run *run, const struct observation *seen,
                     const struct seen_sentinel *s)
{
    enum sentinel_names names = sentinel_names(spec, run, seen, s);

    return s->lists_target && names != NAMES_NOBODY && names != NAMES_TARGET;
}

enum sentinel_ask sentinel_next(const struct spec *spec, const struct run *run,
                                const struct observation *seen, unsigned i)
{
    const struct seen_sentinel *s = &seen->sentinels->one[i];
    bool tried = s->told_ms && s->told == SENTINEL_RESET && since(seen, s->told_ms) < RESET_MS;

    if (seen->tilt)
        return SENTINEL_LOOK;
    if (is_next_to_tell(spec, run, seen, i))
        return SENTINEL_FAILOVER;
    if (may_let_go(run) && target_takes_writes(seen) && holds_on(spec, run, seen, s) &&
        !s->failing_over && !tried)
        return SENTINEL_RESET;
    return SENTINEL_LOOK;
}

/* --- how it stands --- */

bool sentinels_told(const struct spec *spec, const struct run *run, const struct observation *seen)
{
    unsigned told = 0;

    if (!sentinels_untold(spec, run, seen))
        return false;
    for (unsigned i = 0; i < seen->sentinels->n; i++) {
        const struct seen_sentinel *s = &seen->sentinels->one[i];

        if (!s->tried)
            return false;
        if (!s->answers)
            continue;
        if (sentinel_names(spec, run, seen, s) != NAMES_TARGET)
            return false;
        told++;
    }
    return told > 0;
}

static bool say(char ret[RUN_MESSAGE_MAX], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Always true. */
static bool say(char ret[RUN_MESSAGE_MAX], const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(ret, RUN_MESSAGE_MAX, fmt, ap);
    va_end(ap);
    return true;
}

bool sentinels_let_go(const struct spec *spec, const struct run *run,
                      const struct observation *seen, char ret[RUN_MESSAGE_MAX])
{
    char label[ENDPOINT_LABEL_MAX];

    for (unsigned i = 0; seen->sentinels && i < seen->sentinels->n; i++) {
        const struct seen_sentinel *s = &seen->sentinels->one[i];
        const struct endpoint *at = &spec->sentinels[i];
        /* What it had asked a node before, it may still be told. */
        bool new = s->answers &&since(seen, s->heard_ms) + SETTLE_MS <= seen->phase_ms &&
                   (s->told != SENTINEL_RESET || s->heard_ms >= s->told_ms + SETTLE_MS);

        if (new && !holds_on(spec, run, seen, s))
            continue;
        return !say(ret,
                    "Sentinel '%s' %s; it may attach the target to the source again: redis-cli "
                    "-h %s -p %u SENTINEL RESET %s",
                    endpoint_label(at, label),
                    s->tried && !s->answers ? "does not answer" : "still lists the target",
                    at->host, at->port, spec->sentinel_name);
    }
    return true;
}

/* --- what holds a switch-over back --- */

static bool one_holds(const struct spec *spec, const struct run *run,
                      const struct observation *seen, unsigned i, bool ready,
                      char ret[RUN_MESSAGE_MAX])
{
    const struct seen_sentinel *s = &seen->sentinels->one[i];
    char label[ENDPOINT_LABEL_MAX], other[ENDPOINT_LABEL_MAX];

    endpoint_label(&spec->sentinels[i], label);
    if (!s->knows)
        return say(ret, "Sentinel '%s' watches nothing under the name '%.60s'", label,
                   spec->sentinel_name);
    if (sentinel_names(spec, run, seen, s) != NAMES_SOURCE)
        return say(ret, "Sentinel '%s' names '%s' as the primary, not the source", label,
                   endpoint_label(&s->primary, other));
    if (s->failing_over)
        return say(ret, "Sentinel '%s' is at a failover of its own", label);
    if (!s->lists_target)
        return say(ret, "Sentinel '%s' has not noticed the target yet, which takes it up to 10 s",
                   label);
    if (!s->target_fit)
        return say(ret, "Sentinel '%s' does not reach the target, or has not for long", label);
    if (s->rival)
        return say(ret, "Sentinel '%s' may promote '%s', whose replica-priority is as good: %s",
                   label, endpoint_label(&s->rival_at, other), "set it to 100 there");
    return ready && s->target_priority == 0 &&
           say(ret,
               "Sentinel '%s' has not noticed yet that the target may be promoted, which "
               "takes it up to 10 s",
               label);
}

bool sentinels_hold(const struct spec *spec, const struct run *run, const struct observation *seen,
                    bool ready, char ret[RUN_MESSAGE_MAX])
{
    const struct seen_sentinels *all = seen->sentinels;
    uint64_t oldest = run->want_cutover ? FRESH_MS : OLD_MS;
    unsigned answering = 0;
    char label[ENDPOINT_LABEL_MAX] = "";
    const char *why = "";

    if (!all || all->n == 0)
        return false;
    for (unsigned i = 0; i < all->n; i++) {
        const struct seen_sentinel *s = &all->one[i];

        if (!s->tried || (s->answers && since(seen, s->heard_ms) > oldest))
            return say(ret, "waiting for an answer of Sentinel '%s'",
                       endpoint_label(&spec->sentinels[i], label));
        if (!s->answers) {
            endpoint_label(&spec->sentinels[i], label);
            why = s->said;
            continue;
        }
        answering++;
        if (one_holds(spec, run, seen, i, ready, ret))
            return true;
    }
    return answering <= all->n / 2 &&
           say(ret, "%u of %u Sentinels answer; '%s': %.80s", answering, all->n, label, why);
}

/* --- what is not as it should be --- */

static void trouble(struct observation *seen, enum reason reason, const char *message)
{
    seen->sentinel_trouble = reason;
    (void)str_copy(seen->sentinel_trouble_message, sizeof(seen->sentinel_trouble_message), message);
}

static void watch_primary(const struct spec *spec, const struct run *run, struct observation *seen,
                          enum sentinel_names right, enum reason reason)
{
    char label[ENDPOINT_LABEL_MAX], other[ENDPOINT_LABEL_MAX], text[RUN_MESSAGE_MAX];

    for (unsigned i = 0; i < seen->sentinels->n; i++) {
        const struct seen_sentinel *s = &seen->sentinels->one[i];

        if (!s->answers || sentinel_names(spec, run, seen, s) == right)
            continue;
        endpoint_label(&spec->sentinels[i], label);
        if (!s->knows)
            say(text, "Sentinel '%s' watches nothing under the name '%.60s'", label,
                spec->sentinel_name);
        else
            say(text, "Sentinel '%s' sends clients to '%s', not to the %s%s%.40s", label,
                endpoint_label(&s->primary, other), right == NAMES_TARGET ? "target" : "source",
                s->said[0] ? ": " : "", s->said);
        trouble(seen, reason, text);
        return;
    }
}

static void watch_told(const struct spec *spec, const struct run *run, struct observation *seen)
{
    bool untold = sentinels_untold(spec, run, seen);

    if (!target_takes_writes(seen) || (untold && untold_ms(run, seen) < TROUBLE_MS))
        return;
    watch_primary(spec, run, seen, NAMES_TARGET,
                  untold ? REASON_SENTINEL_NOT_TOLD : REASON_SENTINEL_ASTRAY);
    if (untold && seen->sentinel_trouble == REASON_NONE)
        trouble(seen, REASON_SENTINEL_NOT_TOLD,
                "no Sentinel of the job file answers: whom they name is not known");
}

void sentinels_watch(const struct spec *spec, const struct run *run, struct observation *seen)
{
    char text[RUN_MESSAGE_MAX];

    seen->sentinel_trouble = REASON_NONE;
    seen->sentinels_hold = false;
    if (!seen->sentinels || seen->sentinels->n == 0)
        return;
    if (run->phase == PHASE_REPLICATING) {
        seen->sentinels_hold =
            sentinels_hold(spec, run, seen, seen->prepared_cutover, seen->sentinels_message);
        watch_primary(spec, run, seen, NAMES_SOURCE, REASON_SENTINEL_ASTRAY);
    } else if (run->phase == PHASE_COMPLETED) {
        watch_told(spec, run, seen);
    } else if (run->phase == PHASE_FAILED && may_let_go(run) && seen->phase_ms > PATIENT_MS &&
               !sentinels_let_go(spec, run, seen, text)) {
        trouble(seen, REASON_SENTINEL_NOT_RESET, text);
    }
}
