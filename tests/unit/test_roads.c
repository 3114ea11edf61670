/* SPDX-License-Identifier: Apache-2.0 */
/* The roads between the two nodes, and which of them speak TLS. */
#include <string.h>

#include "daemon/core/road.h"
#include "lib/base/base.h"
#include "tests/unit/check_rig.h"
#include "tests/unit/fixture.h"

static void a_road_speaks_as_is_known_of_its_port(void **state)
{
    static const struct {
        bool own_tls;
        uint16_t named;   /* the port the target is told; ours is 6379 */
        bool elsewhere;   /* … at another address */
        int64_t tls_port; /* of the source */
        uint16_t tcp_port;
        enum answer speaks;
    } rows[] = {
        {false, 6379, false, 0, 6379, NO},
        {true, 6379, false, 6379, 7000, YES},
        {true, 6379, false, -1, 0, YES},
        {false, 6380, false, 6380, 6379, YES},
        {false, 6380, false, -1, 6379, NOT_KNOWN},
        {false, 6379, true, 0, 6379, NOT_KNOWN}, /* what is there may be a tunnel */
        {true, 6379, true, 6379, 7000, YES},
        {true, 7000, false, 6379, 7000, NO},
        {true, 7000, true, 6379, 7000, NO},
        {true, 9999, true, 6379, 7000, YES},
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        struct check_rig r;
        struct spec_node *source = &r.pair.spec.source;

        check_rig_init(&r);
        source->reachable_as = r.pair.run.source;
        source->reachable_as.port = rows[i].named;
        if (rows[i].elsewhere)
            (void)str_copy(source->reachable_as.host, 16, "192.0.2.1");
        source->tls.enabled = rows[i].own_tls;
        r.pair.seen.node[SIDE_SOURCE].tls_port = rows[i].tls_port;
        r.pair.source->tcp_port = rows[i].tcp_port;
        if (road_speaks_tls(&r.pair.spec, &r.pair.run, &r.pair.seen, SIDE_SOURCE) != rows[i].speaks)
            fail_msg("row %zu", i);
    }
}

/* A replica names the port that goes with what it speaks to its primary. */
static void the_target_is_known_by_each_of_its_ports(void **state)
{
    static const struct {
        bool own_tls;
        uint16_t announced, tcp_port;
        int64_t tls_port;
        bool found;
    } rows[] = {
        {false, 6379, 6379, 0, true},     {false, 6380, 6379, 6380, true},
        {false, 6381, 6379, 6380, false}, {true, 6379, 6379, 6379, true},
        {true, 0, 6379, 6379, true}, /* it has no plain port */
        {true, 7000, 7000, 6379, true},   {true, 7001, 7000, 6379, false},
        {true, 0, 7000, 6379, false},
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        struct check_rig r;

        check_rig_init(&r);
        r.pair.spec.target.tls.enabled = rows[i].own_tls;
        r.pair.seen.node[SIDE_TARGET].tls_port = rows[i].tls_port;
        r.pair.target->tcp_port = rows[i].tcp_port;
        r.pair.source->replicas[0] = (struct redis_info_replica){.port = rows[i].announced};
        (void)str_copy(r.pair.source->replicas[0].ip, 16, "10.0.0.2");
        r.pair.source->n_replicas = 1;
        if ((source_sees_target(&r.pair.spec, &r.pair.seen) != NULL) != rows[i].found)
            fail_msg("row %zu", i);
    }
}

static void tls_is_spoken_as_the_other_expects(void **state)
{
    struct check_rig r;

    (void)state;
    check_rig_init(&r); /* it is set for the migration */
    r.facts[SIDE_TARGET].tls_replication = YES;
    assert_int_equal(check_rig_judge(&r, "tls-mismatch"), CHECK_OK);
    assert_string_equal(r.result.value[SIDE_TARGET], "tls-replication yes, for the migration no");
    /* … but where nobody knows what is behind the port. */
    r.pair.spec.source.reachable_as = r.pair.run.source;
    r.pair.spec.source.reachable_as.port = 6380;
    assert_int_equal(check_rig_judge(&r, "tls-mismatch"), CHECK_NOTICE);
    assert_string_equal(r.result.remedy, "");
    r.pair.seen.node[SIDE_SOURCE].tls_port = 6380;
    assert_int_equal(check_rig_judge(&r, "tls-mismatch"), CHECK_OK);
    r.facts[SIDE_TARGET].tls_replication = NO;
    assert_int_equal(check_rig_judge(&r, "tls-mismatch"), CHECK_OK);
    assert_string_equal(r.result.value[SIDE_SOURCE], "port 6380 speaks TLS");
    assert_string_equal(r.result.value[SIDE_TARGET], "tls-replication no, for the migration yes");

    check_rig_init(&r); /* the way back */
    r.pair.spec.target.reachable_as = r.pair.spec.target.endpoint;
    r.pair.spec.target.reachable_as.port = 6380;
    r.facts[SIDE_SOURCE].tls_replication = YES;
    assert_int_equal(check_rig_judge(&r, "tls-mismatch"), CHECK_NOTICE);
    r.pair.spec.cutover.reverse = false;
    assert_int_equal(check_rig_judge(&r, "tls-mismatch"), CHECK_OK);
}

