/* SPDX-License-Identifier: Apache-2.0 */
/*
 *            connect          addresses            stream up             handshake done
 *   IDLE ---------> RESOLVING ---------> CONNECTING ---------> STARTING -------------> OPEN
 *    ^                  |                 |      ^                 |                     |
 *    |                  |                 +------+ next address    |                     |
 *    |  handles gone    v                 v                        v                     v
 *    +------------- CLOSING <------------------- conn_end(why) -------------------------
 *
 * conn_end() is the only way out, whoever asks for it: the user, the peer, a deadline. A failed
 * attempt waits for its handle to be gone before the next address is tried, so there is one stream
 * handle.
 *
 * The look-up of a name may outlive the connection: it is then left alone, and frees itself.
 */
#include "lib/net/conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "lib/base/base.h"
#include "lib/net/resolve.h"

/* The addresses of one connect. While the look-up is under way it belongs to that as well. */
struct conn_attempts {
    struct resolve resolve;
    struct conn *conn; /* borrowed; NULL when the connection has lost interest */
    bool answered;
    unsigned next;
    bool name; /* the host is a name: messages add the address */
    uint64_t timeout_ms;
    uint64_t deadline_ms; /* on the loop's clock */
    struct err err;       /* of the address tried last */
};

struct conn_write {
    uv_write_t req;
    struct conn *conn; /* borrowed; libuv ends the request before the stream is gone */
    size_t len;
    char data[];
};

static void attempt_next(struct conn *conn);
static void attempt_failed(struct conn *conn, enum err_code code, const char *what);

/* --- words --- */

static enum err_code code_of(int status)
{
    struct err err;

    return (enum err_code)err_errno(&err, -status, "uv");
}

static const char *sentence(int status)
{
    switch (status) {
    case UV_EHOSTUNREACH:
        return "no route to the host";
    case UV_ENETUNREACH:
        return "no route to the network";
    case UV_ECONNRESET:
        return "the peer reset the connection";
    case UV_EOF:
        return "the peer closed the connection";
    default:
        return uv_strerror(status);
    }
}

/* --- the end --- */

static void attempts_forget(struct conn *conn)
{
    struct conn_attempts *a = take(conn->attempts);

    if (!a)
        return;
    if (a->answered) {
        free(a);
        return;
    }
    a->conn = NULL;
    op_cancel(&a->resolve.op);
}

static void handle_gone(struct conn *conn)
{
    struct err why;

    assert(conn->handles > 0);
    if (--conn->handles > 0 || conn->state != CONN_CLOSING)
        return;
    why = conn->why;
    conn->state = CONN_IDLE;
    conn->events->closed(conn, &why);
}

static void timer_closed(uv_handle_t *handle)
{
    handle_gone(container_of(handle, struct conn, timer));
}

static void stream_closed(uv_handle_t *handle)
{
    struct conn *conn = container_of(handle, struct conn, u.handle);

    if (conn->state == CONN_CONNECTING)
        attempt_next(conn);
    handle_gone(conn);
}

static void stream_close(struct conn *conn)
{
    if (!conn->stream_live)
        return;
    conn->stream_live = false;
    uv_close(&conn->u.handle, stream_closed);
}

void conn_end(struct conn *conn, const struct err *why)
{
    if (conn->state == CONN_IDLE || conn->state == CONN_CLOSING)
        return;
    if (why)
        conn->why = *why;
    else
        err_set(&conn->why, ERR_CANCELED, "'%s': closed by this side", conn->name);
    if (conn->state == CONN_STARTING || conn->state == CONN_OPEN)
        conn->ops->close(conn);
    conn->state = CONN_CLOSING;
    attempts_forget(conn);
    stream_close(conn);
    uv_close((uv_handle_t *)&conn->timer, timer_closed);
}

void conn_endf(struct conn *conn, enum err_code code, const char *fmt, ...)
{
    struct err err;
    va_list ap;

    if (conn->state == CONN_IDLE || conn->state == CONN_CLOSING)
        return;
    va_start(ap, fmt);
    err_vset(&err, code, fmt, ap);
    va_end(ap);
    err_wrap(&err, "'%s'", conn->name);
    conn_end(conn, &err);
}

/* --- an open connection --- */

static void alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    /* Only for as long as the read: a connection at rest holds no buffer. */
    *buf = uv_buf_init(xmalloc(CONN_READ_MAX), CONN_READ_MAX);
}

static void received(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *conn = container_of(stream, struct conn, u.stream);

    if (n > 0)
        conn->ops->received(conn, buf->base, (size_t)n);
    else if (n < 0)
        conn->ops->ended(conn, n == UV_EOF ? ERR_CLOSED : code_of((int)n), sentence((int)n));
    free(buf->base);
}

