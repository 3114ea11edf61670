/* SPDX-License-Identifier: Apache-2.0 */
/* DescribeEvents over a real store: which events, in which words, on which page. */
#include <stdio.h>

#include "lib/base/base.h"
#include "lib/base/clock.h"
#include "tests/unit/aws_client.h"
#include "tests/unit/http_client.h"

#define VERSION "&Version=2015-02-02"
#define MINUTE_MS INT64_C(60000)

/* An event of the past, written to the store behind the bus's back. */
static void put_event(struct rig *rig, int64_t ago_ms, const char *job, enum event_name name,
                      const char *message)
{
    struct event event = {
        .seq = ++rig->emitted, .time_ms = clock_wall_ms() - ago_ms, .level = "info", .run = 1};

    event.job = xstrdup(job);
    event.name = xstrdup(event_def(name)->name);
    event.message = xstrdup(message);
    event.data = json_object();
    store_put_event(rig->store, &event);
    event_clear(&event);
}

static void wait_durable(struct rig *rig)
{
    assert_true(loop_run_until(rig->loop, rig_all_durable, rig, CLIENT_MS));
}

/* The messages of the answer with "|" between them are expected. */
static void expect_messages(struct rig *rig, const char *query, const char *expected)
{
    cleanup(freep) char *body = xasprintf("Action=DescribeEvents" VERSION "%s", query);
    cleanup(freep) char *xml = aws_ask(rig, body);
    cleanup(freep) char *got = xstrdup("");

    for (const char *p = xml; (p = strstr(p, "<Message>")); p++) {
        cleanup(freep) char *before = got;
        cleanup(freep) char *message = aws_element(p, "Message");

        got = xasprintf("%s%s%s", before, *before ? "|" : "", message);
    }
    assert_string_equal(got, expected);
}

/* A parameter whose value is a time so long ago. */
static char *time_query(const char *name, int64_t ago_ms)
{
    char text[CLOCK_TEXT_MAX];

    return xasprintf("&%s=%s", name, clock_format(clock_wall_ms() - ago_ms, text));
}

#define DONE(group) "Complete Migration successful for " group
#define SYNCED(group) "Migration operation succeeded for replication group " group "."

static void test_describe_events(void **state)
{
    struct rig *rig = rig_start(state, 2);
    cleanup(freep) char *xml = NULL, *date = NULL;

    put_event(rig, 70 * MINUTE_MS, "job-0000", EVENT_IN_SYNC, "old");
    put_event(rig, 5 * MINUTE_MS, NULL, EVENT_DAEMON_STARTED, "up");
    put_event(rig, 4 * MINUTE_MS, "job-0000", EVENT_PHASE_CHANGED, "idle -> queued");
    put_event(rig, 3 * MINUTE_MS, "job-0000", EVENT_MIGRATION_COMPLETED, "x");
    put_event(rig, 2 * MINUTE_MS, "job-0001", EVENT_MIGRATION_FAILED, "auth-refused: <no>");
    wait_durable(rig);
#define FAILED                                                                                     \
    "Migration operation failed for replication group job-0001 because of auth-refused: "          \
    "&lt;no&gt;"
    expect_messages(rig, "", DONE("job-0000") "|" FAILED);
    expect_messages(rig, "&SourceIdentifier=JOB-0001", FAILED);
    expect_messages(rig, "&SourceIdentifier=Job-0000&SourceType=replication-group",
                    DONE("job-0000"));
    expect_messages(rig, "&SourceType=replication-group&Duration=90",
                    SYNCED("job-0000") "|" DONE("job-0000") "|" FAILED);
    expect_messages(rig, "&SourceType=cache-cluster", "");
    expect_messages(rig, "&SourceType=user-group", "");
    expect_messages(rig, "&SourceIdentifier=nobody", "");
    expect_messages(rig, "&SourceIdentifier=a-name-that-is-longer-than-any-job-may-have-it", "");

    xml = aws_ask(rig, "Action=DescribeEvents&SourceIdentifier=job-0000");
    aws_expect(xml, "SourceIdentifier", "job-0000");
    aws_expect(xml, "SourceType", "replication-group");
    date = aws_element(xml, "Date");
    assert_non_null(date);
    assert_int_equal(strlen(date), strlen("2026-11-22T20:15:01.123Z"));
    assert_null(strstr(xml, "<Marker>"));
}

