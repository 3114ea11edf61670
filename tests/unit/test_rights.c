/* SPDX-License-Identifier: Apache-2.0 */
/* What answers say of rights, what is asked of whom, and what is made of it, without a node. */
#include <stdio.h>
#include <string.h>

#include "daemon/core/check/check.h"
#include "daemon/node/facts.h"
#include "daemon/node/rights.h"
#include "lib/base/base.h"
#include "tests/unit/answers.h"
#include "tests/unit/fixture.h"
#include "tests/unit/pair_rig.h"

/* --- one answer --- */

static void an_answer_tells_of_a_right(void **state)
{
    static const struct {
        const char *answer;
        enum right_state state;
    } rows[] = {
        /* 6.0, 7.0 and later, each */
        {"-ERR Invalid master port\r\n", RIGHT_ALLOWED},
        {"-ERR value is not an integer or out of range\r\n", RIGHT_ALLOWED},
        {"-ERR timeout is not an integer or out of range\r\n", RIGHT_ALLOWED},
        {"-ERR Unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.\r\n",
         RIGHT_ALLOWED},
        {"-ERR Unsupported CONFIG parameter: no-such-setting\r\n", RIGHT_ALLOWED},
        {"-ERR Unknown option or number of arguments for CONFIG SET - 'no-such-setting'\r\n",
         RIGHT_ALLOWED},
        {"-ERR SYNC and PSYNC are invalid with pending output\r\n", RIGHT_ALLOWED},
        {"-ERR syntax error\r\n", RIGHT_ALLOWED},
        {"+OK\r\n", RIGHT_ALLOWED},
        {"+PONG\r\n", RIGHT_ALLOWED},
        {":0\r\n", RIGHT_ALLOWED},
        {"*0\r\n", RIGHT_ALLOWED},
        {"-NOPERM this user has no permissions to run the 'config' command or its subcommand\r\n",
         RIGHT_DENIED},
        {"-NOPERM User ecmigrate has no permissions to run the 'client|pause' command\r\n",
         RIGHT_DENIED},
        {"-ERR unknown command `REPLICAOF`, with args beginning with: `127.0.0.1`, `x`, \r\n",
         RIGHT_RENAMED},
        {"-ERR unknown command 'CLIENT', with args beginning with: 'PAUSE' 'x' 'WRITE' \r\n",
         RIGHT_RENAMED},
        {"-ERR REPLICAOF not allowed in cluster mode.\r\n", RIGHT_CLUSTER},
        /* … and what says nothing of it */
        {"-LOADING Redis is loading the dataset in memory\r\n", RIGHT_UNKNOWN},
        {"-NOAUTH Authentication required.\r\n", RIGHT_UNKNOWN},
        {"-NOMASTERLINK Can't SYNC while not connected with my master\r\n", RIGHT_UNKNOWN},
        {"-BUSY Redis is busy running a script\r\n", RIGHT_UNKNOWN},
        {"-\r\n", RIGHT_UNKNOWN},
        {"-NOPER\r\n", RIGHT_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        redisReply *reply = answer(rows[i].answer);

        assert_int_equal(rights_judge(reply), rows[i].state);
        freeReplyObject(reply);
    }
}

/* --- what is asked --- */

static const struct {
    enum node_side side;
    bool may_unpause;
    unsigned commands;
} askers[] = {{SIDE_SOURCE, true, 6}, {SIDE_SOURCE, false, 5}, {SIDE_TARGET, true, 4}};

static struct facts_question question_of(size_t asker, int64_t id)
{
    return (struct facts_question){.side = askers[asker].side,
                                   .name = "ecmigrate:x",
                                   .id = id,
                                   .may_unpause = askers[asker].may_unpause};
}

static bool says(const struct redis_call *call, const char *words)
{
    return memmem(call->out, call->out_len, words, strlen(words)) != NULL;
}

static void a_pause_is_ended_at_the_source_only_and_where_there_is_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < array_len(askers); i++) {
        const struct facts_question question = question_of(i, 7);
        struct redis_call call = {.n = 0};

        redis_call_init(&call);
        rights_ask(&call, &question);
        assert_int_equal(call.n, askers[i].commands);
        assert_int_equal(says(&call, "UNPAUSE"), i == 0);
        assert_int_equal(says(&call, "\r\nPAUSE\r\n$1\r\nx\r\n"), question.side == SIDE_SOURCE);
        assert_true(says(&call, "REPLICAOF\r\n$9\r\n127.0.0.1\r\n$1\r\nx\r\n"));
        assert_true(says(&call, "KILL\r\n$2\r\nID\r\n$12\r\n999999999999\r\n"));
        assert_true(says(&call, "SETNAME\r\n$11\r\necmigrate:x\r\n"));
        redis_call_clear(&call);
    }
}

