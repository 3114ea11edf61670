/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the pair: how new it is, how the two relate, what is kept of it. */
#include "daemon/core/observation.h"

#include <string.h>

#include "tests/unit/fixture.h"
#include "tests/unit/pair_rig.h"

static void what_was_set_at_a_target_is_lost_with_its_process(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    assert_false(is_prepared(&rig.seen));
    observation_prepared(&rig.seen);
    assert_true(is_prepared(&rig.seen));
    rig.target->run_id[0] = 'x';
    assert_false(is_prepared(&rig.seen));
}

/* --- how new it is --- */

static void a_look_is_learnt_only_if_nothing_newer_is_known(void **state)
{
    struct seen_node node = {.looked = 4, .acted = 6};

    (void)state;
    assert_false(seen_learns(&node, 4));
    assert_false(seen_learns(&node, 5));
    assert_false(seen_learns(&node, 6)); /* sent before the action had ended */
    assert_true(seen_learns(&node, 7));
    node.looked = 7;
    assert_false(seen_learns(&node, 7));
    assert_true(seen_learns(&node, 8));
}

static void a_look_is_new_after_all_actions_at_either_node(void **state)
{
    struct pair_rig rig;
    struct seen_node *source, *target;

    (void)state;
    pair_rig_init(&rig);
    source = &rig.seen.node[SIDE_SOURCE];
    target = &rig.seen.node[SIDE_TARGET];
    assert_true(seen_anew(&rig.seen, SIDE_TARGET));
    target->age_ms = 1000;
    assert_true(seen_anew(&rig.seen, SIDE_TARGET));
    target->age_ms = 1001;
    assert_false(seen_anew(&rig.seen, SIDE_TARGET));
    target->age_ms = 0;
    target->acted = 8; /* its number is the look's */
    assert_false(seen_anew(&rig.seen, SIDE_TARGET));
    target->acted = 5;
    source->acted = 8; /* at the other one */
    assert_false(seen_anew(&rig.seen, SIDE_TARGET));
    assert_true(seen_anew(&rig.seen, SIDE_SOURCE));
    source->acted = 5;
    target->reachable = false;
    assert_false(seen_anew(&rig.seen, SIDE_TARGET));
}

static void all_of_a_node_is_seen_by_a_new_look_at_all(void **state)
{
    struct pair_rig rig;
    struct seen_node *target;

    (void)state;
    pair_rig_init(&rig);
    target = &rig.seen.node[SIDE_TARGET];
    assert_true(seen_whole(&rig.seen, SIDE_TARGET));
    assert_true(seen_at_once(&rig.seen, SIDE_TARGET));
    target->looked = 9; /* a short look since: of another moment than the rest */
    assert_true(seen_whole(&rig.seen, SIDE_TARGET));
    assert_false(seen_at_once(&rig.seen, SIDE_TARGET));
    target->looked_whole = 5;
    assert_true(seen_anew(&rig.seen, SIDE_TARGET));
    assert_false(seen_whole(&rig.seen, SIDE_TARGET));
    target->looked = target->looked_whole = 8;
    target->whole_age_ms = 1001;
    assert_false(seen_whole(&rig.seen, SIDE_TARGET));
    assert_false(seen_at_once(&rig.seen, SIDE_TARGET));
    target->whole_age_ms = 0;
    target->age_ms = 1001;
    assert_false(seen_whole(&rig.seen, SIDE_TARGET));
    target->age_ms = 0;
    rig.seen.node[SIDE_SOURCE].acted = 8;
    assert_false(seen_whole(&rig.seen, SIDE_TARGET));
    assert_true(seen_whole(&rig.seen, SIDE_SOURCE));
}

/* --- how the two relate --- */

static void set_master(struct redis_info *info, const char *host, uint16_t port)
{
    info->role = REDIS_ROLE_REPLICA;
    str_copy(info->master_host, sizeof(info->master_host), host);
    info->master_port = port;
}

static void a_lag_is_that_of_one_history(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    rig.source->master_repl_offset = 1040;
    pair_rig_relate(&rig);
    assert_int_equal(rig.seen.lag_bytes, 40);
    rig.target->replica_offset = 1050; /* looked at later than the source */
    pair_rig_relate(&rig);
    assert_int_equal(rig.seen.lag_bytes, 0);
    rig.target->replica_offset = -1;
    pair_rig_relate(&rig);
    assert_int_equal(rig.seen.lag_bytes, -1);
    rig.target->replica_offset = 1000;
    str_copy(rig.target->replid, sizeof(rig.target->replid), OTHER_HISTORY);
    pair_rig_relate(&rig);
    assert_int_equal(rig.seen.lag_bytes, -1);
    /* Neither has shown a history yet: that is not the same one. */
    rig.source->replid[0] = rig.target->replid[0] = '\0';
    pair_rig_relate(&rig);
    assert_false(rig.seen.same_history);
}

