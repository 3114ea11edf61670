/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API over a real store and a real event bus. Registry and migrations are fakes of this file:
 * what they show is set by hand, and what is asked of them is recorded.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/api/api.h"
#include "daemon/event/event.h"
#include "daemon/job/registry.h"
#include "daemon/store/store.h"
#include "lib/base/base.h"
#include "lib/http/listen.h"
#include "tests/unit/fixture.h"
#include "tests/unit/http_client.h"
#include "tests/unit/json_expect.h"

/* --- fakes --- */

struct migration {
    struct spec spec;
    struct run run;
    struct observation seen;
    struct migration_view view;

    enum verb verb; /* asked last; VERB_MAX: none */
    struct verb_options options;
    struct err refusal; /* code 0: it is accepted */
    struct blocker blockers[BLOCKERS_MAX];
    unsigned n_blockers;
};

struct registry {
    struct migration *jobs; /* owned */
    unsigned n;
};

struct migration *registry_find(struct registry *registry, const char *id)
{
    for (unsigned i = 0; i < registry->n; i++)
        if (strcmp(registry->jobs[i].spec.id, id) == 0)
            return &registry->jobs[i];
    return NULL;
}

void registry_each(struct registry *registry, void (*fn)(struct migration *m, void *arg), void *arg)
{
    for (unsigned i = 0; i < registry->n; i++)
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
    *ret = m->view;
    ret->spec = &m->spec;
    ret->run = &m->run;
}

static const char *const verbs[VERB_MAX] = {"check", "start", "complete", "abort", "retry"};

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
    (void)m;
    return false;
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

struct rig {
    uv_loop_t *loop;
    char dir[TEMP_DIR_MAX], path[TEMP_DIR_MAX + 8];
    struct registry registry;
    struct store *store;
    struct event_bus *bus;
    struct api *api;
    bool ready, held, deaf; /* deaf: the bus does not hear what is durable */
    bool api_closed, store_closed;
    uint64_t emitted;
};

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

static struct rig *rig_start(void **state, unsigned n_jobs)
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

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct rig *rig = f->data;
    bool closed;

    if (!rig || !rig->api) /* it failed while it was set up */
        return -1;
    api_free(rig->api, set_flag, &rig->api_closed);
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

/* The JSON answer to request; fails when the status is another one. */
static json_t *ask(struct rig *rig, const char *request, int status)
{
    char *body;
    int got = client_ask(rig->loop, rig->path, request, &body);
    json_t *json = json_loads(body, 0, NULL);

    if (got != status || !json)
        fail_msg("status %d instead of %d, or no JSON: %s", got, status, body);
    free(body);
    return json;
}

