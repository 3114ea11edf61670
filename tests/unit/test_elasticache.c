/* SPDX-License-Identifier: Apache-2.0 */
/* The ElastiCache API's operations, over the fakes of api_box.h: what is answered, and what is
 * asked of migrations. */
#include <stdio.h>

#include "daemon/api/elasticache/elasticache.h"
#include "daemon/api/elasticache/fault.h"
#include "daemon/api/private.h"
#include "lib/base/base.h"
#include "lib/http/listen.h"
#include "tests/unit/aws_client.h"
#include "tests/unit/http_client.h"

#define VERSION "&Version=2015-02-02"
#define ENDPOINTS                                                                                  \
    "&CustomerNodeEndpointList.member.1.Address=10.0.0.241"                                        \
    "&CustomerNodeEndpointList.member.1.Port=6379"

static void expect_status(struct rig *rig, const char *body, const char *status)
{
    cleanup(freep) char *xml = aws_ask(rig, body);

    aws_expect(xml, "Status", status);
}

/* --- requests as such --- */

static void test_bad_requests(void **state)
{
    static const struct {
        const char *body, *code;
    } rows[] = {
        {"", "MissingAction"},
        {"Action=" VERSION, "MissingAction"},
        {"Version=2015-02-02", "MissingAction"},
        {"{\"Action\":\"StartMigration\"}", "MissingAction"},
        {"Action=ModifyReplicationGroup" VERSION, "InvalidAction"},
        {"Action=startmigration" VERSION, "InvalidAction"},
        {"Action=StartMigration&Version=2014-09-30", "NoSuchVersion"},
        {"Action=StartMigration%", "MalformedQueryString"},
        {"Action=StartMigration&Action=x", "MalformedQueryString"},
        {"Action=StartMigration" VERSION, "MissingParameter"},
        {"Action=StartMigration" VERSION ENDPOINTS, "MissingParameter"},
        {"Action=StartMigration&ReplicationGroupId=job-0000" VERSION, "MissingParameter"},
        {"Action=CompleteMigration&Force=true" VERSION, "MissingParameter"},
        {"Action=StartMigration&ReplicationGroupId=job-0000&CustomerNodeEndpointList=" VERSION,
         "InvalidParameterValue"},
        {"Action=TestMigration&ReplicationGroupId=job-0000&CustomerNodeEndpointList=" VERSION,
         "InvalidParameterValue"},
        {"Action=StartMigration&ReplicationGroupId=job-0000" ENDPOINTS
         "&CustomerNodeEndpointList.member.2.Address=h&CustomerNodeEndpointList.member.2.Port=1",
         "InvalidParameterValue"},
        {"Action=StartMigration&ReplicationGroupId=" ENDPOINTS, "InvalidParameterValue"},
        {"Action=CompleteMigration&ReplicationGroupId=job-0000&Force=1", "InvalidParameterValue"},
        {"Action=DescribeReplicationGroups&MaxRecords=19", "InvalidParameterValue"},
        {"Action=DescribeReplicationGroups&MaxRecords=101", "InvalidParameterValue"},
        {"Action=DescribeReplicationGroups&Marker=job-0000", "InvalidParameterValue"},
        {"Action=DescribeEvents&Marker=job-0000", "InvalidParameterValue"},
        {"Action=DescribeEvents&SourceType=replication_group", "InvalidParameterValue"},
    };
    struct rig *rig = rig_start(state, 1);

    for (size_t i = 0; i < array_len(rows); i++)
        aws_expect_fault(rig, rows[i].body, 400, rows[i].code);
    aws_expect_fault(rig, "Action=StartMigration&ReplicationGroupId=nobody" ENDPOINTS, 404,
                     "ReplicationGroupNotFoundFault");
    aws_expect_fault(rig, "Action=TestMigration&ReplicationGroupId=nobody" ENDPOINTS, 404,
                     "ReplicationGroupNotFoundFault");
    aws_expect_fault(rig, "Action=CompleteMigration&ReplicationGroupId=nobody", 404,
                     "ReplicationGroupNotFoundFault");
    aws_expect_fault(rig, "Action=DescribeReplicationGroups&ReplicationGroupId=nobody", 404,
                     "ReplicationGroupNotFoundFault");
    aws_expect_fault(rig,
                     "Action=CompleteMigration&ReplicationGroupId="
                     "a-name-that-is-longer-than-any-job-may-have-it",
                     404, "ReplicationGroupNotFoundFault");
    assert_int_equal(rig->registry.jobs[0].verb, VERB_MAX);
}

