/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody else did to the pair: it is looked at anew first, then the job stops, or goes on
 * where nothing can be lost. */
#include <string.h>

#include "daemon/core/phase.h"
#include "tests/unit/fixture.h"
#include "tests/unit/pair_rig.h"

static bool decide(struct pair_rig *rig, struct decision *d)
{
    memset(d, 0, sizeof(*d));
    pair_rig_relate(rig);
    return decide_others(d, &rig->spec, &rig->run, &rig->seen, true);
}

static void expect_stop(struct pair_rig *rig, enum reason reason, const char *says)
{
    struct decision d;

    assert_true(decide(rig, &d));
    assert_int_equal(d.event, EV_STOP);
    assert_int_equal(d.action, ACT_NONE);
    assert_string_equal(reason_get(d.reason)->code, reason_get(reason)->code);
    assert_non_null(strstr(d.message, says));
}

static void expect_look(struct pair_rig *rig, unsigned sides)
{
    struct decision d;

    assert_true(decide(rig, &d));
    assert_int_equal(d.event, EV_NONE);
    assert_int_equal(d.action, ACT_NONE);
    assert_int_equal(d.look, sides);
    assert_true(d.look_whole);
}

static void expect_nothing(struct pair_rig *rig)
{
    struct decision d;

    assert_false(decide(rig, &d));
}

static void restart_target(struct pair_rig *rig)
{
    str_copy(rig->target->run_id, sizeof(rig->target->run_id), "another-process");
}

static void restart_source_with(struct pair_rig *rig, int64_t keys)
{
    str_copy(rig->source->run_id, sizeof(rig->source->run_id), "another-process");
    rig->source->keys = keys;
}

static void nothing_is_done_while_the_target_follows_or_is_away(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    expect_nothing(&rig);
    pair_rig_promote(&rig, 1000);
    rig.seen.node[SIDE_TARGET].reachable = false;
    expect_nothing(&rig);
}

static void a_change_is_looked_at_whole_before_it_is_judged(void **state)
{
    const unsigned source = 1u << SIDE_SOURCE, target = 1u << SIDE_TARGET;
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    pair_rig_promote(&rig, 1000);
    rig.seen.node[SIDE_TARGET].looked_whole = 5; /* as old as the last action */
    expect_look(&rig, target);
    rig.seen.node[SIDE_TARGET].looked_whole = 8;
    rig.seen.node[SIDE_SOURCE].whole_age_ms = 1001;
    expect_look(&rig, source);
    rig.seen.node[SIDE_SOURCE].whole_age_ms = 0;
    rig.seen.node[SIDE_SOURCE].acted = 9; /* something was done there since */
    expect_look(&rig, source | target);
    rig.seen.node[SIDE_SOURCE].acted = 5;
    rig.seen.node[SIDE_TARGET].whole_learnt = 9; /* the source was asked before that was known */
    expect_look(&rig, source);
    rig.seen.node[SIDE_TARGET].whole_learnt = 8;
    expect_stop(&rig, REASON_TARGET_PROMOTED, "somebody else promoted it");
}

static void a_promoted_target_stops_the_job(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    pair_rig_promote(&rig, 1234);
    rig.target->keys = 101;
    expect_stop(&rig, REASON_TARGET_PROMOTED, "it holds 101 keys");
}

static void a_target_that_changed_after_its_restart_stops_the_job(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    pair_rig_promote(&rig, 0);
    restart_target(&rig);
    rig.target->changes = 1;
    expect_stop(&rig, REASON_TARGET_PROMOTED, "it was restarted and has changed since");
}

static void a_target_that_was_only_restarted_may_be_attached_again(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    pair_rig_promote(&rig, 0);
    restart_target(&rig);
    expect_nothing(&rig);
}

static void a_target_that_follows_another_stops_the_job(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    str_copy(rig.target->master_host, sizeof(rig.target->master_host), "10.0.0.9");
    expect_stop(&rig, REASON_TARGET_REPOINTED, "'10.0.0.9:6379'; it holds 100 keys");
}

