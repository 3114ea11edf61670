/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/jobs as a stream, while jobs change, go and come. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/base.h"
#include "tests/unit/api_box.h"
#include "tests/unit/http_client.h"

static struct migration *job(struct rig *rig, unsigned i)
{
    return &rig->registry.jobs[i];
}

static void name_run(struct migration *m, unsigned number)
{
    m->run.number = number;
}

static void follow(struct rig *rig, struct http_client *c, const char *query)
{
    cleanup(freep) char *request =
        xasprintf("GET /v1/jobs%s HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n", query);

    client_connect(c, rig->path);
    client_send_text(c, request);
    assert_true(client_wait_text(c, rig->loop, ":\n\n"));
    assert_int_equal(client_status(c), 200);
}

/* How often text stands in what the follower got. */
static unsigned count(const struct http_client *c, const char *text)
{
    char *body = client_body(c);
    unsigned n = 0;

    for (const char *p = strstr(body, text); p; p = strstr(p + 1, text))
        n++;
    free(body);
    return n;
}

static bool got(struct rig *rig, struct http_client *c, const char *text)
{
    return client_wait_text(c, rig->loop, text);
}

/* --- tests --- */

static void test_each_job_then_ready(void **state)
{
    struct rig *rig = rig_start(state, 3);
    struct http_client first, second;

    follow(rig, &first, "");
    assert_true(got(rig, &first, "event: ready\ndata: {}\n\n"));
    assert_int_equal(count(&first, "event: job\ndata: {\"id\":\"job-"), 3);
    follow(rig, &second, ""); /* the feed knows them all by now */
    assert_true(got(rig, &second, "event: ready\n"));
    assert_int_equal(count(&second, "event: job\n"), 3);
    client_close(&first);
    client_close(&second);
}

static void test_no_jobs(void **state)
{
    struct rig *rig = rig_start(state, 0);
    struct http_client c;

    follow(rig, &c, "");
    assert_true(got(rig, &c, "event: ready\n"));
    assert_int_equal(count(&c, "event: job"), 0);
    client_close(&c);
}

static void test_only_what_changed_is_told(void **state)
{
    struct rig *rig = rig_start(state, 3);
    struct http_client c;

    follow(rig, &c, "");
    assert_true(got(rig, &c, "event: ready\n"));
    loop_run_for(rig->loop, 1200); /* two passes with nothing new */
    client_pump(&c);
    assert_int_equal(count(&c, "event: job\n"), 3);
    name_run(job(rig, 1), 77);
    assert_true(got(rig, &c, "\"run\":77"));
    assert_int_equal(count(&c, "event: job\n"), 4);
    client_close(&c);
}

static void test_removed_and_back(void **state)
{
    struct rig *rig = rig_start(state, 3);
    struct http_client c, late;

    follow(rig, &c, "");
    assert_true(got(rig, &c, "event: ready\n"));
    job(rig, 1)->hidden = true;
    assert_true(got(rig, &c, "event: job_removed\ndata: {\"id\":\"job-0001\"}\n\n"));
    follow(rig, &late, "");
    assert_true(got(rig, &late, "event: ready\n"));
    assert_int_equal(count(&late, "job-0001"), 0);
    name_run(job(rig, 1), 9);
    job(rig, 1)->hidden = false;
    assert_true(got(rig, &c, "\"run\":9"));
    assert_true(got(rig, &late, "\"run\":9"));
    client_close(&c);
    client_close(&late);
}

static void test_one_job(void **state)
{
    struct rig *rig = rig_start(state, 50);
    struct http_client c;

    follow(rig, &c, "?job=job-0007");
    assert_true(got(rig, &c, "event: ready\n"));
    for (unsigned i = 0; i < 50; i++)
        name_run(job(rig, i), 5);
    assert_true(got(rig, &c, "\"run\":5"));
    loop_run_for(rig->loop, 700);
    client_pump(&c);
    assert_int_equal(count(&c, "event: job\n"), 2);
    assert_int_equal(count(&c, "\"id\":\"job-0007\""), 2);
    job(rig, 7)->hidden = true;
    assert_true(got(rig, &c, "event: job_removed\n"));
    client_close(&c);
}

/* It is told of its job first also while the feed still goes through the jobs for the first time,
 * and while it knows of the job only that it was gone. */