static void a_copy_is_asked_for_only_behind_an_answer_that_waits(void **state)
{
    struct redis_call call = {.n = 0};
    const char *ping, *psync, *sync;

    (void)state;
    redis_call_init(&call);
    facts_ask_login(&call);
    assert_int_equal(call.n, 4);
    ping = memmem(call.out, call.out_len, "PING", 4);
    psync = memmem(call.out, call.out_len, "\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n", 24);
    sync = memmem(call.out, call.out_len, "\r\nSYNC\r\n", 8);
    assert_true(ping && psync && sync && ping < psync && psync < sync);
    redis_call_clear(&call);
}

/* --- what is learnt --- */

static void each_answer_goes_to_its_right(void **state)
{
    static const enum right order[] = {RIGHT_REPLICAOF,    RIGHT_CONFIG_SET,
                                       RIGHT_CLIENT_KILL,  RIGHT_CLIENT_SETNAME,
                                       RIGHT_CLIENT_PAUSE, RIGHT_CLIENT_UNPAUSE};

    (void)state;
    for (size_t i = 0; i < array_len(askers); i++) {
        const struct facts_question question = question_of(i, 7);

        for (unsigned denied = 0; denied < askers[i].commands; denied++) {
            struct answers answers = {.replies = {NULL}};
            struct facts facts;

            for (unsigned k = 0; k < askers[i].commands; k++)
                answers_put(&answers, k, answer(k == denied ? "-NOPERM x\r\n" : "+OK\r\n"));
            facts_init(&facts);
            rights_learn(&facts, answers.replies, &question);
            for (unsigned k = 0; k < array_len(order); k++)
                assert_int_equal(facts.right[order[k]], k >= askers[i].commands ? RIGHT_UNKNOWN
                                                        : k == denied           ? RIGHT_DENIED
                                                                                : RIGHT_ALLOWED);
            assert_int_equal(facts.right[RIGHT_INFO], RIGHT_ALLOWED);
            assert_int_equal(facts.right[RIGHT_CLIENT_ID], RIGHT_ALLOWED);
            answers_clear(&answers);
        }
    }
}

static void a_server_that_gave_no_number_does_not_allow_it(void **state)
{
    const struct facts_question question = question_of(2, 0);
    struct answers answers = {.replies = {NULL}};
    struct facts facts;

    (void)state;
    for (unsigned k = 0; k < askers[2].commands; k++)
        answers_put(&answers, k, answer("+OK\r\n"));
    facts_init(&facts);
    rights_learn(&facts, answers.replies, &question);
    assert_int_equal(facts.right[RIGHT_CLIENT_ID], RIGHT_DENIED);
    answers_put(&answers, 2, answer("-ERR unknown command 'CLIENT'\r\n"));
    rights_learn(&facts, answers.replies, &question);
    assert_int_equal(facts.right[RIGHT_CLIENT_ID], RIGHT_RENAMED);
    answers_clear(&answers);
}

static void a_log_in_is_learnt_in_its_order(void **state)
{
    static const enum right order[] = {RIGHT_REPLCONF, RIGHT_PING, RIGHT_PSYNC, RIGHT_SYNC};

    (void)state;
    for (unsigned denied = 0; denied < array_len(order); denied++) {
        struct login_facts login = {.tried = true};
        struct answers answers = {.replies = {NULL}};

        for (unsigned k = 0; k < array_len(order); k++)
            answers_put(&answers, k, answer(k == denied ? "-NOPERM x\r\n" : "-ERR x\r\n"));
        facts_learn_login(&login, answers.replies);
        for (unsigned k = 0; k < array_len(order); k++)
            assert_int_equal(login.right[order[k]], k == denied ? RIGHT_DENIED : RIGHT_ALLOWED);
        answers_clear(&answers);
    }
}

