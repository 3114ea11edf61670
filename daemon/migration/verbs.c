/* SPDX-License-Identifier: Apache-2.0 */
/* What operators and job files ask of a migration, and what is shown of it. */
#include <stdio.h>

#include "daemon/migration/migration_private.h"

static const struct verb_row {
    const char *name;
    enum fsm_event event;
} verbs[VERB_MAX] = {
    [VERB_CHECK] = {"check", EV_NONE},           [VERB_START] = {"start", EV_START},
    [VERB_COMPLETE] = {"complete", EV_COMPLETE}, [VERB_ABORT] = {"abort", EV_ABORT},
    [VERB_RETRY] = {"retry", EV_RETRY},
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

/* The phase a verb will meet: an edge that is being made durable counts as taken. */
static const struct run *upcoming(const struct migration *m)
{
    return m->ticket != 0 ? &m->next_run : &m->run;
}

/* What can be started can be checked. */
static bool possible(enum phase phase, enum verb verb)
{
    return fsm_next(phase, verb == VERB_CHECK ? EV_START : verbs[verb].event) != NULL;
}

static void possible_verbs(enum phase phase, char *buf, size_t size)
{
    size_t n = 0;

    buf[0] = '\0';
    for (int v = 0; v < VERB_MAX; v++)
        if (possible(phase, (enum verb)v) && n < size)
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

static int check(struct migration *m, const struct verb_options *options, struct err *err)
{
    if (m->precheck)
        return err_set(err, ERR_BUSY, "job '%s' is being checked already", m->spec->id);
    check_report_free(m->checked);
    m->checked = check_report_new(options->has_source ? &options->source : default_source(m));
    m->precheck = precheck_new(m, &m->checked->source);
    precheck_start(m->precheck);
    return 0;
}

void migration_checked(struct migration *m, struct check_report *report)
{
    precheck_free(take(m->precheck), NULL, NULL);
    check_report_free(m->checked);
    m->checked = report;
    migration_announce_check(m, report);
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

int migration_verb(struct migration *m, enum verb verb, const struct verb_options *options,
                   struct err *err)
{
    enum phase phase = upcoming(m)->phase;
    char words[64];

    if (!possible(phase, verb)) {
        possible_verbs(phase, words, sizeof(words));
        return err_set(err, ERR_BUSY,
                       "job '%s' is in phase %s, where %s is not possible; "
                       "possible is: %s",
                       m->spec->id, phase_get(phase)->name, verbs[verb].name, words);
    }
    if (m->posted != EV_NONE && verb != VERB_ABORT)
        return err_set(err, ERR_BUSY, "job '%s' is carrying out '%s' just now", m->spec->id,
                       fsm_event_name(m->posted));
    if (verb == VERB_COMPLETE && phase == PHASE_HALTED && !options->force)
        return err_set(err, ERR_INVALID, "job '%s' is halted: %s. Only --force goes on from here",
                       m->spec->id, m->run.message);
    if ((verb == VERB_START || verb == VERB_RETRY || verb == VERB_CHECK) && !options->has_source &&
        !endpoint_is_set(default_source(m)))
        return err_set(err, ERR_INVALID, "job '%s' names no source; give one: --source HOST:PORT",
                       m->spec->id);
    if (verb == VERB_CHECK)
        return check(m, options, err);
    say_overridden(m, options);
    m->posted = verbs[verb].event;
    m->options = *options;
    migration_obey(m);
    return 0;
}

bool migration_busy(const struct migration *m)
{
    return m->posted != EV_NONE || m->ticket != 0;
}

unsigned migration_dry_run(const struct migration *m, struct blocker ret[BLOCKERS_MAX])
{
    if (m->run.phase == PHASE_REPLICATING)
        return gate_check(m->spec, &m->seen, ret);
    ret[0].reason = m->last.reason;
    snprintf(ret[0].message, sizeof(ret[0].message), "the job is in phase %s, not in replicating",
             phase_get(m->run.phase)->name);
    return 1;
}

/* Whether a changed file begins a new run now. */
static bool restarts(const struct run *run)
{
    return (phase_get(run->phase)->flags & F_RESPEC) ||
           (run->phase == PHASE_BACKOFF && !run->attached);
}

enum respec migration_respec(struct migration *m, struct spec *spec)
{
    const struct run *run = upcoming(m);

    migration_set_file_gone(m, false);
    if (strcmp(m->spec->text, spec->text) == 0) {
        spec_free(take(m->next_spec));
        spec_free(spec);
        return RESPEC_SAME;
    }
    if (run->phase == PHASE_COMPLETED) {
        spec_free(spec);
        return RESPEC_LEFT_ALONE;
    }
    spec_free(m->next_spec);
    m->next_spec = NULL;
    if (restarts(run)) {
        m->next_spec = spec;
        if (m->posted == EV_NONE) /* a verb that waits takes the new text with it */
            m->posted = EV_RESPEC;
        migration_poke(m);
        return RESPEC_RESTARTED;
    }
    if (spec_safe_change(m->spec, spec)) {
        spec_free(m->spec);
        m->spec = spec;
        migration_poke(m);
        return RESPEC_TAKEN;
    }
    m->next_spec = spec;
    return RESPEC_KEPT_FOR_LATER;
}

void migration_set_file_gone(struct migration *m, bool gone)
{
    m->file_gone = gone;
}

bool migration_forgettable(const struct migration *m)
{
    const struct run *run = upcoming(m);
    bool settled =
        (phase_get(run->phase)->flags & F_ENDED) && !(run->phase == PHASE_FAILED && run->attached);

    bool untouched =
        (run->phase == PHASE_IDLE || run->phase == PHASE_QUEUED || run->phase == PHASE_CHECKING) &&
        !run->attached;

    return m->acting == ACT_NONE && (settled || untouched) &&
           settings_count(&m->settings, SIDE_SOURCE, true) == 0 &&
           settings_count(&m->settings, SIDE_TARGET, true) == 0;
}

const char *migration_id(const struct migration *m)
{
    return m->spec->id;
}

void migration_view(const struct migration *m, struct migration_view *ret)
{
    const struct run *run = &m->run; /* what is durable, never what is only about to be */
    bool waits = !(phase_get(run->phase)->flags & F_ENDED) && m->last.event == EV_NONE;

    *ret = (struct migration_view){
        .spec = m->spec,
        .run = run,
        .seen = &m->seen,
        .file_gone = m->file_gone,
        .phase_waiting = waits,
        .reason = waits ? m->last.reason : run->reason,
        .link_since_wall_ms = m->link_since_wall_ms,
        .progress = m->progress,
        .checks = m->checked,
    };
    (void)str_copy(ret->message, sizeof(ret->message), waits ? m->last.message : run->message);
    if ((m->ticket != 0 || m->settings.ticket != 0) && store_held(m->env->store)) {
        ret->phase_waiting = true;
        ret->reason = REASON_STORE_HELD;
        (void)str_copy(ret->message, sizeof(ret->message),
                       "the state directory does not take writes; nothing new is begun");
    }
}