static void test_one_job_before_its_turn(void **state)
{
    struct rig *rig = rig_start(state, 200);
    struct http_client all, one;

    follow(rig, &all, "");
    assert_true(got(rig, &all, "event: job\n"));
    assert_int_equal(count(&all, "job-0199"), 0);
    follow(rig, &one, "?job=job-0199");
    assert_true(got(rig, &one, "event: ready\n"));
    assert_int_equal(count(&one, "event: job\n"), 1);
    assert_true(got(rig, &all, "event: ready\n"));
    assert_int_equal(count(&all, "\"id\":\"job-0199\""), 1);
    client_close(&one);

    job(rig, 199)->hidden = true;
    assert_true(got(rig, &all, "event: job_removed\n"));
    job(rig, 199)->hidden = false;
    follow(rig, &one, "?job=job-0199");
    assert_true(got(rig, &one, "event: ready\n"));
    assert_int_equal(count(&one, "event: job\n"), 1);
    client_close(&one);
    client_close(&all);
}

static void expect_refused(struct rig *rig, const char *query, int status, const char *code)
{
    cleanup(freep) char *request =
        xasprintf("GET /v1/jobs%s HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n", query);
    cleanup(freep) char *body = NULL;

    assert_int_equal(client_ask(rig->loop, rig->path, request, &body), status);
    assert_non_null(strstr(body, code));
}

static void test_bad_questions(void **state)
{
    struct rig *rig = rig_start(state, 1);

    expect_refused(rig, "?job=nobody", 404, "no-such-job");
    expect_refused(rig, "?job=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 404,
                   "no-such-job");
    expect_refused(rig, "?color=red", 400, "bad-query");
    expect_refused(rig, "?job", 400, "bad-query");
}

/* --- many jobs --- */

/* How many jobs were looked at between two chances for everybody else. The fixture's loop runs
 * timers before it polls and after. */
struct turn_count {
    uv_prepare_t prepare;
    uv_check_t check;
    struct registry *registry;
    unsigned looks, most;
    unsigned open;
    bool closed;
};

static void count_looks(struct turn_count *turns)
{
    turns->most = max_of(turns->most, turns->registry->looks - turns->looks);
    turns->looks = turns->registry->looks;
}

static void on_prepare(uv_prepare_t *prepare)
{
    count_looks(prepare->data);
}

static void on_check(uv_check_t *check)
{
    count_looks(check->data);
}

static void turns_start(struct turn_count *turns, uv_loop_t *loop)
{
    uv_prepare_init(loop, &turns->prepare);
    uv_check_init(loop, &turns->check);
    turns->prepare.data = turns->check.data = turns;
    uv_prepare_start(&turns->prepare, on_prepare);
    uv_check_start(&turns->check, on_check);
    turns->open = 2;
}

static void turns_closed(uv_handle_t *handle)
{
    struct turn_count *turns = handle->data;

    turns->closed = --turns->open == 0;
}

static void turns_stop(struct turn_count *turns, uv_loop_t *loop)
{
    uv_close((uv_handle_t *)&turns->prepare, turns_closed);
    uv_close((uv_handle_t *)&turns->check, turns_closed);
    assert_true(loop_run_until_set(loop, &turns->closed, 1000));
}

static bool is_ready(void *arg)
{
    struct http_client *c = arg;

    client_pump(c);
    return strstr(c->in, "event: ready\n");
}

static void test_five_thousand_jobs_never_hold_the_loop(void **state)
{
    struct rig *rig = rig_start(state, 5000);
    struct turn_count turns = {.registry = &rig->registry};
    struct http_client c;
    uint64_t begun = uv_hrtime();

    turns_start(&turns, rig->loop);
    follow(rig, &c, "");
    assert_true(loop_run_until(rig->loop, is_ready, &c, 30000));
    printf("           5,000 jobs told in %" PRIu64 " ms, at most %u in a turn\n",
           (uv_hrtime() - begun) / 1000000, turns.most);
    turns_stop(&turns, rig->loop);
    /* 20 at a time; a turn that took long has its timers run twice. */
    assert_true(turns.most > 0 && turns.most <= 40);
    assert_int_equal(count(&c, "event: job\n"), 5000);
    assert_int_equal(count(&c, "\"id\":\"job-4999\""), 1);
    client_close(&c);
}

/* --- slow followers --- */