static void test_times_of_events(void **state)
{
    struct rig *rig = rig_start(state, 1);
    const struct {
        int64_t start, end; /* minutes ago; -1: not given */
        const char *more, *expected;
    } rows[] = {
        {-1, -1, "&Duration=15", SYNCED("c") "|" SYNCED("d")},
        {30, -1, "", SYNCED("b") "|" SYNCED("c") "|" SYNCED("d")},
        {30, 5, "", SYNCED("b") "|" SYNCED("c")},
        {-1, 5, "&Duration=10", SYNCED("c")},
        {-1, 5, "", SYNCED("b") "|" SYNCED("c")}, /* an hour until then */
        {20000, 5, "", SYNCED("a") "|" SYNCED("b") "|" SYNCED("c")},
        {-60, -1, "", ""}, /* what comes in an hour */
    };

    put_event(rig, 200 * MINUTE_MS, "a", EVENT_IN_SYNC, "");
    put_event(rig, 25 * MINUTE_MS, "b", EVENT_IN_SYNC, "");
    put_event(rig, 12 * MINUTE_MS, "c", EVENT_IN_SYNC, "");
    put_event(rig, 2 * MINUTE_MS, "d", EVENT_IN_SYNC, "");
    wait_durable(rig);
    for (size_t i = 0; i < array_len(rows); i++) {
        cleanup(freep) char *start = time_query("StartTime", rows[i].start * MINUTE_MS);
        cleanup(freep) char *end = time_query("EndTime", rows[i].end * MINUTE_MS);
        cleanup(freep) char *query = xasprintf("%s%s%s", rows[i].start != -1 ? start : "",
                                               rows[i].end != -1 ? end : "", rows[i].more);

        expect_messages(rig, query, rows[i].expected);
    }
}

static void test_bad_times_of_events(void **state)
{
    struct rig *rig = rig_start(state, 1);
    cleanup(freep) char *early = time_query("StartTime", 15 * 24 * 60 * MINUTE_MS);
    cleanup(freep) char *late = time_query("StartTime", 5 * MINUTE_MS);
    cleanup(freep) char *end = time_query("EndTime", 10 * MINUTE_MS);
    const struct {
        const char *a, *b, *code;
    } rows[] = {
        {late, end, "InvalidParameterCombination"},
        {late, "&Duration=10", "InvalidParameterCombination"},
        {early, "", "InvalidParameterValue"},
        {end, "&Duration=20160", NULL},
        {"&StartTime=soon", "", "InvalidParameterValue"},
        {"&EndTime=2017-03-30T07:03:49Z", "", "InvalidParameterValue"},
        {"&Duration=0", "", "InvalidParameterValue"},
        {"&Duration=20161", "", "InvalidParameterValue"},
        {"&MaxRecords=101", "", "InvalidParameterValue"},
    };

    for (size_t i = 0; i < array_len(rows); i++) {
        cleanup(freep) char *body = xasprintf("Action=DescribeEvents%s%s", rows[i].a, rows[i].b);

        if (rows[i].code)
            aws_expect_fault(rig, body, 400, rows[i].code);
        else
            free(aws_ask(rig, body));
    }
}

/* What has no message stands between what has one, so that pages take several reads. */
static void test_pages_of_events(void **state)
{
    struct rig *rig = rig_start(state, 2);
    cleanup(freep) char *marker = xstrdup("");
    unsigned n = 0, pages = 0;

    for (unsigned i = 0; i < 105; i++) {
        char message[16];

        snprintf(message, sizeof(message), "no-%03u", i);
        put_event(rig, MINUTE_MS, "job-0000", EVENT_MIGRATION_FAILED, message);
        for (unsigned j = 0; i % 2 == 0 && j < 80; j++) /* of a run: nothing to tell */
            put_event(rig, MINUTE_MS, "job-0000", j % 2 ? EVENT_CHECK_PASSED : EVENT_PHASE_CHANGED,
                      "");
    }
    wait_durable(rig);
    for (; marker; pages++) {
        cleanup(freep) char *body =
            xasprintf("Action=DescribeEvents&MaxRecords=20&Marker=%s", marker);
        cleanup(freep) char *xml = aws_ask(rig, body);
        unsigned on_page = aws_count(xml, "<Event>");

        assert_int_equal(on_page, pages < 5 ? 20 : 5);
        for (const char *p = xml; (p = strstr(p, "because of no-")); p++, n++)
            assert_int_equal(strtoul(p + strlen("because of no-"), NULL, 10), n);
        free(marker);
        marker = aws_element(xml, "Marker");
    }
    assert_int_equal(n, 105);
    assert_int_equal(pages, 6);
}

/* Clients that go away while their events are read, and an API that ends then. */
static void test_end_while_events_are_read(void **state)
{
    struct rig *rig = rig_start(state, 2);
    cleanup(freep) char *request = aws_request("Action=DescribeEvents");
    struct http_client c[4];

    for (unsigned i = 0; i < 1000; i++)
        put_event(rig, MINUTE_MS, "job-0000", EVENT_CHECK_PASSED, "");
    wait_durable(rig);
    for (size_t i = 0; i < array_len(c); i++) {
        client_connect(&c[i], rig->path);
        client_send_text(&c[i], request);
    }
    uv_run(rig->loop, UV_RUN_NOWAIT);
    uv_run(rig->loop, UV_RUN_NOWAIT);
    for (size_t i = 0; i < array_len(c); i++)
        client_close(&c[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_describe_events),           RIG_TEST(test_times_of_events),
        RIG_TEST(test_bad_times_of_events),       RIG_TEST(test_pages_of_events),
        RIG_TEST(test_end_while_events_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
