/* SPDX-License-Identifier: Apache-2.0 */
/* What the switch-over does next, from each standing of the two nodes; and what follows in sync. */
#include <string.h>

#include "daemon/core/decide.h"
#include "lib/base/base.h"
#include "tests/unit/fixture.h"
#include "tests/unit/pair_rig.h"

static void follow_nobody(struct redis_info *source)
{
    source->role = REDIS_ROLE_REPLICA;
    source->read_only = true;
    str_copy(source->master_host, sizeof(source->master_host), FENCE_HOST);
    source->master_port = FENCE_PORT;
}

/* The source has been demoted, and the target has all it had. */
static void demoted(struct pair_rig *rig)
{
    pair_rig_init(rig);
    rig->run.phase = PHASE_SWITCHING;
    follow_nobody(rig->source);
    rig->seen.frozen = true;
    rig->seen.frozen_offset = 1000;
    rig->seen.phase_ms = 100;
    pair_rig_relate(rig);
}

static struct decision decided(struct pair_rig *rig)
{
    pair_rig_relate(rig);
    return decide(&rig->spec, &rig->run, &rig->seen);
}

static void expect_act(struct pair_rig *rig, enum action action, enum reason reason)
{
    struct decision d = decided(rig);

    assert_int_equal(d.event, EV_NONE);
    assert_int_equal(d.action, action);
    assert_int_equal(d.reason, reason);
}

static void expect_go(struct pair_rig *rig, enum fsm_event event, enum reason reason)
{
    struct decision d = decided(rig);

    assert_int_equal(d.event, event);
    assert_int_equal(d.reason, reason);
}

static void a_target_with_every_byte_is_promoted(void **state)
{
    struct pair_rig rig;

    (void)state;
    demoted(&rig);
    expect_act(&rig, ACT_PROMOTE, REASON_NONE);
    rig.target->replica_offset = 1001;
    expect_act(&rig, ACT_PROMOTE, REASON_NONE);
}

static void one_that_lacks_a_byte_is_not(void **state)
{
    struct pair_rig rig;

    (void)state;
    demoted(&rig);
    rig.target->replica_offset = 999;
    expect_act(&rig, ACT_UNDEMOTE, REASON_SLIPPED);
    rig.seen.phase_ms = 1; /* it may be on its way */
    expect_act(&rig, ACT_NONE, REASON_NONE);
    demoted(&rig);
    str_copy(rig.target->replid, sizeof(rig.target->replid), OTHER_HISTORY);
    expect_act(&rig, ACT_UNDEMOTE, REASON_SLIPPED);
}

static void by_force_what_is_missing_is_left_behind(void **state)
{
    struct pair_rig rig;

    (void)state;
    demoted(&rig);
    rig.run.force = true;
    rig.target->replica_offset = 999;
    expect_act(&rig, ACT_PROMOTE, REASON_NONE);
}

static void what_was_begun_to_be_the_primary_again_becomes_it(void **state)
{
    struct pair_rig rig;

    (void)state;
    demoted(&rig);
    rig.seen.undemote_sent = true;
    rig.seen.thaw_reason = REASON_TARGET_LOST;
    expect_act(&rig, ACT_UNDEMOTE, REASON_TARGET_LOST);
}

static void a_demoted_source_that_takes_writes_is_noted_and_given_its_role_back(void **state)
{
    struct pair_rig rig;

    (void)state;
    for (int force = 0; force < 2; force++) {
        demoted(&rig);
        rig.run.force = force;
        rig.source->read_only = false;
        expect_go(&rig, EV_RECOPY, REASON_SOURCE_WRITABLE);
        rig.run.recopy = true;
        expect_act(&rig, ACT_UNDEMOTE, REASON_SOURCE_WRITABLE);
        rig.source->read_only = true; /* somebody has closed it since */
        expect_act(&rig, ACT_UNDEMOTE, REASON_SOURCE_WRITABLE);
    }
}

static void what_it_took_is_copied_before_anything_else(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    rig.run.phase = PHASE_REPLICATING;
    rig.run.recopy = rig.run.want_cutover = true;
    expect_act(&rig, ACT_DETACH, REASON_NONE);
    pair_rig_promote(&rig, 1000);
    rig.seen.last_action = ACT_DETACH;
    expect_go(&rig, EV_DETACHED, REASON_SOURCE_WRITABLE);
    str_copy(rig.source->run_id, sizeof(rig.source->run_id), "another-process");
    expect_go(&rig, EV_STOP, REASON_TARGET_PROMOTED);
}

static void a_late_demotion_is_undone_and_noted_when_the_source_takes_writes(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    rig.run.phase = PHASE_REPLICATING;
    follow_nobody(rig.source);
    expect_act(&rig, ACT_UNDEMOTE, REASON_NONE);
    rig.source->read_only = false;
    expect_go(&rig, EV_RECOPY, REASON_SOURCE_WRITABLE);
    rig.run.recopy = true;
    expect_act(&rig, ACT_UNDEMOTE, REASON_NONE);
}

/* Out of reach, and its promotion may have been carried out. */
static void the_role_stays_where_it_may_have_gone(void **state)
{
    struct pair_rig rig;

    (void)state;
    demoted(&rig);
    rig.seen.node[SIDE_TARGET].reachable = false;
    expect_act(&rig, ACT_UNDEMOTE, REASON_TARGET_LOST);
    rig.seen.promote_sent = true;
    expect_act(&rig, ACT_NONE, REASON_WAITING_NODE);
    observation_enter(&rig.seen, PHASE_SWITCHING, PHASE_HALTED, false);
    observation_enter(&rig.seen, PHASE_HALTED, PHASE_SWITCHING, false); /* retry */
    expect_act(&rig, ACT_NONE, REASON_WAITING_NODE);
    rig.seen.promote_sent = false;
    rig.run.cutover.at_wall_ms = 1;
    expect_act(&rig, ACT_NONE, REASON_WAITING_NODE);
}

static void where_nothing_new_may_be_begun_the_source_is_the_primary(void **state)
{
    struct pair_rig rig;

    (void)state;
    demoted(&rig);
    rig.seen.unrecorded = true;
    expect_act(&rig, ACT_PROMOTE, REASON_NONE);
    rig.seen.phase_ms = 2000;
    expect_act(&rig, ACT_UNDEMOTE, REASON_STORE_HELD);
}

/* With an old look at either node nobody gets a primary's role. */
static void a_role_is_given_on_new_looks_only(void **state)
{
    struct pair_rig rig;

    (void)state;
    for (int side = 0; side < SIDE_MAX; side++) {
        demoted(&rig);
        rig.seen.node[side].acted = 20;
        assert_int_equal(decided(&rig).action, ACT_NONE);
        rig.target->replica_offset = 999;
        assert_int_equal(decided(&rig).action, ACT_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_with_every_byte_is_promoted),
        cmocka_unit_test(one_that_lacks_a_byte_is_not),
        cmocka_unit_test(by_force_what_is_missing_is_left_behind),
        cmocka_unit_test(what_was_begun_to_be_the_primary_again_becomes_it),
        cmocka_unit_test(a_demoted_source_that_takes_writes_is_noted_and_given_its_role_back),
        cmocka_unit_test(what_it_took_is_copied_before_anything_else),
        cmocka_unit_test(a_late_demotion_is_undone_and_noted_when_the_source_takes_writes),
        cmocka_unit_test(the_role_stays_where_it_may_have_gone),
        cmocka_unit_test(where_nothing_new_may_be_begun_the_source_is_the_primary),
        cmocka_unit_test(a_role_is_given_on_new_looks_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
