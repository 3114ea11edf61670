/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fixture.h"

#include "lib/base/base.h"
#include "lib/base/suggest.h"
#include "lib/base/units.h"

static void durations_are_parsed(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {{"0s", 0},      {"250ms", 250},  {"30s", 30000},
                {"5m", 300000}, {"2h", 7200000}, {"18446744073709551615ms", UINT64_MAX}};
    static const char *const bad[] = {"",    "s",  "30", "1.5s",  "-1s", "+1s",   " 1s",  "1s ",
                                      "1 s", "1S", "1d", "1m30s", "1h ", "0x10s", "1sec", "ms"};
    struct err err;
    uint64_t ms;

    (void)state;
    for (size_t i = 0; i < array_len(good); i++) {
        assert_int_equal(duration_parse(good[i].text, &ms, &err), 0);
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < array_len(bad); i++) {
        ms = 42;
        assert_int_equal(duration_parse(bad[i], &ms, &err), ERR_INVALID);
        assert_int_equal(ms, 42);
        assert_non_null(strstr(err.msg, "not a duration"));
    }
    assert_int_equal(duration_parse("18446744073709551615s", &ms, &err), ERR_LIMIT);
    assert_int_equal(duration_parse("18446744073709551616ms", &ms, &err), ERR_INVALID);
}

static void sizes_are_parsed(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"17", 17},
                {"17B", 17},
                {"512KiB", 524288},
                {"1MiB", 1048576},
                {"2GiB", UINT64_C(2147483648)},
                {"1TiB", UINT64_C(1099511627776)}};
    static const char *const bad[] = {"",       "KiB", "1KB", "1kib", "1 KiB",
                                      "1.5GiB", "-1",  "1k",  "1PiB"};
    struct err err;
    uint64_t bytes;

    (void)state;
    for (size_t i = 0; i < array_len(good); i++) {
        assert_int_equal(size_parse(good[i].text, &bytes, &err), 0);
        assert_int_equal(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < array_len(bad); i++)
        assert_int_equal(size_parse(bad[i], &bytes, &err), ERR_INVALID);
    assert_int_equal(size_parse("99999999TiB", &bytes, &err), ERR_LIMIT);
}

static void what_is_formatted_parses_back(void **state)
{
    static const struct {
        uint64_t value;
        const char *duration, *size;
    } cases[] = {{0, "0ms", "0B"},
                 {999, "999ms", "999B"},
                 {1500, "1500ms", "1500B"},
                 {90000, "90s", "90000B"},
                 {7200000, "2h", "7200000B"},
                 {1048576, "1048576ms", "1MiB"},
                 {UINT64_MAX, "18446744073709551615ms", "18446744073709551615B"}};
    char buf[UNITS_STR_MAX];
    struct err err;
    uint64_t value;

    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        assert_string_equal(duration_format(cases[i].value, buf), cases[i].duration);
        assert_int_equal(duration_parse(buf, &value, &err), 0);
        assert_int_equal(value, cases[i].value);
        assert_string_equal(size_format(cases[i].value, buf), cases[i].size);
        assert_int_equal(size_parse(buf, &value, &err), 0);
        assert_int_equal(value, cases[i].value);
    }
}

static void people_read_rounded_values(void **state)
{
    char buf[UNITS_STR_MAX];

    (void)state;
    assert_string_equal(duration_human(0, buf), "0ms");
    assert_string_equal(duration_human(850, buf), "850ms");
    assert_string_equal(duration_human(59999, buf), "59s");
    assert_string_equal(duration_human(192000, buf), "3m12s");
    assert_string_equal(duration_human(3720000, buf), "1h02m");
    assert_string_equal(duration_human(UINT64_C(187200000), buf), "2d04h");
    assert_non_null(duration_human(UINT64_MAX, buf));
    assert_string_equal(bytes_human(0, buf), "0 B");
    assert_string_equal(bytes_human(1023, buf), "1023 B");
    assert_string_equal(bytes_human(1536, buf), "1.5 KiB");
    assert_string_equal(bytes_human(1048575, buf), "1.0 MiB");
    assert_string_equal(bytes_human(UINT64_C(1288490188), buf), "1.2 GiB");
    assert_string_equal(bytes_human(UINT64_MAX, buf), "16777216.0 TiB");
    assert_string_equal(rate_human(89443533, buf), "85.3 MiB/s");
}

static void the_nearest_word_is_suggested(void **state)
{
    static const char *const words[] = {"endpoint", "reachable_as", "username", "tls", "start"};
    char endless[1000];

    (void)state;
    memset(endless, 'e', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_string_equal(suggest("endpiont", words, array_len(words)), "endpoint");
    assert_string_equal(suggest("end_point", words, array_len(words)), "endpoint");
    assert_string_equal(suggest("reachable-as", words, array_len(words)), "reachable_as");
    assert_string_equal(suggest("tsl", words, array_len(words)), "tls");
    assert_string_equal(suggest("strat", words, array_len(words)), "start");
    assert_string_equal(suggest("start", words, array_len(words)), "start");
    assert_null(suggest("frobnicate", words, array_len(words)));
    assert_null(suggest("x", words, array_len(words)));
    assert_null(suggest("", words, array_len(words)));
    assert_null(suggest(endless, words, array_len(words)));
    assert_null(suggest("endpoint", words, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_parsed),
        cmocka_unit_test(sizes_are_parsed),
        cmocka_unit_test(what_is_formatted_parses_back),
        cmocka_unit_test(people_read_rounded_values),
        cmocka_unit_test(the_nearest_word_is_suggested),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
