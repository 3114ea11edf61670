/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to answer a request, inside its handler or later. */
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/utf8.h"
#include "lib/http/internal.h"
#include "lib/http/json_text.h"

#define MESSAGE_MAX 512

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
