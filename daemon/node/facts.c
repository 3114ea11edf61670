/* SPDX-License-Identifier: Apache-2.0 */
/* One row each: a command, and what its answer tells. */
#include "daemon/node/facts.h"

#include <stdio.h>
#include <string.h>

#include "daemon/node/config_value.h"
#include "daemon/node/rights.h"
#include "lib/base/base.h"

/* --- settings --- */

static int64_t number_of(const redisReply *reply, const char *name)
{
    const char *value = config_value_of(reply, name);

    return value && *value ? strtoll(value, NULL, 10) : -1;
}

static enum answer answer_of(const redisReply *reply, const char *name)
{
    const char *value = config_value_of(reply, name);

    return !value ? NOT_KNOWN : strcmp(value, "yes") == 0 ? YES : NO;
}

static void learn_databases(struct facts *facts, const redisReply *reply)
{
    facts->right[RIGHT_CONFIG_GET] = rights_judge(reply);
    facts->databases = number_of(reply, "databases");
    facts->dual_channel = answer_of(reply, "dual-channel-replication-enabled");
}

static void learn_replication(struct facts *facts, const redisReply *reply)
{
    const char *check = config_value_of(reply, "rdb-version-check");

    facts->repl_timeout = number_of(reply, "repl-timeout");
    facts->ping_period = number_of(reply, "repl-ping-replica-period");
    facts->read_only = answer_of(reply, "replica-read-only");
    facts->version_check_relaxed = !check ? NOT_KNOWN : strcmp(check, "relaxed") == 0 ? YES : NO;
}

/* "normal 0 0 0 slave 268435456 67108864 60 pubsub …" */
static void learn_buffer(struct facts *facts, const redisReply *reply)
{
    const char *names[] = {"slave ", "replica "};
    const char *value = config_value_of(reply, "client-output-buffer-limit");
    long long hard, soft, seconds;

    for (size_t i = 0; value && i < array_len(names); i++) {
        const char *at = strstr(value, names[i]);

        if (!at || sscanf(at + strlen(names[i]), "%lld %lld %lld", &hard, &soft, &seconds) != 3)
            continue;
        facts->buffer_hard = hard;
        facts->buffer_soft = soft;
        facts->buffer_seconds = seconds;
    }
}

static void learn_protected_mode(struct facts *facts, const redisReply *reply)
{
    facts->protected_mode = answer_of(reply, "protected-mode");
}

static void learn_tls(struct facts *facts, const redisReply *reply)
{
    facts->tls_replication = answer_of(reply, "tls-replication");
    facts->tls_port = number_of(reply, "tls-port");
}

/* --- commands --- */

static void learn_commands(struct facts *facts, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != WRITE_COMMANDS)
        return;
    facts->commands_known = true;
    for (size_t i = 0; i < WRITE_COMMANDS; i++)
        facts->has_command[i] = reply->element[i]->type == REDIS_REPLY_ARRAY;
}

void facts_learn_info(struct facts *facts, const redisReply *info)
{
    char line[48];

    if (info->type != REDIS_REPLY_STRING)
        return;
    for (size_t i = 0; i < WRITE_COMMANDS; i++) {
        snprintf(line, sizeof(line), "cmdstat_%s:", write_commands[i]);
        facts->used_command[i] = strcasestr(info->str, line) != NULL;
    }
}

/* --- Sentinel --- */

static void learn_sentinels(struct facts *facts, const redisReply *reply)
{
    bool known = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                 reply->element[1]->type == REDIS_REPLY_INTEGER;

    facts->sentinels = !known ? NOT_KNOWN : reply->element[1]->integer > 0 ? YES : NO;
}

/* "… addr=10.0.0.9:40112 … name=sentinel-1a2b3c4d-cmd …" */
void facts_learn_clients(struct facts *facts, const redisReply *clients)
{
    const char *name, *line, *addr;

    facts->right[RIGHT_CLIENT_LIST] = rights_judge(clients);
    if (clients->type != REDIS_REPLY_STRING)
        return;
    name = strstr(clients->str, " name=sentinel-");
    if (!name)
        return;
    for (line = name; line > clients->str && line[-1] != '\n';)
        line--;
    addr = strstr(line, " addr=");
    name += strlen(" name=");
    if (addr && addr < name)
        addr += strlen(" addr=");
    else
        addr = "";
    snprintf(facts->sentinel, sizeof(facts->sentinel), "'%.*s' from %.*s",
             (int)strcspn(name, " \n"), name, (int)strcspn(addr, " \n"), addr);
}

/* --- the rows --- */

#define WORDS_MAX 3

static const struct {
    const char *words[WORDS_MAX]; /* as many as are not NULL */
    void (*learn)(struct facts *facts, const redisReply *reply);
} rows[] = {
    /* Patterns: databases and dual-channel-replication-enabled; all of replication. */
    {{"CONFIG", "GET", "d[au]*"}, learn_databases},
    {{"CONFIG", "GET", "r[de][bp]*"}, learn_replication},
    {{"CONFIG", "GET", "client-output-buffer-limit"}, learn_buffer},
    {{"CONFIG", "GET", "protected-mode"}, learn_protected_mode},
    {{"CONFIG", "GET", "tls-*[tn]"}, learn_tls}, /* tls-port, tls-replication; no secret */
    {{"PUBSUB", "NUMSUB", "__sentinel__:hello"}, learn_sentinels},
};

static void ask_commands(struct redis_call *call)
{
    const char *argv[2 + WRITE_COMMANDS] = {"COMMAND", "INFO"};

    for (size_t i = 0; i < WRITE_COMMANDS; i++)
        argv[2 + i] = write_commands[i];
    redis_call_add(call, array_len(argv), argv);
}

void facts_ask(struct redis_call *call, const struct facts_question *question)
{
    for (size_t i = 0; i < array_len(rows); i++) {
        int n = 0;

        while (n < WORDS_MAX && rows[i].words[n])
            n++;
        redis_call_add(call, n, rows[i].words);
    }
    ask_commands(call);
    rights_ask(call, question);
}

void facts_learn(struct facts *facts, redisReply *const *replies,
                 const struct facts_question *question)
{
    for (size_t i = 0; i < array_len(rows); i++)
        rows[i].learn(facts, replies[i]);
    learn_commands(facts, replies[array_len(rows)]);
    rights_learn(facts, replies + array_len(rows) + 1, question);
    facts->known = true;
}
