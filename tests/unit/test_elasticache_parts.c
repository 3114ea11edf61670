/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the ElastiCache API that are pure: bodies, parameters, times, markers, XML,
 * statuses, messages. */
#include <stdio.h>

#include "daemon/api/elasticache/arguments.h"
#include "daemon/api/elasticache/group.h"
#include "daemon/api/elasticache/marker.h"
#include "daemon/api/elasticache/message.h"
#include "daemon/api/elasticache/timestamp.h"
#include "daemon/api/elasticache/xml.h"
#include "lib/base/base.h"
#include "tests/unit/fixture.h"

#define LIST "CustomerNodeEndpointList"

/* --- bodies --- */

static void parse(struct query *query, const char *body)
{
    struct err err;

    if (query_parse(body, strlen(body), query, &err))
        fail_msg("'%s': %s", body, err.msg);
}

static void expect_pair(const struct query *query, const char *name, const char *value)
{
    assert_non_null(query_get(query, name));
    assert_string_equal(query_get(query, name), value);
}

static void test_bodies(void **state)
{
    struct query query;

    (void)state;
    parse(&query, "Action=StartMigration&Version=2015-02-02&a+b=%31+%2B%3d%26%C3%a4&x=y=z&&e=&f&");
    assert_int_equal(query.n, 6);
    expect_pair(&query, "Action", "StartMigration");
    expect_pair(&query, "a b", "1 +=&\xc3\xa4");
    expect_pair(&query, "x", "y=z");
    expect_pair(&query, "e", "");
    expect_pair(&query, "f", "");
    assert_null(query_get(&query, "action"));
    query_deinit(&query);
    parse(&query, "");
    assert_int_equal(query.n, 0);
    query_deinit(&query);
    parse(&query, "&&&");
    assert_int_equal(query.n, 0);
    query_deinit(&query);
}

static void test_bad_bodies(void **state)
{
    static const char *const bad[] = {
        "a=%",   "a=%2",   "a=%2g",       "a=%%20",    "%=1",   "a=%00",  "a%00b=1",
        "=1",    "a=1&=2", "a=1&a=2",     "a=1&%61=1", "a=%ff", "a=\xff", "\xc3=1",
        "a=%C3", "a=%c3=", "a=%ed%a0%80", "a=%c0%80",  "a=1&a",
    };
    struct query query = {.n = 77};
    struct err err;

    (void)state;
    for (size_t i = 0; i < array_len(bad); i++) {
        if (query_parse(bad[i], strlen(bad[i]), &query, &err) != ERR_INVALID)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(query.n, 77);
    }
    assert_int_equal(query_parse("a=\0b", 4, &query, &err), ERR_INVALID);
}

static void test_limits_of_bodies(void **state)
{
    char *body = xcalloc(1, 32768), *p = body;
    struct query query;
    struct err err;

    (void)state;
    for (int i = 0; i < QUERY_PAIRS_MAX; i++)
        p += snprintf(p, 16, "n%d=%d&", i, i);
    parse(&query, body);
    assert_int_equal(query.n, QUERY_PAIRS_MAX);
    query_deinit(&query);
    snprintf(p, 16, "more=1");
    assert_int_equal(query_parse(body, strlen(body), &query, &err), ERR_LIMIT);

    memset(body, 'n', QUERY_NAME_MAX);
    snprintf(body + QUERY_NAME_MAX, 2, "=");
    p = body + QUERY_NAME_MAX + 1;
    memset(p, 'v', QUERY_VALUE_MAX);
    p[QUERY_VALUE_MAX] = '\0';
    parse(&query, body);
    query_deinit(&query);
    snprintf(p + QUERY_VALUE_MAX, 2, "v");
    assert_int_equal(query_parse(body, strlen(body), &query, &err), ERR_LIMIT);
    memset(body, 'n', QUERY_NAME_MAX + 1);
    snprintf(body + QUERY_NAME_MAX + 1, 4, "=1");
    assert_int_equal(query_parse(body, strlen(body), &query, &err), ERR_LIMIT);
    free(body);
}

