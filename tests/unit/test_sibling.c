/* SPDX-License-Identifier: Apache-2.0 */
/* The old source's other replicas: which ones they are, and what is done with one next. */
#include <string.h>

#include "daemon/core/alarm.h"
#include "daemon/core/phase.h"
#include "daemon/core/sibling.h"
#include "tests/unit/fixture.h"
#include "tests/unit/pair_rig.h"

/* --- which ones --- */

static void list(struct redis_info *info, const char *ip, uint16_t port)
{
    struct redis_info_replica *r = &info->replicas[info->n_replicas++];

    *r = (struct redis_info_replica){.port = port, .state = REDIS_REPLICA_ONLINE, .offset = 1000};
    str_copy(r->ip, sizeof(r->ip), ip);
    info->connected_replicas++;
}

static struct endpoint at(const char *host, uint16_t port)
{
    struct endpoint ep = {.port = port};

    str_copy(ep.host, sizeof(ep.host), host);
    return ep;
}

static void the_target_is_none_of_them_under_any_name(void **state)
{
    struct endpoint found[SIBLINGS_MAX];
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    assert_int_equal(siblings_of_writer(&rig.spec, &rig.run, &rig.seen, found), 0);
    list(rig.source, "10.0.0.2", 6379); /* the target */
    list(rig.source, "10.0.0.5", 6379);
    list(rig.source, "10.0.0.6", 0); /* a tool that reads the stream */
    list(rig.source, "192.168.0.2", 7000);
    assert_int_equal(siblings_of_writer(&rig.spec, &rig.run, &rig.seen, found), 2);
    assert_string_equal(found[0].host, "10.0.0.5");
    assert_string_equal(found[1].host, "192.168.0.2");
    rig.spec.target.reachable_as = at("192.168.0.2", 7000);
    assert_int_equal(siblings_of_writer(&rig.spec, &rig.run, &rig.seen, found), 1);
    rig.seen.node[SIDE_TARGET].survey.announced = at("10.0.0.5", 0);
    assert_int_equal(siblings_of_writer(&rig.spec, &rig.run, &rig.seen, found), 0);
    rig.source->n_replicas = 0;
    for (unsigned i = 0; i < SIBLINGS_MAX; i++)
        list(rig.source, "10.0.0.9", (uint16_t)(100 + i));
    assert_int_equal(siblings_of_writer(&rig.spec, &rig.run, &rig.seen, found), SIBLINGS_MAX);
}

/* In a chain they are the top's, and the source is none of them. */
static void the_chained_source_is_none_of_them(void **state)
{
    struct endpoint found[SIBLINGS_MAX];
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    rig.seen.primary = at("10.0.0.8", 6379);
    pair_rig_relate(&rig);
    list(&rig.seen.node[SIDE_PRIMARY].info, "10.0.0.1", 6379); /* the source */
    list(&rig.seen.node[SIDE_PRIMARY].info, "10.0.0.5", 6379);
    list(rig.source, "10.0.0.9", 6379); /* one of its own stays with it */
    assert_int_equal(siblings_of_writer(&rig.spec, &rig.run, &rig.seen, found), 1);
    assert_string_equal(found[0].host, "10.0.0.5");
}

/* A name is not taken for whoever is on its port: a look tells who that is. */
static void a_name_of_the_target_hides_nobody(void **state)
{
    struct endpoint found[SIBLINGS_MAX];
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    rig.spec.target.endpoint = rig.spec.target.reachable_as = at("target.example", 6379);
    list(rig.source, "10.0.0.2", 6379);
    list(rig.source, "10.0.0.5", 6379);
    assert_int_equal(siblings_of_writer(&rig.spec, &rig.run, &rig.seen, found), 2);
}

static void its_own_words_are_read_back(void **state)
{
    (void)state;
    for (int i = 0; i < SIBLING_STATES; i++)
        assert_int_equal(sibling_state_parse(sibling_state_name((enum sibling_state)i)), i);
    assert_int_equal(sibling_state_parse("no-such-state"), SIBLING_STATES);
}

