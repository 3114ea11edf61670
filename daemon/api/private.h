/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the files of this directory share. */
#include <jansson.h>

#include "daemon/api/api.h"
#include "lib/http/request.h"
#include "lib/http/server.h"

struct api {
    uv_loop_t *loop; /* borrowed */
    struct api_deps deps;
    struct http_server *servers[API_LISTENERS_MAX]; /* owned */
    unsigned n_servers;
    unsigned busy; /* what must end before the api can: servers, reads of the store */
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
    char name[96]; /* for the log: "uid 0 (pid 4711)", "key AKIDEXAMPLE", "token ops", "loopback" */
    bool may_operate;
};
const struct api_caller *api_caller(const struct http_request *request);

/* Something has begun that borrows the api / is over. */
void api_hold(struct api *api);
void api_release(struct api *api);

/* The one table of routes; handlers get the api as their argument. */
extern const struct http_route api_routes[];
extern const size_t api_n_routes;

http_handler_fn api_events; /* events.c */
http_handler_fn api_verb;   /* verbs.c */

struct migration;
/* settle.c: 202 with the job, once the verb it was just given is durable. */
void api_answer_when_durable(struct api *api, struct http_request *request,
                             const struct migration *m);

/* Answers with 404 no-such-job. */
void api_no_such_job(struct http_request *request, const char *id);
