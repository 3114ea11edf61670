/* SPDX-License-Identifier: Apache-2.0 */
/* A job as JSON: every member in each situation, null where it does not apply. */
#include <string.h>

#include "daemon/api/view_job.h"
#include "daemon/core/check/report.h"
#include "daemon/core/sibling.h"
#include "tests/unit/fixture.h"
#include "tests/unit/json_expect.h"

#define JOB_MEMBERS                                                                                \
    "id description state phase since reason next_step run attempt source primary target "         \
    "link progress lag checks alarms cutover verify file"

/* What a migration would show. */
struct shown {
    struct spec spec;
    struct run run;
    struct observation seen;
    struct migration_view view;
    char file[64];
};

static int setup(void **state)
{
    struct shown *m = xcalloc(1, sizeof(*m));

    (void)str_copy(m->spec.id, sizeof(m->spec.id), "job-0000");
    (void)str_copy(m->file, sizeof(m->file), "/etc/ecmigrate.d/job-0000.yaml");
    m->spec.file = m->file;
    m->spec.attach.attempts = 5;
    m->spec.target.endpoint = (struct endpoint){.host = "10.0.1.7", .port = 6379};
    m->run.since_wall_ms = 1700000000123;
    m->view.spec = &m->spec;
    m->view.run = &m->run;
    m->view.progress = (struct progress){-1, -1, -1, -1, -1};
    m->view.reason = REASON_WAITING_START;
    *state = m;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static json_t *view(const struct shown *m)
{
    return view_job(&m->view);
}

static const char *str(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void test_idle_job(void **state)
{
    struct shown *m = *state;
    json_t *job = view(m);
    static const char *const nulls[] = {"description", "run", "attempt", "source",  "link",
                                        "progress",    "lag", "checks",  "cutover", "verify"};

    expect_members(job, JOB_MEMBERS);
    for (size_t i = 0; i < array_len(nulls); i++)
        assert_true(json_is_null(json_object_get(job, nulls[i])));
    assert_string_equal(str(job, "state"), "pending");
    assert_string_equal(str(job, "phase"), "idle");
    assert_string_equal(str(job, "since"), "2023-11-14T22:13:20.123Z");
    assert_string_equal(str(json_object_get(job, "reason"), "code"), "waiting-start");
    assert_non_null(strstr(str(job, "next_step"), "ecmigratectl start job-0000"));
    assert_string_equal(str(job, "file"), "/etc/ecmigrate.d/job-0000.yaml");
    expect_members(json_object_get(job, "target"),
                   "endpoint tls role server version replid offset reachable replicas");
    assert_string_equal(str(json_object_get(job, "target"), "endpoint"), "10.0.1.7:6379");
    assert_true(json_is_null(json_object_get(json_object_get(job, "target"), "reachable")));
    json_decref(job);
}

static void see(struct seen_node *node, enum redis_role role, int64_t offset)
{
    struct redis_info *info = &node->info;

    node->tried = node->reachable = true;
    info->sections = REDIS_INFO_SERVER | REDIS_INFO_REPLICATION;
    (void)str_copy(info->product, sizeof(info->product), "valkey");
    (void)str_copy(info->version, sizeof(info->version), "8.0.1");
    (void)str_copy(info->replid, sizeof(info->replid), "0123456789012345678901234567890123456789");
    info->role = role;
    info->master_repl_offset = info->replica_offset = offset;
    info->link_up = role == REDIS_ROLE_REPLICA;
    info->last_io_seconds = 3;
}

static void make_replicating(struct shown *m)
{
    m->run.phase = PHASE_REPLICATING;
    m->run.number = 2;
    m->run.attempt = 1;
    m->run.attached = true;
    m->run.source = (struct endpoint){.host = "fe80::1", .port = 6380};
    m->view.seen = &m->seen;
    m->view.reason = REASON_NONE;
    m->view.link_since_wall_ms = 1700000000000;
    m->view.progress = (struct progress){1000, 500, 50.5, 2e6, 7};
    m->seen.target_follows = m->seen.linked = true;
    m->seen.lag_bytes = 42;
    see(&m->seen.node[SIDE_SOURCE], REDIS_ROLE_MASTER, 1042);
    see(&m->seen.node[SIDE_TARGET], REDIS_ROLE_REPLICA, 1000);
}

static void test_job_under_way(void **state)
{
    struct shown *m = *state;
    json_t *job;

    make_replicating(m);
    job = view(m);
    expect_members(job, JOB_MEMBERS);
    assert_string_equal(str(job, "state"), "migrating");
    assert_true(json_is_null(json_object_get(job, "reason")));
    assert_non_null(strstr(str(job, "next_step"), "job-0000"));
    expect_json(json_object_get(job, "run"), "2");
    expect_json(json_object_get(job, "attempt"), "{\"number\":1,\"max\":5,\"next_at\":null}");
    expect_json(
        json_object_get(job, "source"),
        "{\"endpoint\":\"[fe80::1]:6380\",\"tls\":false,\"role\":\"primary\",\"server\":\"valkey\","
        "\"version\":\"8.0.1\",\"replid\":\"0123456789012345678901234567890123456789\","
        "\"offset\":1042,\"reachable\":true,\"replicas\":[]}");
    expect_json(json_object_get(job, "link"),
                "{\"up\":true,\"since\":\"2023-11-14T22:13:20.000Z\",\"last_io_seconds\":3}");
    expect_json(json_object_get(job, "progress"),
                "{\"bytes_total\":1000,\"bytes_done\":500,\"percent\":50.5,"
                "\"bytes_per_second\":2000000,\"eta_seconds\":7}");
    expect_json(json_object_get(job, "lag"), "{\"bytes\":42,\"seconds\":3}");
    json_decref(job);

    m->seen.lag_bytes = 0;
    m->view.progress.bytes_per_second = 1.0 / 0.0;
    job = view(m);
    expect_json(json_object_get(job, "lag"), "{\"bytes\":0,\"seconds\":0}");
    assert_true(
        json_is_null(json_object_get(json_object_get(job, "progress"), "bytes_per_second")));
    json_decref(job);

    m->seen.node[SIDE_TARGET].reachable = false;
    job = view(m);
    expect_json(json_object_get(job, "link"),
                "{\"up\":null,\"since\":null,\"last_io_seconds\":null}");
    expect_json(json_object_get(job, "target"),
                "{\"endpoint\":\"10.0.1.7:6379\",\"tls\":false,\"role\":null,\"server\":\"valkey\","
                "\"version\":\"8.0.1\",\"replid\":null,\"offset\":null,\"reachable\":false,"
                "\"replicas\":null}");
    assert_true(json_is_null(json_object_get(job, "lag")));
    json_decref(job);
}

static void list(struct redis_info *info, const char *ip, uint16_t port, int64_t offset)
{
    struct redis_info_replica *r = &info->replicas[info->n_replicas++];

    *r = (struct redis_info_replica){
        .port = port, .state = REDIS_REPLICA_ONLINE, .offset = offset, .lag_seconds = 0};
    str_copy(r->ip, sizeof(r->ip), ip);
    info->connected_replicas++;
}

static void test_replicas(void **state)
{
    struct endpoint named = {.host = "10.0.1.9", .port = 6379};
    struct shown *m = *state;
    json_t *job;

    make_replicating(m);
    m->spec.target.reachable_as = m->spec.target.endpoint;
    m->spec.target.replicas = &named;
    m->spec.target.n_replicas = 1;
    list(&m->seen.node[SIDE_TARGET].info, "10.0.1.8", 6379, 990);
    list(&m->seen.node[SIDE_SOURCE].info, "10.0.1.7", 6379, 1000); /* the target */
    list(&m->seen.node[SIDE_SOURCE].info, "10.0.0.5", 6379, 1042);
    job = view(m);
    expect_json(json_object_get(json_object_get(job, "target"), "replicas"),
                "[{\"endpoint\":\"10.0.1.8:6379\",\"state\":\"online\",\"offset\":990,"
                "\"lag_bytes\":10,\"message\":null,\"remedy\":null},"
                "{\"endpoint\":\"10.0.1.9:6379\",\"state\":\"missing\",\"offset\":null,"
                "\"lag_bytes\":null,\"message\":null,\"remedy\":null}]");
    expect_json(json_object_get(json_object_get(job, "source"), "replicas"),
                "[{\"endpoint\":\"10.0.0.5:6379\",\"state\":\"online\",\"offset\":1042,"
                "\"lag_bytes\":0,\"message\":null,\"remedy\":null}]");
    json_decref(job);
}

/* Before the switch-over what is wrong with one stands beside it; after it they are shown whether
 * the old source still lists them or not. */
static void test_siblings(void **state)
{
    struct shown *m = *state;
    struct sibling some[SIBLINGS_MAX] = {{.state = SIBLING_NONE}};
    json_t *job;

    make_replicating(m);
    m->spec.target.reachable_as = m->spec.target.endpoint;
    m->spec.target.auth = (struct spec_auth){.username = (char *)"eve", .password = (char *)"pw"};
    m->seen.siblings = some;
    list(&m->seen.node[SIDE_SOURCE].info, "10.0.0.5", 6379, 1042);
    some[2] = (struct sibling){.at = {.host = "10.0.0.5", .port = 6379},
                               .state = SIBLING_WAITING,
                               .message = "it refuses"};
    job = view(m);
    expect_json(json_object_get(json_object_get(job, "source"), "replicas"),
                "[{\"endpoint\":\"10.0.0.5:6379\",\"state\":\"online\",\"offset\":1042,"
                "\"lag_bytes\":0,\"message\":\"it refuses\",\"remedy\":null}]");
    json_decref(job);
    m->run.cutover.at_wall_ms = 1700000000000;
    m->seen.node[SIDE_SOURCE].info.n_replicas = 0;
    some[2].state = SIBLING_UNREACHABLE;
    some[0] = (struct sibling){.at = {.host = "10.0.0.6", .port = 6379}, .state = SIBLING_FOLLOWS};
    list(&m->seen.node[SIDE_TARGET].info, "10.0.0.6", 6379, 990);
    job = view(m);
    expect_json(
        json_object_get(json_object_get(job, "source"), "replicas"),
        "[{\"endpoint\":\"10.0.0.6:6379\",\"state\":\"follows\",\"offset\":990,"
        "\"lag_bytes\":10,\"message\":null,\"remedy\":null},"
        "{\"endpoint\":\"10.0.0.5:6379\",\"state\":\"unreachable\",\"offset\":null,"
        "\"lag_bytes\":null,\"message\":\"it refuses\",\"remedy\":["
        "\"redis-cli -h 10.0.0.5 -p 6379 config set masteruser eve\","
        "\"redis-cli -h 10.0.0.5 -p 6379 config set masterauth PASSWORD-FOR-10.0.1.7:6379\","
        "\"redis-cli -h 10.0.0.5 -p 6379 replicaof 10.0.1.7 6379\"]}]");
    json_decref(job);
}

static void test_an_order_that_stands_is_shown(void **state)
{
    struct shown *m = *state;
    json_t *job;

    make_replicating(m);
    job = view(m);
    assert_true(json_is_null(json_object_get(job, "cutover")));
    json_decref(job);
    m->run.want_cutover = m->run.force = true;
    m->run.want_since_wall_ms = 1700000000500;
    m->run.want_until_wall_ms = 1700000060500;
    (void)str_copy(m->run.want_by, sizeof(m->run.want_by), "ops");
    job = view(m);
    expect_json(json_object_get(job, "cutover"),
                "{\"write_gap_ms\":null,\"clients_told_ms\":null,"
                "\"at\":null,\"offset\":null,\"requested\":{"
                "\"at\":\"2023-11-14T22:13:20.500Z\",\"by\":\"ops\","
                "\"until\":\"2023-11-14T22:14:20.500Z\",\"force\":true}}");
    json_decref(job);
}

static void test_ended_jobs(void **state)
{
    struct shown *m = *state;
    json_t *job;

    make_replicating(m);
    m->run.phase = PHASE_COMPLETED;
    m->run.cutover.at_wall_ms = 1700000000500;
    m->run.cutover.gap_us = 812;
    m->run.cutover.offset = 1042;
    m->seen.target_follows = false;
    m->view.file_gone = true;
    job = view(m);
    assert_string_equal(str(job, "state"), "available");
    expect_json(json_object_get(job, "cutover"),
                "{\"write_gap_ms\":0.812,\"clients_told_ms\":null,"
                "\"at\":\"2023-11-14T22:13:20.500Z\",\"offset\":1042,"
                "\"requested\":null}");
    assert_true(json_is_null(json_object_get(job, "link")));
    assert_true(json_is_null(json_object_get(job, "lag")));
    assert_true(json_is_null(json_object_get(job, "file")));
    json_decref(job);

    m->run.phase = PHASE_FAILED;
    m->run.number = 1;
    m->view.reason = REASON_SOURCE_UNREACHABLE;
    (void)str_copy(m->view.message, sizeof(m->view.message), "odd \xff bytes");
    job = view(m);
    assert_string_equal(str(json_object_get(job, "reason"), "code"), "source-unreachable");
    assert_string_equal(str(json_object_get(job, "reason"), "message"), "odd \xef\xbf\xbd bytes");
    assert_non_null(strstr(str(job, "next_step"), "retry job-0000"));
    json_decref(job);
}

/* Severity, values, why and remedy of each; what is waived stops nothing; a list has the figures
 * only. */
static void test_checks(void **state)
{
    struct shown *m = *state;
    struct check_outcome outcomes[] = {
        {.id = REASON_MAXMEMORY,
         .title = "enough",
         .severity = CHECK_ERROR,
         .waived = true,
         .message = "too little",
         .remedy = "first line\nsecond 'line'",
         .value = {[SIDE_SOURCE] = "uses 2", [SIDE_TARGET] = "has 1"}},
        {.id = REASON_SAME_NODE, .title = "two servers", .severity = CHECK_ERROR, .message = "one"},
        {.id = REASON_LOOP, .title = "no loop", .severity = CHECK_OK},
    };
    struct check_report report = {
        .source = {.host = "10.0.0.1", .port = 6379},
        .outcomes = outcomes,
        .n = 3,
        .count = {[CHECK_ERROR] = 2, [CHECK_WARNING] = 1, [CHECK_NOTICE] = 4}};
    json_t *job, *checks;

    m->view.checks = &report;
    job = view(m);
    expect_json(json_object_get(json_object_get(job, "checks"), "passed"), "null");
    assert_true(json_is_true(json_object_get(json_object_get(job, "checks"), "running")));
    json_decref(job);

    report.at_wall_ms = 1700000000123;
    job = view_job_brief(&m->view);
    expect_json(
        json_object_get(job, "checks"),
        "{\"at\":\"2023-11-14T22:13:20.123Z\",\"running\":false,\"source\":\"10.0.0.1:6379\","
        "\"passed\":false,\"errors\":2,\"warnings\":1,\"notices\":4,\"results\":null}");
    json_decref(job);

    job = view(m);
    checks = json_object_get(json_object_get(job, "checks"), "results");
    assert_int_equal(json_array_size(checks), 3);
    assert_string_equal(str(json_array_get(checks, 0), "why"), reason_get(REASON_MAXMEMORY)->what);
    json_object_del(json_array_get(checks, 0), "why");
    expect_json(json_array_get(checks, 0),
                "{\"id\":\"maxmemory\",\"title\":\"enough\",\"severity\":\"error\",\"passed\":true,"
                "\"waived\":true,\"source\":\"uses 2\",\"target\":\"has 1\",\"primary\":null,"
                "\"message\":\"too little\",\"remedy\":[\"first line\",\"second 'line'\"]}");
    assert_true(json_is_false(json_object_get(json_array_get(checks, 1), "passed")));
    expect_json(json_object_get(json_array_get(checks, 1), "remedy"), "[]");
    expect_json(
        json_array_get(checks, 2),
        "{\"id\":\"loop\",\"title\":\"no loop\",\"severity\":\"ok\",\"passed\":true,"
        "\"waived\":false,\"source\":null,\"target\":null,\"primary\":null,\"message\":null,"
        "\"why\":null,\"remedy\":null}");
    json_decref(job);
}

static void test_sentence(void **state)
{
    cleanup(freep) char *a = view_sentence("JOB: start JOB, not JOBS or aJOB. JOB", "x-1");
    cleanup(freep) char *b = view_sentence("", "x");

    (void)state;
    assert_string_equal(a, "x-1: start x-1, not JOBS or aJOB. x-1");
    assert_string_equal(b, "");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_replicas),
        TEST(test_siblings),
        TEST(test_idle_job),
        TEST(test_job_under_way),
        TEST(test_an_order_that_stands_is_shown),
        TEST(test_ended_jobs),
        TEST(test_checks),
        cmocka_unit_test(test_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