/* --- what is done next --- */

struct rig {
    struct pair_rig pair;
    struct sibling one;
    struct sibling_look look;
    struct sibling_case c;
};

/* The switch-over is over; the follower waits, its link down, with all that the old source gave. */
static void rig_init(struct rig *rig)
{
    struct redis_info *info = &rig->look.info;

    memset(rig, 0, sizeof(*rig));
    pair_rig_init(&rig->pair);
    pair_rig_promote(&rig->pair, 2000);
    rig->pair.target->backlog_first = 500;
    rig->pair.source->role = REDIS_ROLE_REPLICA;
    str_copy(rig->pair.source->master_host, 254, FENCE_HOST);
    rig->pair.source->master_port = FENCE_PORT;
    pair_rig_relate(&rig->pair);
    rig->pair.run.phase = PHASE_COMPLETED;
    rig->pair.run.cutover.at_wall_ms = 1;
    rig->pair.spec.attach.timeout_ms = 30000;
    rig->one = (struct sibling){.at = at("10.0.0.5", 6379), .state = SIBLING_WAITING};
    rig->c = (struct sibling_case){
        .spec = &rig->pair.spec, .run = &rig->pair.run, .seen = &rig->pair.seen, .listed = true};
    rig->look = (struct sibling_look){.reachable = true, .has = {"", ""}, .wants = {"", ""}};
    info->role = REDIS_ROLE_REPLICA;
    info->redis_compat_num = 70200;
    info->master_port = 6379;
    info->replica_offset = 1000;
    str_copy(info->master_host, sizeof(info->master_host), "10.0.0.1");
    str_copy(info->replid, sizeof(info->replid), OLD_HISTORY);
    str_copy(info->run_id, sizeof(info->run_id), "its-process");
}

static void away(struct rig *rig)
{
    rig->look.reachable = false;
    err_set(&rig->look.err, ERR_REFUSED, "nobody listens there");
}

static void to_the_target(struct rig *rig)
{
    str_copy(rig->look.info.master_host, 254, "10.0.0.2");
}

static void linked(struct rig *rig)
{
    rig->look.info.link_up = true;
    str_copy(rig->look.info.replid, 41, NEW_HISTORY);
}

static void late(struct rig *rig)
{
    rig->c.waited_ms = 30001;
}

static void very_late(struct rig *rig)
{
    rig->c.waited_ms = 300001;
}

static void promoted(struct rig *rig)
{
    rig->look.info.role = REDIS_ROLE_MASTER;
}

static void elsewhere(struct rig *rig)
{
    str_copy(rig->look.info.master_host, 254, "10.0.0.77");
}

static void known_by_another_name(struct rig *rig)
{
    elsewhere(rig);
    rig->one.was = at("10.0.0.77", 6379);
}

static void elsewhere_and_the_target_sees_it(struct rig *rig)
{
    elsewhere(rig);
    linked(rig);
    list(rig->pair.target, "10.0.0.5", 6379);
}

static void through_the_old_source(struct rig *rig)
{
    linked(rig);
    rig->look.info.replica_offset = 1990;
}

static void other_history(struct rig *rig)
{
    str_copy(rig->look.info.replid, 41, OTHER_HISTORY);
}

static void other_history_linked(struct rig *rig)
{
    other_history(rig);
    rig->look.info.link_up = true;
}

static void ahead(struct rig *rig)
{
    rig->look.info.replica_offset = 1001;
    rig->look.info.link_up = true;
}

static void behind_the_backlog(struct rig *rig)
{
    rig->look.info.replica_offset = 498;
    rig->look.info.link_up = true;
}

static void at_the_backlogs_edge(struct rig *rig)
{
    rig->look.info.replica_offset = 499;
}

static void loads(struct rig *rig)
{
    rig->look.info.loading = true;
    rig->look.has[SIBLING_PASSWORD] = NULL;
}

