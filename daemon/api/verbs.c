/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/jobs/{id}/{verb}: the body's members are the verb's options. */
#include <stdio.h>

#include "daemon/api/private.h"
#include "daemon/api/view_job.h"
#include "daemon/api/view_text.h"
#include "daemon/job/registry.h"
#include "lib/base/log.h"

#define STEPS_MAX 8
#define WITHIN_MAX_S (7 * 24 * 3600)

struct request_options {
    struct verb_options verb;
    bool dry_run;
};

/* Verbs that have a name already, and nothing behind it yet. */
static const char *const later[] = {"reverse", "finalize", "verify"};

static bool comes_later(const char *name)
{
    for (size_t i = 0; i < array_len(later); i++)
        if (strcmp(name, later[i]) == 0)
            return true;
    return false;
}

static void refuse_verb(struct http_request *request, const char *name)
{
    char hint[128] = "Verbs are:";
    size_t len = strlen(hint);

    for (int verb = 0; verb < VERB_MAX; verb++)
        len += (size_t)snprintf(hint + len, sizeof(hint) - len, " %s", verb_name((enum verb)verb));
    assert(len < sizeof(hint));
    http_respond_error(request, 404, "no-such-verb", hint, "there is no verb '%.40s'", name);
}

/* --- options --- */

static int read_bool(const json_t *value, bool *ret, struct err *err)
{
    if (!json_is_boolean(value))
        return err_set(err, ERR_INVALID, "must be true or false");
    *ret = json_is_true(value);
    return 0;
}

static int read_source(const json_t *value, struct request_options *options, struct err *err)
{
    if (!json_is_string(value))
        return err_set(err, ERR_INVALID, "must be a string, host:port");
    options->verb.has_source = true;
    return endpoint_parse(json_string_value(value), &options->verb.source, err);
}

static int read_force(const json_t *value, struct request_options *options, struct err *err)
{
    return read_bool(value, &options->verb.force, err);
}

static int read_dry_run(const json_t *value, struct request_options *options, struct err *err)
{
    return read_bool(value, &options->dry_run, err);
}

static int read_again(const json_t *value, struct request_options *options, struct err *err)
{
    return read_bool(value, &options->verb.again, err);
}

static int read_within(const json_t *value, struct request_options *options, struct err *err)
{
    json_int_t seconds = json_integer_value(value);

    if (!json_is_integer(value) || seconds < 1 || seconds > WITHIN_MAX_S)
        return err_set(err, ERR_INVALID, "must be a whole number of seconds, 1 to %d",
                       WITHIN_MAX_S);
    options->verb.within_ms = (uint64_t)seconds * 1000;
    return 0;
}

static const struct option_row {
    const char *name;
    unsigned verbs; /* that have it */
    int (*read)(const json_t *value, struct request_options *options, struct err *err);
} option_rows[] = {
    {"source", 1u << VERB_START | 1u << VERB_CHECK, read_source},
    {"again", 1u << VERB_START, read_again},
    {"force", 1u << VERB_COMPLETE, read_force},
    {"within_seconds", 1u << VERB_COMPLETE, read_within},
    {"dry_run", 1u << VERB_COMPLETE, read_dry_run},
};

static int read_option(enum verb verb, const char *key, const json_t *value,
                       struct request_options *options, struct err *err)
{
    for (size_t i = 0; i < array_len(option_rows); i++) {
        const struct option_row *row = &option_rows[i];

        if (!(row->verbs & 1u << verb) || strcmp(key, row->name) != 0)
            continue;
        if (row->read(value, options, err))
            return err_wrap(err, "option '%s'", key);
        return 0;
    }
    return err_set(err, ERR_INVALID, "verb '%s' has no option '%.40s'", verb_name(verb), key);
}

static int read_options(enum verb verb, const json_t *body, struct request_options *ret,
                        struct err *err)
{
    struct request_options options = {.dry_run = false};
    const char *key;
    json_t *value;

    /* The iterator changes nothing, but jansson's signature wants to be able to. */
    json_object_foreach ((json_t *)(uintptr_t)body, key, value)
        if (read_option(verb, key, value, &options, err))
            return err->code;
    *ret = options;
    return 0;
}