static void connected(uv_connect_t *req, int status)
{
    struct conn *conn = container_of(req, struct conn, connect_req);

    if (conn->state != CONN_CONNECTING || !conn->stream_live)
        return;
    if (status == 0)
        status = uv_read_start(&conn->u.stream, alloc, received);
    if (status) {
        attempt_failed(conn, code_of(status), sentence(status));
        return;
    }
    if (conn->u.handle.type == UV_TCP) {
        uv_tcp_nodelay(&conn->u.tcp, 1);
        uv_tcp_keepalive(&conn->u.tcp, 1, CONN_KEEPALIVE_SECONDS);
    }
    conn->state = CONN_STARTING;
    conn->ops->start(conn);
}

void conn_transport_opened(struct conn *conn)
{
    assert(conn->state == CONN_STARTING);
    conn->state = CONN_OPEN;
    uv_timer_stop(&conn->timer);
    attempts_forget(conn);
    conn->events->opened(conn);
}

void conn_transport_data(struct conn *conn, const char *data, size_t len)
{
    if (conn->state == CONN_OPEN)
        conn->events->data(conn, data, len);
}

static void written(uv_write_t *req, int status)
{
    struct conn_write *w = container_of(req, struct conn_write, req);

    (void)status; /* what ails the stream, the reading side finds out */
    w->conn->queued -= w->len;
    explicit_bzero(w->data, w->len);
    free(w);
}

void conn_transport_write(struct conn *conn, const char *data, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)len);
    struct conn_write *w;
    int n;

    if (len > CONN_WRITE_QUEUE_MAX) {
        conn_endf(conn, ERR_LIMIT, "%zu bytes are too many to be sent at once", len);
        return;
    }
    n = uv_try_write(&conn->u.stream, &buf, 1);
    /* A peer that is gone may have said why before. Reading still gets that, then the end. */
    if (n == UV_EPIPE || n == UV_ECONNRESET)
        return;
    if (n < 0 && n != UV_EAGAIN) {
        conn_endf(conn, code_of(n), "%s", sentence(n));
        return;
    }
    n = max_of(n, 0);
    if ((size_t)n == len)
        return;
    len -= (size_t)n;
    if (conn->queued + len > CONN_WRITE_QUEUE_MAX) {
        conn_endf(conn, ERR_LIMIT, "the peer takes no more: %zu bytes wait to be sent",
                  conn->queued);
        return;
    }
    w = xmalloc(sizeof(*w) + len);
    w->conn = conn;
    w->len = len;
    memcpy(w->data, data + n, len);
    buf = uv_buf_init(w->data, (unsigned)len);
    conn->queued += len;
    if (uv_write(&w->req, &conn->u.stream, &buf, 1, written))
        written(&w->req, 0);
}

void conn_transport_last(struct conn *conn, const char *data, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)len);

    if (conn->queued == 0)
        (void)uv_try_write(&conn->u.stream, &buf, 1);
}

void conn_write(struct conn *conn, const char *data, size_t len)
{
    if (conn->state == CONN_OPEN)
        conn->ops->write(conn, data, len);
}

enum conn_state conn_state(const struct conn *conn)
{
    return conn->state;
}

/* --- getting there --- */

static uint64_t time_left(const struct conn *conn)
{
    uint64_t now = uv_now(conn->loop);

    return conn->attempts->deadline_ms > now ? conn->attempts->deadline_ms - now : 0;
}

static void attempt_failed(struct conn *conn, enum err_code code, const char *what)
{
    struct conn_attempts *a = conn->attempts;
    char addr[INET6_ADDRSTRLEN] = "";

    if (a->name) {
        uv_ip_name(&a->resolve.addresses[a->next - 1].any, addr, sizeof(addr));
        err_set(&a->err, code, "'%s' (%s): %s", conn->name, addr, what);
    } else {
        err_set(&a->err, code, "'%s': %s", conn->name, what);
    }
    uv_timer_stop(&conn->timer);
    stream_close(conn); /* stream_closed() goes on */
}

static void too_late(uv_timer_t *timer)
{
    struct conn *conn = container_of(timer, struct conn, timer);
    unsigned long long total = conn->attempts->timeout_ms;
    char what[80];

    switch (conn->state) {
    case CONN_IDLE:
    case CONN_OPEN:
    case CONN_CLOSING:
        break;
    case CONN_RESOLVING:
        conn_endf(conn, ERR_TIMEOUT, "the host name was not resolved within %llu ms", total);
        break;
    case CONN_CONNECTING:
        snprintf(what, sizeof(what), "no connection within %llu ms",
                 (unsigned long long)uv_timer_get_repeat(timer));
        attempt_failed(conn, ERR_TIMEOUT, what);
        break;
    case CONN_STARTING:
        snprintf(what, sizeof(what), "the %s handshake did not end within %llu ms", conn->ops->name,
                 total);
        conn->ops->ended(conn, ERR_TIMEOUT, what);
        break;
    }
}

