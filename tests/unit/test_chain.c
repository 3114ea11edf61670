/* SPDX-License-Identifier: Apache-2.0 */
/* A source that is a replica: the way up to what takes the writes, and what holds a switch-over
 * back then. */
#include <string.h>

#include "daemon/core/chain.h"
#include "daemon/core/decide.h"
#include "daemon/core/gate.h"
#include "tests/unit/fixture.h"
#include "tests/unit/pair_rig.h"

struct rig {
    struct pair_rig pair;
    struct redis_info *primary; /* in seen */
};

static void follow(struct redis_info *info, const char *host, uint16_t port)
{
    info->role = REDIS_ROLE_REPLICA;
    info->link_up = true;
    str_copy(info->master_host, sizeof(info->master_host), host);
    info->master_port = port;
}

/* The source follows 10.0.9.9:6379, which has been seen to be a primary at the same offset. */
static void chain(struct rig *rig)
{
    struct observation *seen = &rig->pair.seen;

    pair_rig_init(&rig->pair);
    rig->primary = &seen->node[SIDE_PRIMARY].info;
    seen->node[SIDE_PRIMARY] = seen->node[SIDE_SOURCE];
    follow(rig->pair.source, "10.0.9.9", 6379);
    assert_true(chain_follow(&rig->pair.spec, &rig->pair.run, seen));
    rig->pair.run.writer = seen->primary;
    pair_rig_relate(&rig->pair);
}

static bool climbs(struct rig *rig)
{
    return chain_follow(&rig->pair.spec, &rig->pair.run, &rig->pair.seen);
}

static void expect_at(const struct rig *rig, const char *host, uint16_t port)
{
    assert_string_equal(rig->pair.seen.primary.host, host);
    assert_int_equal(rig->pair.seen.primary.port, port);
}

static void the_top_of_the_chain_is_the_writer(void **state)
{
    struct rig rig;

    (void)state;
    chain(&rig);
    expect_at(&rig, "10.0.9.9", 6379);
    assert_int_equal(rig.pair.seen.writer, SIDE_PRIMARY);
    assert_true(rig.pair.seen.writer_is_primary && rig.pair.seen.linked);
    assert_true(rig.pair.seen.same_history);
    assert_int_equal(rig.pair.seen.lag_bytes, 0);
    assert_false(climbs(&rig));
    rig.primary->master_repl_offset += 50; /* what the source has not got yet either */
    pair_rig_relate(&rig.pair);
    assert_int_equal(rig.pair.seen.lag_bytes, 50);
}

static void a_replica_above_is_climbed_over(void **state)
{
    struct rig rig;

    (void)state;
    chain(&rig);
    follow(rig.primary, "10.0.9.8", 6379);
    assert_true(climbs(&rig));
    expect_at(&rig, "10.0.9.8", 6379);
    /* It went away with what we knew of the way: it is looked for anew, after a while. */
    rig.pair.seen.node[SIDE_PRIMARY].reachable = false;
    assert_false(climbs(&rig));
    rig.pair.seen.node[SIDE_PRIMARY].lost_ms = 60000;
    assert_true(climbs(&rig));
    expect_at(&rig, "10.0.9.9", 6379);
}

static void a_chain_without_end_is_given_up(void **state)
{
    struct rig rig;
    unsigned n = 0;

    (void)state;
    chain(&rig);
    for (; n < 100; n++) {
        follow(rig.primary, "10.0.9.9", (uint16_t)(7000 + n));
        if (!climbs(&rig))
            break;
    }
    assert_true(n < 10);
}

static void what_we_did_ourselves_leads_nowhere(void **state)
{
    struct rig rig;

    (void)state;
    chain(&rig);
    follow(rig.primary, FENCE_HOST, FENCE_PORT);
    assert_false(climbs(&rig));
    follow(rig.primary, rig.pair.spec.target.reachable_as.host,
           rig.pair.spec.target.reachable_as.port);
    assert_false(climbs(&rig));
    follow(rig.pair.source, FENCE_HOST, FENCE_PORT);
    assert_false(climbs(&rig));
    expect_at(&rig, "10.0.9.9", 6379);
}

static void its_own_host_is_the_replicas_not_ours(void **state)
{
    struct rig rig;

    (void)state;
    pair_rig_init(&rig.pair);
    str_copy(rig.pair.run.source.host, sizeof(rig.pair.run.source.host), "10.0.0.7");
    follow(rig.pair.source, "127.0.0.1", 6400);
    assert_true(climbs(&rig));
    expect_at(&rig, "10.0.0.7", 6400);
}

static void the_job_file_may_say_where_it_is(void **state)
{
    struct rig rig;

    (void)state;
    pair_rig_init(&rig.pair);
    rig.pair.spec.source.primary.endpoint = (struct endpoint){.host = "db0", .port = 6500};
    follow(rig.pair.source, "192.168.0.1", 6379);
    assert_true(climbs(&rig));
    expect_at(&rig, "db0", 6500);
    assert_false(climbs(&rig));
}

