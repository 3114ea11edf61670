/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AUTH (if there is a password), CLIENT SETNAME (if there is a name) and PING, in one write.
 * Whether the server lets us in shows in the replies; a server that refuses connections altogether
 * answers the first command and hangs up, which ends here too, through login_explain().
 */
#include <stdio.h>
#include <string.h>

#include "lib/redis/client_private.h"

/* What an error reply at log-in means. The first row whose words begin the reply counts. */
struct verdict {
    const char *begins;
    enum err_code code;   /* ERR_NONE: no obstacle */
    const char *sentence; /* the server's words follow it */
};

/* To any command. */
static const struct verdict any_verdicts[] = {
    {"DENIED", ERR_REPLY, "the server refuses connections from here: protected mode"},
    {"ERR max number of clients", ERR_REPLY, "the server has as many clients as it takes"},
};

static const struct verdict auth_verdicts[] = {
    {"WRONGPASS", ERR_AUTH, "the password or the user name is wrong"},
    {"ERR invalid password", ERR_AUTH, "the password is wrong"},
    {"NOAUTH", ERR_AUTH, "the log-in was refused"},
    {"NOPERM", ERR_AUTH, "the log-in was refused"},
    {"ERR AUTH <password> called without", ERR_AUTH,
     "a password is given, but the server has none"},
    {"ERR Client sent AUTH, but no", ERR_AUTH, "a password is given, but the server has none"},
    {"ERR wrong number of arguments for 'auth'", ERR_AUTH, "the server knows no user names"},
    {"ERR unknown command", ERR_AUTH, "the server knows no AUTH command"},
    {"", ERR_REPLY, "the log-in failed"},
};

static const struct verdict ping_verdicts[] = {
    {"NOAUTH", ERR_AUTH, "the server wants a password"},
    {"ERR operation not permitted", ERR_AUTH, "the server wants a password"},
    {"LOADING", ERR_NONE, NULL},
    {"BUSY", ERR_NONE, NULL},
    {"MASTERDOWN", ERR_NONE, NULL},
    {"MISCONF", ERR_NONE, NULL},
    {"NOPERM", ERR_NONE, NULL},
    {"", ERR_REPLY, "PING was refused"},
};

static const struct verdict *find(const struct verdict *rows, size_t n, const char *words)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(words, rows[i].begins, strlen(rows[i].begins)) == 0)
            return &rows[i];
    return NULL;
}

/* A server that is told a password might say it back. */
static bool safe(const struct redis_client *client, const char *words)
{
    return !client->password || !client->password[0] || !strstr(words, client->password);
}

static int error_reply(const struct redis_client *client, bool auth, const redisReply *reply,
                       struct err *err)
{
    char words[REPLY_WORDS_MAX];
    const struct verdict *v =
        find(any_verdicts, array_len(any_verdicts), reply_words(reply, words));

    if (!v)
        v = auth ? find(auth_verdicts, array_len(auth_verdicts), words)
                 : find(ping_verdicts, array_len(ping_verdicts), words);
    if (v->code == ERR_NONE)
        return 0;
    if (!safe(client, words))
        return err_set(err, v->code, "%s", v->sentence);
    return err_set(err, v->code, "%s (%s)", v->sentence, words);
}

/* Looks at the replies that are there; 0 when nothing stands in the way so far. */
static int judge(const struct redis_client *client, const struct redis_call *call, struct err *err)
{
    for (unsigned i = 0; i < call->got; i++) {
        const redisReply *reply = call->replies[i];
        bool auth = i == 0 && client->login_auth;
        bool ping = i == call->n - 1;

        if (reply->type == REDIS_REPLY_STATUS)
            continue;
        if (reply->type != REDIS_REPLY_ERROR)
            return err_set(err, ERR_PROTOCOL,
                           "does not speak the Redis protocol: strange answer to %s",
                           auth   ? "AUTH"
                           : ping ? "PING"
                                  : "CLIENT");
        /* Nothing depends on the name; servers may lack CLIENT, or not let us use it. */
        if (!auth && !ping && !find(any_verdicts, array_len(any_verdicts), reply->str))
            continue;
        if (error_reply(client, auth, reply, err))
            return (int)err->code;
    }
    return 0;
}

void login_explain(struct redis_client *client, struct err *why)
{
    char name[ENDPOINT_LABEL_MAX];
    struct err err;

    if (why->code != ERR_CLOSED)
        return;
    endpoint_label(&client->endpoint, name);
    if (client->login && judge(client, client->login, &err)) {
        *why = err;
        err_wrap(why, "'%s'", name);
    } else {
        err_set(why, ERR_CLOSED,
                "'%s': the peer closed the connection before it had answered the log-in%s", name,
                client->tls ? "" : "; if this port speaks TLS: tls: {enabled: true}");
    }
}

static void login_done(struct op *op)
{
    struct redis_call *call = container_of(op, struct redis_call, op);
    struct redis_client *client = call->arg;
    struct err err;

    if (client->login == call)
        client->login = NULL;
    if (!op->err.code && client->phase == CLIENT_LOGIN && conn_state(&client->conn) == CONN_OPEN) {
        if (judge(client, call, &err))
            conn_endf(&client->conn, err.code, "%s", err.msg);
        else
            client->logged_in(client);
    }
    redis_call_clear(call);
    free(call);
}

void login_start(struct redis_client *client, void (*logged_in)(struct redis_client *client))
{
    struct redis_call *call = xcalloc(1, sizeof(*call));
    uint64_t now = uv_now(client->loop);
    uint64_t left = client->connect_deadline_ms > now ? client->connect_deadline_ms - now : 1;

    call->arg = client;
    client->login = call;
    client->logged_in = logged_in;
    client->login_auth = client->password != NULL;
    redis_call_init(call);
    if (client->password && client->username)
        redis_call_addv(call, "AUTH", client->username, client->password);
    else if (client->password)
        redis_call_addv(call, "AUTH", client->password);
    if (client->name)
        redis_call_addv(call, "CLIENT", "SETNAME", client->name);
    redis_call_addv(call, "PING");
    str_copy(call->verb, sizeof(call->verb), "log-in");
    call_send(call, client, left, login_done);
}