static void test_lists(void **state)
{
    static const struct {
        const char *body;
        int n; /* -1: refused */
    } rows[] = {
        {"x=1", 0},
        {"L=", 0},
        {"L", 0},
        {"L.member.1.Address=h", 1},
        {"L.member.1.Address=h&L.member.1.Port=1", 1},
        {"L.member.2.Port=1&L.member.1.Port=1", 2},
        {"L=&L.member.1=x", 1},
        {"LL.member.7.Port=1", 0},
        {"L.member.100.Port=1", -1},
        {"L.member.2.Port=1", -1},
        {"L.member.1.Port=1&L.member.3.Port=1", -1},
        {"L.member.0.Port=1", -1},
        {"L.member.01.Port=1", -1},
        {"L.member.101.Port=1", -1},
        {"L.member.99999999999999999999.Port=1", -1},
        {"L.member.1x=1", -1},
        {"L.member.=1", -1},
        {"L.member=1", -1},
        {"L.1.Address=h", -1},
        {"L=h", -1},
    };
    struct query query;
    struct err err;
    unsigned n;

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        int r;

        parse(&query, rows[i].body);
        r = query_members(&query, "L", &n, &err);
        if (r ? rows[i].n != -1 : (int)n != rows[i].n)
            fail_msg("'%s': %u members", rows[i].body, n);
        query_deinit(&query);
    }
    parse(&query, "L.member.1.A=x&L.member.2.A=y");
    assert_string_equal(query_member(&query, "L", 2, "A"), "y");
    assert_null(query_member(&query, "L", 2, "B"));
    assert_null(query_member(&query, "L", 3, "A"));
    query_deinit(&query);
}

/* --- parameters --- */

static int read_all(const char *body, unsigned required, struct arguments *ret, struct err *err)
{
    struct query query;
    int r;

    parse(&query, body);
    r = arguments_read(&query, required, ~0u, ret, err);
    query_deinit(&query);
    return r;
}

static void test_endpoints(void **state)
{
    static const struct {
        const char *address, *port, *host; /* host NULL: refused */
    } rows[] = {
        {"10.0.0.241", "6379", "10.0.0.241"},
        {"cache.example.com", "1", "cache.example.com"},
        {"::1", "65535", "::1"},
        {"[fe80::1]", "6379", "fe80::1"},
        {"10.0.0.241", "0", NULL},
        {"10.0.0.241", "70000", NULL},
        {"10.0.0.241", "-1", NULL},
        {"10.0.0.241", "6379x", NULL},
        {"10.0.0.241", "6379.0", NULL},
        {"10.0.0.241", "", NULL},
        {"10.0.0.241", "99999999999999999999", NULL},
        {"", "6379", NULL},
        {"10.0.0.241:6379", "6379", NULL},
        {"10.0.0", "6379", NULL},
        {"a b", "6379", NULL},
        {"a]", "6379", NULL},
        {"[::1]:9", "6379", NULL},
    };
    struct arguments arguments;
    struct err err;

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        cleanup(freep) char *body = xasprintf(LIST ".member.1.Address=%s&" LIST ".member.1.Port=%s",
                                              rows[i].address, rows[i].port);
        int r = read_all(body, 0, &arguments, &err);

        if (rows[i].host && r)
            fail_msg("'%s': %s", body, err.msg);
        if (!rows[i].host && r != ERR_INVALID)
            fail_msg("'%s' was taken", body);
        if (rows[i].host)
            assert_string_equal(arguments.source.host, rows[i].host);
    }
}

