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
#include "lib/http/request.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lib/base/utf8.h"
#include "lib/http/internal.h"
#include "lib/http/json_text.h"

#define MAGIC 0x48524551
#define MESSAGE_MAX 512

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

/* --- answering --- */

void http_request_resume(struct http_request *request)
{
    if (!request->suspended)
        return;
    request->suspended = false;
    MHD_resume_connection(request->mhd);
    http_server_wake(request->server);
}

void http_request_answer(struct http_request *request, unsigned status,
                         struct MHD_Response *response, const char *content_type)
{
    assert(response && (!request->answered || request->given_up));
    if (request->given_up) {
        MHD_destroy_response(response);
        return;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    for (unsigned i = 0; i < request->n_headers; i++)
        MHD_add_response_header(response, request->headers[i].name, request->headers[i].value);
    request->answered = true;
    request->status = status;
    request->response = response;
    if (request->dispatched)
        request->conn->since_ms = uv_now(request->server->loop);
    http_request_resume(request);
}

void http_respond_json(struct http_request *request, unsigned status, json_t *body)
{
    size_t len;
    char *text = json_text(body, &len);

    json_decref(body);
    /* A line's end at the end: these answers are read with curl in a terminal. */
    text = xrealloc(text, len + 2, 1);
    memcpy(text + len, "\n", 2);
    http_request_answer(request, status,
                        MHD_create_response_from_buffer(len + 1, text, MHD_RESPMEM_MUST_FREE),
                        "application/json");
}

void http_respond_text(struct http_request *request, unsigned status, const char *content_type,
                       const char *text)
{
    size_t len = strlen(text);

    http_request_answer(request, status,
                        MHD_create_response_from_buffer(len, xstrdup(text), MHD_RESPMEM_MUST_FREE),
                        content_type);
}

void http_respond_data(struct http_request *request, unsigned status, const char *content_type,
                       const void *data, size_t len)
{
    void *borrowed = (void *)(uintptr_t)data; /* mhd's signature; it does not write to it */

    http_request_answer(request, status,
                        MHD_create_response_from_buffer(len, borrowed, MHD_RESPMEM_PERSISTENT),
                        content_type);
}

void http_request_add_header(struct http_request *request, const char *name, const char *value)
{
    if (request->given_up)
        return;
    assert(request->n_headers < HTTP_HEADERS_MAX && !request->answered);
    request->headers[request->n_headers].name = name;
    request->headers[request->n_headers++].value = value;
}

void http_request_copy_header(struct http_request *request, const char *name, const char *value)
{
    char *copy;

    if (request->given_up)
        return;
    copy = xstrdup(value);
    http_request_add_header(request, name, copy);
    request->headers[request->n_headers - 1].copy = copy;
}

void http_respond_error(struct http_request *request, unsigned status, const char *code,
                        const char *hint, const char *fmt, ...)
{
    char message[MESSAGE_MAX];
    cleanup(freep) char *clean = NULL;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    clean = utf8_clean(message); /* it may quote what the client sent */
    http_respond_json(
        request, status,
        json_pack("{s:{s:s, s:s, s:s?}}", "error", "code", code, "message", clean, "hint", hint));
}

void http_body_append(struct http_body *body, const char *data, size_t len)
{
    buffer_append(&body->out, data, len);
}

static ssize_t filled_read(void *cls, uint64_t pos, char *dst, size_t max)
{
    struct http_body *body = cls;
    size_t n;

    (void)pos;
    while (!body->last && buffer_length(&body->out) < max)
        body->last = !body->fill(body, body->arg);
    n = buffer_take(&body->out, dst, max);
    return n > 0 ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

void http_respond_filled(struct http_request *request, unsigned status, const char *content_type,
                         http_fill_fn *fill, void *arg)
{
    request->filled.fill = fill;
    request->filled.arg = arg;
    http_request_answer(request, status,
                        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, filled_read,
                                                          &request->filled, NULL),
                        content_type);
}

/* --- looking at it --- */

const char *http_request_param(const struct http_request *request, const char *name)
{
    for (unsigned i = 0; i < request->n_params; i++) {
        const struct http_param *param = &request->params[i];

        if (strlen(name) == param->name_len && memcmp(name, param->name, param->name_len) == 0)
            return param->value;
    }
    return NULL;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

const char *http_request_query(const struct http_request *request, const char *key)
{
    return MHD_lookup_connection_value(request->mhd, MHD_GET_ARGUMENT_KIND, key);
}

const json_t *http_request_body(const struct http_request *request)
{
    return request->json;
}

const char *http_request_data(const struct http_request *request, size_t *ret_len)
{
    *ret_len = buffer_length(&request->body);
    return *ret_len ? request->body.data + request->body.start : "";
}

const char *http_request_method(const struct http_request *request)
{
    return request->method;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}

struct pairs {
    http_pair_fn *fn;
    void *arg;
};

static enum MHD_Result pass_pair(void *cls, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    const struct pairs *pairs = cls;

    (void)kind;
    pairs->fn(key, value ? value : "", pairs->arg);
    return MHD_YES;
}

void http_request_each_header(const struct http_request *request, http_pair_fn *fn, void *arg)
{
    MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, pass_pair, &(struct pairs){fn, arg});
}

void http_request_each_query(const struct http_request *request, http_pair_fn *fn, void *arg)
{
    MHD_get_connection_values(request->mhd, MHD_GET_ARGUMENT_KIND, pass_pair,
                              &(struct pairs){fn, arg});
}

void http_request_peer(const struct http_request *request, struct http_peer *ret)
{
    struct sockaddr_storage addr = {.ss_family = AF_UNSPEC};
    socklen_t addr_len = sizeof(addr);
    struct ucred cred;
    socklen_t len = sizeof(cred);

    *ret = (struct http_peer){.fd = request->conn->fd};
    if (getsockname(ret->fd, (struct sockaddr *)&addr, &addr_len) || addr.ss_family != AF_UNIX ||
        getsockopt(ret->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
        return;
    ret->is_unix = true;
    ret->uid = cred.uid;
    ret->gid = cred.gid;
    ret->pid = cred.pid;
}

void http_request_set_user(struct http_request *request, void *user, void (*free_user)(void *user))
{
    assert(!request->user);
    request->user = user;
    request->free_user = free_user;
}

void *http_request_user(const struct http_request *request)
{
    return request->user;
}

void http_request_set_name(struct http_request *request, const char *name)
{
    request->name = name;
}

#define QUERY_KEYS_MAX 8

struct odd_search {
    const char *const *known;
    bool seen[QUERY_KEYS_MAX];
    const char *odd;
};

static enum MHD_Result check_key(void *cls, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    struct odd_search *search = cls;

    (void)kind;
    for (size_t i = 0; value && search->known[i]; i++) {
        assert(i < QUERY_KEYS_MAX);
        if (strcasecmp(key, search->known[i]) != 0 || search->seen[i])
            continue;
        search->seen[i] = true;
        return MHD_YES;
    }
    search->odd = key;
    return MHD_NO;
}

const char *http_request_query_odd(const struct http_request *request, const char *const *known)
{
    struct odd_search search = {.known = known};

    MHD_get_connection_values(request->mhd, MHD_GET_ARGUMENT_KIND, check_key, &search);
    return search.odd;
}

void http_request_on_release(struct http_request *request, void (*release)(void *arg), void *arg)
{
    request->release = release;
    request->release_arg = arg;
}

/* --- taking it in --- */

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

struct head {
    unsigned framings, hosts;
    bool odd; /* a name or a value that readers take for different things */
};

/* mhd takes "Content-Length :" for another header, and writes the rest of a folded one behind its
 * name: then it does not see a length that a proxy may have seen. */
static bool is_header_name(const char *name)
{
    static const char *const framing[] = {MHD_HTTP_HEADER_CONTENT_LENGTH,
                                          MHD_HTTP_HEADER_TRANSFER_ENCODING};

    for (size_t i = 0; i < array_len(framing); i++) {
        size_t len = strlen(framing[i]);

        if (strncasecmp(name, framing[i], len) == 0 && name[len])
            return false;
    }
    for (; *name; name++) {
        if (!isascii(*name) || (!isalnum(*name) && !strchr("!#$%&'*+-.^_`|~", *name)))
            return false;
    }
    return true;
}

static bool is_header_value(const char *value)
{
    for (; *value; value++) {
        if (iscntrl((unsigned char)*value) && *value != '\t')
            return false;
    }
    return true;
}

static enum MHD_Result look_at_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                      const char *value)
{
    struct head *head = cls;

    (void)kind;
    if (!is_header_name(key) || (value && !is_header_value(value)))
        head->odd = true;
    else if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
        head->framings += 1;
    else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0)
        head->framings += value && strcasecmp(value, "chunked") == 0 ? 1 : 2;
    else if (strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0)
        head->hosts++;
    return MHD_YES;
}

/* Where a body ends must be said once, in a way we know: another reader of the same bytes, a proxy,
 * could take another place for its end, and the rest for a request. False: that was answered. */
static bool check_head(struct http_request *request)
{
    struct head head = {.odd = false};
    const char *why = NULL;

    MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, look_at_header, &head);
    if (head.odd)
        why = "a header has a name or a value that it cannot have; it must be on one line";
    else if (head.hosts > 1)
        why = "there is more than one Host header";
    else if (head.framings > 1)
        why = "a body comes with one Content-Length, or in chunks, and not with both";
    if (!why)
        return true;
    http_request_add_header(request, MHD_HTTP_HEADER_CONNECTION, "close");
    http_respond_error(request, MHD_HTTP_BAD_REQUEST, "bad-framing", NULL, "%s", why);
    return false;
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
        if (check_head(request) && body_is_hopeless(request))
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
