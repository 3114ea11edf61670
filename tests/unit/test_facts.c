/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks go by, learnt from the answers of a node, without the node. */
#include <stdio.h>
#include <string.h>

#include "daemon/node/config_value.h"
#include "daemon/node/facts.h"
#include "lib/base/base.h"
#include "tests/unit/answers.h"
#include "tests/unit/fixture.h"

/* In the order of facts_ask(). */
enum { REPLICATION, CONNECTIONS, USERS, CLOCK, SENTINELS, COMMANDS, RIGHTS };

#define NOPERM "-NOPERM this user has no permissions to run the 'x' command\r\n"

static const struct facts_question source = {
    .side = SIDE_SOURCE, .name = "ecmigrate:x", .id = 7, .may_unpause = true};
static const struct facts_question target = {.side = SIDE_TARGET, .name = "ecmigrate:x", .id = 7};

struct rig {
    struct answers answers;
    struct facts facts;
};

/* COMMAND INFO: each is known, but the one of this number. */
static redisReply *known_commands(size_t n, size_t but)
{
    char *wire = xasprintf("*%zu\r\n", n);
    redisReply *reply;

    for (size_t i = 0; i < n; i++) {
        char *more = xasprintf("%s%s", wire, i == but ? "*-1\r\n" : "*2\r\n$1\r\nx\r\n:-2\r\n");

        free(wire);
        wire = more;
    }
    reply = answer(wire);
    free(wire);
    return reply;
}

/* A node that answers all, as its defaults are. */
static void rig_init(struct rig *r)
{
    struct answers *a = &r->answers;

    memset(r, 0, sizeof(*r));
    answers_put(a, REPLICATION,
                ANSWER_LIST("databases", "16", "repl-timeout", "60", "repl-ping-slave-period", "10",
                            "repl-ping-replica-period", "10", "replica-read-only", "yes",
                            "maxclients", "10000", "dual-channel-replication-enabled", "no",
                            "rdb-version-check", "strict", "notify-keyspace-events", "xE"));
    answers_put(a, CONNECTIONS,
                ANSWER_LIST("protected-mode", "yes", "tls-replication", "no", "tls-port", "0",
                            "tls-cert-file", "/c.pem", "tls-ca-cert-file", "", "tls-ca-cert-dir",
                            "/etc/ca", "client-output-buffer-limit",
                            "normal 0 0 0 slave 268435456 67108864 60 pubsub 1 2 3"));
    answers_put(a, USERS, ANSWER_LIST("app", "default", "shop"));
    answers_put(a, CLOCK, answer("*2\r\n$10\r\n1700000000\r\n$6\r\n000123\r\n"));
    answers_put(a, SENTINELS, answer("*2\r\n$18\r\n__sentinel__:hello\r\n:0\r\n"));
    answers_put(a, COMMANDS, known_commands(WRITE_COMMANDS, WRITE_COMMANDS));
    for (unsigned i = RIGHTS; i < RIGHTS + 6; i++)
        answers_put(a, i, answer("+OK\r\n"));
}

static void learn(struct rig *r, const struct facts_question *question)
{
    facts_init(&r->facts);
    facts_learn(&r->facts, r->answers.replies, question);
}