/* --- complete with dry_run --- */

static json_t *view_blocker(const struct blocker *blocker, const struct migration_view *view)
{
    const struct reason_def *def = reason_get(blocker->reason);
    bool named = blocker->reason != REASON_NONE;
    const char *step = named ? def->next : phase_get(view->run->phase)->next_step;
    cleanup(freep) char *next = view_sentence(step, view->spec->id);

    return json_pack("{s:s, s:o, s:s}", "code", named ? def->code : "wrong-phase", "message",
                     view_text(*blocker->message ? blocker->message : def->what), "next_step",
                     next);
}

static void add_step(json_t *steps, char *text)
{
    json_array_append_new(steps, view_text(text));
    free(text);
}

/* The source is a replica, and the primary above it takes the writes. */
static bool is_chained(const struct migration_view *view)
{
    return view->seen && view->seen->writer == SIDE_PRIMARY;
}

static const char *writer_name(const struct migration_view *view)
{
    return is_chained(view) ? "source's primary" : "source";
}

static bool writer_answers(const struct migration_view *view)
{
    return !view->seen || view->seen->node[view->seen->writer].reachable;
}

/* The part of what takes the writes; by force one that does not answer is passed over. */
static void add_writer_steps(json_t *steps, const struct migration_view *view, const char *writer,
                             const char *target, bool force)
{
    double pause = (double)view->spec->cutover.pause_ms / 1000;
    const char *what = writer_name(view);

    if (force && !writer_answers(view)) {
        add_step(steps,
                 xasprintf("Wait 10 s for the %s '%s', which does not answer.", what, writer));
        return;
    }
    add_step(steps,
             xasprintf("Pause writes on the %s '%s' for at most %g s.", what, writer, pause));
    add_step(steps,
             xasprintf("Wait up to %g s until the target '%s' has applied every write; if it does "
                       "not get there, %s%s.",
                       pause / 2, target,
                       force ? "go on without the rest, which is lost" : "resume writes on the ",
                       force ? "" : what));
    add_step(steps, xasprintf("Make the %s '%s' a read-only replica of the target.", what, writer));
}

/* What a switch-over would do, in the order in which it does it. */
static json_t *view_steps(const struct migration_view *view, bool force)
{
    const struct spec *spec = view->spec;
    const struct endpoint *from =
        endpoint_is_set(&view->run->source) ? &view->run->source : &spec->source.endpoint;
    char source[ENDPOINT_STR_MAX], writer[ENDPOINT_STR_MAX], target[ENDPOINT_STR_MAX];
    json_t *steps = json_array();

    endpoint_format(from, source);
    endpoint_format(is_chained(view) ? &view->seen->primary : from, writer);
    endpoint_format(&spec->target.endpoint, target);
    add_writer_steps(steps, view, writer, target, force);
    add_step(steps, xasprintf("Promote the target '%s' to a primary; writes go there from now on.",
                              target));
    if (force && !writer_answers(view)) {
        add_step(steps, xasprintf("Leave '%s' alone: it may come back as a primary, and must be "
                                  "kept from that.",
                                  writer));
        return steps;
    }
    if (view->seen && wants_drain(spec, view->seen))
        add_step(steps, xasprintf("Close the connections of clients to '%s'.", writer));
    if (spec->cutover.reverse)
        add_step(steps, xasprintf("Keep '%s' following '%s': the way back.", writer, target));
    else
        add_step(steps, xasprintf("Cut the link of '%s' and leave it read-only "
                                  "(cutover.reverse is false).",
                                  writer));
    if (spec->cutover.reverse && is_chained(view))
        add_step(steps, xasprintf("Let '%s' follow '%s', too.", source, target));
    return steps;
}

/* By force a switch-over passes over what holds it back, but not over writers that it cannot stop.
 */
static bool passes_over(const struct migration_view *view, const struct blocker *blocker,
                        bool force)
{
    return force && view->run->phase == PHASE_REPLICATING &&
           blocker->reason != REASON_SOURCE_IS_REPLICA && blocker->reason != REASON_PRIMARY_CHANGED;
}

