/* SPDX-License-Identifier: Apache-2.0 */
/* Who can read whose dump: all pairs of the seven servers that were measured, and their neighbours.
 */
#include <string.h>

#include "daemon/core/dump.h"
#include "lib/base/base.h"
#include "tests/unit/fixture.h"

static struct redis_info server(const char *product, unsigned version_num)
{
    struct redis_info info = {.version_num = version_num};

    str_copy(info.product, sizeof(info.product), product);
    return info;
}

static const struct {
    const char *product;
    unsigned version_num;
    bool field_ttl;
} servers[] = {
    {"redis", 60016, false}, {"redis", 70015, false},  {"redict", 70306, false},
    {"redis", 80002, true},  {"valkey", 80001, false}, {"valkey", 80101, false},
    {"valkey", 90102, true},
};
#define SERVERS array_len(servers)

/* Rows: who writes; columns: who reads. +: link up and data equal; -: it never came up; r: only
 * with rdb-version-check relaxed. */
static const char *const measured[SERVERS] = {
    "+++++++", /* redis 6.0.16 */
    "-++++++", /* redis 7.0.15 */
    "--++--r", /* redict 7.3.6 */
    "--++--r", /* redis 8.0.2 */
    "--+++++", /* valkey 8.0.1 */
    "--+++++", /* valkey 8.1.1 */
    "--+++++", /* valkey 9.1.2 */
};

static char sign(enum dump_verdict verdict)
{
    switch (verdict) {
    case DUMP_READABLE:
        return '+';
    case DUMP_RELAXED:
        return 'r';
    case DUMP_UNREADABLE:
        return '-';
    case DUMP_UNKNOWN:
        break;
    }
    return '?';
}

static void all_pairs_are_as_measured(void **state)
{
    (void)state;
    for (size_t w = 0; w < SERVERS; w++)
        for (size_t r = 0; r < SERVERS; r++) {
            struct redis_info writer = server(servers[w].product, servers[w].version_num);
            struct redis_info reader = server(servers[r].product, servers[r].version_num);

            if (sign(dump_verdict(&writer, &reader)) != measured[w][r])
                fail_msg("%s %u to %s %u: %c", writer.product, writer.version_num, reader.product,
                         reader.version_num, sign(dump_verdict(&writer, &reader)));
        }
}

static void versions_between_go_with_the_format_they_began_with(void **state)
{
    static const struct {
        const char *writer;
        unsigned written;
        const char *reader;
        unsigned read;
        char sign;
    } rows[] = {
        {"redis", 20800, "redis", 20800, '+'},   {"redis", 30200, "redis", 30199, '-'},
        {"redis", 60216, "redis", 50000, '+'},   {"redis", 50000, "redis", 49999, '-'},
        {"redis", 70199, "redis", 70000, '+'},   {"redis", 70200, "redis", 70199, '-'},
        {"redis", 70200, "valkey", 70200, '+'},  {"redis", 70400, "valkey", 70200, '-'},
        {"redis", 70400, "redict", 70300, '+'},  {"redis", 70400, "redis", 70399, '-'},
        {"redis", 70400, "valkey", 80999, '-'},  {"redis", 70400, "valkey", 90000, 'r'},
        {"redict", 70300, "valkey", 90000, 'r'}, {"redis", 60216, "keydb", 60304, '+'},
        {"redis", 70000, "keydb", 60304, '-'},   {"keydb", 60304, "redis", 60000, '+'},
        {"redis", 20600, "redis", 80000, '?'},   {"redis", 80000, "dragonfly", 10000, '?'},
        {"garnet", 10000, "redis", 80000, '?'},  {"", 0, "", 0, '?'},
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        struct redis_info writer = server(rows[i].writer, rows[i].written);
        struct redis_info reader = server(rows[i].reader, rows[i].read);

        if (sign(dump_verdict(&writer, &reader)) != rows[i].sign)
            fail_msg("%s %u to %s %u: %c", writer.product, writer.version_num, reader.product,
                     reader.version_num, sign(dump_verdict(&writer, &reader)));
    }
}

static void fields_have_an_expiry_since(void **state)
{
    static const struct {
        const char *product;
        unsigned version_num;
        bool knows;
    } rows[] = {
        {"redis", 70399, false},     {"redis", 70400, true},   {"valkey", 80199, false},
        {"valkey", 90000, true},     {"redict", 70306, false}, {"keydb", 60304, false},
        {"dragonfly", 10000, false},
    };

    (void)state;
    for (size_t i = 0; i < SERVERS; i++) {
        struct redis_info info = server(servers[i].product, servers[i].version_num);

        assert_int_equal(knows_field_ttl(&info), servers[i].field_ttl);
    }
    for (size_t i = 0; i < array_len(rows); i++) {
        struct redis_info info = server(rows[i].product, rows[i].version_num);

        assert_int_equal(knows_field_ttl(&info), rows[i].knows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs_are_as_measured),
        cmocka_unit_test(versions_between_go_with_the_format_they_began_with),
        cmocka_unit_test(fields_have_an_expiry_since),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