static void nodes_that_follow_each_other_are_not_linked(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    assert_true(rig.seen.linked && rig.seen.writer_is_primary && !rig.seen.writer_demoted);
    set_master(rig.source, "10.0.0.2", 6379);
    pair_rig_relate(&rig);
    assert_true(rig.seen.writer_follows_target && rig.seen.writer_demoted);
    assert_true(rig.seen.target_follows);
    assert_false(rig.seen.linked);
    assert_int_equal(rig.seen.lag_bytes, -1);
}

static void a_source_at_the_fence_is_our_doing(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    set_master(rig.source, FENCE_HOST, FENCE_PORT);
    pair_rig_relate(&rig);
    assert_true(rig.seen.writer_at_fence && rig.seen.writer_demoted);
    assert_true(writer_fenced(&rig.seen));
    rig.source->master_port = FENCE_PORT + 1;
    pair_rig_relate(&rig);
    assert_false(rig.seen.writer_at_fence || rig.seen.writer_demoted);
    set_master(rig.source, FENCE_HOST, FENCE_PORT);
    pair_rig_promote(&rig, 1000);
    assert_false(writer_fenced(&rig.seen));
}

static void a_target_follows_the_source_by_the_name_it_was_given(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    rig.spec.source.reachable_as = (struct endpoint){.host = "Inside.Example", .port = 7000};
    pair_rig_relate(&rig);
    assert_false(rig.seen.target_follows);
    assert_true(rig.seen.target_follows_other);
    set_master(rig.target, "inside.example", 7000);
    pair_rig_relate(&rig);
    assert_true(rig.seen.target_follows && rig.seen.linked);
    assert_false(rig.seen.target_follows_other);
}

static void a_history_is_joined_by_its_next_one(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    assert_true(histories_join(&rig.seen));
    pair_rig_promote(&rig, 1000);
    assert_true(histories_join(&rig.seen));
    str_copy(rig.source->replid, sizeof(rig.source->replid), OTHER_HISTORY);
    assert_false(histories_join(&rig.seen));
}

/* --- what is kept of it --- */

static void a_detached_target_is_where_we_let_it_go(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    observation_detaching(&rig.seen);
    pair_rig_promote(&rig, 1000);
    observation_detached(&rig.seen);
    assert_int_equal(rig.seen.detached_offset, 1000);
    rig.target->master_repl_offset = 1001; /* somebody was faster, and wrote */
    observation_detached(&rig.seen);
    assert_int_equal(rig.seen.detached_offset, -1);
    rig.target->master_repl_offset = 1000;
    str_copy(rig.target->replid2, sizeof(rig.target->replid2), OTHER_HISTORY);
    observation_detached(&rig.seen);
    assert_int_equal(rig.seen.detached_offset, -1);
}

static void a_target_without_a_link_was_not_let_go_by_us(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    rig.target->link_up = false;
    pair_rig_relate(&rig);
    observation_detaching(&rig.seen);
    pair_rig_promote(&rig, 1000);
    observation_detached(&rig.seen);
    assert_int_equal(rig.seen.detached_offset, -1);
}

static void keys_are_remembered_of_the_source_that_was_checked(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    observation_remember(&rig.seen, &rig.run);
    assert_int_equal(rig.seen.given_keys, 100);
    rig.target->keys = 7;
    str_copy(rig.source->run_id, sizeof(rig.source->run_id), "another-process");
    observation_remember(&rig.seen, &rig.run);
    assert_int_equal(rig.seen.given_keys, 100);
    str_copy(rig.source->run_id, sizeof(rig.source->run_id), "source-process");
    rig.seen.node[SIDE_SOURCE].reachable = false;
    observation_remember(&rig.seen, &rig.run);
    assert_int_equal(rig.seen.given_keys, 100);
    rig.seen.node[SIDE_SOURCE].reachable = true;
    rig.seen.linked = false;
    observation_remember(&rig.seen, &rig.run);
    assert_int_equal(rig.seen.given_keys, 100);
    rig.seen.linked = true;
    observation_remember(&rig.seen, &rig.run);
    assert_int_equal(rig.seen.given_keys, 7);
}

static void what_a_run_was_given_is_forgotten_when_it_is_checked_anew(void **state)
{
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    observation_attaching(&rig.seen);
    assert_string_equal(rig.seen.attached_replid, OLD_HISTORY);
    assert_int_equal(rig.seen.attached_offset, 1000);
    rig.seen.detached_offset = rig.seen.given_keys = 100;
    observation_enter(&rig.seen, PHASE_BACKOFF, PHASE_ATTACHING, false);
    assert_string_equal(rig.seen.attached_replid, OLD_HISTORY);
    assert_int_equal(rig.seen.detached_offset, 100);
    observation_enter(&rig.seen, PHASE_QUEUED, PHASE_CHECKING, false);
    assert_string_equal(rig.seen.attached_replid, "");
    assert_int_equal(rig.seen.detached_offset, -1);
    assert_int_equal(rig.seen.given_keys, -1);
}

