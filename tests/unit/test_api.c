/* SPDX-License-Identifier: Apache-2.0 */
/* The API in JSON: jobs, verbs, events. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/base.h"
#include "tests/unit/api_box.h"
#include "tests/unit/http_client.h"
#include "tests/unit/json_expect.h"

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

/* --- jobs --- */

#define JOB_MEMBERS                                                                                \
    "id description state phase since reason next_step run attempt source primary target "         \
    "link progress lag checks alarms cutover verify file"

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
    assert_int_equal(m->options.within_ms, 0);
    json_decref(post(rig, "/v1/jobs/job-0000/complete", "{\"within_seconds\":600}", 202));
    assert_int_equal(m->options.within_ms, 600000);
    assert_true(m->options.by[0] != '\0');
    json_decref(post(rig, "/v1/jobs/job-0000/cancel", "{}", 202));
    assert_int_equal(m->verb, VERB_CANCEL);
    json_decref(post(rig, "/v1/jobs/job-0000/start", "{\"again\":true}", 202));
    assert_true(m->options.again);
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
        {"complete", "{\"within_seconds\":0}"},
        {"complete", "{\"within_seconds\":\"10m\"}"},
        {"complete", "{\"again\":true}"},
        {"cancel", "{\"force\":true}"},
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
                        "Verbs are: check start complete cancel abort retry");
    expect_error(answer, "no-such-verb");
    expect_error(post(rig, "/v1/jobs/nobody/start", "{}", 404), "no-such-job");
    expect_error(post(rig, "/v1/jobs/job-0000/start", "[]", 400), "bad-json");
    expect_error(get(rig, "/v1/jobs/job-0000/start", 405), "wrong-method");
    expect_error(post(rig, "/v1/jobs/job-0000/complete?dry_run=true", "{}", 400), "bad-query");

    err_set(&m->refusal, ERR_BUSY, "job 'job-0000' is idle");
    expect_error(post(rig, "/v1/jobs/job-0000/complete", "{}", 409), "wrong-phase");
    err_set(&m->refusal, ERR_INVALID, "no source");
    expect_error(post(rig, "/v1/jobs/job-0000/start", "{}", 400), "invalid-option");
    err_set(&m->refusal, ERR_EXISTS, "the target took over from this source");
    expect_error(post(rig, "/v1/jobs/job-0000/start", "{}", 409), "already-switched");
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
    expect_members(answer, "dry_run ready blockers passed_over steps");
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

    m->blockers[1].reason = REASON_SOURCE_IS_REPLICA;
    answer = post(rig, "/v1/jobs/job-0000/complete", "{\"dry_run\":true,\"force\":true}", 200);
    assert_true(json_is_false(json_object_get(answer, "ready")));
    blocker = json_array_get(json_object_get(answer, "passed_over"), 0);
    assert_string_equal(str(blocker, "code"), "gate-lag");
    blocker = json_array_get(json_object_get(answer, "blockers"), 0);
    assert_string_equal(str(blocker, "code"), "source-is-replica");
    assert_non_null(strstr(json_string_value(json_array_get(json_object_get(answer, "steps"), 1)),
                           "go on without the rest, which is lost"));
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
    expect_json(answer, "{\"status\":\"ok\",\"version\":\"" ECMIGRATE_VERSION "\"}");
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
    rig_emit_many(rig, 300);
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

    rig_emit_many(rig, 10); /* nobody asked for these */
    follow(rig, &all, "", "");
    follow(rig, &one, "?job=job-0001", "");
    rig_emit_many(rig, 10);
    expect_followed(rig, &all, 20, 11, 10);
    expect_followed(rig, &one, 20, 12, 5);
    client_close(&all.c);
    client_close(&one.c);
}

static void test_follow_history_then_live(void **state)
{
    struct rig *rig = rig_start(state, 2);
    struct followed whole, rest, header, one, tail;

    rig_emit_many(rig, 500);
    follow(rig, &whole, "?after=0", "");
    follow(rig, &rest, "?after=490", "");
    follow(rig, &header, "?after=3", "Last-Event-ID: 495\r\n");
    follow(rig, &one, "?after=0&job=job-0000", "");
    follow(rig, &tail, "?limit=5", "");
    for (int i = 0; i < 300; i++) { /* while they are reading what was before */
        rig_emit(rig, "job-0000");
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
        rig_emit_many(rig, 2000); /* nobody reads meanwhile */
    expect_followed(rig, &f, 6000, 1, 6000);
    expect_followed(rig, &one, 6000, 2, 3000);
    rig_emit_many(rig, 10); /* … and it is live again */
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
    rig_emit_many(rig, 10);
    expect_followed(rig, &f, 10, 1, 10);
    rig->deaf = true;
    for (int i = 0; i < 12000; i++)
        rig_emit(rig, "job-0000");
    assert_true(loop_run_until(rig->loop, rig_all_durable, rig, 2 * CLIENT_MS));
    rig->deaf = false;
    rig_emit_many(rig, 10);
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

    rig_emit_many(rig, 1000);
    for (size_t i = 0; i < array_len(f); i++)
        follow(rig, &f[i], i % 2 ? "" : "?after=0", "");
    client_connect(&list, rig->path);
    client_send_text(&list, "GET /v1/events?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_emit(rig, "job-0000");
    uv_run(rig->loop, UV_RUN_NOWAIT);
    uv_run(rig->loop, UV_RUN_NOWAIT);
    for (size_t i = 0; i < array_len(f); i++)
        client_close(&f[i].c);
    client_close(&list);
}

/* A verb may become durable when its client has been told that the API ends. */
static void test_verb_settles_after_the_end(void **state)
{
    struct rig *rig = rig_start(state, 1);
    struct migration *m = rig->registry.jobs;
    struct http_client c;

    m->busy = true;
    client_connect(&c, rig->path);
    client_send_text(&c, "POST /v1/jobs/job-0000/start HTTP/1.1\r\nHost: x\r\n"
                         "Content-Length: 0\r\n\r\n");
    while (m->verb == VERB_MAX)
        uv_run(rig->loop, UV_RUN_ONCE);
    loop_run_for(rig->loop, 20);
    rig_end_api(rig);
    m->busy = false;
    for (uint64_t until = uv_hrtime() + 3000000; uv_hrtime() < until;)
        continue; /* the timer that looks at the job is due before the answer can go out */
    assert_true(client_wait_answer(&c, rig->loop));
    assert_int_equal(client_status(&c), 503);
    client_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_one_job),
        RIG_TEST(test_thousand_jobs),
        RIG_TEST(test_no_jobs),
        RIG_TEST(test_verbs),
        RIG_TEST(test_refused_verbs),
        RIG_TEST(test_dry_run),
        RIG_TEST(test_fsm_health_and_readiness),
        RIG_TEST(test_event_list),
        RIG_TEST(test_follow_live),
        RIG_TEST(test_follow_history_then_live),
        RIG_TEST(test_follower_that_cannot_keep_up_misses_nothing),
        RIG_TEST(test_gap_in_the_bus_is_filled_from_the_store),
        RIG_TEST(test_bad_follow),
        RIG_TEST(test_free_while_everybody_is_busy),
        RIG_TEST(test_verb_settles_after_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
