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

static void learn_replication(struct facts *facts, const redisReply *reply)
{
    const char *check = config_value_of(reply, "rdb-version-check");
    const char *events = config_value_of(reply, "notify-keyspace-events");

    facts->right[RIGHT_CONFIG_GET] = rights_judge(reply);
    facts->databases = number_of(reply, "databases");
    facts->maxclients = number_of(reply, "maxclients");
    facts->dual_channel = answer_of(reply, "dual-channel-replication-enabled");
    facts->repl_timeout = number_of(reply, "repl-timeout");
    facts->ping_period = number_of(reply, "repl-ping-replica-period");
    facts->read_only = answer_of(reply, "replica-read-only");
    facts->keyspace_events_known =
        events && str_copy(facts->keyspace_events, sizeof(facts->keyspace_events), events);
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

/* Whether a setting that is a name has a value. */
static enum answer given(const redisReply *reply, const char *name)
{
    const char *value = config_value_of(reply, name);

    return !value ? NOT_KNOWN : value[0] ? YES : NO;
}

static void learn_connections(struct facts *facts, const redisReply *reply)
{
    learn_buffer(facts, reply);
    facts->protected_mode = answer_of(reply, "protected-mode");
    facts->tls_replication = answer_of(reply, "tls-replication");
    facts->tls_port = number_of(reply, "tls-port");
    if (facts->protected_mode != NOT_KNOWN)
        facts->tls_built = facts->tls_port >= 0 ? YES : NO;
    facts->tls_certificate = given(reply, "tls-cert-file");
    facts->tls_authorities = given(reply, "tls-ca-cert-file");
    if (facts->tls_authorities == NO)
        facts->tls_authorities = given(reply, "tls-ca-cert-dir");
}

/* INFO shows it since 7.0 only. */
static void learn_clock(struct facts *facts, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return;
    facts->clock_us = strtoll(reply->element[0]->str, NULL, 10) * 1000000 +
                      strtoll(reply->element[1]->str, NULL, 10);
}

/* --- users --- */

/* One more name; false: there is no room for it. */
static bool add_user(struct facts *facts, const redisReply *name)
{
    size_t used = strlen(facts->users);

    if (used + name->len + 2 > sizeof(facts->users))
        return false;
    snprintf(facts->users + used, sizeof(facts->users) - used, "%s%s", used ? " " : "", name->str);
    return true;
}

/* "default" is always among them. Of very many nothing is known. */
static void learn_users(struct facts *facts, const redisReply *reply)
{
    bool fits = true, whole = false;

    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        const redisReply *name = reply->element[i];

        if (name->type == REDIS_REPLY_STRING && strcmp(name->str, "default") == 0)
            whole = true;
        else
            fits = fits && name->type == REDIS_REPLY_STRING && add_user(facts, name);
    }
    facts->users_known = whole && fits;
    if (!facts->users_known)
        memset(facts->users, 0, sizeof(facts->users));
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

/* len characters, in small or capital letters as it comes. */
static void used(struct facts *facts, const char *name, size_t len)
{
    for (size_t i = 0; i < WRITE_COMMANDS; i++)
        if (strncasecmp(write_commands[i], name, len) == 0 && write_commands[i][len] == '\0')
            facts->used_command[i] = true;
}

/* "cmdstat_set:calls=12,usec=…", "cmdstat_xgroup|create:calls=0,usec=0,…,rejected_calls=1": a line
 * for each command that was called, or refused. */
void facts_learn_info(struct facts *facts, const redisReply *info)
{
    static const char begin[] = "\ncmdstat_";

    memset(facts->used_command, 0, sizeof(facts->used_command));
    if (info->type != REDIS_REPLY_STRING)
        return;
    for (const char *at = strstr(info->str, begin); at; at = strstr(at, begin)) {
        at += strlen(begin);
        if (strncmp(at + strcspn(at, ":\r\n"), ":calls=0,", 9) != 0)
            used(facts, at, strcspn(at, ":|\r\n"));
    }
}

/* --- Sentinel --- */

/* What it says goes into lines to be pasted into a shell. */
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_"

static void learn_sentinels(struct facts *facts, const redisReply *reply)
{
    bool known = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                 reply->element[0]->type == REDIS_REPLY_STRING &&
                 reply->element[1]->type == REDIS_REPLY_INTEGER;

    facts->sentinels = !known ? NOT_KNOWN : reply->element[1]->integer > 0 ? YES : NO;
}

/* "… addr=10.0.0.9:40112 … name=sentinel-1a2b3c4d-cmd …" */
void facts_learn_clients(struct facts *facts, const redisReply *clients)
{
    const char *name, *line, *addr;

    /* Where there are too many for a list, PING was sent instead. */
    if (clients->type != REDIS_REPLY_STATUS &&
        (clients->type != REDIS_REPLY_ERROR || !strstr(clients->str, "'ping'")))
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

void facts_ask_hello(struct redis_call *call)
{
    redis_call_addv(call, "SUBSCRIBE", "__sentinel__:hello");
    redis_call_await(call);
}

/* Its address, run id, epoch, and of the primary: name, address, epoch; with commas between. */
void facts_learn_hello(struct facts *facts, const redisReply *message)
{
    const redisReply *text =
        message->type == REDIS_REPLY_ARRAY && message->elements == 3 ? message->element[2] : NULL;
    char host[48], name[64];
    unsigned port;
    int used = 0; /* a longer name does not end there */

    if (!text || text->type != REDIS_REPLY_STRING ||
        sscanf(text->str, "%47[^,],%u,%*[^,],%*[^,],%63[A-Za-z0-9._-],%n", host, &port, name,
               &used) != 3 ||
        used == 0 || port == 0 || port > UINT16_MAX || host[strspn(host, HOST_CHARACTERS)])
        return;
    (void)str_copy(facts->hello_host, sizeof(facts->hello_host), host);
    (void)str_copy(facts->hello_name, sizeof(facts->hello_name), name);
    facts->hello_port = (uint16_t)port;
}

/* --- the rows --- */

#define WORDS_MAX 3

static const struct {
    const char *words[WORDS_MAX]; /* as many as are not NULL */
    void (*learn)(struct facts *facts, const redisReply *reply);
} rows[] = {
    /* Servers before 7.0 take one pattern. These meet what is learnt, and no setting that holds a
     * secret (tls-key-file-pass, masterauth, …). */
    {{"CONFIG", "GET", "[dmnr][aeudo][abptx]*"}, learn_replication},
    {{"CONFIG", "GET", "[cpt][lr]*[enrt]"}, learn_connections},
    {{"ACL", "USERS"}, learn_users},
    {{"TIME"}, learn_clock},
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
