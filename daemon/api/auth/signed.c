/* SPDX-License-Identifier: Apache-2.0 */
/* Requests with an AWS signature. */
#include <stdio.h>

#include "daemon/api/auth/private.h"
#include "daemon/api/elasticache/fault.h"
#include "lib/aws/sigv4.h"
#include "lib/base/clock.h"

#define SERVICE "elasticache"
#define HEADERS_MAX 128

static const enum elasticache_fault faults[SIGV4_RESULT_MAX] = {
    [SIGV4_MISSING] = FAULT_MISSING_TOKEN,        [SIGV4_MALFORMED] = FAULT_INCOMPLETE_SIGNATURE,
    [SIGV4_NO_DATE] = FAULT_INCOMPLETE_SIGNATURE, [SIGV4_SCOPE] = FAULT_SIGNATURE,
    [SIGV4_EXPIRED] = FAULT_REQUEST_EXPIRED,      [SIGV4_BODY] = FAULT_SIGNATURE,
    [SIGV4_MISMATCH] = FAULT_SIGNATURE,
};

/* A request as the verification wants it. */
struct signed_request {
    struct sigv4_request request;
    struct sigv4_pair headers[HEADERS_MAX];
    struct sigv4_pair query[SIGV4_QUERY_MAX];
    bool too_many;
};

static void add_header(const char *name, const char *value, void *arg)
{
    struct signed_request *r = arg;

    if (r->request.n_headers == HEADERS_MAX)
        r->too_many = true;
    else
        r->headers[r->request.n_headers++] = (struct sigv4_pair){name, value};
}

static void add_query(const char *name, const char *value, void *arg)
{
    struct signed_request *r = arg;

    if (r->request.n_query == SIGV4_QUERY_MAX)
        r->too_many = true;
    else
        r->query[r->request.n_query++] = (struct sigv4_pair){name, value};
}

static void collect(const struct http_request *request, struct signed_request *ret)
{
    struct sigv4_request *r = &ret->request;

    *ret = (struct signed_request){.too_many = false};
    r->method = http_request_method(request);
    r->path = http_request_path(request); /* "/": decoded or not, it is the same */
    r->headers = ret->headers;
    r->query = ret->query;
    r->body = http_request_data(request, &r->body_len);
    http_request_each_header(request, add_header, ret);
    http_request_each_query(request, add_query, ret);
}

static bool refuse(struct api *api, struct http_request *request, const struct http_route *route,
                   enum elasticache_fault fault, const char *why)
{
    guard_log_refusal(api, request, route, why);
    elasticache_respond_fault(request, fault, "%s", why);
    return false;
}

static bool admit_key(struct api *api, struct http_request *request, const struct http_route *route,
                      const struct signed_request *r, const struct sigv4 *sigv4,
                      struct api_caller *ret)
{
    const struct credential *key = credentials_key(api->credentials, sigv4->key_id);
    enum sigv4_result result;
    struct err err;

    if (!key) {
        err_set(&err, ERR_AUTH,
                "access key '%.80s' is not known here; it belongs into the daemon's "
                "config, under `api`, `access_keys`",
                sigv4->key_id);
        return refuse(api, request, route, FAULT_UNKNOWN_KEY, err.msg);
    }
    result = sigv4_verify(sigv4, &r->request, key->secret, SERVICE, clock_wall_ms() / 1000, &err);
    if (result != SIGV4_OK)
        return refuse(api, request, route, faults[result], err.msg);
    ret->may_operate = key->may_operate;
    return true;
}

bool guard_admit_signed(struct api *api, struct http_request *request,
                        const struct http_route *route, bool check, struct api_caller *ret)
{
    struct signed_request r;
    enum sigv4_result result;
    struct sigv4 sigv4;
    struct err err;

    collect(request, &r);
    if (r.too_many)
        return refuse(api, request, route, FAULT_INCOMPLETE_SIGNATURE,
                      "the request has too many headers or parameters in its query");
    result = sigv4_parse(&r.request, &sigv4, &err);
    if (result != SIGV4_OK)
        return refuse(api, request, route, faults[result], err.msg);
    snprintf(ret->name, sizeof(ret->name), "key %s", sigv4.key_id);
    return !check || admit_key(api, request, route, &r, &sigv4, ret);
}
