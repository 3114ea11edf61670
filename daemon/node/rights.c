/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each command is wrong in a way that shows only to whoever may use it: the ACL is asked before its
 * arguments are looked at.
 */
#include "daemon/node/rights.h"

#include <string.h>

#include "lib/base/base.h"

#define WORDS_MAX 4
/* ID 0 would close every client of Redis 6.0; nobody has got as far as this. */
#define NO_CLIENT "999999999999"

enum row_kind {
    ALWAYS,
    AT_SOURCE,     /* needed there only, and at the primary above it */
    WITHOUT_PAUSE, /* … and it would end a pause, of whoever it is */
    OUR_NAME,      /* our own name goes behind it */
};

static const struct {
    enum right right;
    enum row_kind kind;
    const char *words[WORDS_MAX]; /* as many as are not NULL */
} rows[] = {
    {RIGHT_REPLICAOF, ALWAYS, {"REPLICAOF", "127.0.0.1", "x"}},
    {RIGHT_CONFIG_SET, ALWAYS, {"CONFIG", "SET", "no-such-setting", "1"}},
    {RIGHT_CLIENT_KILL, ALWAYS, {"CLIENT", "KILL", "ID", NO_CLIENT}},
    {RIGHT_CLIENT_SETNAME, OUR_NAME, {"CLIENT", "SETNAME"}},
    {RIGHT_CLIENT_PAUSE, AT_SOURCE, {"CLIENT", "PAUSE", "x", "WRITE"}},
    {RIGHT_CLIENT_UNPAUSE, WITHOUT_PAUSE, {"CLIENT", "UNPAUSE"}},
};

/* Nothing is begun: PING's answer waits in front of it, and both refuse to share a connection. */
static const struct {
    enum right right;
    const char *words[WORDS_MAX];
} login_rows[] = {
    {RIGHT_REPLCONF, {"REPLCONF", "listening-port"}},
    {RIGHT_PING, {"PING"}},
    {RIGHT_PSYNC, {"PSYNC", "?", "-1"}},
    {RIGHT_SYNC, {"SYNC"}},
};

enum right_state rights_judge(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR)
        return RIGHT_ALLOWED;
    if (strncmp(reply->str, "NOPERM", 6) == 0)
        return RIGHT_DENIED;
    if (strcasestr(reply->str, "unknown command"))
        return RIGHT_RENAMED;
    if (strstr(reply->str, "cluster mode"))
        return RIGHT_CLUSTER;
    return strncmp(reply->str, "ERR", 3) == 0 ? RIGHT_ALLOWED : RIGHT_UNKNOWN;
}

static bool asks(enum row_kind kind, const struct facts_question *question)
{
    if (kind == WITHOUT_PAUSE && !question->may_unpause)
        return false;
    return question->side != SIDE_TARGET || (kind != AT_SOURCE && kind != WITHOUT_PAUSE);
}

static int words_of(const char *const words[WORDS_MAX])
{
    int n = 0;

    while (n < WORDS_MAX && words[n])
        n++;
    return n;
}

void rights_ask(struct redis_call *call, const struct facts_question *question)
{
    for (size_t i = 0; i < array_len(rows); i++) {
        const char *words[WORDS_MAX];
        int n = words_of(rows[i].words);

        if (!asks(rows[i].kind, question))
            continue;
        memcpy(words, rows[i].words, sizeof(words));
        if (rows[i].kind == OUR_NAME)
            words[n++] = question->name;
        if (rows[i].right == RIGHT_REPLICAOF && question->old)
            words[0] = "SLAVEOF";
        redis_call_add(call, n, words);
    }
}

/* The server was asked for the number when we met it. */
static enum right_state right_to_id(const struct facts *facts, int64_t id)
{
    if (id != 0)
        return RIGHT_ALLOWED;
    return facts->right[RIGHT_CLIENT_KILL] == RIGHT_RENAMED ? RIGHT_RENAMED : RIGHT_DENIED;
}

void rights_learn(struct facts *facts, redisReply *const *replies,
                  const struct facts_question *question)
{
    facts->right[RIGHT_INFO] = RIGHT_ALLOWED; /* or it would not be reachable */
    for (size_t i = 0, k = 0; i < array_len(rows); i++)
        if (asks(rows[i].kind, question))
            facts->right[rows[i].right] = rights_judge(replies[k++]);
    if (!question->old)
        facts->right[RIGHT_CLIENT_ID] = right_to_id(facts, question->id);
}

void facts_ask_login(struct redis_call *call)
{
    for (size_t i = 0; i < array_len(login_rows); i++)
        redis_call_add(call, words_of(login_rows[i].words), login_rows[i].words);
}

void facts_learn_login(struct login_facts *ret, redisReply *const *replies)
{
    for (size_t i = 0; i < array_len(login_rows); i++)
        ret->right[login_rows[i].right] = rights_judge(replies[i]);
}
