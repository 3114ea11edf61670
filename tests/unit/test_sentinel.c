/* SPDX-License-Identifier: Apache-2.0 */
/* What the Sentinels of a job are told, and when; and what they hold back. */
#include <string.h>

#include "daemon/core/decision.h"
#include "daemon/core/sentinel.h"
#include "tests/unit/fixture.h"
#include "tests/unit/pair_rig.h"

struct rig {
    struct pair_rig pair;
    struct seen_sentinels all;
    struct seen_sentinel one[3];
};

/* Three that watch the source and would promote the target; asked a moment ago. */
static void rig_init(struct rig *r)
{
    static struct endpoint named[SPEC_SENTINELS_MAX];
    pair_rig_init(&r->pair);
    r->pair.spec.n_sentinels = 3;
    r->pair.spec.sentinel_name = "pair";
    r->all = (struct seen_sentinels){.n = 3, .now_ms = 100000, .one = r->one};
    r->pair.spec.sentinels = named;
    for (unsigned i = 0; i < 3; i++) {
        r->pair.spec.sentinels[i] = (struct endpoint){.host = "10.0.0.9", .port = 26379};
        r->pair.spec.sentinels[i].port += (uint16_t)i;
        r->one[i] = (struct seen_sentinel){.tried = true,
                                           .answers = true,
                                           .knows = true,
                                           .asked_ms = 99900,
                                           .heard_ms = 99900,
                                           .primary = r->pair.run.source,
                                           .lists_target = true,
                                           .target_fit = true,
                                           .target_priority = 1};
    }
    r->pair.seen.sentinels = &r->all;
}

/* The target has just taken over. */
static void switched(struct rig *r)
{
    rig_init(r);
    pair_rig_promote(&r->pair, 1010);
    r->pair.run.phase = PHASE_COMPLETED;
    r->pair.run.cutover.at_wall_ms = 5000;
    r->pair.seen.wall_ms = 5100;
}

/* … and it has been given up. */
static void given_up(struct rig *r)
{
    rig_init(r);
    pair_rig_promote(&r->pair, 1000);
    r->pair.run.phase = PHASE_FAILED;
    r->pair.run.sentinel_owed = true;
    r->pair.seen.phase_ms = 5000;
}

static enum sentinel_ask next(const struct rig *r, unsigned i)
{
    return sentinel_next(&r->pair.spec, &r->pair.run, &r->pair.seen, i);
}

static unsigned told(const struct rig *r)
{
    unsigned n = 0;

    for (unsigned i = 0; i < 3; i++)
        n += next(r, i) == SENTINEL_FAILOVER;
    return n;
}

static void one_is_told_of_the_switch_over(void **state)
{
    struct rig r;

    (void)state;
    switched(&r);
    assert_int_equal(told(&r), 1);
    assert_int_equal(next(&r, 2), SENTINEL_FAILOVER);
    r.one[2].told = SENTINEL_FAILOVER;
    r.one[2].told_ms = r.all.now_ms;
    assert_int_equal(told(&r), 0); /* it is at it */
    r.all.now_ms += 1000;
    str_copy(r.one[2].said, sizeof(r.one[2].said), "INPROG Failover already in progress");
    assert_int_equal(next(&r, 1), SENTINEL_FAILOVER); /* it has refused */
    r.one[1].failing_over = true;
    assert_int_equal(told(&r), 0);
}

#define SPOIL(name) static void name(struct rig *r)

SPOIL(pause_is_on)
{
    r->pair.run.phase = PHASE_SWITCHING;
    r->pair.seen.thawed = false;
}

SPOIL(not_switched)
{
    r->pair.run.cutover.at_wall_ms = 0;
}

SPOIL(target_is_no_primary)
{
    r->pair.seen.target_is_primary = false;
}

SPOIL(target_is_away)
{
    r->pair.seen.node[SIDE_TARGET].reachable = false;
}