/* --- what is made of it --- */

struct rig {
    struct pair_rig pair;
    struct facts facts[SIDE_MAX];
    struct check_result result;
};

static char user[] = "ecmigrate";

/* All is allowed, and the ways back and forth need a log-in. */
static void rig_init(struct rig *r)
{
    pair_rig_init(&r->pair);
    r->pair.spec.cutover.reverse = true;
    r->pair.spec.cutover.drain_clients = DRAIN_FALSE;
    for (int side = 0; side < SIDE_MAX; side++) {
        struct facts *facts = &r->facts[side];

        facts_init(facts);
        facts->known = facts->replication.tried = true;
        for (int i = 0; i < RIGHT_MAX; i++)
            facts->right[i] = facts->replication.right[i] = RIGHT_ALLOWED;
        facts->read_only = YES;
        facts->dual_channel = facts->tls_replication = facts->protected_mode = NO;
        r->pair.seen.node[side].facts = facts;
    }
    r->pair.spec.source.auth.username = r->pair.spec.target.auth.username = user;
}

static enum check_severity judge_of(struct rig *r, enum reason id)
{
    const struct check *table;
    size_t n, i = 0;

    table = check_table(&n);
    while (i < n && table[i].id != id)
        i++;
    assert_true(i < n);
    check_judge(i, &r->pair.spec, &r->pair.run, &r->pair.seen, &r->result);
    return r->result.severity;
}

static void nobody_fails_for_what_is_not_known(void **state)
{
    static const enum reason ids[] = {REASON_SOURCE_RIGHTS,      REASON_TARGET_RIGHTS,
                                      REASON_REPLICATION_RIGHTS, REASON_REVERSE_RIGHTS,
                                      REASON_AUTH_REFUSED,       REASON_TLS_MISMATCH,
                                      REASON_PROTECTED_MODE};
    struct rig r;

    (void)state;
    rig_init(&r);
    for (size_t i = 0; i < array_len(ids); i++)
        assert_int_equal(judge_of(&r, ids[i]), CHECK_OK);
    r.pair.seen.node[SIDE_SOURCE].facts = r.pair.seen.node[SIDE_TARGET].facts = NULL;
    for (size_t i = 0; i < array_len(ids); i++)
        assert_int_equal(judge_of(&r, ids[i]), CHECK_OK);
    for (int side = 0; side < SIDE_MAX; side++) {
        facts_init(&r.facts[side]);
        r.facts[side].known = true;
        r.pair.seen.node[side].facts = &r.facts[side];
    }
    for (size_t i = 0; i < array_len(ids); i++)
        assert_int_equal(judge_of(&r, ids[i]), CHECK_OK);
}

static void a_right_is_as_grave_as_what_it_is_for(void **state)
{
    static const struct {
        enum right right;
        enum check_severity source, source_60, target;
    } rows[] = {
        {RIGHT_REPLICAOF, CHECK_ERROR, CHECK_ERROR, CHECK_ERROR},
        {RIGHT_CONFIG_GET, CHECK_ERROR, CHECK_ERROR, CHECK_ERROR},
        {RIGHT_CONFIG_SET, CHECK_ERROR, CHECK_ERROR, CHECK_ERROR},
        {RIGHT_CLIENT_PAUSE, CHECK_ERROR, CHECK_OK, CHECK_OK},
        {RIGHT_CLIENT_UNPAUSE, CHECK_ERROR, CHECK_OK, CHECK_OK},
        {RIGHT_CLIENT_KILL, CHECK_WARNING, CHECK_WARNING, CHECK_WARNING},
        {RIGHT_CLIENT_ID, CHECK_WARNING, CHECK_WARNING, CHECK_WARNING},
        {RIGHT_CLIENT_SETNAME, CHECK_WARNING, CHECK_WARNING, CHECK_WARNING},
        {RIGHT_CLIENT_LIST, CHECK_WARNING, CHECK_WARNING, CHECK_WARNING},
        {RIGHT_PING, CHECK_OK, CHECK_OK, CHECK_OK},
    };
    static const enum right_state states[] = {RIGHT_DENIED, RIGHT_RENAMED};

    (void)state;
    for (size_t i = 0; i < array_len(rows) * array_len(states); i++) {
        enum right right = rows[i / 2].right;
        struct rig r;

        rig_init(&r);
        r.facts[SIDE_SOURCE].right[right] = r.facts[SIDE_TARGET].right[right] = states[i % 2];
        assert_int_equal(judge_of(&r, REASON_TARGET_RIGHTS), rows[i / 2].target);
        assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), rows[i / 2].source);
        r.pair.source->redis_compat_num = 60016;
        assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), rows[i / 2].source_60);
        if (r.result.severity == CHECK_OK)
            continue;
        assert_int_equal(r.result.reason, i % 2 ? REASON_COMMAND_REFUSED : REASON_ACL_DENIED);
        assert_int_equal(r.result.remedy[0] != '\0', i % 2 == 0);
        assert_non_null(strstr(r.result.message, i % 2 ? right_command(right) : right_acl(right)));
    }
}

