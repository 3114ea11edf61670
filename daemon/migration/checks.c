/* SPDX-License-Identifier: Apache-2.0 */
/* The checks on a pair of their own: those an operator asks for, and those of a job that waits for
 * a slot, which need not wait in vain. */
#include "daemon/migration/private.h"
#include "lib/base/base.h"

static void see_around(const struct spec *spec, const struct run *run, struct observation *seen,
                       void *arg)
{
    migration_see_around(arg, spec, run, seen);
}

static void start(struct migration *m, const struct run *run,
                  void (*done)(struct check_report *report, void *arg))
{
    m->checks.running =
        precheck_new(&(struct precheck_config){.loop = m->env->loop,
                                               .turns = &m->env->turns,
                                               .spec = m->next_spec ? m->next_spec : m->spec,
                                               .run = run,
                                               .instance = m->env->instance,
                                               .contexts = m->env->contexts,
                                               .see_around = see_around,
                                               .done = done,
                                               .arg = m});
    precheck_start(m->checks.running);
}

static void keep(struct migration *m, struct check_report *report)
{
    check_report_free(m->checks.latest);
    m->checks.latest = report;
}

/* --- asked for --- */

static void checked(struct check_report *report, void *arg)
{
    struct migration *m = arg;

    precheck_free(take(m->checks.running), NULL, NULL);
    keep(m, report);
    migration_announce_check(m, report, false);
    migration_poke(m); /* a run that waits for a slot may have waited for this, too */
}

int migration_check(struct migration *m, const struct endpoint *source, struct err *err)
{
    struct run run = m->run;

    if (m->checks.running)
        return err_set(err, ERR_BUSY, "job '%s' is being checked already", m->spec->id);
    run.source = *source;
    keep(m, check_report_new(source));
    start(m, &run, checked);
    return 0;
}

/* --- ahead of a slot --- */

static void checked_ahead(struct check_report *report, void *arg)
{
    struct migration *m = arg;
    struct observation *seen = &m->pair.seen;

    precheck_free(take(m->checks.running), NULL, NULL);
    slots_release(&m->env->checks_ahead, &m->checks.slot);
    /* The run's own come, or have come; or it is another run, of another text. */
    if (m->run.phase != PHASE_QUEUED || m->run.number != m->checks.run ||
        transition_pending(&m->transition)) {
        check_report_free(report);
        migration_poke(m);
        return;
    }
    keep(m, report);
    migration_announce_check(m, report, true);
    seen->checked_ahead = true;
    seen->ahead_reason = report->passed ? REASON_NONE : report->reason;
    (void)str_copy(seen->ahead_message, sizeof(seen->ahead_message),
                   report->passed ? "" : report->message);
    migration_poke(m);
}

void migration_check_ahead(struct migration *m)
{
    if (m->run.phase != PHASE_QUEUED) {
        if (!m->checks.running)
            slots_release(&m->env->checks_ahead, &m->checks.slot);
        return;
    }
    if (m->slot.held || m->pair.seen.checked_ahead || m->checks.running)
        return;
    slots_want(&m->env->checks_ahead, &m->checks.slot, m->run.source.host);
    if (!m->checks.slot.held)
        return;
    m->checks.run = m->run.number;
    start(m, &m->run, checked_ahead);
}
