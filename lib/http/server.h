/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An HTTP/1.1 server inside the event loop, for a control socket: JSON in, JSON and event streams
 * out.
 *
 * libmicrohttpd speaks the protocol; its epoll descriptor is nested in the loop. A request is taken
 * in whole (small bodies only), finds its route, and is handed to that route's handler (request.h).
 * Whatever the server itself refuses is answered as the handlers do it:
 * {"error":{"code","message","hint"}}. The exception is what libmicrohttpd cannot read as HTTP.
 */
#include <uv.h>

#include "lib/base/base.h"
#include "lib/base/err.h"
#include "lib/base/log.h"

struct http_request;
struct http_server;

typedef void http_handler_fn(struct http_request *request, void *arg);

/* What a route's handler wants of a body. */
enum http_body_kind {
    HTTP_BODY_JSON, /* an object, or nothing: http_request_body() */
    HTTP_BODY_RAW,  /* bytes: http_request_data() */
};

/* path: "/v1/jobs/{id}": a name in braces stands for one segment, for http_request_param(). A GET
 * route answers HEAD too. */
struct http_route {
    const char *method, *path;
    http_handler_fn *handler;
    const char *name; /* what served() calls it */
    unsigned access;  /* whatever admit() makes of it */
    enum http_body_kind body;
};

/* PEM texts. They are checked by http_server_new(). */
struct http_tls {
    const char *cert, *key; /* borrowed */
};

/* The owner's say in every request. Members may be NULL. */
struct http_hooks {
    /* Before the handler of a route. False: it has answered the request itself. */
    bool (*admit)(struct http_request *request, const struct http_route *route, void *arg);
    /* A request is over, or its connection was. name: the route's, or what http_request_set_name()
     * made of it; "none" where no route was found. */
    void (*served)(const struct http_request *request, const char *name, unsigned status,
                   void *arg);
    void *arg;
};

struct http_limits {
    unsigned connections; /* at a time; more wait until one ends */
    unsigned streams;     /* event streams among them; more are refused */
    size_t head;          /* bytes of memory for a connection: request line, headers, output */
    size_t body;          /* bytes of a request's body */
    size_t stream_buffer; /* bytes a follower may be behind before it is cut off */
    unsigned idle_s;      /* time in which nothing moves on a connection that should */
    uint64_t request_ms;  /* time in which a request must have arrived, however slowly it moves */
    uint64_t answer_ms; /* … and in which its answer must have been taken; streams have no end */
    uint64_t heartbeat_ms; /* a stream that is silent for so long gets a comment */
};
extern const struct http_limits http_limits_default;

struct http_server_options {
    int fd; /* listens already; the server's in any case, also when it cannot start */
    const struct http_route *routes; /* borrowed */
    size_t n_routes;
    void *arg; /* for the handlers */
    struct http_hooks hooks;
    const struct http_tls *tls;       /* NULL: none */
    const struct http_limits *limits; /* NULL: the default ones; copied */
    struct log *log;                  /* NULL: none; debug only */
};

int http_server_new(uv_loop_t *loop, const struct http_server_options *options,
                    struct http_server **ret, struct err *err) must_check;

/*
 * Ends: nothing new is taken, streams end, requests that wait for their answer get a 503, answers
 * under way get half a second. Then closed(arg), from the loop. May be called from a handler.
 */
void http_server_free(struct http_server *server, void (*closed)(void *arg), void *arg);

/* For tests and metrics. */
unsigned http_server_connections(const struct http_server *server);
unsigned http_server_streams(const struct http_server *server);
