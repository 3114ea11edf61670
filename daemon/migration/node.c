/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/migration/node.h"

#include <stdio.h>

#include "daemon/migration/migration_private.h"
#include "lib/base/clock.h"

#define CONNECT_TIMEOUT_MS UINT64_C(5000) /* attach.timeout, where that is shorter */
#define LOOK_TIMEOUT_MS 5000
#define RECONNECT_FIRST_MS 100
#define RECONNECT_MAX_MS 5000

struct reply_reason {
    const char *prefix;
    enum reason source, target;
};

/* How servers say why they refuse. */
static const struct reply_reason reply_reasons[] = {
    {"NOPERM", REASON_ACL_DENIED, REASON_ACL_DENIED},
    {"NOAUTH", REASON_AUTH_REFUSED, REASON_AUTH_REFUSED},
    {"WRONGPASS", REASON_AUTH_REFUSED, REASON_AUTH_REFUSED},
    {"LOADING", REASON_SOURCE_LOADING, REASON_TARGET_LOADING},
    {"BUSY", REASON_SOURCE_UNREACHABLE, REASON_TARGET_UNREACHABLE},
    {"DENIED", REASON_SOURCE_UNREACHABLE, REASON_TARGET_UNREACHABLE},
    {"MASTERDOWN", REASON_SOURCE_LINK_DOWN, REASON_TARGET_UNREACHABLE},
};

enum reason node_reason(enum node_side side, const struct err *err)
{
    bool source = side == SIDE_SOURCE;

    if (err->code == ERR_AUTH && !strstr(err->msg, "NOPERM"))
        return REASON_AUTH_REFUSED;
    if (err->code == ERR_PROTOCOL || err->code == ERR_LIMIT)
        return REASON_NOT_REDIS;
    if (err->code != ERR_REPLY && err->code != ERR_AUTH)
        return source ? REASON_SOURCE_UNREACHABLE : REASON_TARGET_UNREACHABLE;
    for (size_t i = 0; i < array_len(reply_reasons); i++)
        if (strstr(err->msg, reply_reasons[i].prefix))
            return source ? reply_reasons[i].source : reply_reasons[i].target;
    return REASON_COMMAND_REFUSED;
}

void node_init(struct node *node, struct migration *m, enum node_side side, struct seen_node *seen)
{
    *node = (struct node){.m = m, .side = side, .seen = seen};
    node->lost_at_ms = clock_boot_ms();
}

static void lost(struct node *node, enum reason why, const struct err *err)
{
    uint64_t now = clock_boot_ms();
    uint64_t pause = RECONNECT_FIRST_MS;

    for (unsigned i = 0; i < node->failures && pause < RECONNECT_MAX_MS; i++)
        pause *= 2;
    node->failures++;
    node->connect_at_ms = now + min_of(pause, (uint64_t)RECONNECT_MAX_MS);
    if (node->seen->reachable)
        node->lost_at_ms = now;
    node->seen->reachable = false;
    node->seen->tried = true;
    node->seen->why = why;
    node->seen->err = *err;
    node->all_ms = 0;
    migration_poke(node->m);
}

bool node_learn(struct node *node, const redisReply *reply)
{
    struct err err;

    if (!reply || reply->type != REDIS_REPLY_STRING)
        return false;
    return redis_info_parse(&node->seen->info, reply->str, reply->len, &err) == 0;
}

static void reached(struct node *node)
{
    node->looking = false;
    node->seen->reachable = node->seen->tried = true;
    node->seen->err = ERR_INIT;
    node->seen->why = REASON_NONE;
    node->failures = 0;
    migration_poke(node->m);
}

static void expelled(struct op *op)
{
    struct node *node = container_of(op, struct node, look.op);

    if (op->err.code == ERR_NONE)
        reached(node);
    else
        node->looking = false;
}

/* Adds a CLIENT KILL for each connection of this job but our own; returns how many there are. */
static unsigned add_kills(struct redis_call *call, const char *list, const char *job, long long own)
{
    char name[SPEC_ID_MAX + 32], id[24];
    unsigned n = 0;

    snprintf(name, sizeof(name), " name=ecmigrate:%s:", job);
    for (const char *line = list; line && *line && n < REDIS_CALL_COMMANDS_MAX;) {
        const char *end = strchrnul(line, '\n');
        const char *at = strstr(line, name);
        long long other;

        if (at && at < end && sscanf(line, "id=%lld", &other) == 1 && other != own) {
            snprintf(id, sizeof(id), "%lld", other);
            redis_call_addv(call, "CLIENT", "KILL", "ID", id);
            n++;
        }
        line = *end ? end + 1 : end;
    }
    return n;
}

static void listed(struct op *op)
{
    struct node *node = container_of(op, struct node, look.op);
    const redisReply *id = node->look.replies[0], *list = node->look.replies[1];
    cleanup(freep) char *text = NULL;
    long long own;

    if (op->err.code != ERR_NONE) {
        node->looking = false;
        return;
    }
    if (id->type != REDIS_REPLY_INTEGER || list->type != REDIS_REPLY_STRING) {
        reached(node); /* not allowed to: then without */
        return;
    }
    own = id->integer;
    text = xstrdup(list->str);
    redis_call_init(&node->look);
    if (add_kills(&node->look, text, node->m->spec->id, own) > 0)
        redis_call_start(&node->look, node->client, LOOK_TIMEOUT_MS, expelled);
    else
        reached(node);
}

