/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the files of this server share. Not for anybody else. */
#include <microhttpd.h>
#include <sys/types.h>

#include "lib/base/list.h"
#include "lib/http/buffer.h"
#include "lib/http/request.h"
#include "lib/http/server.h"
#include "lib/http/stream.h"

#define HTTP_PARAMS_MAX 2
#define HTTP_SEGMENT_MAX 128
#define HTTP_HEADERS_MAX 8
/* A body that is too large is still read up to here, so that the client sees the answer. */
#define HTTP_DISCARD_MAX (1024 * 1024)

struct http_server {
    uv_loop_t *loop; /* borrowed */
    struct http_limits limits;
    const struct http_route *routes; /* borrowed */
    size_t n_routes;
    void *arg;
    struct http_hooks hooks;
    struct log *log; /* borrowed */

    struct MHD_Daemon *mhd;
    uv_poll_t poll;     /* on mhd's epoll descriptor */
    uv_timer_t timer;   /* when mhd wants to run without an event */
    uv_idle_t again;    /* … and when it wants to at once */
    uv_timer_t janitor; /* heartbeats and slow clients; runs while there are connections */

    struct list conns;    /* struct http_conn.link */
    struct list requests; /* struct http_request.link */
    unsigned n_conns, n_streams;

    bool turning;  /* inside MHD_run, where it must not be called again */
    bool woken;    /* mhd has something to do that its descriptor does not show */
    bool stopping; /* http_server_free() was called */
    uint64_t stop_at_ms;
    bool (*over)(struct http_server *server); /* after each run of mhd: true when it was the last */
    unsigned open_handles;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* A client. */
struct http_conn {
    struct list link;
    int fd;            /* mhd's */
    uint64_t since_ms; /* of what it is doing now: sending a request, or taking the answer */
    bool answering;    /* a request is complete and not over yet */
    bool streaming;
};

struct http_param {
    const char *name; /* borrowed from the route, not terminated */
    size_t name_len;
    char value[HTTP_SEGMENT_MAX];
};

struct http_body {
    http_fill_fn *fill;
    void *arg;
    struct buffer out;
    bool last;
};

struct http_stream {
    struct http_request *request; /* owns this */
    struct http_stream_callbacks callbacks;
    void *arg;
    struct buffer out;
    uint64_t written_ms;
    bool dirty;  /* written to since drained was last called */
    bool ended;  /* by us, in good order */
    bool broken; /* cut off */
};

struct http_request {
    unsigned magic;
    struct list link;
    struct http_server *server; /* borrowed */
    struct http_conn *conn;     /* borrowed */
    struct MHD_Connection *mhd; /* mhd's */
    const char *method, *path;  /* mhd's */
    struct http_param params[HTTP_PARAMS_MAX];
    unsigned n_params;
    struct buffer body;
    size_t body_seen; /* bytes that came in, kept or not */
    json_t *json;     /* owned; NULL: no body */

    bool dispatched; /* the handler has been called */
    bool answered;
    bool given_up;  /* answered because the server ends; what the handler says now is dropped */
    bool suspended; /* mhd leaves the connection alone until it is resumed */
    unsigned status;
    struct MHD_Response *response; /* owned until it is queued */
    struct http_stream *stream;    /* owned; NULL: another kind of answer */
    struct http_body filled;
    void (*release)(void *arg);
    void *release_arg;
    const char *name; /* static; NULL: no route was found */
    void *user;       /* owned, see free_user */
    void (*free_user)(void *user);
    struct {
        const char *name, *value;
        char *copy;              /* owned: value, where it was copied */
    } headers[HTTP_HEADERS_MAX]; /* of the answer */
    unsigned n_headers;
};

/* loop.c: nests server->mhd in the loop. */
void http_loop_init(struct http_server *server);
/* loop.c: lets mhd run as soon as possible, and never from inside the caller. */
void http_server_wake(struct http_server *server);

/* answer.c: takes response over; it goes out when mhd comes round. */
void http_request_answer(struct http_request *request, unsigned status,
                         struct MHD_Response *response, const char *content_type);
/* answer.c: mhd goes on with a connection that was suspended. */
void http_request_resume(struct http_request *request);

/* head.c: false when the headers are ambiguous; that was answered. */
bool http_head_ok(struct http_request *request);

/* route.c: finds the route of request's path and method and fills its params; NULL: an error was
 * answered. */
const struct http_route *http_route_find(struct http_request *request);

/* stream.c: tells its owner; NULL is fine. */
void http_stream_free(struct http_stream *stream);
/* stream.c: called from time to time. */
void http_stream_heartbeat(struct http_stream *stream, uint64_t now_ms);

/* mhd's callbacks, with the server as their closure; intake.c: */
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **context);
void http_on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                       enum MHD_RequestTerminationCode code);
/* clients.c: */
void http_on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                        enum MHD_ConnectionNotificationCode code);

/* intake.c: answers for the handler, because the server ends. */
void http_request_give_up(struct http_request *request);