static void copies(struct rig *rig)
{
    rig->look.info.sync_in_progress = true;
}

static void hides_its_log_in(struct rig *rig)
{
    rig->look.has[SIBLING_PASSWORD] = NULL;
}

static void is_too_old_for_a_user(struct rig *rig)
{
    rig->look.has[SIBLING_USER] = NULL;
    rig->look.info.redis_compat_num = 50000;
}

static void refuses(struct rig *rig)
{
    rig->look.refuses = "REPLICAOF";
}

static void needs_a_password(struct rig *rig)
{
    rig->look.wants[SIBLING_PASSWORD] = "secret";
}

static void needs_tls(struct rig *rig)
{
    rig->look.has[SIBLING_TLS] = "no";
    rig->look.wants[SIBLING_TLS] = "yes";
}

static void is_the_target(struct rig *rig)
{
    str_copy(rig->look.info.run_id, 41, "target-process");
}

static void has_been_given_a_password(struct rig *rig)
{
    rig->one.changed[SIBLING_PASSWORD].from = (char *)"";
    rig->one.changed[SIBLING_PASSWORD].to = (char *)"secret";
    rig->look.has[SIBLING_PASSWORD] = rig->look.wants[SIBLING_PASSWORD] = "secret";
}

static void somebody_has_set_another(struct rig *rig)
{
    has_been_given_a_password(rig);
    rig->look.has[SIBLING_PASSWORD] = "third";
}

static void the_target_is_gone(struct rig *rig)
{
    rig->pair.seen.node[SIDE_TARGET].reachable = false;
}

#define W SIBLING_WAITING
#define M SIBLING_MOVING
#define R SIBLING_RETURNING
typedef void change_fn(struct rig *rig);