/*
 * A command of a connection that is gone, of this process or of one that was killed, may still be
 * on its way, and arrive when it is no longer right: a demotion after a retreat, an attachment
 * after a rollback. Its connection is closed at the server before anything is decided.
 */
static void expel(struct node *node)
{
    redis_call_init(&node->look);
    redis_call_addv(&node->look, "CLIENT", "ID");
    redis_call_addv(&node->look, "CLIENT", "LIST");
    node->looking = true;
    redis_call_start(&node->look, node->client, LOOK_TIMEOUT_MS, listed);
}

static void looked(struct op *op)
{
    struct node *node = container_of(op, struct node, look.op);
    struct redis_call *call = &node->look;
    struct err err;

    node->looking = false;
    if (op->err.code != ERR_NONE)
        return; /* on_state tells, when the connection ended; otherwise we ended the look */
    if (redis_call_reply_err(call, &err)) {
        lost(node, node_reason(node->side, &err), &err);
        return;
    }
    if (!node_learn(node, call->replies[0])) {
        err_set(&err, ERR_PROTOCOL, "what answers does not look like a Redis server");
        lost(node, REASON_NOT_REDIS, &err);
        return;
    }
    if (node->looking_at_all)
        node->all_ms = clock_boot_ms();
    redis_call_clear(call);
    if (node->seen->reachable)
        migration_poke(node->m);
    else if (node->m->run.attached)
        expel(node);
    else
        reached(node);
}

static void look(struct node *node, bool all)
{
    redis_call_init(&node->look);
    if (all)
        redis_call_addv(&node->look, "INFO");
    else
        redis_call_addv(&node->look, "INFO", "replication");
    node->looking = true;
    node->looking_at_all = all;
    redis_call_start(&node->look, node->client, LOOK_TIMEOUT_MS, looked);
}

static void state_changed(struct redis_client *client, enum redis_client_state state,
                          const struct err *why, void *arg)
{
    struct node *node = arg;

    (void)client;
    switch (state) {
    case REDIS_READY:
        if (!node->looking)
            look(node, true);
        break;
    case REDIS_DISCONNECTED:
        if (why->code != ERR_CANCELED)
            lost(node, node_reason(node->side, why), why);
        break;
    case REDIS_CONNECTING:
        break;
    }
}

static const struct endpoint *endpoint_of(const struct node *node)
{
    return node->side == SIDE_SOURCE ? &node->m->run.source : &node->m->spec->target.endpoint;
}

static void connect_node(struct node *node)
{
    const struct spec *spec = node->m->spec;
    const struct spec_auth *auth =
        node->side == SIDE_SOURCE ? &spec->source.auth : &spec->target.auth;
    char name[SPEC_ID_MAX + 32];
    char *password = NULL;
    struct err err;

    if (spec_auth_read(auth, &password, &err)) {
        lost(node, REASON_CREDENTIAL_UNREADABLE, &err);
        return;
    }
    if (node->client && !endpoint_equal(&node->connected_to, endpoint_of(node))) {
        redis_client_free(node->client, NULL, NULL);
        node->client = NULL;
    }
    if (!node->client) {
        snprintf(name, sizeof(name), "ecmigrate:%s:%u", spec->id, node->m->run.epoch);
        node->connected_to = *endpoint_of(node);
        node->client = redis_client_new(
            node->m->env->loop,
            &(struct redis_client_config){.endpoint = node->connected_to,
                                          .username = auth->username,
                                          .password = password,
                                          .name = name,
                                          .connect_timeout_ms =
                                              min_of(spec->attach.timeout_ms, CONNECT_TIMEOUT_MS),
                                          .on_state = state_changed,
                                          .arg = node});
    } else {
        redis_client_set_auth(node->client, auth->username, password);
    }
    secret_free(password);
    redis_client_connect(node->client);
}

void node_look(struct node *node, uint64_t all_ms)
{
    uint64_t now = clock_boot_ms();

    if (node->looking || !endpoint_is_set(endpoint_of(node)))
        return;
    if (!node->client || redis_client_state(node->client) == REDIS_DISCONNECTED) {
        if (now >= node->connect_at_ms)
            connect_node(node);
    } else if (redis_client_state(node->client) == REDIS_READY) {
        look(node, !node->all_ms || now - node->all_ms >= all_ms);
    }
}

void node_expect(struct node *node)
{
    if (!node->seen->reachable) {
        node->seen->tried = false;
        node->connect_at_ms = 0;
        node->lost_at_ms = clock_boot_ms();
    }
}

void node_tick(struct node *node)
{
    node->seen->lost_ms = node->seen->reachable ? 0 : clock_boot_ms() - node->lost_at_ms;
}

void node_disconnect(struct node *node)
{
    if (!node->client)
        return;
    redis_client_close(node->client, NULL);
    if (node->seen->reachable)
        node->lost_at_ms = clock_boot_ms();
    node->seen->reachable = node->seen->tried = false;
    node->all_ms = 0;
    node->connect_at_ms = 0;
}

void node_close(struct node *node, void (*freed)(void *arg), void *arg)
{
    if (node->client)
        redis_client_free(take(node->client), freed, arg);
    else
        freed(arg);
}