/* --- a server with one route, and a caller of our choice --- */

struct other {
    struct http_server *server;
    char path[TEMP_DIR_MAX + 8];
    bool closed;
};

static bool admit_reader(struct http_request *request, const struct http_route *route, void *arg)
{
    struct api_caller *caller = xcalloc(1, sizeof(*caller));

    (void)route;
    (void)arg;
    (void)str_copy(caller->name, sizeof(caller->name), "key READER");
    http_request_set_user(request, caller, free);
    return true;
}

static void set_flag(void *arg)
{
    *(bool *)arg = true;
}

static void other_start(struct other *other, struct rig *rig, const struct http_route *route,
                        void *arg)
{
    struct http_server_options options = {
        .routes = route, .n_routes = 1, .arg = arg, .hooks = {.admit = admit_reader}};
    struct err err;

    other->closed = false;
    snprintf(other->path, sizeof(other->path), "%s/other", rig->dir);
    assert_int_equal(http_listen_unix(other->path, 0660, NULL, &options.fd, &err), 0);
    assert_int_equal(http_server_new(rig->loop, &options, &other->server, &err), 0);
}

static void other_stop(struct other *other, struct rig *rig)
{
    http_server_free(other->server, set_flag, &other->closed);
    assert_true(loop_run_until_set(rig->loop, &other->closed, CLIENT_MS));
}

static void test_who_may_only_look(void **state)
{
    static const struct http_route route = {"POST",        "/", elasticache_request,
                                            "elasticache", 0,   HTTP_BODY_RAW};
    static const char *const operating[] = {
        "Action=StartMigration&ReplicationGroupId=job-0000" ENDPOINTS,
        "Action=TestMigration&ReplicationGroupId=job-0000" ENDPOINTS,
        "Action=CompleteMigration&ReplicationGroupId=job-0000",
        "Action=CompleteMigration", /* before anything else is said */
    };
    struct rig *rig = rig_start(state, 1);
    struct other other;

    other_start(&other, rig, &route, rig->api);
    for (size_t i = 0; i < array_len(operating); i++)
        aws_expect_fault_at(rig->loop, other.path, operating[i], 403, "AccessDenied");
    assert_int_equal(rig->registry.jobs[0].verb, VERB_MAX);
    free(aws_ask_at(rig->loop, other.path, "Action=DescribeReplicationGroups", 200));
    free(aws_ask_at(rig->loop, other.path, "Action=DescribeEvents", 200));
    aws_expect_fault_at(rig->loop, other.path, "Action=Explode", 400, "InvalidAction");
    other_stop(&other, rig);
}

static void answer_fault(struct http_request *request, void *arg)
{
    elasticache_respond_fault(request, *(enum elasticache_fault *)arg, "because of '%s'", "<&>");
}

