/* SPDX-License-Identifier: Apache-2.0 */
/*
 *          connect            opened         logged in
 *   IDLE ----------> CONNECTING -----> LOGIN ---------> READY
 *    ^                   |               |                |
 *    |    closed         v               v                v
 *    +--------------- CLOSING <---------------------------+
 *
 * A connection ends in closed(), with conn's reason, whoever asked for it: there the calls under
 * way fail and the owner is told. Between the end and closed() conn is closing already while phase
 * is still what it was; to the owner the client is disconnected from then on. The memory is kept by
 * pins: one for the connection, one for each call whose done is still to come, one for
 * redis_client_free() itself.
 */
#include <string.h>

#include "lib/redis/client_private.h"

#define TLS_ALERT 0x15 /* no reply begins like this */

static void tell(struct redis_client *client, enum redis_client_state state, const struct err *why)
{
    if (client->on_state && !client->freeing)
        client->on_state(client, state, why, client->arg);
}

static void let_in(struct redis_client *client)
{
    client->phase = CLIENT_READY;
    tell(client, REDIS_READY, NULL);
}

static void opened(struct conn *conn)
{
    struct redis_client *client = container_of(conn, struct redis_client, conn);

    client->phase = CLIENT_LOGIN;
    login_start(client, let_in);
}

/* A reader costs more than all the rest of a quiet client, so there is one only while replies come
 * in. */
static void reader_drop(struct redis_client *client)
{
    redis_reader_free(take(client->reader));
}

static void received(struct conn *conn, const char *data, size_t len)
{
    struct redis_client *client = container_of(conn, struct redis_client, conn);
    struct err err;
    redisReply *reply;

    if (client->phase == CLIENT_LOGIN && !client->tls && data[0] == TLS_ALERT) {
        conn_endf(conn, ERR_TLS, "this port speaks TLS: tls: {enabled: true} is missing");
        return;
    }
    if (!client->reader)
        client->reader = redis_reader_new(REDIS_REPLY_BYTES_MAX, REDIS_REPLY_ELEMENTS_MAX);
    if (redis_reader_feed(client->reader, data, len, &err)) {
        conn_endf(conn, err.code, "%s", err.msg);
        return;
    }
    for (;;) {
        if (redis_reader_next(client->reader, &reply, &err)) {
            conn_endf(conn, err.code, "%s", err.msg);
            return;
        }
        if (!reply)
            break;
        if (!call_reply(client, reply)) {
            conn_endf(conn, ERR_PROTOCOL, "a reply came that nothing had asked for");
            return;
        }
    }
    if (redis_reader_idle(client->reader))
        reader_drop(client);
}

static void begin(struct redis_client *client)
{
    client->reconnect = false;
    client->phase = CLIENT_CONNECTING;
    client_pin(client);
    conn_set_transport(&client->conn, client->tls ? &conn_tls : &conn_plain, client->tls);
    conn_connect(&client->conn, &client->endpoint, client->connect_timeout_ms);
    client->connect_deadline_ms = uv_now(client->loop) + client->connect_timeout_ms;
}

static void closed(struct conn *conn, const struct err *why)
{
    struct redis_client *client = container_of(conn, struct redis_client, conn);
    struct err reason = *why;

    if (client->phase == CLIENT_LOGIN)
        login_explain(client, &reason);
    client->phase = CLIENT_IDLE;
    reader_drop(client);
    calls_fail(client, &reason);
    tell(client, REDIS_DISCONNECTED, &reason);
    if (client->reconnect && client->phase == CLIENT_IDLE && !client->freeing)
        begin(client);
    client_unpin(client);
}

static const struct conn_events events = {.opened = opened, .data = received, .closed = closed};

static void set_tls(struct redis_client *client, const struct tls_settings *tls)
{
    enum conn_state state = conn_state(&client->conn);

    if (client->tls && tls && tls_peer_has(client->tls, tls))
        return;
    if (!client->tls && !tls)
        return;
    assert(state == CONN_IDLE || state == CONN_CLOSING);
    tls_peer_free(take(client->tls));
    if (tls)
        client->tls = tls_peer_new(client->contexts, tls, client->endpoint.host);
}

struct redis_client *redis_client_new(uv_loop_t *loop, const struct redis_client_config *config)
{
    struct redis_client *client = xcalloc(1, sizeof(*client));

    assert(config->connect_timeout_ms > 0);
    client->loop = loop;
    client->endpoint = config->endpoint;
    client->username = xstrdup(config->username);
    client->password = xstrdup(config->password);
    client->name = xstrdup(config->name);
    client->connect_timeout_ms = config->connect_timeout_ms;
    client->on_state = config->on_state;
    client->arg = config->arg;
    list_init(&client->slots);
    list_init(&client->ended);
    conn_init(&client->conn, loop, &conn_plain, &events);
    client->contexts = config->contexts;
    set_tls(client, config->tls);
    return client;
}

void redis_client_connect(struct redis_client *client)
{
    if (client->phase == CLIENT_IDLE)
        begin(client);
    else if (conn_state(&client->conn) == CONN_CLOSING)
        client->reconnect = true;
}

static void last_closed(uv_handle_t *handle)
{
    client_unpin(container_of(handle, struct redis_client, last));
}

void redis_client_free(struct redis_client *client, void (*freed)(void *arg), void *arg)
{
    if (!client)
        return;
    assert(!client->freeing);
    client->freeing = true;
    client->freed = freed;
    client->freed_arg = arg;
    redis_client_close(client, NULL);
    client_pin(client);
    uv_timer_init(client->loop, &client->last);
    uv_close((uv_handle_t *)&client->last, last_closed);
}

void redis_client_set_access(struct redis_client *client, const struct redis_client_config *config)
{
    char *u = xstrdup(config->username), *p = xstrdup(config->password); /* they may be our own */

    free(client->username);
    secret_free(client->password);
    client->username = u;
    client->password = p;
    set_tls(client, config->tls);
}