/* In a state, with all of these: the next one, and what is done. */
static const struct {
    enum sibling_state in;
    change_fn *changes[3];
    enum sibling_state to;
    enum sibling_act act;
} rows[] = {
    {W, {NULL}, M, SIBLING_LOOK},
    {W, {through_the_old_source}, M, SIBLING_LOOK},
    {W, {at_the_backlogs_edge}, M, SIBLING_LOOK},
    {W, {known_by_another_name}, M, SIBLING_LOOK},
    {W, {is_too_old_for_a_user}, M, SIBLING_LOOK},
    {W, {needs_a_password}, M, SIBLING_LOOK},
    {W, {away}, W, SIBLING_LOOK},
    {W, {away, very_late}, SIBLING_UNREACHABLE, SIBLING_LOOK},
    {W, {loads}, W, SIBLING_LOOK},
    {W, {copies, very_late}, SIBLING_STAYS, SIBLING_LOOK},
    {W, {to_the_target, linked}, SIBLING_FOLLOWS, SIBLING_LOOK},
    {W, {to_the_target}, W, SIBLING_LOOK},
    {W, {to_the_target, very_late}, SIBLING_LEFT, SIBLING_LOOK},
    {W, {elsewhere_and_the_target_sees_it}, SIBLING_FOLLOWS, SIBLING_LOOK},
    {W, {promoted}, SIBLING_LEFT, SIBLING_LOOK},
    {W, {elsewhere}, SIBLING_LEFT, SIBLING_LOOK},
    {W, {elsewhere, linked}, SIBLING_LEFT, SIBLING_LOOK},
    {W, {ahead}, SIBLING_LEFT, SIBLING_LOOK},
    {W, {behind_the_backlog}, SIBLING_LEFT, SIBLING_LOOK},
    {W, {other_history_linked}, SIBLING_LEFT, SIBLING_LOOK},
    {W, {other_history}, W, SIBLING_LOOK},
    {W, {other_history, very_late}, SIBLING_LEFT, SIBLING_LOOK},
    {W, {hides_its_log_in}, SIBLING_STAYS, SIBLING_LOOK},
    {W, {refuses}, SIBLING_STAYS, SIBLING_LOOK},
    {W, {is_the_target}, SIBLING_NONE, SIBLING_LOOK},

    {M, {NULL}, M, SIBLING_POINT},
    {M, {needs_a_password}, M, SIBLING_SET},
    {M, {needs_tls}, M, SIBLING_SET},
    {M, {has_been_given_a_password}, M, SIBLING_POINT},
    {M, {the_target_is_gone}, M, SIBLING_LOOK},
    {M, {the_target_is_gone, other_history}, M, SIBLING_LOOK},
    {M, {to_the_target}, M, SIBLING_LOOK},
    {M, {to_the_target, linked}, SIBLING_FOLLOWS, SIBLING_LOOK},
    {M, {to_the_target, late}, R, SIBLING_LOOK},
    {M, {to_the_target, late, copies}, M, SIBLING_LOOK},
    {M, {to_the_target, late, the_target_is_gone}, M, SIBLING_LOOK},
    {M, {late}, R, SIBLING_LOOK},
    {M, {away, late}, M, SIBLING_LOOK},
    {M, {away, very_late}, R, SIBLING_LOOK},
    {M, {promoted}, R, SIBLING_LOOK},
    {M, {elsewhere}, R, SIBLING_LOOK},
    {M, {ahead}, R, SIBLING_LOOK},
    {M, {other_history}, R, SIBLING_LOOK},

    {R, {NULL}, SIBLING_STAYS, SIBLING_LOOK},
    {R, {has_been_given_a_password}, R, SIBLING_RESTORE},
    {R, {somebody_has_set_another}, SIBLING_STAYS, SIBLING_LOOK},
    {R, {ahead}, SIBLING_LEFT, SIBLING_LOOK},
    {R, {the_target_is_gone}, SIBLING_LEFT, SIBLING_LOOK},
    {R, {to_the_target}, R, SIBLING_POINT_BACK},
    {R, {to_the_target, copies}, R, SIBLING_LOOK},
    {R, {to_the_target, linked}, SIBLING_FOLLOWS, SIBLING_LOOK},
    {R, {away, very_late}, R, SIBLING_LOOK},
    {R, {promoted}, SIBLING_LEFT, SIBLING_LOOK},
    {R, {elsewhere}, SIBLING_LEFT, SIBLING_LOOK},
    {R, {promoted, has_been_given_a_password}, R, SIBLING_RESTORE},

    {SIBLING_FOLLOWS, {promoted}, SIBLING_FOLLOWS, SIBLING_LOOK},
    {SIBLING_LEFT, {NULL}, SIBLING_LEFT, SIBLING_LOOK},
};

static void what_is_seen_decides(void **state)
{
    struct sibling_step step;
    struct rig rig;

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        rig_init(&rig);
        rig.one.state = rows[i].in;
        for (size_t k = 0; k < array_len(rows[i].changes) && rows[i].changes[k]; k++)
            rows[i].changes[k](&rig);
        step = sibling_next(&rig.one, &rig.look, &rig.c);
        if (step.to != rows[i].to || step.act != rows[i].act)
            fail_msg("row %zu: %s, act %d instead of %s, act %d (%s)", i,
                     sibling_state_name(step.to), (int)step.act, sibling_state_name(rows[i].to),
                     (int)rows[i].act, step.message);
    }
}

static void nothing_begins_before_both_are_seen_in_their_new_roles(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_true(siblings_may_move(&rig.pair.run, &rig.pair.seen));
    rig.pair.run.phase = PHASE_SWITCHING;
    assert_false(siblings_may_move(&rig.pair.run, &rig.pair.seen));
    rig_init(&rig);
    rig.pair.run.cutover.at_wall_ms = 0;
    assert_false(siblings_may_move(&rig.pair.run, &rig.pair.seen));
    rig_init(&rig);
    rig.pair.seen.node[SIDE_SOURCE].reachable = false;
    assert_false(siblings_may_move(&rig.pair.run, &rig.pair.seen));
    rig_init(&rig);
    rig.pair.source->role = REDIS_ROLE_MASTER;
    pair_rig_relate(&rig.pair);
    assert_false(siblings_may_move(&rig.pair.run, &rig.pair.seen));
    rig_init(&rig);
    rig.pair.target->role = REDIS_ROLE_REPLICA;
    pair_rig_relate(&rig.pair);
    assert_false(siblings_may_move(&rig.pair.run, &rig.pair.seen));
}