static void all_is_learnt_of_a_node_that_answers_all(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    learn(&r, &source);
    assert_true(r.facts.known);
    assert_int_equal(r.facts.databases, 16);
    assert_int_equal(r.facts.maxclients, 10000);
    assert_int_equal(r.facts.repl_timeout, 60);
    assert_int_equal(r.facts.ping_period, 10);
    assert_int_equal(r.facts.buffer_hard, 268435456);
    assert_int_equal(r.facts.buffer_soft, 67108864);
    assert_int_equal(r.facts.buffer_seconds, 60);
    assert_int_equal(r.facts.tls_port, 0);
    assert_int_equal(r.facts.read_only, YES);
    assert_int_equal(r.facts.protected_mode, YES);
    assert_int_equal(r.facts.tls_replication, NO);
    assert_int_equal(r.facts.tls_built, YES);
    assert_int_equal(r.facts.tls_certificate, YES);
    assert_int_equal(r.facts.tls_authorities, YES);
    assert_int_equal(r.facts.dual_channel, NO);
    assert_int_equal(r.facts.version_check_relaxed, NO);
    assert_int_equal(r.facts.clock_us, 1700000000000123);
    assert_true(r.facts.keyspace_events_known && r.facts.users_known);
    assert_string_equal(r.facts.keyspace_events, "xE");
    assert_string_equal(r.facts.users, "app shop");
    assert_int_equal(r.facts.sentinels, NO);
    assert_true(r.facts.commands_known);
    for (size_t i = 0; i < WRITE_COMMANDS; i++)
        assert_true(r.facts.has_command[i]);
    answers_clear(&r.answers);
}

static void what_the_checks_ask_fits_into_a_call(void **state)
{
    const struct facts_question *questions[] = {&source, &target};
    const unsigned rights[] = {6, 4};

    (void)state;
    for (size_t i = 0; i < array_len(questions); i++) {
        struct redis_call call = {.n = 0};

        redis_call_init(&call);
        facts_ask(&call, questions[i]);
        assert_int_equal(call.n, RIGHTS + rights[i]);
        redis_call_clear(&call);
    }
}

static void what_a_node_does_not_tell_is_not_known(void **state)
{
    static const char *const odd[] = {
        NOPERM,
        "$-1\r\n",
        "*-1\r\n",
        "*0\r\n",
        ":7\r\n",
        "+OK\r\n",
        "$0\r\n\r\n",
        "*1\r\n$9\r\ndatabases\r\n",
        "*2\r\n$9\r\ndatabases\r\n$-1\r\n",
        "*2\r\n:1\r\n:2\r\n",
        "*2\r\n*0\r\n*0\r\n",
        "*3\r\n$-1\r\n$-1\r\n$12\r\nrepl-timeout\r\n",
        "-ERR unknown command 'CONFIG', with args beginning with: 'GET' 'databases'\r\n"};
    struct facts unknown;

    (void)state;
    facts_init(&unknown);
    for (size_t i = 0; i < array_len(odd); i++) {
        struct rig r;

        rig_init(&r);
        for (unsigned k = REPLICATION; k <= COMMANDS; k++)
            answers_put(&r.answers, k, answer(odd[i]));
        learn(&r, &source);
        memset(r.facts.right, 0, sizeof(r.facts.right));
        unknown.known = true;
        assert_memory_equal(&r.facts, &unknown, sizeof(unknown));
        answers_clear(&r.answers);
    }
}

static void odd_values_are_numbers_at_most(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    answers_put(&r.answers, REPLICATION,
                ANSWER_LIST("databases", "", "repl-timeout", "soon", "maxclients",
                            "99999999999999999999999999", "replica-read-only", "",
                            "rdb-version-check", "relaxed", "dual-channel-replication-enabled",
                            "yes", "repl-ping-replica-period", "-5"));
    answers_put(&r.answers, CONNECTIONS,
                ANSWER_LIST("client-output-buffer-limit", "slave 1 2", "tls-port", "6380 x"));
    learn(&r, &source);
    assert_int_equal(r.facts.databases, -1);
    assert_int_equal(r.facts.repl_timeout, 0);
    assert_int_equal(r.facts.maxclients, INT64_MAX);
    assert_int_equal(r.facts.ping_period, -5);
    assert_int_equal(r.facts.read_only, NO);
    assert_int_equal(r.facts.version_check_relaxed, YES);
    assert_int_equal(r.facts.dual_channel, YES);
    assert_int_equal(r.facts.buffer_hard, -1);
    assert_int_equal(r.facts.tls_port, 6380);
    answers_put(&r.answers, CONNECTIONS,
                ANSWER_LIST("client-output-buffer-limit", "normal 0 0 0 replica 5 6 7"));
    learn(&r, &source);
    assert_int_equal(r.facts.buffer_hard, 5);
    assert_int_equal(r.facts.buffer_soft, 6);
    assert_int_equal(r.facts.buffer_seconds, 7);
    answers_clear(&r.answers);
}