static void test_every_fault(void **state)
{
    static const struct http_route route = {"POST", "/", answer_fault, "fault", 0, HTTP_BODY_RAW};
    static const struct {
        enum elasticache_fault fault;
        int status;
        const char *code;
    } rows[] = {
        {FAULT_GROUP_NOT_FOUND, 404, "ReplicationGroupNotFoundFault"},
        {FAULT_GROUP_STATE, 400, "InvalidReplicationGroupState"},
        {FAULT_ALREADY_UNDER_MIGRATION, 400, "ReplicationGroupAlreadyUnderMigrationFault"},
        {FAULT_NOT_UNDER_MIGRATION, 400, "ReplicationGroupNotUnderMigrationFault"},
        {FAULT_PARAMETER_VALUE, 400, "InvalidParameterValue"},
        {FAULT_PARAMETER_COMBINATION, 400, "InvalidParameterCombination"},
        {FAULT_MISSING_PARAMETER, 400, "MissingParameter"},
        {FAULT_MISSING_ACTION, 400, "MissingAction"},
        {FAULT_INVALID_ACTION, 400, "InvalidAction"},
        {FAULT_VERSION, 400, "NoSuchVersion"},
        {FAULT_MALFORMED, 400, "MalformedQueryString"},
        {FAULT_INCOMPLETE_SIGNATURE, 400, "IncompleteSignature"},
        {FAULT_MISSING_TOKEN, 403, "MissingAuthenticationToken"},
        {FAULT_UNKNOWN_KEY, 403, "InvalidClientTokenId"},
        {FAULT_SIGNATURE, 403, "SignatureDoesNotMatch"},
        {FAULT_REQUEST_EXPIRED, 400, "RequestExpired"},
        {FAULT_ACCESS_DENIED, 403, "AccessDenied"},
        {FAULT_UNAVAILABLE, 503, "ServiceUnavailable"},
    };
    struct rig *rig = rig_start(state, 1);
    enum elasticache_fault fault;
    struct other other;

    assert_int_equal(array_len(rows), FAULT_MAX);
    other_start(&other, rig, &route, &fault);
    for (size_t i = 0; i < array_len(rows); i++) {
        cleanup(freep) char *xml = NULL;

        fault = rows[i].fault;
        xml = aws_ask_at(rig->loop, other.path, "x", rows[i].status);
        aws_expect(xml, "Code", rows[i].code);
        aws_expect(xml, "Type", rows[i].status >= 500 ? "Receiver" : "Sender");
        aws_expect(xml, "Message", "because of '&lt;&amp;&gt;'");
    }
    other_stop(&other, rig);
}

/* --- migrations --- */

static void expect_verb(struct migration *m, enum verb verb)
{
    assert_int_equal(m->verb, verb);
    m->verb = VERB_MAX;
}

static void test_start_and_test(void **state)
{
    struct rig *rig = rig_start(state, 2);
    struct migration *m = &rig->registry.jobs[1];

    expect_status(rig, "Action=StartMigration&ReplicationGroupId=job-0001" VERSION ENDPOINTS,
                  "modifying");
    expect_verb(m, VERB_START);
    assert_true(m->options.has_source);
    assert_string_equal(m->options.source.host, "10.0.0.241");
    assert_int_equal(m->options.source.port, 6379);
    /* However far it has got by then. */
    m->run.phase = PHASE_FAILED;
    expect_status(rig, "Action=StartMigration&ReplicationGroupId=JOB-0001" ENDPOINTS, "modifying");
    expect_verb(m, VERB_START);

    expect_status(rig, "Action=TestMigration&ReplicationGroupId=Job-0001" ENDPOINTS, "available");
    expect_verb(m, VERB_CHECK);
    assert_true(m->options.has_source);
    assert_string_equal(m->options.source.host, "10.0.0.241");
    assert_int_equal(rig->registry.jobs[0].verb, VERB_MAX);
}

static void test_start_is_refused(void **state)
{
    static const struct {
        enum phase phase;
        bool synced;
        const char *code;
    } rows[] = {
        {PHASE_QUEUED, false, "InvalidReplicationGroupState"},
        {PHASE_CHECKING, false, "InvalidReplicationGroupState"},
        {PHASE_ATTACHING, false, "InvalidReplicationGroupState"},
        {PHASE_SYNCING, false, "InvalidReplicationGroupState"},
        {PHASE_ROLLING_BACK, true, "InvalidReplicationGroupState"},
        {PHASE_SYNCING, true, "ReplicationGroupAlreadyUnderMigrationFault"},
        {PHASE_REPLICATING, true, "ReplicationGroupAlreadyUnderMigrationFault"},
        {PHASE_FREEZING, true, "ReplicationGroupAlreadyUnderMigrationFault"},
        {PHASE_SWITCHING, true, "ReplicationGroupAlreadyUnderMigrationFault"},
        {PHASE_HALTED, true, "ReplicationGroupAlreadyUnderMigrationFault"},
    };
    static const char *const bodies[] = {
        "Action=StartMigration&ReplicationGroupId=job-0000" ENDPOINTS,
        "Action=TestMigration&ReplicationGroupId=job-0000" ENDPOINTS,
    };
    struct rig *rig = rig_start(state, 1);
    struct migration *m = rig->registry.jobs;

    for (size_t b = 0; b < array_len(bodies); b++) {
        for (size_t i = 0; i < array_len(rows); i++) {
            m->run.phase = rows[i].phase;
            m->run.synced = rows[i].synced;
            aws_expect_fault(rig, bodies[b], 400, rows[i].code);
            expect_verb(m, VERB_MAX);
        }
        m->run = (struct run){.phase = PHASE_IDLE};
        err_set(&m->refusal, ERR_BUSY, "job 'job-0000' is being checked already");
        aws_expect_fault(rig, bodies[b], 400, "InvalidReplicationGroupState");
        err_set(&m->refusal, ERR_EXISTS, "the target took over from this source");
        aws_expect_fault(rig, bodies[b], 400, "InvalidReplicationGroupState");
        err_set(&m->refusal, ERR_INVALID, "that is the target itself");
        aws_expect_fault(rig, bodies[b], 400, "InvalidParameterValue");
        m->refusal = ERR_INIT;
    }
}

