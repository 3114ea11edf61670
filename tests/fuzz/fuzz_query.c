/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request of the ElastiCache API: all that is made of it before anything is done. */
#include "daemon/api/elasticache/arguments.h"
#include "daemon/api/elasticache/marker.h"
#include "daemon/api/elasticache/timestamp.h"
#include "daemon/api/elasticache/xml.h"
#include "lib/base/utf8.h"
#include "tests/fuzz/fuzz.h"

const char *const fuzz_seeds[] = {
    "Action=StartMigration&Version=2015-02-02&ReplicationGroupId=test-cluster&"
    "CustomerNodeEndpointList.member.1.Address=10.0.0.241&"
    "CustomerNodeEndpointList.member.1.Port=6379",
    "Action=TestMigration&Version=2015-02-02&ReplicationGroupId=a&CustomerNodeEndpointList=",
    "CustomerNodeEndpointList.member.2.Address=%5B%3A%3A1%5D&"
    "CustomerNodeEndpointList.member.1.Port=70000&CustomerNodeEndpointList.member.1.Address=h",
    "Action=CompleteMigration&Version=2015-02-02&ReplicationGroupId=Orders&Force=true",
    "Action=DescribeReplicationGroups&MaxRecords=20&Marker=2a8fd0e1676a6f622d30303031",
    "Action=DescribeEvents&SourceType=replication-group&SourceIdentifier=g%C3%A4&Duration=20160&"
    "StartTime=2017-03-30T07%3A03%3A49.555Z&EndTime=2017-03-30T09:03:49%2B02:00",
    "a+b=%3Ctag%3E%26%22%0D%01+%EF%BF%BE&&c&d=",
    NULL,
};

static void check(bool good)
{
    if (!good)
        abort();
}

static bool is_utf8(const char *text)
{
    uint32_t code;
    unsigned n;

    while (*text) {
        n = utf8_char(text, &code);
        if (n == 0)
            return false;
        text += n;
    }
    return true;
}

/* Nothing in a text can end its element, or be what XML cannot hold. */
static void check_xml(const char *text)
{
    struct xml xml = {.depth = 0};
    const char *out;

    xml_text(&xml, "T", text);
    out = xml_finish(&xml);
    check(strncmp(out, "<T>", 3) == 0 && is_utf8(out));
    out += 3;
    check(strcmp(out + strcspn(out, "<>"), "</T>") == 0);
    for (; *out; out++)
        check((unsigned char)*out >= 0x20 || *out == '\t' || *out == '\n');
    xml_deinit(&xml);
}

static void check_value(const char *value)
{
    char place[MARKER_TEXT_MAX], marker[MARKER_MAX];
    struct err err;
    int64_t ms;

    check(is_utf8(value) && strlen(value) <= QUERY_VALUE_MAX);
    check_xml(value);
    if (timestamp_parse(value, &ms, &err) == 0)
        check(ms > INT64_C(-70000000000000) && ms < INT64_C(260000000000000));
    if (marker_read('g', value, place, &err) == 0)
        check(strcmp(marker_write('g', place, marker), value) == 0);
}

static void check_arguments(const struct query *query)
{
    static const unsigned sets[] = {
        PARAMETER_GROUP | PARAMETER_ENDPOINTS,
        PARAMETER_GROUP | PARAMETER_FORCE,
        PARAMETER_MAX_RECORDS | PARAMETER_MARKER | PARAMETER_DURATION,
        PARAMETER_SOURCE_IDENTIFIER | PARAMETER_SOURCE_TYPE | PARAMETER_START_TIME |
            PARAMETER_END_TIME,
    };
    struct arguments arguments;
    struct err err;

    for (size_t i = 0; i < array_len(sets); i++) {
        if (arguments_read(query, sets[i] & (PARAMETER_GROUP | PARAMETER_ENDPOINTS), sets[i],
                           &arguments, &err))
            continue;
        check(arguments.max_records >= 20 && arguments.max_records <= 100);
        check(arguments.duration_minutes >= 0 && arguments.duration_minutes <= 20160);
        check(!(sets[i] & PARAMETER_ENDPOINTS) ||
              (endpoint_is_set(&arguments.source) && arguments.source.port > 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct query query;
    struct err err;
    unsigned n;

    if (query_parse((const char *)data, size, &query, &err)) {
        check_xml(err.msg); /* it quotes what was sent */
        return 0;
    }
    for (unsigned i = 0; i < query.n; i++) {
        check(query.pairs[i].name[0] && strlen(query.pairs[i].name) <= QUERY_NAME_MAX);
        check(query_get(&query, query.pairs[i].name) == query.pairs[i].value);
        check(is_utf8(query.pairs[i].name));
        check_value(query.pairs[i].value);
    }
    if (query_members(&query, "CustomerNodeEndpointList", &n, &err) == 0)
        check(n <= QUERY_MEMBERS_MAX);
    check_arguments(&query);
    query_deinit(&query);
    return 0;
}