static void a_refusal_ends_it_where_it_is(void **state)
{
    struct sibling one = {.state = SIBLING_MOVING};

    (void)state;
    assert_int_equal(sibling_refused(&one, SIBLING_SET, "NOPERM").to, SIBLING_RETURNING);
    assert_int_equal(sibling_refused(&one, SIBLING_POINT, "NOPERM").to, SIBLING_RETURNING);
    one.state = SIBLING_RETURNING;
    assert_int_equal(sibling_refused(&one, SIBLING_RESTORE, "NOPERM").to, SIBLING_STAYS);
    assert_int_equal(sibling_refused(&one, SIBLING_POINT_BACK, "NOPERM").to, SIBLING_LEFT);
    assert_non_null(strstr(sibling_refused(&one, SIBLING_RESTORE, "NOPERM x").message, "NOPERM x"));
}

static void only_what_is_harmless_can_be_pasted(void **state)
{
    struct sibling one = {.state = SIBLING_UNREACHABLE};

    (void)state;
    assert_true(sibling_can_be_pasted(&one) && sibling_has_ended(&one));
    one.state = SIBLING_STAYS;
    assert_true(sibling_can_be_pasted(&one));
    for (int i = 0; i < SIBLING_STAYS; i++) {
        one.state = (enum sibling_state)i;
        assert_false(sibling_can_be_pasted(&one));
    }
    one.state = SIBLING_LEFT;
    assert_false(sibling_can_be_pasted(&one));
}

/* --- before the switch-over --- */

static void what_it_follows_and_what_it_refuses_is_known_before(void **state)
{
    struct sibling_step step;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    elsewhere(&rig); /* a name of its own for the source */
    rig.look.info.link_up = true;
    step = sibling_prepare(&rig.one, &rig.look, &rig.c);
    assert_int_equal(step.to, SIBLING_WAITING);
    assert_string_equal(step.message, "");
    assert_string_equal(rig.one.was.host, "10.0.0.77");
    refuses(&rig);
    step = sibling_prepare(&rig.one, &rig.look, &rig.c);
    assert_non_null(strstr(step.message, "REPLICAOF"));
    away(&rig);
    step = sibling_prepare(&rig.one, &rig.look, &rig.c);
    assert_string_equal(step.message, "nobody listens there");
}

static void what_is_none_of_them_any_more_is_dropped(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.c.listed = false;
    assert_int_equal(sibling_prepare(&rig.one, &rig.look, &rig.c).to, SIBLING_WAITING);
    promoted(&rig);
    assert_int_equal(sibling_prepare(&rig.one, &rig.look, &rig.c).to, SIBLING_NONE);
    rig.c.listed = true;
    assert_int_equal(sibling_prepare(&rig.one, &rig.look, &rig.c).to, SIBLING_WAITING);
    is_the_target(&rig);
    assert_int_equal(sibling_prepare(&rig.one, &rig.look, &rig.c).to, SIBLING_NONE);
}

/* --- what else goes by them --- */

static void those_left_behind_are_an_alarm(void **state)
{
    struct sibling some[SIBLINGS_MAX] = {{.state = SIBLING_NONE}};
    struct pair_rig rig;
    unsigned row = 0;
    struct blocker said;

    (void)state;
    pair_rig_init(&rig);
    rig.seen.siblings = some;
    assert_int_equal(alarm_bits(&rig.seen, PHASE_REPLICATING), 0);
    some[3] = (struct sibling){.at = at("10.0.0.5", 6379), .state = SIBLING_LEFT};
    str_copy(some[3].message, sizeof(some[3].message), "somebody has promoted it");
    while (!(alarm_bits(&rig.seen, PHASE_REPLICATING) & 1u << row))
        row++;
    assert_false(alarm_says(row, &rig.seen, &said));
    assert_int_equal(said.reason, REASON_REPLICA_LEFT_BEHIND);
    assert_string_equal(said.message,
                        "the replica '10.0.0.5:6379' of the source (1 such): somebody has "
                        "promoted it");
}

