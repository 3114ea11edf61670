/* SPDX-License-Identifier: Apache-2.0 */
/* What a survey learns from the answers of a node, without the node. */
#include <string.h>

#include "daemon/node/config_value.h"
#include "daemon/node/survey.h"
#include "lib/base/base.h"
#include "tests/unit/fixture.h"

#define ANSWERS 3 /* in the order of survey_ask(): scripts, settings, clients */

#define OURS "0badcafe"

/* A reply and what it consists of. */
struct answer {
    redisReply reply;
    redisReply parts[12];
    redisReply *elements[12];
    char text[12][512];
};

struct rig {
    struct answer answers[ANSWERS];
    struct survey survey;
};

static void set_string(redisReply *reply, char text[512], int type, const char *value)
{
    str_copy(text, 512, value);
    reply->type = type;
    reply->str = text;
    reply->len = strlen(text);
}

static void say(struct answer *a, int type, const char *value)
{
    memset(a, 0, sizeof(*a));
    set_string(&a->reply, a->text[0], type, value);
}

/* The answer to CONFIG GET: names and values, ended by NULL. */
static void say_config(struct answer *a, const char *const *words)
{
    memset(a, 0, sizeof(*a));
    a->reply.type = REDIS_REPLY_ARRAY;
    a->reply.element = a->elements;
    for (size_t i = 0; i < array_len(a->parts) && words[i]; i++) {
        set_string(&a->parts[i], a->text[i], REDIS_REPLY_STRING, words[i]);
        a->elements[i] = &a->parts[i];
        a->reply.elements++;
    }
}

#define SAY_CONFIG(answer, ...) say_config(answer, (const char *const[]){__VA_ARGS__, NULL})

/* A node that answers all. */
static void rig_init(struct rig *r)
{
    say(&r->answers[0], REDIS_REPLY_STRING, "# Commandstats\r\n");
    SAY_CONFIG(&r->answers[1], "min-replicas-to-write", "0", "min-slaves-to-write", "0",
               "stop-writes-on-bgsave-error", "yes", "save", "3600 1 300 100",
               "replica-announce-ip", "", "replica-announce-port", "0");
    say(&r->answers[2], REDIS_REPLY_STRING, "id=3 addr=10.0.0.5:41414 fd=8 name= db=0\n");
}

static void learn(struct rig *r)
{
    redisReply *replies[ANSWERS];

    for (size_t i = 0; i < ANSWERS; i++)
        replies[i] = &r->answers[i].reply;
    memset(&r->survey, 0xff, sizeof(r->survey)); /* nothing of an earlier one is kept */
    survey_learn(&r->survey, replies, OURS);
}

static void all_is_learnt_of_a_node_that_answers_all(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    learn(&r);
    assert_true(r.survey.known);
    assert_int_equal(r.survey.scripts, 0);
    assert_int_equal(r.survey.min_replicas, 0);
    assert_true(r.survey.saves);
    assert_true(r.survey.stops_writes);
    assert_string_equal(r.survey.stranger, "");
    assert_string_equal(r.survey.announced.host, "");
    assert_int_equal(r.survey.announced.port, 0);
}

static void what_a_node_refuses_stays_unknown(void **state)
{
    struct rig r;

    (void)state;
    for (size_t i = 0; i < ANSWERS; i++)
        say(&r.answers[i], REDIS_REPLY_ERROR, "NOPERM no permissions name=ecmigrate:x:1:2 yes 7");
    learn(&r);
    assert_true(r.survey.known);
    assert_int_equal(r.survey.scripts, -1);
    assert_int_equal(r.survey.min_replicas, -1);
    assert_false(r.survey.saves);
    assert_false(r.survey.stops_writes);
    assert_string_equal(r.survey.stranger, "");
    assert_string_equal(r.survey.announced.host, "");
    assert_int_equal(r.survey.announced.port, 0);
}

static void scripts_are_counted_over_the_commands_that_write(void **state)
{
    static const struct {
        const char *stats;
        int64_t scripts;
    } rows[] = {
        {"# Commandstats\r\n", 0},
        {"# Commandstats\r\ncmdstat_eval:calls=3,usec=9,usec_per_call=3.00\r\n", 3},
        {"cmdstat_eval:calls=3,usec=9\r\ncmdstat_evalsha:calls=40,usec=1\r\n"
         "cmdstat_fcall:calls=500,usec=1\r\n",
         543},
        {"cmdstat_EVAL:calls=2,usec=9\r\n", 2},
        {"cmdstat_eval_ro:calls=3,usec=9\r\ncmdstat_fcall_ro:calls=3,usec=9\r\n", 0},
        {"cmdstat_get:calls=77,usec=9\r\n", 0},
        {"cmdstat_eval:calls=,usec=9\r\n", 0},
        {"", 0},
    };
    struct rig r;

    (void)state;
    rig_init(&r);
    for (size_t i = 0; i < array_len(rows); i++) {
        say(&r.answers[0], REDIS_REPLY_STRING, rows[i].stats);
        learn(&r);
        assert_int_equal(r.survey.scripts, rows[i].scripts);
    }
    survey_learn_scripts(&r.survey, &r.answers[1].reply); /* no text at all */
    assert_int_equal(r.survey.scripts, -1);
}

