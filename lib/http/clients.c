/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of clients: those that are slow, and those that have left. */
#include <sys/socket.h>

#include "lib/http/internal.h"

#define JANITOR_MAX_MS 1000
#define CROWDED_MS UINT64_C(2000)

/* mhd cuts connections on which nothing moves; these move, but never get done. While others wait to
 * be let in, even those that might get done have less time. */
static bool conn_is_slow(const struct http_server *server, const struct http_conn *conn)
{
    uint64_t spent_ms = uv_now(server->loop) - conn->since_ms;
    bool crowded = server->n_conns >= server->limits.connections;

    if (conn->streaming)
        return false;
    if (conn->answering)
        return spent_ms > server->limits.answer_ms;
    return spent_ms >
           (crowded ? min_of(server->limits.request_ms, CROWDED_MS) : server->limits.request_ms);
}

/* An end that comes in one packet with what was sent before it is not seen by mhd, which waits
 * until idle_s. A client that waits for its answer may have closed its half: that one is let be. */
static bool conn_is_left(const struct http_conn *conn)
{
    char byte;

    return !conn->answering && !conn->streaming &&
           recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void on_janitor(uv_timer_t *timer)
{
    struct http_server *server = timer->data;

    list_each (link, &server->requests) {
        struct http_request *request = container_of(link, struct http_request, link);

        if (request->stream)
            http_stream_heartbeat(request->stream, uv_now(server->loop));
    }
    list_each (link, &server->conns) {
        struct http_conn *conn = container_of(link, struct http_conn, link);

        if (conn_is_slow(server, conn) || conn_is_left(conn))
            shutdown(conn->fd, SHUT_RDWR); /* mhd sees it and lets go */
    }
}

static uint64_t janitor_period(const struct http_limits *limits)
{
    uint64_t least = min_of(limits->heartbeat_ms, min_of(limits->request_ms, limits->answer_ms));

    return max_of(min_of(least / 2, (uint64_t)JANITOR_MAX_MS), (uint64_t)1);
}

static void conn_open(struct http_server *server, struct MHD_Connection *mhd, void **context)
{
    struct http_conn *conn = xcalloc(1, sizeof(*conn));

    conn->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    conn->since_ms = uv_now(server->loop);
    list_push(&server->conns, &conn->link);
    *context = conn;
    if (server->n_conns++ == 0) {
        uint64_t period = janitor_period(&server->limits);

        uv_timer_start(&server->janitor, on_janitor, period, period);
    }
}

static void conn_close(struct http_server *server, void **context)
{
    struct http_conn *conn = take(*context);

    if (!conn)
        return;
    list_remove(&conn->link);
    free(conn);
    /* mhd listens again only in the run after the one that made room. */
    if (server->n_conns >= server->limits.connections)
        http_server_wake(server);
    if (--server->n_conns == 0)
        uv_timer_stop(&server->janitor);
}

void http_on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                        enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        conn_open(cls, mhd, context);
    else
        conn_close(cls, context);
}