static void test_complete(void **state)
{
    static const struct {
        enum phase phase;
        bool synced, force;
        enum verb verb; /* VERB_MAX: it is not under migration */
    } rows[] = {
        {PHASE_IDLE, false, false, VERB_MAX},
        {PHASE_IDLE, false, true, VERB_MAX},
        {PHASE_QUEUED, false, false, VERB_MAX},
        {PHASE_QUEUED, false, true, VERB_ABORT},
        {PHASE_CHECKING, false, true, VERB_ABORT},
        {PHASE_ATTACHING, false, false, VERB_MAX},
        {PHASE_ATTACHING, false, true, VERB_ABORT},
        {PHASE_BACKOFF, false, true, VERB_ABORT},
        {PHASE_SYNCING, false, false, VERB_MAX},
        {PHASE_SYNCING, false, true, VERB_ABORT},
        {PHASE_SYNCING, true, true, VERB_ABORT},
        {PHASE_REPLICATING, true, false, VERB_COMPLETE},
        {PHASE_REPLICATING, true, true, VERB_COMPLETE},
        {PHASE_HALTED, true, true, VERB_COMPLETE},
        {PHASE_ROLLING_BACK, true, true, VERB_MAX},
        {PHASE_COMPLETED, true, false, VERB_MAX},
        {PHASE_FAILED, true, true, VERB_MAX},
    };
    struct rig *rig = rig_start(state, 1);
    struct migration *m = rig->registry.jobs;

    for (size_t i = 0; i < array_len(rows); i++) {
        cleanup(freep) char *body =
            xasprintf("Action=CompleteMigration&ReplicationGroupId=Job-0000%s" VERSION,
                      rows[i].force ? "&Force=true" : (i % 2 ? "&Force=false" : ""));

        m->run.phase = rows[i].phase;
        m->run.synced = rows[i].synced;
        if (rows[i].verb == VERB_MAX)
            aws_expect_fault(rig, body, 400, "ReplicationGroupNotUnderMigrationFault");
        else
            free(aws_ask(rig, body));
        expect_verb(m, rows[i].verb);
        if (rows[i].verb != VERB_MAX)
            assert_int_equal(m->options.force, rows[i].force);
    }
    m->run.phase = PHASE_FREEZING;
    err_set(&m->refusal, ERR_BUSY, "it is under way");
    aws_expect_fault(rig, "Action=CompleteMigration&ReplicationGroupId=job-0000", 400,
                     "InvalidReplicationGroupState");
    m->run.phase = PHASE_HALTED;
    err_set(&m->refusal, ERR_INVALID, "only by force");
    aws_expect_fault(rig, "Action=CompleteMigration&ReplicationGroupId=job-0000", 400,
                     "InvalidReplicationGroupState");
}

