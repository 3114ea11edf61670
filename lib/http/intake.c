/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a request:
 *
 *   headers -> http_on_request(): request_new()
 *   body    -> http_on_request(), any number of times: kept up to the limit
 *   end     -> http_on_request(): dispatch() to the handler
 *                answered: queued
 *                not yet:  the connection is suspended; http_request_answer() resumes it, and
 *                          mhd calls http_on_request() once more, where the answer is queued
 *   over    -> http_on_completed(), in every case: client gone, mhd stopped
 */
#include "lib/http/internal.h"

#define MAGIC 0x48524551

static struct http_conn *conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info;

    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    assert(info && info->socket_context);
    return info->socket_context;
}

static struct http_request *request_new(struct http_server *server, struct MHD_Connection *mhd,
                                        const char *method, const char *path)
{
    struct http_request *request = xcalloc(1, sizeof(*request));

    request->magic = MAGIC;
    request->server = server;
    request->conn = conn_of(mhd);
    request->mhd = mhd;
    request->method = method;
    request->path = path;
    list_push(&server->requests, &request->link);
    return request;
}

static struct http_request *request_cast(void *context)
{
    struct http_request *request = context;

    assert(request && request->magic == MAGIC);
    return request;
}

/* False: the client sends on and on; the connection is cut. */
static bool take_body(struct http_request *request, const char *data, size_t len)
{
    request->body_seen += len;
    if (request->body_seen <= request->server->limits.body)
        buffer_append(&request->body, data, len);
    else
        buffer_deinit(&request->body);
    return request->body_seen <= HTTP_DISCARD_MAX;
}

/* True when the client announces more than we are willing to read only in order to refuse it. */
static bool body_is_hopeless(struct http_request *request)
{
    const char *length = http_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return length && strtoull(length, NULL, 10) > HTTP_DISCARD_MAX;
}

static void refuse_body(struct http_request *request)
{
    http_respond_error(request, MHD_HTTP_CONTENT_TOO_LARGE, "body-too-large", NULL,
                       "the body of a request may have %zu bytes at most",
                       request->server->limits.body);
}

/* False: it is no JSON object, and that was answered. */
static bool parse_body(struct http_request *request)
{
    json_error_t error;

    if (request->body_seen == 0)
        return true;
    request->json = json_loadb(request->body.data + request->body.start,
                               buffer_length(&request->body), JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(request->json))
        return true;
    if (request->json)
        http_respond_error(request, MHD_HTTP_BAD_REQUEST, "bad-json", NULL,
                           "the body must be a JSON object");
    else
        http_respond_error(request, MHD_HTTP_BAD_REQUEST, "bad-json",
                           "The body must be a JSON object, or empty.",
                           "the body is not valid JSON: line %d, column %d: %s", error.line,
                           error.column, error.text);
    return false;
}

void http_request_give_up(struct http_request *request)
{
    http_respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "shutting-down", NULL,
                       "the server ends");
    request->given_up = true;
}

static void dispatch(struct http_request *request)
{
    struct http_server *server = request->server;
    const struct http_route *route;

    request->conn->answering = true;
    request->conn->since_ms = uv_now(server->loop);
    request->dispatched = true;
    if (server->stopping) {
        http_request_give_up(request);
        return;
    }
    route = http_route_find(request);
    if (!route)
        return;
    request->name = route->name;
    if (request->body_seen > server->limits.body)
        refuse_body(request);
    else if (server->hooks.admit && !server->hooks.admit(request, route, server->hooks.arg))
        assert(request->answered);
    else if (route->body == HTTP_BODY_RAW || parse_body(request))
        route->handler(request, server->arg);
}

enum MHD_Result http_on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **context)
{
    struct http_request *request;
    enum MHD_Result queued;

    (void)version;
    if (!*context) {
        *context = request = request_new(cls, mhd, method, url);
        if (http_head_ok(request) && body_is_hopeless(request))
            refuse_body(request);
        else if (!request->answered)
            return MHD_YES;
    }
    request = request_cast(*context);
    if (*upload_size > 0 && !request->answered) {
        size_t len = *upload_size;

        *upload_size = 0;
        return take_body(request, upload, len) ? MHD_YES : MHD_NO;
    }
    if (!request->dispatched && !request->answered)
        dispatch(request);
    if (!request->answered) {
        request->suspended = true;
        MHD_suspend_connection(mhd);
        return MHD_YES;
    }
    queued = MHD_queue_response(mhd, request->status, request->response);
    MHD_destroy_response(take(request->response));
    return queued;
}

void http_on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                       enum MHD_RequestTerminationCode code)
{
    struct http_request *request;

    (void)cls;
    (void)mhd;
    (void)code;
    if (!*context)
        return;
    request = request_cast(take(*context));
    list_remove(&request->link);
    request->conn->answering = false;
    request->conn->streaming = false;
    request->conn->since_ms = uv_now(request->server->loop);
    http_stream_free(request->stream);
    if (request->release)
        request->release(request->release_arg);
    if (request->server->hooks.served)
        request->server->hooks.served(request, request->name ? request->name : "none",
                                      request->status, request->server->hooks.arg);
    if (request->user)
        request->free_user(request->user);
    if (request->response)
        MHD_destroy_response(request->response);
    for (unsigned i = 0; i < request->n_headers; i++)
        free(request->headers[i].copy);
    json_decref(request->json);
    buffer_deinit(&request->body);
    buffer_deinit(&request->filled.out);
    request->magic = 0;
    free(request);
}
