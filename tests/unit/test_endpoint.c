/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/net/endpoint.h"
#include "tests/unit/fixture.h"

static void test_good(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } rows[] = {
        {"10.0.0.1:6379", "10.0.0.1", 6379},
        {"localhost:1", "localhost", 1},
        {"a-b_c.example.com:65535", "a-b_c.example.com", 65535},
        {"example.com.:80", "example.com.", 80},
        {"1and1.example:80", "1and1.example", 80},
        {"[::1]:6379", "::1", 6379},
        {"[fe80::1%eth0]:6379", "fe80::1%eth0", 6379},
        {"[::ffff:10.0.0.1]:6379", "::ffff:10.0.0.1", 6379},
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        struct err err = ERR_INIT;
        struct endpoint ep;
        char buf[ENDPOINT_STR_MAX];

        assert_int_equal(endpoint_parse(rows[i].text, &ep, &err), 0);
        assert_string_equal(ep.host, rows[i].host);
        assert_int_equal(ep.port, rows[i].port);
        assert_string_equal(endpoint_format(&ep, buf), rows[i].text);
    }
}

static void test_bad(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "nothing given: write host:port"},
        {"host", "no port: write host:port"},
        {"host:", "no port after the colon: write host:port"},
        {":6379", "no host before the port: write host:port"},
        {"host:70000", "port 70000 is outside 1..65535"},
        {"host:0", "port 0 is outside 1..65535"},
        {"host:65536", "port 65536 is outside 1..65535"},
        {"host:18446744073709557995", "port 1844674407370955 is outside 1..65535"},
        {"host:abc", "port 'abc' is not a number"},
        {"host:+5", "port '+5' is not a number"},
        {"host:63 79", "port '63 79' is not a number"},
        {"::1:6379", "an IPv6 address needs brackets: [::1]:6379"},
        {"[::1]", "no port: write [address]:port"},
        {"[::1", "the bracket is not closed: write [::1]:6379"},
        {"[]:6379", "no host before the port: write host:port"},
        {"[10.0.0.1]:6379", "what stands in the brackets is not an IPv6 address"},
        {"[::1%%%%%%%%]]:1", "no port: write [address]:port"},
        {"ho st:6379", "a host name holds letters, digits, '-', '_' and '.' only"},
        {" host:6379", "a host name holds letters, digits, '-', '_' and '.' only"},
        {"redis//host:6379", "a host name holds letters, digits, '-', '_' and '.' only"},
        {"-host:6379", "a host name does not begin with '-'"},
        {"a..b:6379", "the parts of a host name have 1 to 63 characters"},
        {".a:6379", "the parts of a host name have 1 to 63 characters"},
        {"10.0.0.256:6379", "not an IPv4 address: four numbers of 0..255 are needed"},
        {"10.0.1:6379", "not an IPv4 address: four numbers of 0..255 are needed"},
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        struct endpoint ep = {.host = "untouched", .port = 7};
        struct err err = ERR_INIT;

        assert_int_equal(endpoint_parse(rows[i].text, &ep, &err), ERR_INVALID);
        assert_string_equal(err.msg, rows[i].says);
        assert_string_equal(ep.host, "untouched");
        assert_int_equal(ep.port, 7);
    }
}

static void test_long(void **state)
{
    struct err err = ERR_INIT;
    struct endpoint ep;
    char text[600];

    (void)state;
    memset(text, 'a', sizeof(text));
    for (size_t i = 50; i < sizeof(text); i += 50)
        text[i] = '.';
    memcpy(text + 253, ":6379", 6);
    assert_int_equal(endpoint_parse(text, &ep, &err), 0);
    memset(text + 253, 'a', 5);
    memcpy(text + 254, ":6379", 6);
    assert_int_equal(endpoint_parse(text, &ep, &err), ERR_INVALID);
    assert_string_equal(err.msg, "a host name has at most 253 characters");
    memset(text, 'a', 100);
    memcpy(text + 64, ":6379", 6);
    assert_int_equal(endpoint_parse(text, &ep, &err), ERR_INVALID);
    assert_string_equal(err.msg, "the parts of a host name have 1 to 63 characters");
}

static void test_label(void **state)
{
    struct endpoint ep = {.host = "db.example", .port = 65535};
    char buf[ENDPOINT_LABEL_MAX];

    (void)state;
    assert_string_equal(endpoint_label(&ep, buf), "db.example:65535");
    memset(ep.host, 'a', 253);
    ep.host[0] = 'b';
    endpoint_label(&ep, buf);
    assert_int_equal(strlen(buf), ENDPOINT_LABEL_MAX - 1);
    assert_memory_equal(buf, "baaa", 4);
    assert_non_null(strstr(buf, "a...a"));
    assert_string_equal(buf + strlen(buf) - 7, "a:65535");
}

static void test_equal(void **state)
{
    struct endpoint a = {.host = "Example.com", .port = 1}, b = {.host = "example.COM", .port = 1};
    struct endpoint none = {.port = 1};

    (void)state;
    assert_true(endpoint_equal(&a, &b));
    b.port = 2;
    assert_false(endpoint_equal(&a, &b));
    assert_true(endpoint_is_set(&a));
    assert_false(endpoint_is_set(&none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),  cmocka_unit_test(test_bad),   cmocka_unit_test(test_long),
        cmocka_unit_test(test_label), cmocka_unit_test(test_equal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