static void settings_are_read_from_the_answers_to_config_get(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    SAY_CONFIG(&r.answers[1], "min-slaves-to-write", "3", "min-replicas-to-write", "3", "save", "",
               "stop-writes-on-bgsave-error", "no");
    learn(&r);
    assert_int_equal(r.survey.min_replicas, 3);
    assert_false(r.survey.saves);
    assert_false(r.survey.stops_writes);

    SAY_CONFIG(&r.answers[1], "save", "900 1", "min-slaves-max-lag", "10", "min-slaves-to-write",
               "2"); /* before 5.0 */
    learn(&r);
    assert_int_equal(r.survey.min_replicas, 2);
    assert_true(r.survey.saves);

    say_config(&r.answers[1], (const char *const[]){NULL}); /* nothing that the server knows */
    learn(&r);
    assert_int_equal(r.survey.min_replicas, -1);
    assert_false(r.survey.saves);
    assert_false(r.survey.stops_writes);
}

static void a_config_value_is_a_string_behind_a_name(void **state)
{
    struct answer a;

    (void)state;
    SAY_CONFIG(&a, "save", "900 1");
    assert_string_equal(config_value(&a.reply), "900 1");
    SAY_CONFIG(&a, "save", "");
    assert_string_equal(config_value(&a.reply), "");
    SAY_CONFIG(&a, "save");
    assert_null(config_value(&a.reply));
    SAY_CONFIG(&a, "save", "x");
    a.parts[1].type = REDIS_REPLY_NIL;
    assert_null(config_value(&a.reply));
    say(&a, REDIS_REPLY_STRING, "save");
    assert_null(config_value(&a.reply));
    say(&a, REDIS_REPLY_ERROR, "ERR unknown command");
    assert_null(config_value(&a.reply));
}

static void a_stranger_is_an_ecmigrate_of_another_instance(void **state)
{
    static const struct {
        const char *list, *stranger;
    } rows[] = {
        {"", ""},
        {"id=3 addr=10.0.0.5:1 name=ecmigrate:orders:7:" OURS " db=0\n", ""},
        {"id=3 addr=10.0.0.5:1 name=ecmigrate:orders:7:deadbeef db=0\n",
         "'ecmigrate:orders:7:deadbeef' from 10.0.0.5:1"},
        {"id=3 laddr=10.0.0.1:6379 addr=10.0.0.5:1 name=ecmigrate:orders:7:deadbeef",
         "'ecmigrate:orders:7:deadbeef' from 10.0.0.5:1"},
        {"id=1 addr=10.0.0.4:1 name= db=0\nid=2 addr=10.0.0.5:2 name=ecmigrate:a:1:" OURS "\n"
         "id=3 addr=10.0.0.6:3 name=ecmigrate:b:2:feedface db=0\n"
         "id=4 addr=10.0.0.7:4 name=ecmigrate:c:2:feedface db=0\n",
         "'ecmigrate:b:2:feedface' from 10.0.0.6:3"},
        /* somebody who only looks like one */
        {"id=3 addr=10.0.0.5:1 name=my-ecmigrate:orders:7:deadbeef db=0\n", ""},
        {"id=3 addr=10.0.0.5:1 name=ecmigrated db=0 user=ecmigrate:x:1:2\n", ""},
        /* a line without a name does not take the next one's */
        {"id=3 addr=10.0.0.5:1 db=0\nid=4 addr=10.0.0.6:2 name=ecmigrate:b:2:feedface\n",
         "'ecmigrate:b:2:feedface' from 10.0.0.6:2"},
    };
    struct rig r;

    (void)state;
    rig_init(&r);
    for (size_t i = 0; i < array_len(rows); i++) {
        say(&r.answers[2], REDIS_REPLY_STRING, rows[i].list);
        learn(&r);
        assert_string_equal(r.survey.stranger, rows[i].stranger);
    }
}

static void what_a_replica_announces_is_learnt(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    SAY_CONFIG(&r.answers[1], "replica-announce-ip", "203.0.113.9", "replica-announce-port",
               "6400");
    learn(&r);
    assert_string_equal(r.survey.announced.host, "203.0.113.9");
    assert_int_equal(r.survey.announced.port, 6400);
    SAY_CONFIG(&r.answers[1], "slave-announce-ip", "old.example", "slave-announce-port", "70000");
    learn(&r);
    assert_string_equal(r.survey.announced.host, "old.example");
    assert_int_equal(r.survey.announced.port, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_replica_announces_is_learnt),
        cmocka_unit_test(all_is_learnt_of_a_node_that_answers_all),
        cmocka_unit_test(what_a_node_refuses_stays_unknown),
        cmocka_unit_test(scripts_are_counted_over_the_commands_that_write),
        cmocka_unit_test(settings_are_read_from_the_answers_to_config_get),
        cmocka_unit_test(a_config_value_is_a_string_behind_a_name),
        cmocka_unit_test(a_stranger_is_an_ecmigrate_of_another_instance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