/* Each address gets an even share of the time that is left, so that a dead one cannot take it all.
 */
static void attempt_next(struct conn *conn)
{
    struct conn_attempts *a = conn->attempts;
    uint64_t left = time_left(conn), share;
    int status;

    if (a->next == a->resolve.n || (left == 0 && a->err.code)) {
        conn_end(conn, &a->err);
        return;
    }
    share = left / (a->resolve.n - a->next);
    uv_timer_start(&conn->timer, too_late, share,
                   share); /* the repeat keeps the figure for too_late */
    uv_tcp_init(conn->loop, &conn->u.tcp);
    conn->stream_live = true;
    conn->handles++;
    status = uv_tcp_connect(&conn->connect_req, &conn->u.tcp, &a->resolve.addresses[a->next++].any,
                            connected);
    if (status)
        attempt_failed(conn, code_of(status), sentence(status));
}

static void resolved(struct op *op)
{
    struct conn_attempts *a = container_of(op, struct conn_attempts, resolve.op);
    struct conn *conn = a->conn;

    if (!conn) {
        free(a);
        return;
    }
    a->answered = true;
    if (op->err.code) {
        conn_endf(conn, op->err.code, "%s", op->err.msg);
        return;
    }
    conn->state = CONN_CONNECTING;
    attempt_next(conn);
}

static void begin(struct conn *conn, uint64_t timeout_ms)
{
    assert(conn->state == CONN_IDLE && timeout_ms > 0);
    conn->why = ERR_INIT;
    conn->queued = 0;
    conn->attempts = xcalloc(1, sizeof(*conn->attempts));
    conn->attempts->conn = conn;
    conn->attempts->timeout_ms = timeout_ms;
    uv_update_time(conn->loop); /* it may be as old as the turn, and the time runs from here */
    conn->attempts->deadline_ms = uv_now(conn->loop) + timeout_ms;
    uv_timer_init(conn->loop, &conn->timer);
    conn->handles = 1;
    uv_timer_start(&conn->timer, too_late, timeout_ms, timeout_ms);
}

void conn_connect(struct conn *conn, const struct endpoint *ep, uint64_t timeout_ms)
{
    char label[ENDPOINT_LABEL_MAX];
    union resolve_address addr;

    free(conn->name);
    conn->name = xstrdup(endpoint_label(ep, label));
    begin(conn, timeout_ms);
    conn->attempts->name =
        uv_ip4_addr(ep->host, 0, &addr.in4) && uv_ip6_addr(ep->host, 0, &addr.in6);
    conn->state = CONN_RESOLVING;
    /* The timer here is what counts; the op's own is for the time nobody waits any more. */
    resolve_start(&conn->attempts->resolve, conn->loop, ep, timeout_ms + 1000, resolved);
}

void conn_connect_unix(struct conn *conn, const char *path, uint64_t timeout_ms)
{
    free(conn->name);
    conn->name = xstrndup(path, ENDPOINT_LABEL_MAX);
    begin(conn, timeout_ms);
    conn->attempts->answered = true; /* there is nothing to look up */
    conn->state = CONN_CONNECTING;
    uv_pipe_init(conn->loop, &conn->u.pipe, 0);
    conn->stream_live = true;
    conn->handles++;
    if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) /* libuv would cut it */
        conn_endf(conn, ERR_INVALID, "the path of the socket is too long");
    else
        uv_pipe_connect(&conn->connect_req, &conn->u.pipe, path, connected);
}

void conn_init(struct conn *conn, uv_loop_t *loop, const struct conn_ops *ops,
               const struct conn_events *events)
{
    *conn = (struct conn){.loop = loop, .ops = ops, .events = events, .state = CONN_IDLE};
}

void conn_set_transport(struct conn *conn, const struct conn_ops *ops, void *own)
{
    assert(conn->state == CONN_IDLE);
    conn->ops = ops;
    conn->transport = own;
}

void conn_deinit(struct conn *conn)
{
    assert(conn->state == CONN_IDLE);
    free(take(conn->name));
}

/* --- no transport between stream and user --- */

static void plain_ended(struct conn *conn, enum err_code code, const char *what)
{
    conn_endf(conn, code, "%s", what);
}

static void plain_close(struct conn *conn)
{
    (void)conn;
}

const struct conn_ops conn_plain = {
    .name = "plain",
    .start = conn_transport_opened,
    .received = conn_transport_data,
    .write = conn_transport_write,
    .ended = plain_ended,
    .close = plain_close,
};
