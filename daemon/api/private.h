/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the files of this directory share. */
#include <jansson.h>

#include "daemon/api/api.h"
#include "daemon/api/auth/credentials.h"
#include "daemon/api/auth/guard.h"
#include "daemon/api/auth/tls.h"
#include "daemon/api/metrics/requests.h"
#include "lib/http/request.h"
#include "lib/http/server.h"
#include "lib/net/endpoint.h"

struct feed;

/* Where requests come in. */
struct api_listener {
    struct api *api;            /* borrowed */
    int fd;                     /* owned; the server has a duplicate, and may be replaced */
    struct http_server *server; /* owned */
    bool control;               /* the control socket; else TCP */
    bool loopback;              /* TCP: nobody but this machine can connect */
    struct endpoint at;         /* TCP: as configured */
};

struct api {
    uv_loop_t *loop; /* borrowed */
    struct api_deps deps;
    struct api_listener listeners[API_LISTENERS_MAX];
    unsigned n_listeners;
    struct credentials *credentials; /* owned; NULL: none */
    struct tls_pem tls;              /* of the TCP listeners */
    struct guard guard;
    struct feed *feed;              /* feed.c; NULL while nobody follows the jobs */
    struct request_counts requests; /* for the metrics */
    struct event_frame {
        uint64_t seq;
        char *text; /* owned; NULL: none yet */
        size_t len;
    } event_frame;    /* follow.c */
    unsigned scrapes; /* under way */
    unsigned busy;    /* what must end before the api can: servers, reads of the store */
    bool stopping;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* What a route asks of its caller. The control socket's callers may everything. */
enum api_access {
    ACCESS_OPEN, /* nothing */
    ACCESS_READ,
    ACCESS_OPERATE,
    ACCESS_SIGNED, /* an AWS signature; what its key may is asked for each action */
};

/* Who asks; on every request that a route's handler gets. */
struct api_caller {
    char
        name[160]; /* for the log: "uid 0 (pid 4711)", "key AKIDEXAMPLE", "token ops", "loopback" */
    bool may_operate;
};
const struct api_caller *api_caller(const struct http_request *request);

/* hold.c: something has begun that borrows the api / is over. */
void api_hold(struct api *api);
void api_release(struct api *api);

/* The one table of routes; handlers get the api as their argument. */
extern const struct http_route api_routes[];
extern const size_t api_n_routes;

/* feed.c: the answer to GET /v1/jobs is a stream. */
bool api_wants_stream(const struct http_request *request);
void api_follow_jobs(struct api *api, struct http_request *request);

http_handler_fn api_events; /* events.c */
http_handler_fn api_verb;   /* verbs.c */

struct migration;
/* settle.c: answers request once the verb that m was just given is durable, or when waiting for
 * that has lasted too long. m is NULL when the job is gone by then. */
typedef void api_settled_fn(struct http_request *request, const char *id, const struct migration *m,
                            bool durable);
void api_when_durable(struct api *api, struct http_request *request, const struct migration *m,
                      api_settled_fn *settled);

/* respond.c: logs that what ("start") was asked of m and accepted, and who asked. */
void api_log_asked(const struct api *api, const struct http_request *request,
                   const struct migration *m, const char *what);

/* respond.c: answers with 404 no-such-job. */
void api_no_such_job(struct http_request *request, const char *id);
