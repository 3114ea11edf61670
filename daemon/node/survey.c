/* SPDX-License-Identifier: Apache-2.0 */
/* One row each: a command, and what its answer tells. */
#include "daemon/node/survey.h"

#include <stdio.h>
#include <string.h>

#include "daemon/node/config_value.h"
#include "daemon/spec/spec.h"
#include "lib/base/base.h"

/* CLIENT LIST keeps a server busy for microseconds each, and its answer is a third of a KiB each.
 */
#define LISTED_MAX 1000
#define CALLS_MAX (1ll << 60) /* three of them can be added */

/* --- what the answers tell --- */

/* "cmdstat_eval:calls=3,usec=…" */
static int64_t calls_of(const char *stats, const char *command)
{
    char line[48];
    const char *at;
    long long calls;

    snprintf(line, sizeof(line), "cmdstat_%s:calls=", command);
    at = strcasestr(stats, line);
    if (!at || sscanf(at + strlen(line), "%lld", &calls) != 1)
        return 0;
    return min_of(max_of(calls, 0ll), CALLS_MAX);
}

void survey_learn_scripts(struct survey *ret, const redisReply *reply)
{
    const char *const commands[] = {"eval", "evalsha", "fcall"};

    ret->scripts = -1;
    if (reply->type != REDIS_REPLY_STRING)
        return;
    ret->scripts = 0;
    for (size_t i = 0; i < array_len(commands); i++)
        ret->scripts += calls_of(reply->str, commands[i]);
}

static void learn_scripts(struct survey *s, const redisReply *reply, const char *instance)
{
    (void)instance;
    survey_learn_scripts(s, reply);
}

/* Before 5.0 "slave-announce-ip". */
static void learn_announced(struct survey *s, const redisReply *reply)
{
    const char *ip = config_value_of(reply, "replica-announce-ip");
    const char *port = config_value_of(reply, "replica-announce-port");
    long number;

    s->announced = (struct endpoint){.port = 0};
    if (!ip)
        ip = config_value_of(reply, "slave-announce-ip");
    if (!port)
        port = config_value_of(reply, "slave-announce-port");
    if (ip)
        (void)str_copy(s->announced.host, sizeof(s->announced.host), ip);
    number = port ? strtol(port, NULL, 10) : 0;
    if (number > 0 && number <= UINT16_MAX)
        s->announced.port = (uint16_t)number;
}

static void learn_settings(struct survey *s, const redisReply *reply, const char *instance)
{
    const char *min = config_value_of(reply, "min-replicas-to-write");
    const char *save = config_value_of(reply, "save");
    const char *stop = config_value_of(reply, "stop-writes-on-bgsave-error");

    (void)instance;
    if (!min)
        min = config_value_of(reply, "min-slaves-to-write");
    s->min_replicas = min ? strtoll(min, NULL, 10) : -1;
    s->saves = save && save[0] != '\0';
    s->stops_writes = stop && strcmp(stop, "yes") == 0;
    learn_announced(s, reply);
}

/* The value of a field of a line of CLIENT LIST, up to the next blank; "" where there is none. */
static void field(const char *line, const char *name, char *ret, size_t size)
{
    const char *end = strchrnul(line, '\n');
    const char *at = strstr(line, name);
    size_t len = at && at < end ? strcspn(at + strlen(name), " \n") : 0;

    snprintf(ret, size, "%.*s", (int)len, len ? at + strlen(name) : "");
}

static bool is_strange(const char *name, const char *instance)
{
    const char *end = strrchr(name, ':');

    return strncmp(name, "ecmigrate:", 10) == 0 && end && strcmp(end + 1, instance) != 0;
}

static void learn_stranger(struct survey *s, const redisReply *reply, const char *instance)
{
    char name[SPEC_ID_MAX + 40], address[56];

    if (reply->type != REDIS_REPLY_STRING)
        return;
    for (const char *line = reply->str; *line && !s->stranger[0];) {
        const char *end = strchrnul(line, '\n');

        field(line, " name=", name, sizeof(name));
        field(line, " addr=", address, sizeof(address));
        if (is_strange(name, instance))
            snprintf(s->stranger, sizeof(s->stranger), "'%s' from %s", name, address);
        line = *end ? end + 1 : end;
    }
}

/* --- the commands --- */

#define WORDS_MAX 3

static const struct {
    const char *words[WORDS_MAX]; /* as many as are not NULL */
    void (*learn)(struct survey *s, const redisReply *reply, const char *instance);
} rows[] = {
    {{"INFO", "commandstats"}, learn_scripts},
    /* One pattern, and no setting that holds a secret: min-replicas-to-write, replica-announce-…
     * (min-slaves-…, slave-…), save and stop-writes-on-bgsave-error. */
    {{"CONFIG", "GET", "[mrs][aeilt][nopva]*"}, learn_settings},
    {{"CLIENT", "LIST"}, learn_stranger},
};

void survey_ask_scripts(struct redis_call *call)
{
    redis_call_addv(call, "INFO", "commandstats");
}

void survey_ask(struct redis_call *call, const struct redis_info *info, bool told)
{
    const char *const nothing[] = {"PING"};

    for (size_t i = told ? 1 : 0; i < array_len(rows); i++) {
        /* Who is one of very many is not found out this way. */
        bool many = rows[i].learn == learn_stranger && info->connected_clients > LISTED_MAX;
        int n = 0;

        while (n < WORDS_MAX && rows[i].words[n])
            n++;
        redis_call_add(call, many ? 1 : n, many ? nothing : rows[i].words);
    }
}

const redisReply *survey_clients(redisReply *const *replies)
{
    return replies[array_len(rows) - 1];
}

unsigned survey_size(void)
{
    return array_len(rows);
}

void survey_learn(struct survey *ret, redisReply *const *replies, const char *instance)
{
    *ret = (struct survey){.known = true, .scripts = -1, .min_replicas = -1};
    for (size_t i = 0; i < array_len(rows); i++)
        rows[i].learn(ret, replies[i], instance);
}