static void users_are_known_all_or_not_at_all(void **state)
{
    static const char longest[] =
        "a-user-with-a-name-of-sixty-four-characters-which-is-rather-long";
    struct rig r;

    (void)state;
    rig_init(&r);
    answers_put(&r.answers, USERS, ANSWER_LIST("default"));
    learn(&r, &source);
    assert_true(r.facts.users_known);
    assert_string_equal(r.facts.users, "");
    answers_put(&r.answers, USERS, ANSWER_LIST(longest, longest, "default"));
    learn(&r, &source);
    assert_true(r.facts.users_known);
    answers_put(&r.answers, USERS, ANSWER_LIST(longest, longest, "default", longest));
    learn(&r, &source);
    assert_false(r.facts.users_known);
    assert_string_equal(r.facts.users, "");
    answers_clear(&r.answers);
}

static void commands_are_those_of_which_something_is_said(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    answers_put(&r.answers, COMMANDS, known_commands(WRITE_COMMANDS, 3));
    learn(&r, &source);
    assert_true(r.facts.commands_known);
    for (size_t i = 0; i < WRITE_COMMANDS; i++)
        assert_int_equal(r.facts.has_command[i], i != 3);
    answers_put(&r.answers, COMMANDS, known_commands(WRITE_COMMANDS - 1, 3));
    learn(&r, &source);
    assert_false(r.facts.commands_known);
    answers_clear(&r.answers);
}

/* --- what INFO tells of them --- */

static bool used(const struct facts *facts, const char *name)
{
    for (size_t i = 0; i < WRITE_COMMANDS; i++)
        if (strcmp(write_commands[i], name) == 0)
            return facts->used_command[i];
    fail_msg("no such command: %s", name);
    return false;
}

static void learn_info(struct facts *facts, redisReply *info)
{
    facts_init(facts);
    facts_learn_info(facts, info);
    freeReplyObject(info);
}

static void commands_in_use_are_those_that_were_called(void **state)
{
    struct facts facts, nothing;

    (void)state;
    facts_init(&nothing);
    learn_info(&facts,
               answer_text("# Commandstats\r\ncmdstat_set:calls=1,usec=1\r\n"
                           "cmdstat_HDEL:calls=12,usec=1\r\n"
                           "cmdstat_del:calls=0,usec=0,rejected_calls=3\r\n"
                           "cmdstat_xgroup|create:calls=2,usec=0\r\ncmdstat_\r\ncmdstat_exec"));
    assert_true(used(&facts, "set"));
    assert_true(used(&facts, "hdel"));
    assert_false(used(&facts, "del"));
    assert_false(used(&facts, "append"));
    assert_true(used(&facts, "exec"));

    learn_info(&facts, answer_text("x cmdstat_set:calls=1\r\nerrorstat_cmdstat_del:count=1\r\n"
                                   "\r\n cmdstat_hdel:calls=1\r\ncmdstat_sets:calls=1\r\n"
                                   "cmdstat_se:calls=1\r\n"));
    assert_memory_equal(&facts, &nothing, sizeof(facts));
    learn_info(&facts, answer(NOPERM));
    assert_memory_equal(&facts, &nothing, sizeof(facts));
    learn_info(&facts, answer("$-1\r\n"));
    assert_memory_equal(&facts, &nothing, sizeof(facts));
}

/* --- Sentinel --- */