/* The answer waits for the store; a job that is gone by then is said to be. */
static void test_answer_waits_until_it_is_durable(void **state)
{
    cleanup(freep) char *request =
        aws_request("Action=StartMigration&ReplicationGroupId=job-0000" ENDPOINTS);
    struct rig *rig = rig_start(state, 1);
    struct migration *m = rig->registry.jobs;

    for (int i = 0; i < 2; i++) {
        struct http_client c;

        m->busy = true;
        client_connect(&c, rig->path);
        client_send_text(&c, request);
        while (m->verb == VERB_MAX)
            uv_run(rig->loop, UV_RUN_ONCE);
        loop_run_for(rig->loop, 50);
        client_pump(&c);
        assert_int_equal(c.len, 0);
        if (i == 0)
            m->busy = false;
        else
            (void)str_copy(m->spec.id, sizeof(m->spec.id), "renamed");
        assert_true(client_wait_answer(&c, rig->loop));
        assert_int_equal(client_status(&c), i == 0 ? 200 : 404);
        client_close(&c);
        m->verb = VERB_MAX;
    }
}

/* --- groups --- */

static void test_describe_one_group(void **state)
{
    struct rig *rig = rig_start(state, 3);
    cleanup(freep) char *xml = NULL;

    rig->registry.jobs[1].spec.description = (char[]){"<b>&"};
    rig->registry.jobs[1].run.phase = PHASE_REPLICATING;
    xml = aws_ask(rig, "Action=DescribeReplicationGroups&ReplicationGroupId=JOB-0001" VERSION);
    assert_int_equal(aws_count(xml, "<ReplicationGroup>"), 1);
    aws_expect(xml, "ReplicationGroupId", "job-0001");
    aws_expect(xml, "Description", "&lt;b&gt;&amp;");
    aws_expect(xml, "Status", "migrating");
    aws_expect(xml, "PrimaryEndpoint", "<Address>10.0.1.7</Address><Port>6379</Port>");
    aws_expect(xml, "MemberClusters", "<ClusterId>job-0001-001</ClusterId>");
    aws_expect(xml, "AuthTokenEnabled", "false");
    aws_expect(xml, "Engine", "redis");
    assert_null(strstr(xml, "<Marker>"));
}

/* Each group once, in pages of at most size. */
static unsigned count_groups(struct rig *rig, unsigned size, unsigned *ret_pages)
{
    cleanup(freep) char *marker = xstrdup("");
    unsigned n = 0;

    for (*ret_pages = 0; marker; (*ret_pages)++) {
        cleanup(freep) char *body = xasprintf(
            "Action=DescribeReplicationGroups&MaxRecords=%u&Marker=%s" VERSION, size, marker);
        cleanup(freep) char *xml = aws_ask(rig, body);
        const char *p = xml;

        for (unsigned i = 0; (p = strstr(p, "<ReplicationGroupId>")); i++, n++) {
            char expected[64];

            assert_true(i < size);
            snprintf(expected, sizeof(expected), "<ReplicationGroupId>job-%04u<", n);
            assert_int_equal(strncmp(p, expected, strlen(expected)), 0);
            p++;
        }
        free(marker);
        marker = aws_element(xml, "Marker");
    }
    return n;
}

static void test_describe_groups_in_pages(void **state)
{
    struct rig *rig = rig_start(state, 5000);
    uint64_t began = uv_hrtime();
    unsigned pages;

    assert_int_equal(count_groups(rig, 100, &pages), 5000);
    assert_int_equal(pages, 50);
    printf("           a page of 100 of 5,000 groups: %.1f ms\n",
           (double)(uv_hrtime() - began) / 1e6 / pages);
    rig->registry.n = 45;
    assert_int_equal(count_groups(rig, 20, &pages), 45);
    assert_int_equal(pages, 3);
    rig->registry.n = 40; /* the last page is full */
    assert_int_equal(count_groups(rig, 20, &pages), 40);
    assert_int_equal(pages, 2);
    rig->registry.n = 0;
    assert_int_equal(count_groups(rig, 20, &pages), 0);
    assert_int_equal(pages, 1);
    rig->registry.n = 5000; /* for the tear-down */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_bad_requests),
        RIG_TEST(test_who_may_only_look),
        RIG_TEST(test_every_fault),
        RIG_TEST(test_start_and_test),
        RIG_TEST(test_start_is_refused),
        RIG_TEST(test_complete),
        RIG_TEST(test_answer_waits_until_it_is_durable),
        RIG_TEST(test_describe_one_group),
        RIG_TEST(test_describe_groups_in_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