static void a_source_that_is_not_to_be_set_may_do(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    r.facts[SIDE_SOURCE].right[RIGHT_CONFIG_SET] = RIGHT_DENIED;
    assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_ERROR);
    r.pair.spec.cutover.reverse = false;
    assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_WARNING);
    r.facts[SIDE_SOURCE].read_only = NO;
    assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_ERROR);
    r.facts[SIDE_SOURCE].read_only = YES;
    r.pair.spec.cutover.reverse = true;
    r.pair.spec.target.auth.username = NULL; /* nobody logs in there */
    assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_WARNING);
    r.pair.spec.target.has_replication_user = true;
    r.pair.spec.target.replication_user.password_file = user;
    assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_ERROR);
}

static void who_drains_clients_must_be_allowed_to(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    r.facts[SIDE_SOURCE].right[RIGHT_CLIENT_KILL] = RIGHT_DENIED;
    r.pair.spec.cutover.drain_clients = DRAIN_TRUE;
    assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_ERROR);
    r.pair.spec.cutover.drain_clients = DRAIN_AUTO;
    assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_WARNING);
    r.pair.seen.node[SIDE_SOURCE].survey.scripts = 1;
    assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_ERROR);
}

static void servers_older_than_a_command_do_not_miss_it(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    r.pair.source->redis_compat_num = 40000;
    r.facts[SIDE_SOURCE].right[RIGHT_REPLICAOF] = RIGHT_RENAMED;
    r.facts[SIDE_SOURCE].right[RIGHT_CLIENT_ID] = RIGHT_DENIED;
    assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_OK);
}

static void all_that_is_missing_fits(void **state)
{
    static const enum right_state states[] = {RIGHT_DENIED, RIGHT_RENAMED};

    (void)state;
    for (size_t i = 0; i < array_len(states); i++) {
        struct rig r;

        rig_init(&r);
        for (int right = 0; right < RIGHT_MAX; right++)
            r.facts[SIDE_SOURCE].right[right] = states[i];
        assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_ERROR);
        for (int right = 0; right < RIGHT_PING; right++)
            assert_non_null(strstr(r.result.message, i == 0 ? right_acl((enum right)right)
                                                            : right_command((enum right)right)));
    }
}

static void a_pause_that_cannot_be_looked_for_is_said(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    r.facts[SIDE_SOURCE].right[RIGHT_CLIENT_UNPAUSE] = RIGHT_UNKNOWN;
    assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_OK); /* the server tells of pauses */
    r.pair.source->paused_reason[0] = '\0';
    assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_NOTICE);
    assert_string_equal(r.result.remedy, "redis-cli -h 10.0.0.1 -p 6379 ACL SETUSER ecmigrate "
                                         "'+pfcount' '~ecmigrate:none'");
    r.pair.seen.pause_held = true;
    assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_OK);
    r.pair.seen.pause_held = false;
    r.pair.source->cluster_enabled = true;
    assert_int_equal(judge_of(&r, REASON_SOURCE_RIGHTS), CHECK_OK);
}