static void a_restart_goes_on_from_where_it_was(void **state)
{
    struct rig rig;

    (void)state;
    chain(&rig);
    observation_init(&rig.pair.seen);
    chain_resume(&rig.pair.run, &rig.pair.seen);
    expect_at(&rig, "10.0.9.9", 6379);
    pair_rig_relate(&rig.pair);
    assert_int_equal(rig.pair.seen.writer, SIDE_PRIMARY);
    follow(rig.pair.source, "10.0.9.5", 6379); /* one between */
    rig.pair.seen.node[SIDE_SOURCE].reachable = true;
    assert_false(climbs(&rig));
    rig.pair.run.writer = rig.pair.run.source; /* not a chain */
    observation_init(&rig.pair.seen);
    chain_resume(&rig.pair.run, &rig.pair.seen);
    assert_false(endpoint_is_set(&rig.pair.seen.primary));
}

static enum reason holds(struct rig *rig)
{
    struct blocker blockers[BLOCKERS_MAX];

    pair_rig_relate(&rig->pair);
    return gate_check(&rig->pair.spec, &rig->pair.seen, blockers) ? blockers[0].reason
                                                                  : REASON_NONE;
}

static void each_part_of_a_chain_holds_the_switch_over(void **state)
{
    struct rig rig;

    (void)state;
    chain(&rig);
    assert_int_equal(holds(&rig), REASON_NONE);
    rig.pair.seen.node[SIDE_PRIMARY].reachable = false;
    assert_int_equal(holds(&rig), REASON_PRIMARY_UNREACHABLE);
    chain(&rig);
    rig.pair.seen.node[SIDE_SOURCE].reachable = false;
    assert_int_equal(holds(&rig), REASON_WAITING_NODE);
    chain(&rig);
    rig.pair.source->link_up = false;
    assert_int_equal(holds(&rig), REASON_SOURCE_LINK_DOWN);
    chain(&rig);
    str_copy(rig.primary->replid, sizeof(rig.primary->replid), OTHER_HISTORY);
    assert_int_equal(holds(&rig), REASON_GATE_HISTORY);
    chain(&rig);
    follow(rig.primary, FENCE_HOST, FENCE_PORT);
    assert_int_equal(holds(&rig), REASON_SOURCE_IS_REPLICA);
}

/* A source that is promoted leaves its primary writing, to what the target will never get. */
static void another_writer_than_at_the_begin_holds_it(void **state)
{
    struct rig rig;

    (void)state;
    chain(&rig);
    rig.pair.source->role = REDIS_ROLE_MASTER;
    assert_true(climbs(&rig));
    assert_int_equal(holds(&rig), REASON_PRIMARY_CHANGED);
    chain(&rig);
    rig.pair.run.writer = rig.pair.run.source; /* it was a primary, and follows somebody now */
    assert_int_equal(holds(&rig), REASON_PRIMARY_CHANGED);
    rig.pair.run.writer.host[0] = '\0'; /* it was not known */
    assert_int_equal(holds(&rig), REASON_NONE);
}

/* Between the decision to begin and its being durable the chain may change. */
static void a_switch_over_that_has_begun_looks_at_the_chain_again(void **state)
{
    struct decision d;
    struct rig rig;

    (void)state;
    chain(&rig);
    rig.pair.run.phase = PHASE_FREEZING;
    d = decide(&rig.pair.spec, &rig.pair.run, &rig.pair.seen);
    assert_int_equal(d.action, ACT_FREEZE);
    assert_non_null(strstr(d.message, "the primary's writes"));
    rig.pair.run.writer.port++;
    pair_rig_relate(&rig.pair);
    d = decide(&rig.pair.spec, &rig.pair.run, &rig.pair.seen);
    assert_int_equal(d.event, EV_RETREAT);
    assert_int_equal(d.reason, REASON_PRIMARY_CHANGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_top_of_the_chain_is_the_writer),
        cmocka_unit_test(a_replica_above_is_climbed_over),
        cmocka_unit_test(a_chain_without_end_is_given_up),
        cmocka_unit_test(what_we_did_ourselves_leads_nowhere),
        cmocka_unit_test(its_own_host_is_the_replicas_not_ours),
        cmocka_unit_test(the_job_file_may_say_where_it_is),
        cmocka_unit_test(a_restart_goes_on_from_where_it_was),
        cmocka_unit_test(each_part_of_a_chain_holds_the_switch_over),
        cmocka_unit_test(another_writer_than_at_the_begin_holds_it),
        cmocka_unit_test(a_switch_over_that_has_begun_looks_at_the_chain_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