static void respond_dry_run(struct http_request *request, const struct migration *m, bool force)
{
    struct blocker blockers[BLOCKERS_MAX];
    struct migration_view view;
    json_t *held = json_array(), *passed = json_array();
    unsigned n;

    migration_view(m, &view);
    n = min_of(migration_dry_run(m, blockers), (unsigned)BLOCKERS_MAX);
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(passes_over(&view, &blockers[i], force) ? passed : held,
                              view_blocker(&blockers[i], &view));
    http_respond_json(
        request, 200,
        json_pack("{s:b, s:b, s:o, s:o, s:o}", "dry_run", 1, "ready", json_array_size(held) == 0,
                  "blockers", held, "passed_over", passed, "steps",
                  view.run->phase == PHASE_HALTED ? json_array() : view_steps(&view, force)));
}

/* --- the verb itself --- */

static void refuse(struct http_request *request, const struct migration *m, const struct err *err)
{
    struct migration_view view;
    cleanup(freep) char *hint = NULL;

    if (err->code == ERR_INVALID) {
        http_respond_error(request, 400, "invalid-option", NULL, "%s", err->msg);
        return;
    }
    migration_view(m, &view);
    if (err->code == ERR_EXISTS) {
        const struct reason_def *def = reason_get(REASON_ALREADY_SWITCHED);

        hint = view_sentence(def->next, view.spec->id);
        http_respond_error(request, 409, def->code, hint, "%s", err->msg);
        return;
    }
    if (err->code != ERR_BUSY) {
        http_respond_error(request, 500, "internal", NULL, "%s", err->msg);
        return;
    }
    hint = view_sentence(phase_get(view.run->phase)->next_step, view.spec->id);
    http_respond_error(request, 409, "wrong-phase", hint, "%s", err->msg);
}

static void settled(struct http_request *request, const char *id, const struct migration *m,
                    bool durable)
{
    struct migration_view view;

    if (!m) {
        api_no_such_job(request, id);
        return;
    }
    if (!durable) {
        http_respond_error(request, 503, "not-durable",
                           "Look at the job's reason; the verb is carried out as soon as it can be "
                           "recorded, unless the daemon is stopped before.",
                           "job '%s': the verb could not be recorded yet", id);
        return;
    }
    migration_view(m, &view);
    http_respond_json(request, 202, view_job(&view));
}

static void run_verb(struct api *api, struct http_request *request, struct migration *m,
                     enum verb verb)
{
    static const char *const no_query[] = {NULL};
    const char *odd = http_request_query_odd(request, no_query);
    struct request_options options = {.dry_run = false};
    struct err err = ERR_INIT;

    if (odd) {
        http_respond_error(request, 400, "bad-query",
                           "Options of a verb are members of the JSON object in the body.",
                           "a verb has no query parameters, and '%.40s' is one", odd);
        return;
    }
    if (read_options(verb, http_request_body(request), &options, &err)) {
        http_respond_error(request, 400, "invalid-option", NULL, "%s", err.msg);
        return;
    }
    if (options.dry_run) {
        respond_dry_run(request, m, options.verb.force);
        return;
    }
    (void)str_copy(options.verb.by, sizeof(options.verb.by), api_caller(request)->name);
    if (migration_verb(m, verb, &options.verb, &err)) {
        refuse(request, m, &err);
        return;
    }
    api_log_asked(api, request, m, verb_name(verb));
    api_when_durable(api, request, m, settled);
}

void api_verb(struct http_request *request, void *arg)
{
    struct api *api = arg;
    const char *id = http_request_param(request, "id"), *name = http_request_param(request, "verb");
    enum verb verb = verb_parse(name);
    struct migration *m = registry_find(api->deps.registry, id);

    if (verb == VERB_MAX && !comes_later(name))
        refuse_verb(request, name);
    else if (!m)
        api_no_such_job(request, id);
    else if (verb == VERB_MAX)
        http_respond_error(request, 501, "not-supported", NULL,
                           "verb '%s' is not supported by this version", name);
    else
        run_verb(api, request, m, verb);
}
