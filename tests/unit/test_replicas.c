/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a server's replicas is meant by an endpoint, and how many are in sync. */
#include "daemon/core/replicas.h"
#include "tests/unit/fixture.h"

static struct redis_info info_of(const char *const *ips, const uint16_t *ports, unsigned n)
{
    struct redis_info info = {.n_replicas = n, .connected_replicas = n};

    for (unsigned i = 0; i < n; i++) {
        str_copy(info.replicas[i].ip, sizeof(info.replicas[i].ip), ips[i]);
        info.replicas[i].port = ports[i];
        info.replicas[i].offset = (int64_t)i + 1;
    }
    return info;
}

/* The offset of the replica that is meant; 0: none is. */
static int64_t offset_at(const struct redis_info *info, const char *host, uint16_t port)
{
    const struct redis_info_replica *replica;
    struct endpoint ep = {.port = port};

    str_copy(ep.host, sizeof(ep.host), host);
    replica = replica_at(info, &ep);
    return replica ? replica->offset : 0;
}

static const char *const ips[] = {"10.0.0.1", "10.0.0.2", "Announced.Example", "fd00::7"};
static const uint16_t ports[] = {6379, 6379, 6400, 6401};

static void an_address_is_that_replica_and_no_other(void **state)
{
    struct redis_info info = info_of(ips, ports, 4);

    (void)state;
    assert_int_equal(offset_at(&info, "10.0.0.1", 6379), 1);
    assert_int_equal(offset_at(&info, "10.0.0.2", 6379), 2);
    assert_int_equal(offset_at(&info, "10.0.0.3", 6379), 0);
    assert_int_equal(offset_at(&info, "10.0.0.1", 6400), 0);
    assert_int_equal(offset_at(&info, "fd00::7", 6401), 4);
    assert_int_equal(offset_at(&info, "FD00::7", 6401), 4);
    assert_int_equal(offset_at(&info, "fd00::8", 6401), 0);
}

static void a_name_is_the_one_announced_or_any_on_its_port(void **state)
{
    struct redis_info info = info_of(ips, ports, 4);

    (void)state;
    assert_int_equal(offset_at(&info, "announced.example", 6400), 3);
    assert_int_equal(offset_at(&info, "another.example", 6400), 3);
    assert_int_equal(offset_at(&info, "another.example", 6401), 4);
    assert_int_equal(offset_at(&info, "another.example", 6402), 0);
}

static void the_announced_name_goes_before_others_on_its_port(void **state)
{
    const char *const names[] = {"a.example", "b.example", "c.example"};
    const uint16_t same[] = {6379, 6379, 6379};
    struct redis_info info = info_of(names, same, 3);

    (void)state;
    assert_int_equal(offset_at(&info, "a.example", 6379), 1);
    assert_int_equal(offset_at(&info, "b.example", 6379), 2);
    info.n_replicas = 0;
    assert_int_equal(offset_at(&info, "a.example", 6379), 0);
}

static void those_without_a_line_count_as_online(void **state)
{
    struct redis_info info = {.n_replicas = 3, .connected_replicas = 3};

    (void)state;
    assert_int_equal(replicas_online(&info), 0);
    info.replicas[0].state = info.replicas[2].state = REDIS_REPLICA_ONLINE;
    info.replicas[1].state = REDIS_REPLICA_SEND_BULK;
    assert_int_equal(replicas_online(&info), 2);
    info.n_replicas = 0;
    assert_int_equal(replicas_online(&info), 0);
    info.n_replicas = REDIS_REPLICAS_MAX;
    info.connected_replicas = REDIS_REPLICAS_MAX + 4;
    assert_int_equal(replicas_online(&info), 6);
}

static struct endpoint named(const char *host, uint16_t port)
{
    struct endpoint ep = {.port = port};

    str_copy(ep.host, sizeof(ep.host), host);
    return ep;
}

static void rows_are_those_listed_then_those_missing(void **state)
{
    struct redis_info info = info_of(ips, ports, 4);
    const struct endpoint want[] = {named("10.0.0.2", 6379), named("10.0.0.9", 6379),
                                    named("fd00:0::7", 6401)};
    struct replica_row rows[REPLICA_ROWS_MAX];

    (void)state;
    info.master_repl_offset = 10;
    info.replicas[0].state = info.replicas[1].state = REDIS_REPLICA_ONLINE;
    info.replicas[2].state = REDIS_REPLICA_SEND_BULK;
    assert_int_equal(replica_rows(&info, want, 3, rows), 5);
    assert_string_equal(rows[1].state, "online");
    assert_int_equal(rows[1].offset, 2);
    assert_int_equal(rows[1].lag, 8);
    assert_string_equal(rows[2].state, "send_bulk");
    assert_int_equal(rows[2].offset, -1);
    assert_int_equal(rows[2].lag, -1);
    assert_string_equal(rows[4].state, "missing");
    assert_string_equal(rows[4].at.host, "10.0.0.9");
}

/* Two names on a port are two replicas there, and an address goes before a name. */
static void one_line_stands_for_one_name(void **state)
{
    const char *const two[] = {"10.0.0.1", "10.0.0.2"};
    const uint16_t same[] = {6379, 6379};
    struct redis_info info = info_of(two, same, 2);
    const struct endpoint want[] = {named("a.example", 6379), named("10.0.0.1", 6379),
                                    named("b.example", 6379)};
    struct replica_row rows[REPLICA_ROWS_MAX];

    (void)state;
    assert_int_equal(replica_rows(&info, want, 2, rows), 2);
    assert_int_equal(replica_rows(&info, want, 3, rows), 3);
    assert_string_equal(rows[2].at.host, "b.example");
    info.n_replicas = 0;
    assert_int_equal(replica_rows(&info, want, 3, rows), 3);
}

static void those_far_are_said_with_where_they_are(void **state)
{
    struct redis_info info = info_of(ips, ports, 3);
    const struct endpoint want[] = {named("10.0.0.9", 6379)};
    char text[200], little[64];

    (void)state;
    info.master_repl_offset = 100;
    info.replicas[0].state = info.replicas[1].state = REDIS_REPLICA_ONLINE;
    info.replicas[0].offset = 95;
    info.replicas[2].state = REDIS_REPLICA_WAIT_BGSAVE;
    assert_int_equal(replicas_far(&info, want, 1, 5, text, sizeof(text)), 3);
    assert_string_equal(text, "'10.0.0.2:6379' is 98 bytes behind, 'Announced.Example:6400' is "
                              "being sent a copy (wait_bgsave), '10.0.0.9:6379' is not connected");
    assert_int_equal(replicas_far(&info, want, 1, 5, little, sizeof(little)), 3);
    assert_string_equal(little, "'10.0.0.2:6379' is 98 bytes behind and 2 more");
    assert_int_equal(replicas_far(&info, want, 1, 5, little, 8), 3);
    assert_string_equal(little, "3");
    info.n_replicas = 1;
    assert_int_equal(replicas_far(&info, NULL, 0, 5, text, sizeof(text)), 0);
    assert_int_equal(replicas_far(&info, NULL, 0, 4, text, sizeof(text)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_that_replica_and_no_other),
        cmocka_unit_test(a_name_is_the_one_announced_or_any_on_its_port),
        cmocka_unit_test(the_announced_name_goes_before_others_on_its_port),
        cmocka_unit_test(those_without_a_line_count_as_online),
        cmocka_unit_test(rows_are_those_listed_then_those_missing),
        cmocka_unit_test(one_line_stands_for_one_name),
        cmocka_unit_test(those_far_are_said_with_where_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