SPOIL(told_before)
{
    r->pair.run.cutover.told_ms = 900;
}

SPOIL(rolled_back)
{
    r->pair.run.phase = PHASE_FAILED;
}

SPOIL(clock_stepped)
{
    r->pair.seen.tilt = true;
}

#define SPOIL_ALL(name, statement)                                                                 \
    SPOIL(name)                                                                                    \
    {                                                                                              \
        for (unsigned i = 0; i < 3; i++)                                                           \
            r->one[i].statement;                                                                   \
    }

SPOIL_ALL(silent, answers = false)
SPOIL_ALL(heard_long_ago, heard_ms = 90000)
SPOIL_ALL(nothing_watched, knows = false)
SPOIL_ALL(at_another_primary, primary.port = 7000)
SPOIL_ALL(target_not_listed, lists_target = false)
SPOIL_ALL(target_not_fit, target_fit = false)
SPOIL_ALL(target_never, target_priority = 0)
SPOIL_ALL(rival, rival = true)
SPOIL_ALL(busy, failing_over = true)

/* A failover that would promote somebody else, or nobody, or comes at the wrong time, is not begun.
 */
static void nobody_is_told_unless_it_is_the_target_that_is_taken(void **state)
{
    void (*const spoils[])(struct rig *) = {pause_is_on,
                                            not_switched,
                                            target_is_no_primary,
                                            target_is_away,
                                            told_before,
                                            rolled_back,
                                            clock_stepped,
                                            silent,
                                            heard_long_ago,
                                            nothing_watched,
                                            at_another_primary,
                                            target_not_listed,
                                            target_not_fit,
                                            target_never,
                                            rival,
                                            busy};
    struct rig r;

    (void)state;
    for (size_t i = 0; i < array_len(spoils); i++) {
        switched(&r);
        spoils[i](&r);
        if (told(&r) != 0)
            fail_msg("told in case %zu", i);
    }
}

static void inside_the_pause_nobody_is_asked(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    r.pair.run.phase = PHASE_FREEZING;
    assert_int_equal(sentinel_period(&r.pair.spec, &r.pair.run, &r.pair.seen), 0);
    r.pair.run.phase = PHASE_SWITCHING;
    assert_int_equal(sentinel_period(&r.pair.spec, &r.pair.run, &r.pair.seen), 0);
    r.pair.run.cutover.at_wall_ms = 1;
    assert_int_equal(sentinel_period(&r.pair.spec, &r.pair.run, &r.pair.seen), 100);
}

static void all_that_answer_must_name_the_target(void **state)
{
    struct rig r;

    (void)state;
    switched(&r);
    r.one[0].primary = r.one[1].primary = r.pair.spec.target.endpoint;
    assert_false(sentinels_told(&r.pair.spec, &r.pair.run, &r.pair.seen));
    r.one[2].answers = false;
    assert_true(sentinels_told(&r.pair.spec, &r.pair.run, &r.pair.seen));
    r.one[2].tried = false;
    assert_false(sentinels_told(&r.pair.spec, &r.pair.run, &r.pair.seen));
    r.one[0].answers = r.one[1].answers = false;
    r.one[2].tried = true;
    assert_false(sentinels_told(&r.pair.spec, &r.pair.run, &r.pair.seen));
}

static void a_failover_is_watched_to_its_end(void **state)
{
    struct rig r;

    (void)state;
    switched(&r);
    r.one[2].failing_over = true;
    assert_false(sentinels_at_it(&r.pair.run, &r.pair.seen)); /* they have not been told */
    r.pair.run.cutover.told_ms = 900;
    assert_true(sentinels_at_it(&r.pair.run, &r.pair.seen));
    assert_int_equal(sentinel_period(&r.pair.spec, &r.pair.run, &r.pair.seen), 200);
    r.one[2].failing_over = false;
    assert_false(sentinels_at_it(&r.pair.run, &r.pair.seen));
    assert_int_equal(sentinel_period(&r.pair.spec, &r.pair.run, &r.pair.seen), 10000);
}