static void test_parameters(void **state)
{
    static const char *const bad[] = {
        LIST "=",
        LIST ".member.1.Address=h",
        LIST ".member.1.Port=1",
        LIST ".member.1=h",
        LIST ".member.1.Address=h&" LIST ".member.1.Port=1&" LIST ".member.2.Address=i&" LIST
             ".member.2.Port=2",
        "ReplicationGroupId=",
        "Force=",
        "Force=yes",
        "Force=TRUE",
        "MaxRecords=19",
        "MaxRecords=101",
        "MaxRecords=20.0",
        "MaxRecords=-20",
        "MaxRecords=",
        "MaxRecords=18446744073709551640",
        "Duration=0",
        "Duration=20161",
        "StartTime=yesterday",
        "EndTime=",
    };
    struct arguments arguments = {.max_records = 7};
    struct err err;

    (void)state;
    for (size_t i = 0; i < array_len(bad); i++) {
        if (read_all(bad[i], 0, &arguments, &err) != ERR_INVALID)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(arguments.max_records, 7);
    }
    assert_int_equal(read_all("Force=true", PARAMETER_GROUP, &arguments, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "the parameter ReplicationGroupId is missing");
    assert_int_equal(read_all("Force=true", PARAMETER_ENDPOINTS, &arguments, &err), ERR_NOT_FOUND);

    assert_int_equal(read_all("Marker=&Unknown=1", 0, &arguments, &err), 0);
    assert_null(arguments.marker);
    assert_null(arguments.group);
    assert_false(arguments.force);
    assert_int_equal(arguments.max_records, 100);
    assert_int_equal(arguments.duration_minutes, 0);
    assert_true(arguments.start_ms == ARGUMENT_NO_TIME && arguments.end_ms == ARGUMENT_NO_TIME);
    assert_int_equal(
        read_all("Force=true&MaxRecords=20&Duration=20160&EndTime=1970-01-01T00:00:01Z", 0,
                 &arguments, &err),
        0);
    assert_true(arguments.force);
    assert_int_equal(arguments.max_records, 20);
    assert_int_equal(arguments.duration_minutes, 20160);
    assert_int_equal(arguments.end_ms, 1000);
}

/* What an operation does not know of is passed over, however wrong it is. */
static void test_unknown_parameters(void **state)
{
    struct arguments arguments;
    struct query query;
    struct err err;

    (void)state;
    parse(&query, "ReplicationGroupId=g&Force=maybe&MaxRecords=1");
    assert_int_equal(arguments_read(&query, PARAMETER_GROUP, 0, &arguments, &err), 0);
    assert_string_equal(arguments.group, "g");
    query_deinit(&query);
}

/* --- times, markers --- */

static void test_times(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {
        {"2017-03-30T07:03:49.555Z", 1490857429555},
        {"2017-03-30T07:03:49Z", 1490857429000},
        {"2017-03-30T07:03:49.5559999999999Z", 1490857429555},
        {"2017-03-30T07:03:49.5Z", 1490857429500},
        {"2017-03-30T07:03:49.000001Z", 1490857429000},
        {"2017-03-30T07:03:49", 1490857429000},
        {"2017-03-30T07:03Z", 1490857380000},
        {"2017-03-30", 1490832000000},
        {"2017-03-30T09:33:49+02:30", 1490857429000},
        {"2017-03-30T09:33:49+0230", 1490857429000},
        {"2017-03-29T23:03:49.555-08:00", 1490857429555},
        {"1970-01-01T00:00:00Z", 0},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"", -1},
        {"yesterday", -1},
        {"1490857429", -1},
        {"2017-03-30 07:03:49Z", -1},
        {"2017-02-29T00:00:00Z", -1},
        {"2017-04-31T00:00:00Z", -1},
        {"2017-13-01T00:00:00Z", -1},
        {"2017-00-01T00:00:00Z", -1},
        {"2017-01-00T00:00:00Z", -1},
        {"2017-01-01T24:00:00Z", -1},
        {"2017-01-01T00:60:00Z", -1},
        {"2017-01-01T00:00:60Z", -1},
        {"2017-01-01T00:00:00.Z", -1},
        {"2017-01-01T00:00:00z", -1},
        {"2017-01-01T00:00:00Z ", -1},
        {"2017-01-01T00:00:00+", -1},
        {"2017-01-01T00:00:00+1", -1},
        {"2017-01-01T00:00:00+24:00", -1},
        {"2017-01-01T", -1},
        {"17-01-01T00:00:00Z", -1},
        {"2017-1-1T00:00:00Z", -1},
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        int64_t ms = -1;
        int r = timestamp_parse(rows[i].text, &ms, &err);

        if (ms != rows[i].ms || (r != 0) != (ms == -1))
            fail_msg("'%s': %lld instead of %lld", rows[i].text, (long long)ms,
                     (long long)rows[i].ms);
    }
}

