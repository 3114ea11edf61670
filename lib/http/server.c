/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/server.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/http/internal.h"

#define STOP_MS 500 /* for answers that are under way when the server ends */
#define STOP_LOOK_MS 10ull
#define NEVER_MS UINT64_MAX
#define JANITOR_MAX_MS 1000
#define LOG_TEXT_MAX 256
#define CROWDED_MS UINT64_C(2000)
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3"

const struct http_limits http_limits_default = {
    .connections = 512,
    .streams = 256,
    .head = 32 * 1024,
    .body = 64 * 1024,
    .stream_buffer = 256 * 1024,
    .idle_s = 15,
    .request_ms = 30 * 1000,
    .answer_ms = 60 * 1000,
    .heartbeat_ms = 10 * 1000,
};

static void handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;

    if (--server->open_handles > 0)
        return;
    server->closed(server->closed_arg);
    free(server);
}

static void close_handles(struct http_server *server)
{
    server->open_handles = 4;
    uv_close((uv_handle_t *)&server->poll, handle_closed);
    uv_close((uv_handle_t *)&server->timer, handle_closed);
    uv_close((uv_handle_t *)&server->again, handle_closed);
    uv_close((uv_handle_t *)&server->janitor, handle_closed);
}

/* mhd calls http_on_completed() for every request that is left. */
static void stop(struct http_server *server)
{
    list_each (link, &server->requests)
        http_request_resume(container_of(link, struct http_request, link));
    uv_poll_stop(&server->poll);
    MHD_stop_daemon(take(server->mhd));
    assert(list_empty(&server->requests) && list_empty(&server->conns));
    close_handles(server);
}

/* --- the loop: lets mhd run, and asks when it wants to run again --- */

static void on_timer(uv_timer_t *timer);
static void on_again(uv_idle_t *again);

static void turn(struct http_server *server)
{
    unsigned long long ms;

    server->woken = false;
    server->turning = true;
    MHD_run(server->mhd);
    server->turning = false;
    if (server->stopping &&
        (list_empty(&server->requests) || uv_now(server->loop) >= server->stop_at_ms)) {
        stop(server);
        return;
    }
    if (MHD_get_timeout(server->mhd, &ms) != MHD_YES)
        ms = NEVER_MS;
    if (server->stopping)
        ms = min_of(ms, STOP_LOOK_MS);
    if (server->woken)
        ms = 0;
    uv_timer_stop(&server->timer);
    uv_idle_stop(&server->again);
    if (ms == 0)
        uv_idle_start(&server->again, on_again);
    else if (ms != NEVER_MS)
        uv_timer_start(&server->timer, on_timer, ms, 0);
}

void http_server_wake(struct http_server *server)
{
    server->woken = true;
    if (!server->turning)
        uv_idle_start(&server->again, on_again);
}

/* Once in each turn of the loop. A timer of 0 ms, set by its own callback, is due again in the same
 * turn with some versions of libuv: a long answer would keep everything else waiting. */
static void on_again(uv_idle_t *again)
{
    turn(again->data);
}

static void on_timer(uv_timer_t *timer)
{
    turn(timer->data);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    turn(poll->data);
}

/* --- clients --- */

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

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        conn_open(cls, mhd, context);
    else
        conn_close(cls, context);
}

/* --- life --- */

__attribute__((format(printf, 2, 0))) static void on_mhd_log(void *cls, const char *fmt, va_list ap)
{
    struct http_server *server = cls;
    char text[LOG_TEXT_MAX];

    if (!server->log || !log_enabled(server->log, LEVEL_DEBUG))
        return;
    vsnprintf(text, sizeof(text), fmt, ap);
    text[strcspn(text, "\n")] = '\0';
    log_debug(server->log, "http: %s", text);
}

/* Decodes %XX in place, but for %00: a NUL would end the text before its end. */
static size_t unescape(void *cls, struct MHD_Connection *mhd, char *text)
{
    char *dst = text;
    const char *src = text;

    (void)cls;
    (void)mhd;
    while (*src) {
        bool coded =
            src[0] == '%' && isxdigit((unsigned char)src[1]) && isxdigit((unsigned char)src[2]);
        char hex[] = {coded ? src[1] : '0', coded ? src[2] : '0', '\0'};
        long code = strtol(hex, NULL, 16);

        *dst++ = code ? (char)code : *src;
        src += code ? 3 : 1;
    }
    *dst = '\0';
    return (size_t)(dst - text);
}

static struct MHD_Daemon *start_mhd(struct http_server *server, int fd, const struct http_tls *tls)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    const struct http_limits *limits = &server->limits;
    struct MHD_OptionItem encryption[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)(tls ? tls->cert : NULL)},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)(tls ? tls->key : NULL)},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL}};

    if (tls)
        flags |= MHD_USE_TLS;
    else
        encryption[0].option = MHD_OPTION_END;

    return MHD_start_daemon(
        flags, 0, NULL, NULL, http_on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log,
        server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, http_on_completed,
        server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_CONNECTION_LIMIT,
        limits->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits->head,
        MHD_OPTION_CONNECTION_TIMEOUT, limits->idle_s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_ARRAY, encryption, MHD_OPTION_END);
}

int http_server_new(uv_loop_t *loop, const struct http_server_options *options,
                    struct http_server **ret, struct err *err)
{
    struct http_server *server = xcalloc(1, sizeof(*server));
    int epoll_fd;

    server->loop = loop;
    server->limits = options->limits ? *options->limits : http_limits_default;
    server->routes = options->routes;
    server->n_routes = options->n_routes;
    server->arg = options->arg;
    server->hooks = options->hooks;
    server->log = options->log;
    list_init(&server->conns);
    list_init(&server->requests);
    server->mhd = start_mhd(server, options->fd, options->tls);
    if (!server->mhd) {
        free(server);
        return err_set(err, ERR_IO, "cannot start the HTTP server: %s",
                       options->tls ? "GnuTLS does not take the certificate or its key (a curve it "
                                      "does not know?), or no descriptors are left"
                                    : "no descriptors left?");
    }
    epoll_fd = MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    uv_timer_init(loop, &server->timer);
    uv_timer_init(loop, &server->janitor);
    uv_poll_init(loop, &server->poll, epoll_fd);
    uv_idle_init(loop, &server->again);
    server->timer.data = server->janitor.data = server->poll.data = server->again.data = server;
    uv_poll_start(&server->poll, UV_READABLE, on_event);
    http_server_wake(server); /* the listening socket joins the epoll set in the first run */
    *ret = server;
    return 0;
}

void http_server_free(struct http_server *server, void (*closed)(void *arg), void *arg)
{
    int fd = MHD_quiesce_daemon(server->mhd);

    assert(!server->stopping);
    if (fd >= 0)
        close(fd);
    server->stopping = true;
    server->stop_at_ms = uv_now(server->loop) + STOP_MS;
    server->closed = closed;
    server->closed_arg = arg;
    list_each (link, &server->requests) {
        struct http_request *request = container_of(link, struct http_request, link);

        if (request->stream)
            http_stream_end(request->stream);
        else if (request->suspended)
            http_request_give_up(request);
    }
    http_server_wake(server);
}

unsigned http_server_connections(const struct http_server *server)
{
    return server->n_conns;
}

unsigned http_server_streams(const struct http_server *server)
{
    return server->n_streams;
}