static void each_that_lists_a_target_that_is_given_up_is_reset(void **state)
{
    char text[RUN_MESSAGE_MAX];
    struct rig r;

    (void)state;
    given_up(&r);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(next(&r, i), SENTINEL_RESET);
    assert_false(sentinels_let_go(&r.pair.spec, &r.pair.run, &r.pair.seen, text));
    assert_non_null(strstr(text, "redis-cli -h 10.0.0.9 -p 26379 SENTINEL RESET pair"));
    r.one[0].told = SENTINEL_RESET;
    r.one[0].told_ms = 99900;
    assert_int_equal(next(&r, 0), SENTINEL_LOOK); /* not twice a second */
    for (unsigned i = 0; i < 3; i++)
        r.one[i].lists_target = false;
    assert_int_equal(next(&r, 1), SENTINEL_LOOK);
    /* What it had asked before it was told may still come. */
    assert_false(sentinels_let_go(&r.pair.spec, &r.pair.run, &r.pair.seen, text));
    r.one[0].heard_ms = 101000;
    assert_true(sentinels_let_go(&r.pair.spec, &r.pair.run, &r.pair.seen, text));
    r.one[2].answers = false;
    assert_false(sentinels_let_go(&r.pair.spec, &r.pair.run, &r.pair.seen, text));
    assert_non_null(strstr(text, "'10.0.0.9:26381' does not answer"));
}

/* Where it is somebody's replica, it is taken for what it is. */
static void a_target_that_follows_is_not_reset(void **state)
{
    struct rig r;

    (void)state;
    given_up(&r);
    r.pair.seen.target_is_primary = false;
    assert_int_equal(next(&r, 0), SENTINEL_LOOK);
    given_up(&r);
    r.one[0].primary = r.pair.spec.target.endpoint;
    assert_int_equal(next(&r, 0), SENTINEL_LOOK);
    given_up(&r);
    r.pair.run.sentinel_owed = false;
    assert_int_equal(next(&r, 0), SENTINEL_LOOK);
}

static void expect_hold(void (*spoil)(struct rig *), bool ready, const char *words)
{
    char text[RUN_MESSAGE_MAX] = "";
    struct rig r;
    bool holds;

    rig_init(&r);
    r.pair.run.want_cutover = true;
    if (spoil)
        spoil(&r);
    holds = sentinels_hold(&r.pair.spec, &r.pair.run, &r.pair.seen, ready, text);
    if (holds != (words != NULL) || (words && !strstr(text, words)))
        fail_msg("'%s' instead of '%s'", text, words ? words : "nothing");
}

SPOIL(one_silent)
{
    r->one[1].answers = false;
}

SPOIL(two_silent)
{
    r->one[0].answers = r->one[1].answers = false;
    str_copy(r->one[1].said, sizeof(r->one[1].said), "connection refused");
}

SPOIL(not_asked)
{
    r->one[2].tried = false;
}

static void what_is_not_ready_holds_the_switch_over_back(void **state)
{
    (void)state;
    expect_hold(NULL, true, NULL);
    expect_hold(one_silent, true, NULL);
    expect_hold(two_silent, true, "1 of 3 Sentinels answer; '10.0.0.9:26380': connection refused");
    expect_hold(not_asked, true, "waiting for an answer of Sentinel '10.0.0.9:26381'");
    expect_hold(heard_long_ago, true, "waiting for an answer");
    expect_hold(nothing_watched, true, "watches nothing under the name 'pair'");
    expect_hold(at_another_primary, true, "not the source");
    expect_hold(target_not_listed, true, "has not noticed the target yet");
    expect_hold(target_not_fit, true, "does not reach the target");
    expect_hold(rival, true, "replica-priority is as good: set it to 100 there");
    expect_hold(busy, true, "at a failover of its own");
    expect_hold(target_never, true, "has not noticed yet that the target may be promoted");
    expect_hold(target_never, false, NULL); /* it is set only when all else is ready */
}