static void names_are_quoted_for_a_shell(void **state)
{
    static const struct {
        const char *name, *word;
    } rows[] = {
        {"ecmigrate", "ecmigrate"},
        {"a-b_c.d:e@f%g+h,i/j", "a-b_c.d:e@f%g+h,i/j"},
        {"o'brien", "'o'\\''brien'"},
        {"'", "''\\'''"},
        {"$(id)`id`\"\\", "'$(id)`id`\"\\'"},
        {"~x", "'~x'"},
        {"", "''"},
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        char *name = xstrdup(rows[i].name), expected[160];
        struct rig r;

        rig_init(&r);
        r.pair.spec.target.auth.username = name;
        r.facts[SIDE_TARGET].right[RIGHT_REPLICAOF] = RIGHT_DENIED;
        assert_int_equal(judge_of(&r, REASON_TARGET_RIGHTS), CHECK_ERROR);
        snprintf(expected, sizeof(expected),
                 "redis-cli -h 10.0.0.2 -p 6379 ACL SETUSER %s '+replicaof'", rows[i].word);
        assert_string_equal(r.result.remedy, expected);
        free(name);
    }
}

static void a_very_long_name_gives_a_whole_line_or_none(void **state)
{
    char name[2000];
    struct rig r;

    (void)state;
    for (size_t len = 1; len < sizeof(name) - 1; len += 7) {
        memset(name, '\'', len);
        name[len] = '\0';
        rig_init(&r);
        r.pair.spec.target.auth.username = name;
        r.facts[SIDE_TARGET].right[RIGHT_REPLICAOF] = RIGHT_DENIED;
        assert_int_equal(judge_of(&r, REASON_TARGET_RIGHTS), CHECK_ERROR);
        if (r.result.remedy[0])
            assert_non_null(strstr(r.result.remedy, "' '+replicaof'"));
    }
}

static void a_second_channel_takes_two(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    for (int side = 0; side < SIDE_MAX; side++)
        r.facts[side].replication.right[RIGHT_SYNC] = RIGHT_DENIED;
    r.facts[SIDE_SOURCE].dual_channel = YES;
    assert_int_equal(judge_of(&r, REASON_REPLICATION_RIGHTS), CHECK_OK);
    assert_int_equal(judge_of(&r, REASON_REVERSE_RIGHTS), CHECK_OK);
    r.facts[SIDE_TARGET].dual_channel = YES;
    assert_int_equal(judge_of(&r, REASON_REPLICATION_RIGHTS), CHECK_ERROR);
    assert_int_equal(judge_of(&r, REASON_REVERSE_RIGHTS), CHECK_ERROR);
}

static void of_two_log_ins_the_one_that_waiting_does_not_cure_is_the_reason(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    r.facts[SIDE_SOURCE].replication.why = REASON_SOURCE_UNREACHABLE;
    err_set(&r.facts[SIDE_SOURCE].replication.err, ERR_TIMEOUT, "no answer");
    assert_int_equal(judge_of(&r, REASON_AUTH_REFUSED), CHECK_ERROR);
    assert_int_equal(r.result.reason, REASON_SOURCE_UNREACHABLE);
    assert_string_equal(r.result.message, "the target could not log in to the source: no answer");
    r.facts[SIDE_TARGET].replication.why = REASON_AUTH_REFUSED;
    err_set(&r.facts[SIDE_TARGET].replication.err, ERR_AUTH, "wrong");
    assert_int_equal(judge_of(&r, REASON_AUTH_REFUSED), CHECK_ERROR);
    assert_int_equal(r.result.reason, REASON_AUTH_REFUSED);
    assert_string_equal(r.result.message,
                        "neither node could log in to the other: no answer; wrong");
    r.facts[SIDE_SOURCE].replication.why = REASON_NONE;
    assert_int_equal(judge_of(&r, REASON_AUTH_REFUSED), CHECK_ERROR);
    assert_string_equal(r.result.message, "the source could not log in to the target: wrong");
}

static void protected_mode_matters_to_who_comes_from_elsewhere(void **state)
{
    static const struct {
        const char *source, *named;
        enum check_severity severity;
    } rows[] = {
        {"127.0.0.1", "10.0.0.1", CHECK_WARNING}, {"::1", "10.0.0.1", CHECK_WARNING},
        {"localhost", "db1", CHECK_WARNING},      {"127.0.0.1", "127.0.0.1", CHECK_OK},
        {"127.0.0.1", "localhost", CHECK_OK},     {"10.0.0.1", "10.0.0.1", CHECK_OK},
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        struct rig r;

        rig_init(&r);
        r.facts[SIDE_SOURCE].protected_mode = YES;
        str_copy(r.pair.run.source.host, sizeof(r.pair.run.source.host), rows[i].source);
        r.pair.spec.source.reachable_as = r.pair.run.source;
        str_copy(r.pair.spec.source.reachable_as.host, sizeof(r.pair.run.source.host),
                 rows[i].named);
        assert_int_equal(judge_of(&r, REASON_PROTECTED_MODE), rows[i].severity);
        r.pair.spec.source.auth.password = user;
        assert_int_equal(judge_of(&r, REASON_PROTECTED_MODE), CHECK_OK);
    }
}