static void a_promoted_target_is_not_judged_without_the_source(void **state)
{
    struct pair_rig rig;
    struct decision d;

    (void)state;
    pair_rig_init(&rig);
    pair_rig_promote(&rig, 1234);
    rig.seen.node[SIDE_SOURCE].reachable = false;
    assert_true(decide(&rig, &d));
    assert_int_equal(d.event, EV_NONE);
    assert_int_equal(d.reason, REASON_WAITING_NODE);
    assert_true(d.poll_ms > 0);
    /* One that follows another is known without it. */
    pair_rig_init(&rig);
    str_copy(rig.target->master_host, sizeof(rig.target->master_host), "10.0.0.9");
    rig.seen.node[SIDE_SOURCE].reachable = false;
    expect_stop(&rig, REASON_TARGET_REPOINTED, "10.0.0.9");
}

static void exchanged_roles_stop_the_job(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    pair_rig_promote(&rig, 1234);
    rig.source->role = REDIS_ROLE_REPLICA;
    str_copy(rig.source->master_host, sizeof(rig.source->master_host), "10.0.0.2");
    rig.source->master_port = 6379;
    expect_stop(&rig, REASON_SOURCE_FOLLOWS_TARGET, "the target, which is the primary");
    rig.target->role = REDIS_ROLE_REPLICA;
    expect_stop(&rig, REASON_SOURCE_FOLLOWS_TARGET, "follow each other");
    str_copy(rig.target->master_host, sizeof(rig.target->master_host), "10.0.0.9");
    expect_stop(&rig, REASON_SOURCE_FOLLOWS_TARGET, "a replica itself");
}

static void a_target_is_taken_from_a_source_that_lost_its_data(void **state)
{
    struct pair_rig rig;
    struct decision d;

    (void)state;
    pair_rig_init(&rig);
    restart_source_with(&rig, 49);
    assert_true(decide(&rig, &d));
    assert_int_equal(d.action, ACT_DETACH);
    pair_rig_promote(&rig, 1000);
    expect_stop(&rig, REASON_SOURCE_EMPTIED, "holds 49 keys; it had 100. The target holds 100");
}

static void a_source_is_emptied_by_a_restart_only_and_by_half(void **state)
{
    struct pair_rig rig;
    struct decision d;

    (void)state;
    pair_rig_init(&rig);
    restart_source_with(&rig, 50);
    expect_nothing(&rig);
    rig.run.given_keys = 101;
    assert_true(decide(&rig, &d)); /* of an odd number the larger half */
    assert_int_equal(d.action, ACT_DETACH);
    rig.source->loading = true; /* they may be coming: the next look tells */
    expect_look(&rig, 1u << SIDE_SOURCE);
    rig.source->loading = false;
    rig.run.synced = false; /* none of them was the source's */
    expect_nothing(&rig);
    rig.run.synced = true;
    str_copy(rig.source->run_id, sizeof(rig.source->run_id), "source-process"); /* deleted there */
    expect_nothing(&rig);
    rig.run.source_run_id[0] = '\0';
    expect_nothing(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_done_while_the_target_follows_or_is_away),
        cmocka_unit_test(a_change_is_looked_at_whole_before_it_is_judged),
        cmocka_unit_test(a_promoted_target_stops_the_job),
        cmocka_unit_test(a_target_that_changed_after_its_restart_stops_the_job),
        cmocka_unit_test(a_target_that_was_only_restarted_may_be_attached_again),
        cmocka_unit_test(a_target_that_follows_another_stops_the_job),
        cmocka_unit_test(a_promoted_target_is_not_judged_without_the_source),
        cmocka_unit_test(exchanged_roles_stop_the_job),
        cmocka_unit_test(a_target_is_taken_from_a_source_that_lost_its_data),
        cmocka_unit_test(a_source_is_emptied_by_a_restart_only_and_by_half),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