static void test_markers(void **state)
{
    static const char *const places[] = {"job-0001", "18446744073709551615", "",
                                         "a-name-of-forty-characters-0123456789-xx"};
    char marker[MARKER_MAX], place[MARKER_TEXT_MAX];
    struct err err;

    (void)state;
    for (size_t i = 0; i < array_len(places); i++) {
        marker_write('g', places[i], marker);
        assert_int_equal(marker_read('g', marker, place, &err), 0);
        assert_string_equal(place, places[i]);
        assert_int_equal(marker_read('e', marker, place, &err), ERR_INVALID);
    }
    marker_write('g', "job-0001", marker);
    marker[10] = marker[10] == '0' ? '1' : '0';
    assert_int_equal(marker_read('g', marker, place, &err), ERR_INVALID);
    marker_write('g', "job-0001", marker);
    marker[strlen(marker) - 2] = '\0';
    assert_int_equal(marker_read('g', marker, place, &err), ERR_INVALID);
    assert_int_equal(marker_read('g', "x", place, &err), ERR_INVALID);
    assert_int_equal(marker_read('g', "12345678", place, &err), ERR_INVALID);
    for (size_t i = 0; i + 1 < sizeof(marker); i++)
        marker[i] = 'a';
    marker[sizeof(marker) - 1] = '\0';
    assert_int_equal(marker_read('g', marker, place, &err), ERR_INVALID);
}

/* --- XML --- */

static void test_xml(void **state)
{
    struct xml xml = {.depth = 0};

    (void)state;
    xml_open(&xml, "R", "urn:x");
    xml_text(&xml, "T", "<a href=\"x\">'&amp;\t\n\r");
    xml_text(&xml, "C", "\x01z\x1b[0m\xef\xbf\xbe\xff\xc3\xa4\xf0\x9f\x98\x80");
    xml_text(&xml, "E", "");
    xml_int(&xml, "I", -7);
    xml_bool(&xml, "B", true);
    xml_close(&xml);
#define FFFD "\xef\xbf\xbd"
    assert_string_equal(xml_finish(&xml),
                        "<R xmlns=\"urn:x\"><T>&lt;a href=&quot;x&quot;&gt;'&amp;amp;\t\n&#13;</T>"
                        "<C>" FFFD "z" FFFD "[0m" FFFD FFFD "\xc3\xa4\xf0\x9f\x98\x80</C>"
                        "<E></E><I>-7</I><B>true</B></R>");
    xml_deinit(&xml);
}

/* --- statuses --- */