static void a_node_that_refuses_info_gets_its_line(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    for (int side = 0; side < SIDE_ENDS; side++) {
        struct seen_node *node = &r.pair.seen.node[side];

        check_reach((enum node_side)side, &r.pair.spec, &r.pair.run, &r.pair.seen, &r.result);
        assert_int_equal(r.result.severity, CHECK_OK);
        node->reachable = false;
        node->why = REASON_ACL_DENIED;
        err_set(&node->err, ERR_AUTH, "NOPERM");
        check_reach((enum node_side)side, &r.pair.spec, &r.pair.run, &r.pair.seen, &r.result);
        assert_int_equal(r.result.severity, CHECK_ERROR);
        assert_int_equal(r.result.reason, REASON_ACL_DENIED);
        assert_string_equal(r.result.message, "NOPERM");
        assert_non_null(strstr(r.result.remedy, "ACL SETUSER ecmigrate '+info'"));
        node->why = REASON_TARGET_UNREACHABLE;
        check_reach((enum node_side)side, &r.pair.spec, &r.pair.run, &r.pair.seen, &r.result);
        assert_string_equal(r.result.remedy, "");
    }
}

static void an_old_server_is_asked_by_its_own_words(void **state)
{
    const struct facts_question question = {.side = SIDE_SOURCE, .name = "x", .old = true};
    struct facts facts;
    struct answers answers = {.replies = {NULL}};
    struct redis_call call = {.n = 0};

    (void)state;
    redis_call_init(&call);
    rights_ask(&call, &question);
    assert_true(says(&call, "\r\nSLAVEOF\r\n"));
    assert_false(says(&call, "\r\nREPLICAOF\r\n"));
    for (unsigned i = 0; i < call.n; i++)
        answers_put(&answers, i, answer("+OK\r\n"));
    facts_init(&facts);
    rights_learn(&facts, answers.replies, &question);
    assert_int_equal(facts.right[RIGHT_REPLICAOF], RIGHT_ALLOWED);
    assert_int_equal(facts.right[RIGHT_CLIENT_ID], RIGHT_UNKNOWN); /* there is none */
    answers_clear(&answers);
    redis_call_clear(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_server_is_asked_by_its_own_words),
        cmocka_unit_test(an_answer_tells_of_a_right),
        cmocka_unit_test(a_pause_is_ended_at_the_source_only_and_where_there_is_none),
        cmocka_unit_test(a_copy_is_asked_for_only_behind_an_answer_that_waits),
        cmocka_unit_test(each_answer_goes_to_its_right),
        cmocka_unit_test(a_server_that_gave_no_number_does_not_allow_it),
        cmocka_unit_test(a_log_in_is_learnt_in_its_order),
        cmocka_unit_test(nobody_fails_for_what_is_not_known),
        cmocka_unit_test(a_right_is_as_grave_as_what_it_is_for),
        cmocka_unit_test(a_source_that_is_not_to_be_set_may_do),
        cmocka_unit_test(who_drains_clients_must_be_allowed_to),
        cmocka_unit_test(servers_older_than_a_command_do_not_miss_it),
        cmocka_unit_test(all_that_is_missing_fits),
        cmocka_unit_test(a_pause_that_cannot_be_looked_for_is_said),
        cmocka_unit_test(names_are_quoted_for_a_shell),
        cmocka_unit_test(a_very_long_name_gives_a_whole_line_or_none),
        cmocka_unit_test(a_second_channel_takes_two),
        cmocka_unit_test(of_two_log_ins_the_one_that_waiting_does_not_cure_is_the_reason),
        cmocka_unit_test(protected_mode_matters_to_who_comes_from_elsewhere),
        cmocka_unit_test(a_node_that_refuses_info_gets_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
