/* SPDX-License-Identifier: Apache-2.0 */
/* What operators ask of a migration. */
#include <stdio.h>

#include "daemon/migration/private.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

enum verb_need {
    V_SOURCE = 1 << 0,  /* a source, of the file or named */
    V_ANYTIME = 1 << 1, /* takes the place of a verb that waits for its turn */
};

static const struct verb_row {
    const char *name;
    enum fsm_event event;
    unsigned needs;
} verbs[VERB_MAX] = {
#define VERB(id, name, event, needs) [VERB_##id] = {#name, event, needs},
#include "daemon/migration/verb_table.h"
#undef VERB
};

const char *verb_name(enum verb verb)
{
    return verbs[verb].name;
}

enum verb verb_parse(const char *name)
{
    int v = 0;

    while (v < VERB_MAX && strcmp(verbs[v].name, name) != 0)
        v++;
    return (enum verb)v;
}

/* What can be started can be checked. */
static bool possible(const struct run *run, enum verb verb)
{
    enum fsm_event event = verb == VERB_CHECK ? EV_START : verbs[verb].event;

    return fsm_next(run->phase, run_verb_event(run, event)) != NULL;
}

static void possible_verbs(const struct run *run, char *buf, size_t size)
{
    size_t n = 0;

    buf[0] = '\0';
    for (int v = 0; v < VERB_MAX; v++)
        if (possible(run, (enum verb)v) && n < size)
            n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? ", " : "", verbs[v].name);
    if (n == 0)
        (void)str_copy(buf, size, "nothing");
}

/* The source a start without one of its own would have. */
static const struct endpoint *default_source(const struct migration *m)
{
    const struct spec *spec = m->next_spec ? m->next_spec : m->spec;

    return spec->has_source ? &spec->source.endpoint : &m->run.source;
}

/* A source that is named beats the file's, and the file's reader must hear of it. */
static void say_overridden(struct migration *m, const struct verb_options *options)
{
    const struct endpoint *file = default_source(m);
    char given[ENDPOINT_STR_MAX], written[ENDPOINT_STR_MAX];
    struct event_context context = migration_context(m);

    if (!options->has_source || !(m->next_spec ? m->next_spec : m->spec)->has_source ||
        endpoint_equal(&options->source, file))
        return;
    endpoint_format(&options->source, given);
    endpoint_format(file, written);
    event_emit(m->env->bus, EVENT_SOURCE_OVERRIDDEN, &context,
               json_pack("{s:s, s:s}", "source", given, "file_source", written),
               "the start names the source '%s'; the job file's, '%s', is not used for this run",
               given, written);
}

/* What the state machine allows, and this moment does not. */
static int hold_back(const struct migration *m, enum verb verb, const struct verb_options *options,
                     struct err *err)
{
    const struct spec *spec = m->next_spec ? m->next_spec : m->spec;
    const struct endpoint *source = options->has_source ? &options->source : default_source(m);
    const struct seen_node *writer = &m->pair.seen.node[m->pair.seen.writer];
    int64_t took_over_ms = migration_env_took_over_ms(m->env, source, &spec->target.endpoint);
    char at[CLOCK_TEXT_MAX];

    if (verb == VERB_COMPLETE && m->run.phase == PHASE_HALTED && !options->force)
        return err_set(err, ERR_INVALID, "job '%s' is halted: %s. Only --force goes on from here",
                       spec->id, m->run.message);
    if (verb == VERB_COMPLETE && options->force && m->run.phase == PHASE_REPLICATING &&
        writer->reachable && writer->info.role == REDIS_ROLE_REPLICA)
        return err_set(err, ERR_INVALID,
                       "the %s is a replica of '%s:%u', where its writers are: not even --force "
                       "could stop them. Name that one as the source",
                       side_name(m->pair.seen.writer), writer->info.master_host,
                       writer->info.master_port);
    bool goes_on = verb == VERB_RETRY && m->run.phase == PHASE_HALTED &&
                   (m->run.committed || m->run.again); /* with what was allowed */

    if ((verb == VERB_START || verb == VERB_RETRY) && took_over_ms != 0 && !options->again &&
        !goes_on)
        return err_set(err, ERR_EXISTS,
                       "the target took over from this source at %s: another run in that direction "
                       "would delete what it has taken since",
                       clock_format(took_over_ms, at));
    if ((verbs[verb].needs & V_SOURCE) && !endpoint_is_set(source))
        return err_set(err, ERR_INVALID, "job '%s' names no source; give one: --source HOST:PORT",
                       spec->id);
    return 0;
}

int migration_verb(struct migration *m, enum verb verb, const struct verb_options *options,
                   struct err *err)
{
    const struct run *run = transition_upcoming(&m->transition, &m->run);
    enum phase phase = run->phase;
    char words[64];

    if (!possible(run, verb)) {
        possible_verbs(run, words, sizeof(words));
        return err_set(err, ERR_BUSY,
                       "job '%s' is in phase %s, where %s is not possible; "
                       "possible is: %s",
                       m->spec->id, phase_get(phase)->name, verbs[verb].name, words);
    }
    if (m->posted.event != EV_NONE && !(verbs[verb].needs & V_ANYTIME))
        return err_set(err, ERR_BUSY, "job '%s' is carrying out '%s' just now", m->spec->id,
                       fsm_event_name(m->posted.event));
    if (hold_back(m, verb, options, err))
        return (int)err->code;
    if (verb == VERB_CHECK)
        return migration_check(m, options->has_source ? &options->source : default_source(m), err);
    say_overridden(m, options);
    m->posted.event = verbs[verb].event;
    m->posted.options = *options;
    migration_obey(m);
    return 0;
}

bool migration_busy(const struct migration *m)
{
    return m->posted.event != EV_NONE || transition_pending(&m->transition);
}
