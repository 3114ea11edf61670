/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a job when its file changes, or goes. */
#include "daemon/migration/private.h"
#include "lib/base/base.h"

/* Whether a changed file begins a new run now. */
static bool restarts(const struct run *run)
{
    return (phase_get(run->phase)->flags & F_RESPEC) ||
           (run->phase == PHASE_BACKOFF && !run->attached);
}

enum respec migration_respec(struct migration *m, struct spec *spec)
{
    const struct run *run = transition_upcoming(&m->transition, &m->run);

    migration_set_file_gone(m, false);
    if (strcmp(m->spec->text, spec->text) == 0) {
        spec_free(take(m->next_spec));
        spec_free(spec);
        return RESPEC_SAME;
    }
    spec_free(take(m->next_spec));
    if (run->phase == PHASE_COMPLETED) {
        m->next_spec = spec;
        return RESPEC_LEFT_ALONE;
    }
    if (restarts(run)) {
        m->next_spec = spec;
        if (m->posted.event == EV_NONE) /* a verb that waits takes the new text with it */
            m->posted.event = EV_RESPEC;
        migration_poke(m);
        return RESPEC_RESTARTED;
    }
    if (spec_safe_change(m->spec, spec)) {
        migration_set_spec(m, spec);
        migration_poke(m);
        return RESPEC_TAKEN;
    }
    m->next_spec = spec;
    return RESPEC_KEPT_FOR_LATER;
}

void migration_set_file(struct migration *m, const char *path)
{
    free(m->spec->file);
    m->spec->file = xstrdup(path);
    (void)migration_keep(m, transition_upcoming(&m->transition, &m->run));
}

void migration_set_file_gone(struct migration *m, bool gone)
{
    m->file_gone = gone;
}

bool migration_forgettable(const struct migration *m)
{
    const struct run *run = transition_upcoming(&m->transition, &m->run);
    bool settled = (phase_get(run->phase)->flags & F_ENDED) &&
                   !(run->phase == PHASE_FAILED && (run->attached || run->sentinel_owed));

    bool untouched =
        (run->phase == PHASE_IDLE || run->phase == PHASE_QUEUED || run->phase == PHASE_CHECKING) &&
        !run->attached;

    return m->pair.acting == ACT_NONE && (settled || untouched) &&
           settings_count(&m->pair.settings, SIDE_SOURCE, true) == 0 &&
           settings_count(&m->pair.settings, SIDE_TARGET, true) == 0 &&
           settings_count(&m->pair.settings, SIDE_PRIMARY, true) == 0 &&
           !pair_owes_siblings(&m->pair);
}
