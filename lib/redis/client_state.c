/* SPDX-License-Identifier: Apache-2.0 */
/* What calls and the log-in ask of their client: its memory, its state, its end. */
#include <string.h>

#include "lib/redis/client_private.h"

void client_pin(struct redis_client *client)
{
    client->pins++;
}

void client_unpin(struct redis_client *client)
{
    void (*freed)(void *arg) = client->freed;
    void *arg = client->freed_arg;

    assert(client->pins > 0);
    if (--client->pins > 0 || !client->freeing)
        return;
    conn_deinit(&client->conn);
    tls_peer_free(client->tls);
    free(client->username);
    secret_free(client->password);
    free(client->name);
    free(client);
    if (freed)
        freed(arg);
}

enum redis_client_state redis_client_state(const struct redis_client *client)
{
    if (conn_state(&client->conn) == CONN_CLOSING)
        return client->reconnect ? REDIS_CONNECTING : REDIS_DISCONNECTED;
    switch (client->phase) {
    case CLIENT_CONNECTING:
    case CLIENT_LOGIN:
        return REDIS_CONNECTING;
    case CLIENT_READY:
        return REDIS_READY;
    case CLIENT_IDLE:
    case CLIENT_CLOSING:
        break;
    }
    return REDIS_DISCONNECTED;
}

void redis_client_close(struct redis_client *client, const struct err *why)
{
    client->reconnect = false;
    if (client->phase == CLIENT_IDLE || conn_state(&client->conn) == CONN_CLOSING)
        return;
    client->phase = CLIENT_CLOSING;
    conn_end(&client->conn, why);
}