static void a_sentinel_is_known_by_its_name(void **state)
{
    static const struct {
        const char *list, *sentinel;
    } rows[] = {
        {"", ""},
        {"id=3 addr=10.0.0.5:41 laddr=1.1.1.1:1 name= db=0\n", ""},
        {"id=3 addr=10.0.0.9:40112 laddr=1.1.1.1:1 fd=8 name=sentinel-1a2b3c4d-cmd age=1\n",
         "'sentinel-1a2b3c4d-cmd' from 10.0.0.9:40112"},
        {"id=1 addr=10.0.0.1:1 name=app db=0\nid=2 addr=10.0.0.2:2 fd=9 name=sentinel-ab-pubsub "
         "db=0\nid=3 addr=10.0.0.3:3 name=sentinel-cd-cmd\n",
         "'sentinel-ab-pubsub' from 10.0.0.2:2"},
        {"id=1 addr=10.0.0.1:1 db=0\nid=2 laddr=10.0.0.2:2 name=sentinel-x", "'sentinel-x' from "},
        {"id=1 name=sentinel-x addr=10.0.0.1:1\n", "'sentinel-x' from "},
        {"id=1 addr=10.0.0.1:1 name=my-sentinel-1 user=sentinel-2 lib-name=sentinel-3\n", ""},
        {" name=sentinel-", "'sentinel-' from "},
    };
    char longest[512];

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        redisReply *reply = answer_text(rows[i].list);
        struct facts facts;

        facts_init(&facts);
        facts_learn_clients(&facts, reply);
        assert_string_equal(facts.sentinel, rows[i].sentinel);
        assert_int_equal(facts.right[RIGHT_CLIENT_LIST], RIGHT_ALLOWED);
        freeReplyObject(reply);
    }
    memset(longest, 'x', sizeof(longest));
    memcpy(longest, " name=sentinel-", 15);
    longest[sizeof(longest) - 1] = '\0';
    {
        redisReply *reply = answer_text(longest);
        struct facts facts;

        facts_init(&facts);
        facts_learn_clients(&facts, reply);
        assert_int_equal(strlen(facts.sentinel), sizeof(facts.sentinel) - 1);
        freeReplyObject(reply);
    }
}

static void where_no_list_was_asked_for_its_right_is_not_known(void **state)
{
    static const struct {
        const char *answer;
        enum right_state right;
    } rows[] = {
        {"+PONG\r\n", RIGHT_UNKNOWN},
        {"-NOPERM this user has no permissions to run the 'ping' command\r\n", RIGHT_UNKNOWN},
        {"-NOPERM this user has no permissions to run the 'client|list' command\r\n", RIGHT_DENIED},
        {"-NOPERM this user has no permissions to run the 'client' command or its subcommand\r\n",
         RIGHT_DENIED},
        {"-ERR unknown command `CLIENT`, with args beginning with: `LIST`\r\n", RIGHT_RENAMED},
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        redisReply *reply = answer(rows[i].answer);
        struct facts facts;

        facts_init(&facts);
        facts_learn_clients(&facts, reply);
        assert_int_equal(facts.right[RIGHT_CLIENT_LIST], rows[i].right);
        assert_string_equal(facts.sentinel, "");
        freeReplyObject(reply);
    }
}

static void somebody_on_its_channel_is_a_sentinel(void **state)
{
    static const struct {
        const char *answer;
        enum answer sentinels;
    } rows[] = {
        {"*2\r\n$18\r\n__sentinel__:hello\r\n:3\r\n", YES},
        {"*2\r\n$18\r\n__sentinel__:hello\r\n:0\r\n", NO},
        {"*2\r\n$18\r\n__sentinel__:hello\r\n:-1\r\n", NO},
        {"*2\r\n$18\r\n__sentinel__:hello\r\n$1\r\n3\r\n", NOT_KNOWN},
        {"*1\r\n:3\r\n", NOT_KNOWN},
        {NOPERM, NOT_KNOWN},
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        struct rig r;

        rig_init(&r);
        answers_put(&r.answers, SENTINELS, answer(rows[i].answer));
        learn(&r, &target);
        assert_int_equal(r.facts.sentinels, rows[i].sentinels);
        answers_clear(&r.answers);
    }
}

