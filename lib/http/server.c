/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/server.h"

#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/http/internal.h"

#define STOP_MS 500 /* for answers that are under way when the server ends */
#define LOG_TEXT_MAX 256
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

/* After each run of mhd. */
static bool stop_when_due(struct http_server *server)
{
    bool due = server->stopping &&
               (list_empty(&server->requests) || uv_now(server->loop) >= server->stop_at_ms);

    if (due)
        stop(server);
    return due;
}

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
        server, MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, server,
        MHD_OPTION_CONNECTION_LIMIT, limits->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        limits->head, MHD_OPTION_CONNECTION_TIMEOUT, limits->idle_s, MHD_OPTION_STRICT_FOR_CLIENT,
        1, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_ARRAY, encryption,
        MHD_OPTION_END);
}

int http_server_new(uv_loop_t *loop, const struct http_server_options *options,
                    struct http_server **ret, struct err *err)
{
    struct http_server *server = xcalloc(1, sizeof(*server));

    server->loop = loop;
    server->over = stop_when_due;
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
    uv_timer_init(loop, &server->janitor);
    server->janitor.data = server;
    http_loop_init(server);
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
