/* SPDX-License-Identifier: Apache-2.0 */
/* What this daemon knows of two nodes besides what they show: other jobs that have them, and
 * earlier switch-overs. */
#include "daemon/migration/private.h"
#include "lib/base/base.h"

/* The job has been told to go on with its nodes, or still owes them something. */
static bool has_nodes(const struct run *run)
{
    return run->attached && run->phase != PHASE_COMPLETED;
}

/* One server may go by many names: by endpoint, or by the id of its process. */
static bool is_one(const struct endpoint *a, const char *a_run_id, const struct endpoint *b,
                   const char *b_run_id)
{
    return endpoint_equal(a, b) || (a_run_id[0] && strcmp(a_run_id, b_run_id) == 0);
}

void migration_see_around(const struct migration *m, const struct spec *spec, const struct run *run,
                          struct observation *seen)
{
    const struct endpoint *target = &spec->target.endpoint;
    const char *run_id = seen->node[SIDE_TARGET].info.run_id;

    seen->took_over_ms = migration_env_took_over_ms(m->env, &run->source, target);
    seen->rival[0] = '\0';
    list_each (l, &m->env->migrations) {
        const struct migration *other = container_of(l, struct migration, link);
        const struct run *theirs = transition_upcoming(&other->transition, &other->run);
        bool to, from;

        if (other == m || !has_nodes(theirs))
            continue;
        to = is_one(target, run_id, &other->spec->target.endpoint,
                    other->pair.seen.node[SIDE_TARGET].info.run_id);
        from = is_one(target, run_id, &theirs->source,
                      other->pair.seen.node[SIDE_SOURCE].info.run_id) ||
               is_one(target, run_id, &other->pair.seen.primary,
                      other->pair.seen.node[SIDE_PRIMARY].info.run_id);
        if (!to && !from)
            continue;
        (void)str_copy(seen->rival, sizeof(seen->rival), other->spec->id);
        seen->rival_migrates_from = !to;
        return;
    }
}