/* For a while, what they need of the target's backlog is not taken away. */
static void settings_are_restored_after_them(void **state)
{
    struct sibling some[SIBLINGS_MAX] = {{.state = SIBLING_NONE}};
    struct decision d;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.pair.seen.siblings = some;
    rig.pair.seen.debts[SIDE_TARGET][SCOPE_RUN] = 1;
    some[0].state = SIBLING_MOVING;
    rig.pair.target->redis_compat_num = 60000;
    for (int i = 0; i < 3; i++) {
        rig.pair.seen.phase_ms = i == 1 ? 30000 : 29999;
        some[0].state = i == 2 ? SIBLING_FOLLOWS : SIBLING_MOVING;
        d = (struct decision){.event = EV_NONE};
        phase_completed_decide(&rig.pair.spec, &rig.pair.run, &rig.pair.seen, &d);
        assert_int_equal(d.action, i == 0 ? ACT_NONE : ACT_RESTORE);
    }
    rig.pair.seen.replicas_had = 1; /* of its own, before 7.0 */
    for (int i = 0; i < 2; i++) {
        rig.pair.seen.phase_ms = i == 0 ? 2499 : 2500;
        d = (struct decision){.event = EV_NONE};
        phase_completed_decide(&rig.pair.spec, &rig.pair.run, &rig.pair.seen, &d);
        assert_int_equal(d.action, i == 0 ? ACT_NONE : ACT_RESTORE);
    }
}

/* Its port for TLS is not known here. */
static void a_target_that_is_listed_with_another_port_is_no_sibling(void **state)
{
    struct endpoint found[SIBLINGS_MAX];
    struct redis_info_replica *line;
    struct pair_rig rig;

    (void)state;
    pair_rig_init(&rig);
    rig.source->n_replicas = rig.source->connected_replicas = 2;
    for (int i = 0; i < 2; i++) {
        line = &rig.source->replicas[i];
        *line = (struct redis_info_replica){.port = (uint16_t)(9443 + i),
                                            .state = REDIS_REPLICA_ONLINE};
        str_copy(line->ip, sizeof(line->ip), i ? "10.9.9.9" : rig.spec.target.endpoint.host);
    }
    assert_int_equal(siblings_of_writer(&rig.spec, &rig.run, &rig.seen, found), 1);
    assert_string_equal(found[0].host, "10.9.9.9");
    str_copy(line->ip, sizeof(line->ip), rig.spec.target.endpoint.host); /* either may be it */
    assert_int_equal(siblings_of_writer(&rig.spec, &rig.run, &rig.seen, found), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_target_is_none_of_them_under_any_name),
        cmocka_unit_test(the_chained_source_is_none_of_them),
        cmocka_unit_test(a_name_of_the_target_hides_nobody),
        cmocka_unit_test(its_own_words_are_read_back),
        cmocka_unit_test(what_is_seen_decides),
        cmocka_unit_test(nothing_begins_before_both_are_seen_in_their_new_roles),
        cmocka_unit_test(a_refusal_ends_it_where_it_is),
        cmocka_unit_test(only_what_is_harmless_can_be_pasted),
        cmocka_unit_test(what_it_follows_and_what_it_refuses_is_known_before),
        cmocka_unit_test(what_is_none_of_them_any_more_is_dropped),
        cmocka_unit_test(those_left_behind_are_an_alarm),
        cmocka_unit_test(settings_are_restored_after_them),
        cmocka_unit_test(a_target_that_is_listed_with_another_port_is_no_sibling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