static void test_statuses(void **state)
{
    static const struct {
        enum phase phase;
        enum group_status before, since;
    } rows[] = {
        {PHASE_IDLE, GROUP_AVAILABLE, GROUP_AVAILABLE},
        {PHASE_QUEUED, GROUP_MODIFYING, GROUP_MODIFYING},
        {PHASE_CHECKING, GROUP_MODIFYING, GROUP_MODIFYING},
        {PHASE_ATTACHING, GROUP_MODIFYING, GROUP_MIGRATING},
        {PHASE_BACKOFF, GROUP_MODIFYING, GROUP_MIGRATING},
        {PHASE_SYNCING, GROUP_MODIFYING, GROUP_MIGRATING},
        {PHASE_REPLICATING, GROUP_MIGRATING, GROUP_MIGRATING},
        {PHASE_FREEZING, GROUP_MIGRATING, GROUP_MIGRATING},
        {PHASE_SWITCHING, GROUP_MIGRATING, GROUP_MIGRATING},
        {PHASE_ROLLING_BACK, GROUP_MODIFYING, GROUP_MODIFYING},
        {PHASE_COMPLETED, GROUP_AVAILABLE, GROUP_AVAILABLE},
        {PHASE_FAILED, GROUP_AVAILABLE, GROUP_AVAILABLE},
        {PHASE_HALTED, GROUP_MIGRATING, GROUP_MIGRATING},
    };

    (void)state;
    assert_int_equal(array_len(rows), PHASE_MAX);
    for (size_t i = 0; i < array_len(rows); i++) {
        struct run run = {.phase = rows[i].phase};

        assert_int_equal(group_status(&run), rows[i].before);
        run.synced = true;
        assert_int_equal(group_status(&run), rows[i].since);
    }
}

static void test_group(void **state)
{
    struct spec spec = {.id = "orders",
                        .description = (char[]){"a < b"},
                        .target = {.endpoint = {"10.0.1.7", 6379},
                                   .auth = {.password_file = (char[]){"/x"}},
                                   .replicas = (struct endpoint[]){{"::1", 6380}},
                                   .n_replicas = 1}};
    struct observation *seen = xcalloc(1, sizeof(*seen));
    struct migration_view view = {.spec = &spec, .seen = seen};
    struct xml xml = {.depth = 0};

    (void)state;
    (void)str_copy(seen->node[SIDE_TARGET].info.product, 16, "valkey");
    group_write(&xml, &view, GROUP_MIGRATING);
    assert_string_equal(
        xml_finish(&xml),
        "<ReplicationGroup><ReplicationGroupId>orders</ReplicationGroupId>"
        "<Description>a &lt; b</Description><Status>migrating</Status>"
        "<PendingModifiedValues></PendingModifiedValues>"
        "<MemberClusters><ClusterId>orders-001</ClusterId><ClusterId>orders-002</ClusterId>"
        "</MemberClusters><NodeGroups><NodeGroup><NodeGroupId>0001</NodeGroupId>"
        "<Status>migrating</Status>"
        "<PrimaryEndpoint><Address>10.0.1.7</Address><Port>6379</Port></PrimaryEndpoint>"
        "<ReaderEndpoint><Address>::1</Address><Port>6380</Port></ReaderEndpoint>"
        "<NodeGroupMembers>"
        "<NodeGroupMember><CacheClusterId>orders-001</CacheClusterId>"
        "<CacheNodeId>0001</CacheNodeId>"
        "<ReadEndpoint><Address>10.0.1.7</Address><Port>6379</Port></ReadEndpoint>"
        "<CurrentRole>primary</CurrentRole></NodeGroupMember>"
        "<NodeGroupMember><CacheClusterId>orders-002</CacheClusterId>"
        "<CacheNodeId>0001</CacheNodeId>"
        "<ReadEndpoint><Address>::1</Address><Port>6380</Port></ReadEndpoint>"
        "<CurrentRole>replica</CurrentRole></NodeGroupMember>"
        "</NodeGroupMembers></NodeGroup></NodeGroups>"
        "<ClusterEnabled>false</ClusterEnabled><AuthTokenEnabled>true</AuthTokenEnabled>"
        "<TransitEncryptionEnabled>false</TransitEncryptionEnabled><Engine>valkey</Engine>"
        "</ReplicationGroup>");
    xml_deinit(&xml);
    free(seen);
}

/* --- messages --- */

/* data: JSON, or NULL. */
static void expect_message(enum event_name name, const char *message, const char *data,
                           const char *expected)
{
    struct event event = {.job = (char[]){"g"},
                          .name = xstrdup(event_def(name)->name),
                          .message = xstrdup(message),
                          .data = json_loads(data ? data : "{}", 0, NULL)};
    char *got = message_of(&event);

    assert_non_null(event.data);
    if (expected) {
        assert_non_null(got);
        assert_string_equal(got, expected);
    } else {
        assert_null(got);
    }
    free(got);
    event.job = NULL;
    event_clear(&event);
}