static void who_names_another_afterwards_is_told_of(void **state)
{
    struct rig r;

    (void)state;
    switched(&r);
    sentinels_watch(&r.pair.spec, &r.pair.run, &r.pair.seen);
    assert_int_equal(r.pair.seen.sentinel_trouble, REASON_NONE); /* it takes a moment */
    r.pair.seen.wall_ms = 5000 + 10000;
    sentinels_watch(&r.pair.spec, &r.pair.run, &r.pair.seen);
    assert_int_equal(r.pair.seen.sentinel_trouble, REASON_SENTINEL_NOT_TOLD);
    r.pair.run.cutover.told_ms = 900;
    for (unsigned i = 0; i < 3; i++)
        r.one[i].primary = r.pair.spec.target.endpoint;
    sentinels_watch(&r.pair.spec, &r.pair.run, &r.pair.seen);
    assert_int_equal(r.pair.seen.sentinel_trouble, REASON_NONE);
    r.one[1].primary = (struct endpoint){.host = "10.0.0.3", .port = 6379};
    sentinels_watch(&r.pair.spec, &r.pair.run, &r.pair.seen);
    assert_int_equal(r.pair.seen.sentinel_trouble, REASON_SENTINEL_ASTRAY);
    assert_non_null(strstr(r.pair.seen.sentinel_trouble_message,
                           "'10.0.0.9:26380' sends clients to '10.0.0.3:6379', not to the target"));
}

static void whom_it_names_is_told_by_address_or_process(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    r.one[0].primary = (struct endpoint){.host = "172.16.0.1", .port = 1};
    str_copy(r.pair.target->run_id, 41, "4444444444444444444444444444444444444444");
    str_copy(r.one[0].primary_run_id, 41, "4444444444444444444444444444444444444444");
    assert_int_equal(sentinel_names(&r.pair.spec, &r.pair.run, &r.pair.seen, &r.one[0]),
                     NAMES_TARGET);
    r.one[0].primary_run_id[0] = '\0';
    assert_int_equal(sentinel_names(&r.pair.spec, &r.pair.run, &r.pair.seen, &r.one[0]),
                     NAMES_ANOTHER);
    r.one[0].knows = false;
    assert_int_equal(sentinel_names(&r.pair.spec, &r.pair.run, &r.pair.seen, &r.one[0]),
                     NAMES_NOBODY);
}

static void a_reset_that_is_owed_is_owed_by_the_next_run_too(void **state)
{
    const struct edge *again = fsm_next(PHASE_FAILED, EV_RETRY);
    struct decision d = {.reason = REASON_NONE};
    struct run next;
    struct rig r;

    (void)state;
    rig_init(&r);
    r.pair.run.phase = PHASE_FAILED;
    for (int owed = 0; owed < 2; owed++) {
        r.pair.run.sentinel_owed = owed;
        next = run_after(&r.pair.spec, &r.pair.run, again, &d, &r.pair.seen, 0);
        assert_int_equal(next.sentinel_owed, owed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_told_of_the_switch_over),
        cmocka_unit_test(nobody_is_told_unless_it_is_the_target_that_is_taken),
        cmocka_unit_test(inside_the_pause_nobody_is_asked),
        cmocka_unit_test(all_that_answer_must_name_the_target),
        cmocka_unit_test(a_failover_is_watched_to_its_end),
        cmocka_unit_test(each_that_lists_a_target_that_is_given_up_is_reset),
        cmocka_unit_test(a_target_that_follows_is_not_reset),
        cmocka_unit_test(what_is_not_ready_holds_the_switch_over_back),
        cmocka_unit_test(who_names_another_afterwards_is_told_of),
        cmocka_unit_test(whom_it_names_is_told_by_address_or_process),
        cmocka_unit_test(a_reset_that_is_owed_is_owed_by_the_next_run_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
