/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A non-blocking stream connection, over TCP or a Unix socket, as the side that connects.
 *
 *   conn_init -> conn_connect[_unix] -> opened -> data … -> closed -> [conn_connect again] ->
 * conn_deinit
 *
 * Each connect ends in exactly one closed, with a reason, called from the loop once nothing in it
 * points at the connection any more. Callbacks are never called from inside the functions below. A
 * conn is embedded in its user's struct, which container_of() finds again. The program must ignore
 * SIGPIPE.
 */
#include <uv.h>

#include "lib/base/err.h"
#include "lib/net/endpoint.h"

#define CONN_READ_MAX (16u << 10)       /* bytes handed over at a time */
#define CONN_WRITE_QUEUE_MAX (1u << 20) /* bytes waiting for the peer; more ends the connection */
#define CONN_KEEPALIVE_SECONDS 15

struct conn;
struct conn_attempts;

struct conn_events {
    void (*opened)(struct conn *conn);
    /* The bytes are the callee's to read until it returns. */
    void (*data)(struct conn *conn, const char *data, size_t len);
    /* Whatever was, or was not, opened has ended. conn may be used anew, or freed, from here on. */
    void (*closed)(struct conn *conn, const struct err *why);
};

/*
 * What lies between the stream and the user: one row for each kind of transport. A row calls back
 * into conn_transport_*().
 */
struct conn_ops {
    const char *name;
    void (*start)(
        struct conn *conn); /* the stream is up: shake hands, then conn_transport_opened() */
    void (*received)(struct conn *conn, const char *data, size_t len);
    void (*write)(struct conn *conn, const char *data, size_t len);
    /* The stream has ended, or its handshake takes too long: in the words of the transport, by
     * conn_endf(). */
    void (*ended)(struct conn *conn, enum err_code code, const char *what);
    void (*close)(struct conn *conn); /* the connection is about to end */
};

extern const struct conn_ops conn_plain;

enum conn_state {
    CONN_IDLE,       /* nothing of it is in the loop */
    CONN_RESOLVING,  /* waits for addresses */
    CONN_CONNECTING, /* waits for a stream, or for a failed one to be gone */
    CONN_STARTING,   /* waits for the transport's handshake */
    CONN_OPEN,
    CONN_CLOSING, /* waits for the handles to be gone */
};

struct conn {
    /* private */
    uv_loop_t *loop;
    const struct conn_ops *ops;
    void *transport; /* borrowed: the row's own, for this connection */
    const struct conn_events *events;
    enum conn_state state;
    unsigned handles; /* in the loop: the timer, the stream */
    bool stream_live;
    char *name;                     /* owned; the endpoint, or the path, as messages show it */
    struct conn_attempts *attempts; /* owned; until the stream is up */
    size_t queued;                  /* bytes libuv has not been able to write yet */
    uv_timer_t timer;               /* of the attempt under way */
    uv_connect_t connect_req;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } u;
    struct err why;
};

void conn_init(struct conn *conn, uv_loop_t *loop, const struct conn_ops *ops,
               const struct conn_events *events);
void conn_deinit(struct conn *conn); /* must be idle */

/* Another transport than that given to conn_init, for the next connect; not while one is under way.
 * own: what that row keeps of this connection. */
void conn_set_transport(struct conn *conn, const struct conn_ops *ops, void *own);

/* Tries each address of the host in turn; timeout_ms holds for all of it, handshake included.
 * Reasons: ERR_RESOLVE, ERR_REFUSED, ERR_UNREACHABLE, ERR_TIMEOUT, ERR_CLOSED, … Must be idle. */
void conn_connect(struct conn *conn, const struct endpoint *ep, uint64_t timeout_ms);
void conn_connect_unix(struct conn *conn, const char *path, uint64_t timeout_ms);

/* Written at once as far as the kernel takes it, copied and queued beyond that. Ignored unless
 * open. What was copied is wiped. */
void conn_write(struct conn *conn, const char *data, size_t len);

/* Ends the connection, or the attempt; ERR_CANCELED when why is NULL. No effect when idle or
 * closing. */
void conn_end(struct conn *conn, const struct err *why);

/* As conn_end, with "'<endpoint>': " in front of the sentence. */
void conn_endf(struct conn *conn, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

enum conn_state conn_state(const struct conn *conn);

/* For rows of conn_ops. */
void conn_transport_opened(struct conn *conn);
void conn_transport_data(struct conn *conn, const char *data, size_t len);
void conn_transport_write(struct conn *conn, const char *data, size_t len);
/* In close(): a last word, if the kernel takes it at once. */
void conn_transport_last(struct conn *conn, const char *data, size_t len);