static void test_messages(void **state)
{
    (void)state;
    expect_message(EVENT_RUN_STARTED, "started", "{\"source\":\"10.0.0.241:6379\"}",
                   "Starting migration operation for target cluster g with source cluster "
                   "endpoint 10.0.0.241 and port 6379");
    expect_message(EVENT_RUN_STARTED, "started", "{\"source\":\"[::1]:6379\"}",
                   "Starting migration operation for target cluster g with source cluster "
                   "endpoint ::1 and port 6379");
    expect_message(EVENT_RUN_STARTED, "started", NULL,
                   "Starting migration operation for target cluster g");
    expect_message(EVENT_IN_SYNC, "in sync", NULL,
                   "Migration operation succeeded for replication group g.");
    expect_message(EVENT_MIGRATION_FAILED, "auth-refused: {host} & co", NULL,
                   "Migration operation failed for replication group g because of auth-refused: "
                   "{host} & co");
    expect_message(EVENT_MIGRATION_FAILED, "", NULL,
                   "Migration operation failed for replication group g.");
    expect_message(EVENT_MIGRATION_COMPLETED, "x", NULL, "Complete Migration successful for g");
    expect_message(EVENT_CUTOVER_COMPLETED, "x", "{\"write_gap_ms\":0.8125}",
                   "Replication group g takes the writes now, which stood still for 0.812 ms");
    expect_message(EVENT_CUTOVER_COMPLETED, "x", "{\"write_gap_ms\":null}",
                   "Replication group g takes the writes now");
    expect_message(EVENT_CUTOVER_ABORTED, "gate-lag: 5 MiB", NULL,
                   "Complete Migration failed for g because of gate-lag: 5 MiB; the replication "
                   "group stays migrating and writes go on at the source");
    expect_message(EVENT_CHECK_PASSED, "x", "{\"test\":true}",
                   "Test migration succeeded for replication group g.");
    expect_message(EVENT_CHECK_PASSED, "x", NULL, NULL);
    expect_message(EVENT_CHECK_FAILED, "same-node: why", "{\"test\":true}",
                   "Test migration failed for replication group g because of same-node: why");
    expect_message(EVENT_CHECK_FAILED, "same-node: why", NULL,
                   "A check before the migration of replication group g failed because of "
                   "same-node: why");
    expect_message(EVENT_SOURCE_OVERRIDDEN, "x", "{\"source\":\"a:1\",\"file_source\":\"b:2\"}",
                   "Replication group g migrates from a:1, as the start asked for, and not from "
                   "b:2, which its job file names");
    expect_message(EVENT_PHASE_CHANGED, "x", NULL, NULL);
}

/* Every name that a message can be of is asked for. */
static void test_message_names(void **state)
{
    char names[MESSAGE_NAMES_MAX];

    (void)state;
    message_names(names);
    for (int name = 0; name < EVENT_MAX; name++) {
        const char *word = event_def((enum event_name)name)->name;
        cleanup(freep) char *spaced = xasprintf(" %s ", word);
        struct event event = {
            .job = (char[]){"g"},
            .name = xstrdup(word),
            .message = xstrdup("m"),
            .data = json_pack("{s:s, s:s, s:b}", "source", "a:1", "file_source", "b:1", "test", 1)};
        char *message = message_of(&event);

        assert_int_equal(message != NULL, strstr(names, spaced) != NULL);
        free(message);
        event.job = NULL;
        assert_null(message_of(&event)); /* the daemon's own */
        event_clear(&event);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_bad_bodies),
        cmocka_unit_test(test_limits_of_bodies),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_unknown_parameters),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_markers),
        cmocka_unit_test(test_xml),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_message_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
