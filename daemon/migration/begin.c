/* SPDX-License-Identifier: Apache-2.0 */
/* What a new run begins with. */
#include "daemon/migration/private.h"
#include "lib/base/base.h"

void migration_set_spec(struct migration *m, struct spec *spec)
{
    spec_free(m->spec);
    m->spec = spec;
    m->pair.spec = spec;
}

/* The new run is with another node: what is remembered of the old one is not true of it. */
static void disown(struct migration *m, enum node_side side, const struct endpoint *was,
                   const struct endpoint *is)
{
    if (!endpoint_is_set(was) || endpoint_equal(was, is))
        return;
    settings_disown(&m->pair.settings, side);
    if (side == SIDE_TARGET && m->run.attached)
        log_warn(m->env->log, "job '%s': the former target '%s:%u' may still follow the source",
                 m->spec->id, was->host, was->port);
    if (side == SIDE_TARGET)
        m->run.attached = false;
}

/* A newer text waits for a run that has not begun. */
static void take_next_spec(struct migration *m)
{
    if (!m->next_spec)
        return;
    disown(m, SIDE_TARGET, &m->spec->target.endpoint, &m->next_spec->target.endpoint);
    pair_disconnect(&m->pair);
    migration_set_spec(m, take(m->next_spec));
    if (m->spec->has_source) {
        disown(m, SIDE_SOURCE, &m->run.source, &m->spec->source.endpoint);
        m->run.source = m->spec->source.endpoint;
    }
}

/* A retry repeats the run: with the source it had, whoever named that. */
void migration_begin_run(struct migration *m, struct run *next, enum fsm_event event)
{
    bool again = event == EV_RETRY || event == EV_AGAIN;
    bool repeats = again && !m->next_spec && endpoint_is_set(&m->run.source);

    take_next_spec(m);
    next->attached = m->run.attached;
    next->again = m->posted.options.again || (event == EV_AGAIN && m->run.again);
    next->source = m->run.source;
    if (m->posted.options.has_source)
        next->source = m->posted.options.source;
    else if (m->spec->has_source && !repeats)
        next->source = m->spec->source.endpoint;
    disown(m, SIDE_SOURCE, &m->run.source, &next->source);
}