struct newest {
    struct http_client *c;
    unsigned n, run;
};

/* The last that was told of each job is its newest state. */
static bool has_newest(void *arg)
{
    struct newest *newest = arg;
    unsigned found = 0;
    char id[32], *body;

    client_pump(newest->c);
    body = client_body(newest->c);
    for (unsigned i = 0; i < newest->n; i++) {
        const char *last = NULL, *run;

        snprintf(id, sizeof(id), "{\"id\":\"job-%04u\"", i);
        for (const char *p = strstr(body, id); p; p = strstr(p + 1, id))
            last = p;
        run = last ? strstr(last, "\"run\":") : NULL;
        found += run && strtoul(run + 6, NULL, 10) == newest->run;
    }
    free(body);
    return found == newest->n;
}

static void test_slow_follower_gets_the_newest(void **state)
{
    struct rig *rig = rig_start(state, 40);
    struct http_client slow, quick;
    struct newest newest = {&slow, 40, 60};

    for (unsigned i = 0; i < 40; i++) { /* a long text, so that the sockets fill up */
        job(rig, i)->spec.description = xmalloc(8192);
        memset(job(rig, i)->spec.description, 'x', 8191);
        job(rig, i)->spec.description[8191] = '\0';
    }
    follow(rig, &slow, ""); /* … and does not read */
    follow(rig, &quick, "");
    for (unsigned run = 1; run <= newest.run; run++) {
        for (unsigned i = 0; i < 40; i++)
            name_run(job(rig, i), run);
        loop_run_for(rig->loop, 60);
        client_pump(&quick);
    }
    assert_true(loop_run_until(rig->loop, has_newest, &newest, 2 * CLIENT_MS));
    assert_false(slow.eof);
    newest.c = &quick;
    assert_true(loop_run_until(rig->loop, has_newest, &newest, 2 * CLIENT_MS));
    client_close(&slow);
    client_close(&quick);
    for (unsigned i = 0; i < 40; i++)
        free(job(rig, i)->spec.description);
}

static void test_nobody_follows_nobody_looks(void **state)
{
    struct rig *rig = rig_start(state, 30);
    struct http_client c[3];
    unsigned looks;

    for (unsigned i = 0; i < array_len(c); i++)
        follow(rig, &c[i], "");
    assert_true(got(rig, &c[2], "event: ready\n"));
    for (unsigned i = 0; i < array_len(c); i++)
        client_close(&c[i]);
    /* That they are gone shows when something is written to them. */
    for (unsigned round = 1; round <= 4; round++) {
        for (unsigned i = 0; i < 30; i++)
            name_run(job(rig, i), round);
        loop_run_for(rig->loop, 600);
    }
    looks = rig->registry.looks;
    loop_run_for(rig->loop, 700);
    assert_int_equal(rig->registry.looks, looks);
    follow(rig, &c[0], "");
    assert_true(got(rig, &c[0], "event: ready\n"));
    client_close(&c[0]);
}

static void test_too_many_followers(void **state)
{
    struct rig *rig = rig_start(state, 1);
    struct http_client c[64];

    for (unsigned i = 0; i < array_len(c); i++)
        follow(rig, &c[i], "");
    expect_refused(rig, "", 503, "too-many-streams");
    for (unsigned i = 0; i < array_len(c); i++)
        client_close(&c[i]);
}

/* rig_teardown() fails when something is left. */
static void test_free_while_followed(void **state)
{
    struct rig *rig = rig_start(state, 500);
    struct http_client c[3];

    for (unsigned i = 0; i < array_len(c); i++)
        follow(rig, &c[i], i == 1 ? "?job=job-0100" : "");
    for (unsigned i = 0; i < array_len(c); i++)
        client_close(&c[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_each_job_then_ready),
        RIG_TEST(test_no_jobs),
        RIG_TEST(test_only_what_changed_is_told),
        RIG_TEST(test_removed_and_back),
        RIG_TEST(test_one_job),
        RIG_TEST(test_one_job_before_its_turn),
        RIG_TEST(test_bad_questions),
        RIG_TEST(test_five_thousand_jobs_never_hold_the_loop),
        RIG_TEST(test_slow_follower_gets_the_newest),
        RIG_TEST(test_nobody_follows_nobody_looks),
        RIG_TEST(test_too_many_followers),
        RIG_TEST(test_free_while_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