static void a_restarted_daemon_may_have_promoted_the_target(void **state)
{
    struct observation seen;

    (void)state;
    observation_init(&seen);
    observation_enter(&seen, PHASE_SWITCHING, PHASE_SWITCHING, true);
    assert_true(seen.promote_sent && seen.resumed);
    observation_enter(&seen, PHASE_SWITCHING, PHASE_REPLICATING, false);
    assert_false(seen.promote_sent || seen.resumed);
    seen.promote_sent = seen.thawed = true; /* … and keeps it on the way into switching */
    observation_enter(&seen, PHASE_FREEZING, PHASE_SWITCHING, false);
    assert_true(seen.promote_sent && seen.thawed);
}

static void errors_are_forgotten_by_a_new_link_not_by_a_verb(void **state)
{
    struct observation seen;

    (void)state;
    observation_init(&seen);
    seen.errors_grew = seen.evictions_grew = seen.prepared_cutover = true;
    observation_enter(&seen, PHASE_REPLICATING, PHASE_REPLICATING, false);
    assert_true(seen.errors_grew && seen.evictions_grew && seen.prepared_cutover);
    observation_enter(&seen, PHASE_SYNCING, PHASE_REPLICATING, false);
    assert_false(seen.errors_grew || seen.evictions_grew || seen.prepared_cutover);
}

/* --- what follows from it --- */

static void a_source_is_paused_as_it_says_or_as_a_held_write_shows(void **state)
{
    static const struct {
        const char *says;
        bool held, paused;
    } rows[] = {
        {"none", false, false}, {"none", true, false}, {"client_pause", false, true},
        {"", false, false},     {"", true, true},
    };
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    for (size_t i = 0; i < array_len(rows); i++) {
        str_copy(rig.source->paused_reason, sizeof(rig.source->paused_reason), rows[i].says);
        rig.seen.pause_held = rows[i].held;
        assert_int_equal(writer_is_paused(&rig.seen), rows[i].paused);
    }
}

static void clients_are_drained_where_scripts_ran_or_may_have(void **state)
{
    static const struct {
        enum spec_drain drain;
        int64_t scripts;
        bool wanted;
    } rows[] = {
        {DRAIN_AUTO, 0, false}, {DRAIN_AUTO, 1, true},   {DRAIN_AUTO, -1, true},
        {DRAIN_TRUE, 0, true},  {DRAIN_FALSE, 1, false},
    };
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    for (size_t i = 0; i < array_len(rows); i++) {
        rig.spec.cutover.drain_clients = rows[i].drain;
        rig.seen.node[SIDE_SOURCE].survey.scripts = rows[i].scripts;
        assert_int_equal(wants_drain(&rig.spec, &rig.seen), rows[i].wanted);
    }
}

static void a_source_sees_the_target_by_either_of_its_addresses(void **state)
{
    struct redis_info_replica line = {.ip = "192.168.0.2", .port = 6379};
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    rig.spec.target.reachable_as = (struct endpoint){.host = "192.168.0.2", .port = 6379};
    assert_null(source_sees_target(&rig.spec, &rig.seen));
    rig.source->replicas[0] = line;
    rig.source->n_replicas = 1;
    assert_ptr_equal(source_sees_target(&rig.spec, &rig.seen), &rig.source->replicas[0]);
    str_copy(rig.source->replicas[0].ip, sizeof(line.ip), "10.0.0.2");
    assert_ptr_equal(source_sees_target(&rig.spec, &rig.seen), &rig.source->replicas[0]);
    str_copy(rig.source->replicas[0].ip, sizeof(line.ip), "10.0.0.3");
    assert_null(source_sees_target(&rig.spec, &rig.seen));
    str_copy(rig.source->replicas[0].ip, sizeof(line.ip), "10.0.0.2");
    rig.seen.node[SIDE_SOURCE].reachable = false;
    assert_null(source_sees_target(&rig.spec, &rig.seen));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_set_at_a_target_is_lost_with_its_process),
        cmocka_unit_test(a_look_is_learnt_only_if_nothing_newer_is_known),
        cmocka_unit_test(a_look_is_new_after_all_actions_at_either_node),
        cmocka_unit_test(all_of_a_node_is_seen_by_a_new_look_at_all),
        cmocka_unit_test(a_lag_is_that_of_one_history),
        cmocka_unit_test(nodes_that_follow_each_other_are_not_linked),
        cmocka_unit_test(a_source_at_the_fence_is_our_doing),
        cmocka_unit_test(a_target_follows_the_source_by_the_name_it_was_given),
        cmocka_unit_test(a_history_is_joined_by_its_next_one),
        cmocka_unit_test(a_detached_target_is_where_we_let_it_go),
        cmocka_unit_test(a_target_without_a_link_was_not_let_go_by_us),
        cmocka_unit_test(keys_are_remembered_of_the_source_that_was_checked),
        cmocka_unit_test(what_a_run_was_given_is_forgotten_when_it_is_checked_anew),
        cmocka_unit_test(a_restarted_daemon_may_have_promoted_the_target),
        cmocka_unit_test(errors_are_forgotten_by_a_new_link_not_by_a_verb),
        cmocka_unit_test(a_source_is_paused_as_it_says_or_as_a_held_write_shows),
        cmocka_unit_test(clients_are_drained_where_scripts_ran_or_may_have),
        cmocka_unit_test(a_source_sees_the_target_by_either_of_its_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