static void a_hello_names_whom_it_is_about(void **state)
{
    static const struct {
        const char *text, *name; /* NULL: nothing is learnt */
    } rows[] = {
        {"10.0.0.9,26379,1a2b,7,orders-1.a_b,10.0.0.1,6379,3", "orders-1.a_b"},
        {"::1,26379,1a2b,7,pair,::2,6379,3", "pair"},
        {"10.0.0.9,26379,1a2b,7,pair", NULL},
        {"10.0.0.9,0,1a2b,7,pair,10.0.0.1,6379,3", NULL},
        {"10.0.0.9,70000,1a2b,7,pair,10.0.0.1,6379,3", NULL},
        {"10.0.0.9;reboot,26379,1a2b,7,pair,10.0.0.1,6379,3", NULL},
        {"10.0.0.9,26379,1a2b,7,$(reboot),10.0.0.1,6379,3", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        char text[256];
        redisReply *reply;
        struct facts facts;

        snprintf(text, sizeof(text),
                 "*3\r\n$7\r\nmessage\r\n$18\r\n__sentinel__:hello\r\n$%zu\r\n%s\r\n",
                 strlen(rows[i].text), rows[i].text);
        reply = answer(text);
        facts_init(&facts);
        facts_learn_hello(&facts, reply);
        assert_string_equal(facts.hello_name, rows[i].name ? rows[i].name : "");
        assert_int_equal(facts.hello_port, facts.hello_name[0] ? 26379 : 0);
        freeReplyObject(reply);
    }
}

/* --- a value among names and values --- */

static void a_value_is_found_behind_its_name(void **state)
{
    static const struct {
        const char *answer, *value;
    } rows[] = {
        {"*2\r\n$1\r\na\r\n$1\r\n1\r\n", "1"},
        {"*4\r\n$1\r\nb\r\n$1\r\na\r\n$1\r\na\r\n$1\r\n2\r\n", "2"}, /* a name, not a value */
        {"*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\na\r\n$1\r\n2\r\n", "1"},
        {"*2\r\n$1\r\na\r\n$0\r\n\r\n", ""},
        {"*3\r\n$1\r\nb\r\n$1\r\n1\r\n$1\r\na\r\n", NULL},
        {"*2\r\n$1\r\na\r\n$-1\r\n", NULL},
        {"*2\r\n$1\r\na\r\n*0\r\n", NULL},
        {"*2\r\n:5\r\n$1\r\na\r\n", NULL},
        {"*4\r\n$-1\r\n$-1\r\n$1\r\na\r\n$1\r\n1\r\n", "1"},
        {"*0\r\n", NULL},
        {"*-1\r\n", NULL},
        {"$1\r\na\r\n", NULL},
        {NOPERM, NULL},
#ifdef REDIS_REPLY_MAP
        {"%2\r\n$1\r\nb\r\n$1\r\n0\r\n$1\r\na\r\n$1\r\n1\r\n", "1"},
        {"%0\r\n", NULL},
#endif
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        redisReply *reply = answer(rows[i].answer);
        const char *value = config_value_of(reply, "a");

        if (rows[i].value)
            assert_string_equal(value, rows[i].value);
        else
            assert_null(value);
        freeReplyObject(reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_learnt_of_a_node_that_answers_all),
        cmocka_unit_test(what_the_checks_ask_fits_into_a_call),
        cmocka_unit_test(what_a_node_does_not_tell_is_not_known),
        cmocka_unit_test(odd_values_are_numbers_at_most),
        cmocka_unit_test(users_are_known_all_or_not_at_all),
        cmocka_unit_test(commands_are_those_of_which_something_is_said),
        cmocka_unit_test(commands_in_use_are_those_that_were_called),
        cmocka_unit_test(a_sentinel_is_known_by_its_name),
        cmocka_unit_test(where_no_list_was_asked_for_its_right_is_not_known),
        cmocka_unit_test(somebody_on_its_channel_is_a_sentinel),
        cmocka_unit_test(a_hello_names_whom_it_is_about),
        cmocka_unit_test(a_value_is_found_behind_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