static void who_follows_over_tls_must_be_able_to(void **state)
{
    static const struct {
        enum answer built, authorities, certificate, speaks;
        const char *lacks; /* NULL: nothing */
    } rows[] = {
        {YES, YES, YES, NO, NULL},
        {YES, NOT_KNOWN, NOT_KNOWN, NO, NULL},
        {YES, NO, YES, YES, NULL}, /* it does so already */
        {YES, NO, YES, NO, "tls-ca-cert-file is not set there"},
        {YES, YES, NO, NO, "tls-cert-file and tls-key-file are not set there"},
        {YES, NO, NO, NO, "tls-ca-cert-file, tls-cert-file and tls-key-file are not set there"},
        {NO, NOT_KNOWN, NOT_KNOWN, NOT_KNOWN, "is a server without TLS"},
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        for (int side = 0; side < SIDE_ENDS; side++) {
            enum node_side follower = (enum node_side)side;
            struct spec_node *followed;
            struct check_rig r;

            check_rig_init(&r);
            followed = follower == SIDE_SOURCE ? &r.pair.spec.target : &r.pair.spec.source;
            r.facts[side].tls_built = rows[i].built;
            r.facts[side].tls_authorities = rows[i].authorities;
            r.facts[side].tls_certificate = rows[i].certificate;
            r.facts[side].tls_replication = rows[i].speaks;
            assert_int_equal(check_rig_judge(&r, "tls-unprepared"), CHECK_OK); /* all is plain */
            followed->tls.enabled = true;
            assert_int_equal(check_rig_judge(&r, "tls-unprepared"),
                             rows[i].lacks ? CHECK_ERROR : CHECK_OK);
            if (rows[i].lacks)
                assert_non_null(strstr(r.result.message, rows[i].lacks));
            r.pair.spec.cutover.reverse = false;
            assert_int_equal(check_rig_judge(&r, "tls-unprepared"),
                             rows[i].lacks && follower == SIDE_TARGET ? CHECK_ERROR : CHECK_OK);
        }
    }
}

static void lines_to_paste_speak_tls(void **state)
{
    struct check_rig r;

    (void)state;
    check_rig_init(&r);
    r.facts[SIDE_SOURCE].protected_mode = YES;
    (void)str_copy(r.pair.run.source.host, 16, "127.0.0.1");
    r.pair.spec.source.tls.enabled = true;
    r.pair.spec.source.tls.settings = (struct tls_settings){.ca_file = (char[]){"/etc/my ca.pem"},
                                                            .cert_file = (char[]){"/c.pem"},
                                                            .key_file = (char[]){"/k.pem"},
                                                            .verify = TLS_VERIFY_NONE};
    r.pair.spec.source.reachable_as = (struct endpoint){.host = "10.0.0.1", .port = 6379};
    (void)check_rig_judge(&r, "protected-mode");
    assert_string_equal(r.result.remedy,
                        "redis-cli -h 127.0.0.1 -p 6379 --tls --insecure --cacert '/etc/my ca.pem' "
                        "--cert /c.pem --key /k.pem CONFIG SET protected-mode no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_road_speaks_as_is_known_of_its_port),
        cmocka_unit_test(the_target_is_known_by_each_of_its_ports),
        cmocka_unit_test(tls_is_spoken_as_the_other_expects),
        cmocka_unit_test(who_follows_over_tls_must_be_able_to),
        cmocka_unit_test(lines_to_paste_speak_tls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
