/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/api_box.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/base.h"
#include "lib/http/listen.h"
#include "tests/unit/http_client.h"

/* --- fakes --- */

struct migration *registry_find(struct registry *registry, const char *id)
{
    for (unsigned i = 0; i < registry->n; i++)
        if (!registry->jobs[i].hidden && strcmp(registry->jobs[i].spec.id, id) == 0)
            return &registry->jobs[i];
    return NULL;
}

void registry_each(struct registry *registry, void (*fn)(struct migration *m, void *arg), void *arg)
{
    for (unsigned i = 0; i < registry->n; i++)
        if (!registry->jobs[i].hidden)
            fn(&registry->jobs[i], arg);
}

unsigned registry_count(const struct registry *registry)
{
    return registry->n;
}

void registry_count_states(const struct registry *registry, unsigned ret[STATE_MAX])
{
    memset(ret, 0, STATE_MAX * sizeof(*ret));
    for (unsigned i = 0; i < registry->n; i++)
        ret[phase_get(registry->jobs[i].run.phase)->state]++;
}

const char *migration_id(const struct migration *m)
{
    return m->spec.id;
}

void migration_view(const struct migration *m, struct migration_view *ret)
{
    m->registry->looks++;
    *ret = m->view;
    ret->spec = &m->spec;
    ret->run = &m->run;
}

static const char *const verbs[VERB_MAX] = {
#define VERB(id, name, event, needs) #name,
#include "daemon/migration/verb_table.h"
#undef VERB
};

const char *verb_name(enum verb verb)
{
    return verbs[verb];
}

enum verb verb_parse(const char *name)
{
    int verb = 0;

    while (verb < VERB_MAX && strcmp(verbs[verb], name) != 0)
        verb++;
    return (enum verb)verb;
}

bool migration_busy(const struct migration *m)
{
    return m->busy;
}

int migration_verb(struct migration *m, enum verb verb, const struct verb_options *options,
                   struct err *err)
{
    if (m->refusal.code) {
        *err = m->refusal;
        return (int)err->code;
    }
    m->verb = verb;
    m->options = *options;
    return 0;
}

unsigned migration_dry_run(const struct migration *m, struct blocker ret[BLOCKERS_MAX])
{
    memcpy(ret, m->blockers, sizeof(m->blockers));
    return m->n_blockers;
}

/* --- rig --- */

static bool is_ready(void *arg)
{
    return ((struct rig *)arg)->ready;
}

static bool is_held(void *arg)
{
    return ((struct rig *)arg)->held;
}

static void on_durable(uint64_t ticket, void *arg)
{
    struct rig *rig = arg;

    if (rig->bus && !rig->deaf)
        event_bus_durable(rig->bus, ticket);
}

static void on_held(bool held, const struct err *why, void *arg)
{
    (void)arg;
    if (held)
        fail_msg("the store is held: %s", why->msg);
}

static void add_jobs(struct rig *rig, unsigned n)
{
    rig->registry.jobs = xcalloc(n, sizeof(struct migration));
    rig->registry.n = n;
    for (unsigned i = 0; i < n; i++) {
        struct migration *m = &rig->registry.jobs[i];

        m->registry = &rig->registry;
        snprintf(m->spec.id, sizeof(m->spec.id), "job-%04u", i);
        m->spec.file = xasprintf("/etc/ecmigrate.d/job-%04u.yaml", i);
        m->spec.attach.attempts = 5;
        m->spec.cutover.pause_ms = 5000;
        m->spec.cutover.reverse = true;
        m->spec.target.endpoint = (struct endpoint){.host = "10.0.1.7", .port = 6379};
        m->run.since_wall_ms = 1700000000123;
        m->view.progress = (struct progress){-1, -1, -1, -1, -1};
        m->verb = VERB_MAX;
        m->view.reason = REASON_WAITING_START;
    }
}

struct rig *rig_start(void **state, unsigned n_jobs)
{
    struct fixture *f = *state;
    struct rig *rig = xcalloc(1, sizeof(*rig));
    struct store_callbacks callbacks = {on_durable, on_held, rig};
    struct api_deps deps = {.status = {is_ready, is_held, rig}};
    struct err err;
    int fd;

    f->data = rig;
    rig->loop = &f->loop;
    rig->ready = true;
    temp_dir_make(rig->dir);
    snprintf(rig->path, sizeof(rig->path), "%s/sock", rig->dir);
    add_jobs(rig, n_jobs);
    if (store_open(rig->loop, rig->dir, &callbacks, &rig->store, &err))
        fail_msg("store: %s", err.msg);
    rig->bus = event_bus_new(NULL, rig->store, 0);
    deps.registry = &rig->registry;
    deps.store = rig->store;
    deps.bus = rig->bus;
    rig->api = api_new(rig->loop, &deps);
    assert_int_equal(http_listen_unix(rig->path, 0660, NULL, &fd, &err), 0);
    assert_int_equal(api_listen(rig->api, fd, &err), 0);
    return rig;
}

static void set_flag(void *arg)
{
    *(bool *)arg = true;
}

void rig_end_api(struct rig *rig)
{
    rig->api_ends = true;
    api_free(rig->api, set_flag, &rig->api_closed);
}

int rig_teardown(void **state)
{
    struct fixture *f = *state;
    struct rig *rig = f->data;
    bool closed;

    if (!rig || !rig->api) /* it failed while it was set up */
        return -1;
    if (!rig->api_ends)
        rig_end_api(rig);
    closed = loop_run_until_set(rig->loop, &rig->api_closed, 5000);
    store_close(rig->store, set_flag, &rig->store_closed);
    closed = closed && loop_run_until_set(rig->loop, &rig->store_closed, 6000);
    if (closed)
        event_bus_free(rig->bus);
    for (unsigned i = 0; i < rig->registry.n; i++)
        free(rig->registry.jobs[i].spec.file);
    free(rig->registry.jobs);
    temp_dir_remove(rig->dir);
    free(rig);
    return closed ? loop_teardown(state) : -1;
}

void rig_emit(struct rig *rig, const char *job)
{
    struct event_context context = {.job = job, .run = 1};

    rig->emitted++;
    event_emit(rig->bus, EVENT_PHASE_CHANGED, &context,
               json_pack("{s:I}", "n", (json_int_t)rig->emitted), "event %" PRIu64, rig->emitted);
}

bool rig_all_durable(void *arg)
{
    struct rig *rig = arg;

    return store_durable(rig->store) >= rig->emitted;
}

void rig_emit_many(struct rig *rig, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        rig_emit(rig, i % 2 ? "job-0001" : "job-0000");
    assert_true(loop_run_until(rig->loop, rig_all_durable, rig, CLIENT_MS));
}