static json_t *get(struct rig *rig, const char *path, int status)
{
    cleanup(freep) char *request = xasprintf("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);

    return ask(rig, request, status);
}

static json_t *post(struct rig *rig, const char *path, const char *body, int status)
{
    cleanup(freep) char *request = xasprintf(
        "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", path, strlen(body), body);

    return ask(rig, request, status);
}

static const char *error_code(const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error");

    assert_true(json_is_string(json_object_get(error, "message")));
    assert_non_null(json_object_get(error, "hint"));
    return json_string_value(json_object_get(error, "code"));
}

static void expect_error(json_t *answer, const char *code)
{
    assert_string_equal(error_code(answer), code);
    json_decref(answer);
}

static const char *str(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void emit(struct rig *rig, const char *job)
{
    struct event_context context = {.job = job, .run = 1};

    rig->emitted++;
    event_emit(rig->bus, EVENT_PHASE_CHANGED, &context,
               json_pack("{s:I}", "n", (json_int_t)rig->emitted), "event %" PRIu64, rig->emitted);
}

static bool all_durable(void *arg)
{
    struct rig *rig = arg;

    return store_durable(rig->store) >= rig->emitted;
}

static void emit_many(struct rig *rig, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        emit(rig, i % 2 ? "job-0001" : "job-0000");
    assert_true(loop_run_until(rig->loop, all_durable, rig, CLIENT_MS));
}

/* --- jobs --- */

#define JOB_MEMBERS                                                                                \
    "id description state phase since reason next_step run attempt source target link progress "   \
    "lag checks cutover verify file"

static void make_replicating(struct migration *m)
{
    m->run.phase = PHASE_REPLICATING;
    m->run.number = 1;
    m->run.source = (struct endpoint){.host = "10.0.0.1", .port = 6379};
    m->view.seen = &m->seen;
    m->view.reason = REASON_NONE;
    for (int side = 0; side < SIDE_MAX; side++) {
        struct seen_node *node = &m->seen.node[side];

        node->tried = node->reachable = true;
        node->info.sections = REDIS_INFO_SERVER | REDIS_INFO_REPLICATION;
        (void)str_copy(node->info.version, sizeof(node->info.version), "8.0.1");
    }
    m->seen.target_follows = true;
}

static void test_one_job(void **state)
{
    struct rig *rig = rig_start(state, 2);
    json_t *job = get(rig, "/v1/jobs/job-0001", 200);

    expect_members(job, JOB_MEMBERS);
    assert_string_equal(str(job, "id"), "job-0001");
    json_decref(job);
    expect_error(get(rig, "/v1/jobs/nobody", 404), "no-such-job");
    expect_error(get(rig, "/v1/jobs/%ff%01", 404), "no-such-job");
}

static void test_thousand_jobs(void **state)
{
    struct rig *rig = rig_start(state, 1000);
    uint64_t begun, took_ms;
    json_t *list, *jobs;

    for (unsigned i = 0; i < 1000; i++)
        make_replicating(&rig->registry.jobs[i]);
    begun = uv_hrtime();
    list = get(rig, "/v1/jobs", 200);
    took_ms = (uv_hrtime() - begun) / 1000000;
    jobs = json_object_get(list, "jobs");
    assert_int_equal(json_array_size(jobs), 1000);
    expect_members(json_array_get(jobs, 999), JOB_MEMBERS);
    assert_string_equal(str(json_array_get(jobs, 999), "id"), "job-0999");
    json_decref(list);
    /* It includes the client, and a sanitizer or a busy machine may be at work. */
    assert_true(took_ms < 1000);
    printf("           1,000 jobs: %" PRIu64 " ms\n", took_ms);
}

static void test_no_jobs(void **state)
{
    struct rig *rig = rig_start(state, 0);
    json_t *list = get(rig, "/v1/jobs", 200);

    expect_json(list, "{\"jobs\":[]}");
    json_decref(list);
}

/* --- verbs --- */

static void test_verbs(void **state)
{
    struct rig *rig = rig_start(state, 1);
    struct migration *m = rig->registry.jobs;
    json_t *answer = post(rig, "/v1/jobs/job-0000/start", "{\"source\":\"10.0.0.1:6379\"}", 202);

    expect_members(answer, JOB_MEMBERS);
    json_decref(answer);
    assert_int_equal(m->verb, VERB_START);
    assert_true(m->options.has_source);
    assert_string_equal(m->options.source.host, "10.0.0.1");
    json_decref(post(rig, "/v1/jobs/job-0000/start", "", 202));
    assert_false(m->options.has_source);
    json_decref(post(rig, "/v1/jobs/job-0000/complete", "{\"force\":true}", 202));
    assert_int_equal(m->verb, VERB_COMPLETE);
    assert_true(m->options.force);
    json_decref(post(rig, "/v1/jobs/job-0000/abort", "{}", 202));
    assert_int_equal(m->verb, VERB_ABORT);
    json_decref(post(rig, "/v1/jobs/job-0000/retry", "{}", 202));
    assert_int_equal(m->verb, VERB_RETRY);
}

static void test_refused_verbs(void **state)
{
    static const struct {
        const char *verb, *body;
    } bad[] = {
        {"start", "{\"source\":\"nonsense\"}"},
        {"start", "{\"source\":\"h:70000\"}"},
        {"start", "{\"source\":1}"},
        {"start", "{\"force\":true}"},
        {"complete", "{\"force\":\"yes\"}"},
        {"complete", "{\"dry_run\":1}"},
        {"abort", "{\"force\":true}"},
        {"retry", "{\"x\":null}"},
    };
    static const char *const later[] = {"reverse", "finalize", "verify"};
    struct rig *rig = rig_start(state, 1);
    struct migration *m = rig->registry.jobs;
    char path[64];
    json_t *answer;

    for (size_t i = 0; i < array_len(bad); i++) {
        snprintf(path, sizeof(path), "/v1/jobs/job-0000/%s", bad[i].verb);
        expect_error(post(rig, path, bad[i].body, 400), "invalid-option");
    }
    for (size_t i = 0; i < array_len(later); i++) {
        snprintf(path, sizeof(path), "/v1/jobs/job-0000/%s", later[i]);
        expect_error(post(rig, path, "{}", 501), "not-supported");
    }
    answer = post(rig, "/v1/jobs/job-0000/explode", "{}", 404);
    assert_string_equal(str(json_object_get(answer, "error"), "hint"),
                        "Verbs are: check start complete abort retry");
    expect_error(answer, "no-such-verb");
    expect_error(post(rig, "/v1/jobs/nobody/start", "{}", 404), "no-such-job");
    expect_error(post(rig, "/v1/jobs/job-0000/start", "[]", 400), "bad-json");
    expect_error(get(rig, "/v1/jobs/job-0000/start", 405), "wrong-method");

    err_set(&m->refusal, ERR_BUSY, "job 'job-0000' is idle");
    expect_error(post(rig, "/v1/jobs/job-0000/complete", "{}", 409), "wrong-phase");
    err_set(&m->refusal, ERR_INVALID, "no source");
    expect_error(post(rig, "/v1/jobs/job-0000/start", "{}", 400), "invalid-option");
    assert_int_equal(m->verb, VERB_MAX);
}

static void test_dry_run(void **state)
{
    struct rig *rig = rig_start(state, 1);
    struct migration *m = rig->registry.jobs;
    const json_t *blocker;
    json_t *answer;

    make_replicating(m);
    answer = post(rig, "/v1/jobs/job-0000/complete", "{\"dry_run\":true}", 200);
    expect_members(answer, "dry_run ready blockers steps");
    assert_true(json_is_true(json_object_get(answer, "ready")));
    assert_true(json_array_size(json_object_get(answer, "steps")) >= 5);
    json_decref(answer);

    m->n_blockers = 2;
    m->blockers[0].reason = REASON_GATE_LAG;
    (void)str_copy(m->blockers[0].message, sizeof(m->blockers[0].message), "lag is 5 MiB");
    m->blockers[1].reason = REASON_NONE;
    answer = post(rig, "/v1/jobs/job-0000/complete", "{\"dry_run\":true}", 200);
    assert_true(json_is_false(json_object_get(answer, "ready")));
    blocker = json_array_get(json_object_get(answer, "blockers"), 0);
    expect_members(blocker, "code message next_step");
    assert_string_equal(str(blocker, "code"), "gate-lag");
    assert_string_equal(str(blocker, "message"), "lag is 5 MiB");
    blocker = json_array_get(json_object_get(answer, "blockers"), 1);
    assert_string_equal(str(blocker, "code"), "wrong-phase");
    json_decref(answer);
    assert_int_equal(m->verb, VERB_MAX); /* nothing was done */
}

/* --- the daemon --- */

static void test_fsm_health_and_readiness(void **state)
{
    struct rig *rig = rig_start(state, 3);
    json_t *answer = get(rig, "/v1/fsm", 200);
    json_t *phases = json_object_get(answer, "phases");

    assert_int_equal(json_array_size(phases), PHASE_MAX);
    expect_members(json_array_get(phases, 0), "name state meaning next_step abortable ended");
    expect_members(json_array_get(json_object_get(answer, "transitions"), 0), "from event to why");
    json_decref(answer);

    answer = get(rig, "/healthz", 200);
    expect_json(answer, "{\"status\":\"ok\"}");
    json_decref(answer);
    answer = get(rig, "/readyz", 200);
    expect_json(answer, "{\"status\":\"ready\",\"jobs\":{\"pending\":3,\"migrating\":0,"
                        "\"available\":0,\"failed\":0}}");
    json_decref(answer);
    rig->held = true;
    answer = get(rig, "/readyz", 503);
    assert_string_equal(str(answer, "status"), "held");
    json_decref(answer);
    rig->ready = false;
    answer = get(rig, "/readyz", 503);
    assert_string_equal(str(answer, "status"), "starting");
    json_decref(answer);
    expect_error(get(rig, "/v2/jobs", 404), "no-such-path");
}

/* --- events --- */

/* The list that path answers: n events, of numbers first, first + step, … */
static void expect_events(struct rig *rig, const char *path, size_t n, json_int_t first, int step)
{
    json_t *answer = get(rig, path, 200), *events = json_object_get(answer, "events");

    assert_int_equal(json_array_size(events), n);
    for (size_t i = 0; i < n; i++) {
        json_t *event = json_array_get(events, i);

        expect_members(event, "seq time job run level name message data");
        assert_int_equal(json_integer_value(json_object_get(event, "seq")), first + (int)i * step);
    }
    json_decref(answer);
}

static void test_event_list(void **state)
{
    static const char *const bad[] = {"limit=0",
                                      "limit=1001",
                                      "limit=x",
                                      "limit=",
                                      "after=-1",
                                      "after=1x",
                                      "after",
                                      "after=99999999999999999999",
                                      "color=red",
                                      "job=a&job=b",
                                      "job=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct rig *rig = rig_start(state, 2);
    char path[128];

    expect_events(rig, "/v1/events", 0, 0, 1);
    emit_many(rig, 300);
    expect_events(rig, "/v1/events", 100, 201, 1);
    expect_events(rig, "/v1/events?limit=1000", 300, 1, 1);
    expect_events(rig, "/v1/events?after=0&limit=7", 7, 1, 1);
    expect_events(rig, "/v1/events?after=250", 50, 251, 1);
    expect_events(rig, "/v1/events?after=300", 0, 0, 1);
    expect_events(rig, "/v1/events?job=job-0001&limit=5", 5, 292, 2);
    expect_events(rig, "/v1/events?job=job-0001&after=4", 100, 6, 2);
    expect_events(rig, "/v1/events?job=nobody", 0, 0, 1);
    for (size_t i = 0; i < array_len(bad); i++) {
        snprintf(path, sizeof(path), "/v1/events?%s", bad[i]);
        expect_error(get(rig, path, 400), "bad-query");
    }
}

/* What a follower has got so far: the numbers of its events, in order. */
struct followed {
    struct http_client c;
    uint64_t want_last;
    json_int_t first, last, n;
};

static void follow(struct rig *rig, struct followed *f, const char *query, const char *headers)
{
    cleanup(freep) char *request =
        xasprintf("GET /v1/events%s HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n%s\r\n",
                  query, headers);

    *f = (struct followed){.n = 0};
    client_connect(&f->c, rig->path);
    client_send_text(&f->c, request);
    assert_true(client_wait_text(&f->c, rig->loop, ":\n\n"));
    assert_int_equal(client_status(&f->c), 200);
}

/* Reads the events that came in; fails when one is out of order or not what was emitted. */
static void count_events(struct followed *f)
{
    char *body = client_body(&f->c), *p = body;
    uint64_t seq, n;

    f->n = f->first = f->last = 0;
    while ((p = strstr(p, "id: "))) {
        const char *name = strstr(p, "\nevent: phase_changed\ndata: {"),
                   *data = strstr(p, "\"n\":");

        if (!strstr(p, "}}\n\n"))
            break; /* half of it is still on its way */
        assert_non_null(name);
        assert_non_null(data);
        assert_int_equal(sscanf(p, "id: %" SCNu64, &seq), 1);
        assert_int_equal(sscanf(data, "\"n\":%" SCNu64, &n), 1);
        assert_int_equal(seq, n);
        assert_true((json_int_t)seq > f->last);
        f->last = (json_int_t)seq;
        if (f->n++ == 0)
            f->first = (json_int_t)seq;
        p += 4;
    }
    free(body);
}

static bool has_all(void *arg)
{
    struct followed *f = arg;
    cleanup(freep) char *last = xasprintf("id: %" PRIu64 "\n", f->want_last);

    client_pump(&f->c);
    if (!strstr(f->c.in, last))
        return false;
    count_events(f);
    return f->last >= (json_int_t)f->want_last;
}

static void expect_followed(struct rig *rig, struct followed *f, uint64_t last, json_int_t first,
                            json_int_t n)
{
    f->want_last = last;
    assert_true(loop_run_until(rig->loop, has_all, f, 2 * CLIENT_MS));
    assert_int_equal(f->last, last);
    assert_int_equal(f->first, first);
    assert_int_equal(f->n, n);
}

static void test_follow_live(void **state)
{
    struct rig *rig = rig_start(state, 2);
    struct followed all, one;

    emit_many(rig, 10); /* nobody asked for these */
    follow(rig, &all, "", "");
    follow(rig, &one, "?job=job-0001", "");
    emit_many(rig, 10);
    expect_followed(rig, &all, 20, 11, 10);
    expect_followed(rig, &one, 20, 12, 5);
    client_close(&all.c);
    client_close(&one.c);
}

static void test_follow_history_then_live(void **state)
{
    struct rig *rig = rig_start(state, 2);
    struct followed whole, rest, header, one, tail;

    emit_many(rig, 500);
    follow(rig, &whole, "?after=0", "");
    follow(rig, &rest, "?after=490", "");
    follow(rig, &header, "?after=3", "Last-Event-ID: 495\r\n");
    follow(rig, &one, "?after=0&job=job-0000", "");
    follow(rig, &tail, "?limit=5", "");
    for (int i = 0; i < 300; i++) { /* while they are reading what was before */
        emit(rig, "job-0000");
        uv_run(rig->loop, UV_RUN_NOWAIT);
    }
    expect_followed(rig, &whole, 800, 1, 800);
    expect_followed(rig, &rest, 800, 491, 310);
    expect_followed(rig, &header, 800, 496, 305);
    expect_followed(rig, &one, 800, 1, 550);
    tail.want_last = 800;
    assert_true(loop_run_until(rig->loop, has_all, &tail, CLIENT_MS));
    assert_true(tail.first >= 496);
    assert_int_equal(tail.n, 801 - tail.first);
    client_close(&whole.c);
    client_close(&rest.c);
    client_close(&header.c);
    client_close(&one.c);
    client_close(&tail.c);
}

/* More at once than any buffer holds: the follower reads the rest from the store, at its own pace.
 */
static void test_follower_that_cannot_keep_up_misses_nothing(void **state)
{
    struct rig *rig = rig_start(state, 2);
    struct followed f, one;

    follow(rig, &f, "", "");
    follow(rig, &one, "?job=job-0001", "");
    for (int i = 0; i < 3; i++)
        emit_many(rig, 2000); /* nobody reads meanwhile */
    expect_followed(rig, &f, 6000, 1, 6000);
    expect_followed(rig, &one, 6000, 2, 3000);
    emit_many(rig, 10); /* … and it is live again */
    expect_followed(rig, &f, 6010, 1, 6010);
    expect_followed(rig, &one, 6010, 2, 3005);
    client_close(&f.c);
    client_close(&one.c);
}

/* The bus passed events over, as it does when the disk holds for long. */
static void test_gap_in_the_bus_is_filled_from_the_store(void **state)
{
    struct rig *rig = rig_start(state, 2);
    struct followed f;

    follow(rig, &f, "", "");
    emit_many(rig, 10);
    expect_followed(rig, &f, 10, 1, 10);
    rig->deaf = true;
    for (int i = 0; i < 12000; i++)
        emit(rig, "job-0000");
    assert_true(loop_run_until(rig->loop, all_durable, rig, 2 * CLIENT_MS));
    rig->deaf = false;
    emit_many(rig, 10);
    expect_followed(rig, &f, 12020, 1, 12020);
    client_close(&f.c);
}

static void test_bad_follow(void **state)
{
    struct rig *rig = rig_start(state, 1);

    expect_error(ask(rig,
                     "GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"
                     "Last-Event-ID: x\r\n\r\n",
                     400),
                 "bad-query");
}

/* Everything is under way when the API ends: teardown() fails when something is left. */
static void test_free_while_everybody_is_busy(void **state)
{
    struct rig *rig = rig_start(state, 2);
    struct http_client list;
    struct followed f[5];

    emit_many(rig, 1000);
    for (size_t i = 0; i < array_len(f); i++)
        follow(rig, &f[i], i % 2 ? "" : "?after=0", "");
    client_connect(&list, rig->path);
    client_send_text(&list, "GET /v1/events?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n");
    emit(rig, "job-0000");
    uv_run(rig->loop, UV_RUN_NOWAIT);
    uv_run(rig->loop, UV_RUN_NOWAIT);
    for (size_t i = 0; i < array_len(f); i++)
        client_close(&f[i].c);
    client_close(&list);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, loop_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_job),
        TEST(test_thousand_jobs),
        TEST(test_no_jobs),
        TEST(test_verbs),
        TEST(test_refused_verbs),
        TEST(test_dry_run),
        TEST(test_fsm_health_and_readiness),
        TEST(test_event_list),
        TEST(test_follow_live),
        TEST(test_follow_history_then_live),
        TEST(test_follower_that_cannot_keep_up_misses_nothing),
        TEST(test_gap_in_the_bus_is_filled_from_the_store),
        TEST(test_bad_follow),
        TEST(test_free_while_everybody_is_busy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
