/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/http_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base.h"
#include "lib/http/listen.h"
#include "lib/http/request.h"
#include "lib/http/stream.h"

/* --- handlers --- */

static void on_hello(struct http_request *request, void *arg)
{
    (void)arg;
    http_respond_json(request, 200, json_pack("{s:s}", "hello", "world"));
}

static void on_thing(struct http_request *request, void *arg)
{
    (void)arg;
    http_respond_json(request, 200,
                      json_pack("{s:s, s:s?, s:s?}", "id", http_request_param(request, "id"),
                                "query", http_request_query(request, "q"), "header",
                                http_request_header(request, "x-test")));
}

static void on_verb(struct http_request *request, void *arg)
{
    json_t *body = (json_t *)(uintptr_t)http_request_body(request);

    (void)arg;
    http_respond_json(request, 202,
                      json_pack("{s:s, s:s, s:O?}", "id", http_request_param(request, "id"), "verb",
                                http_request_param(request, "verb"), "body", body));
}

static void released(void *arg)
{
    struct http_rig *rig = arg;

    rig->released++;
    rig->waiting = NULL;
}

static void on_later(struct http_request *request, void *arg)
{
    struct http_rig *rig = arg;

    rig->waiting = request;
    http_request_on_release(request, released, rig);
}

static void on_drained(struct http_stream *stream, void *arg)
{
    struct http_rig *rig = arg;

    assert_ptr_equal(stream, rig->stream);
    rig->drained++;
}

static void on_stream_closed(void *arg)
{
    struct http_rig *rig = arg;

    rig->streams_closed++;
    rig->stream = NULL;
}

static void on_follow(struct http_request *request, void *arg)
{
    static const struct http_stream_callbacks callbacks = {on_drained, on_stream_closed};
    struct http_rig *rig = arg;
    struct http_stream *stream = http_respond_stream(request, &callbacks, rig);

    if (stream)
        rig->stream = stream;
}

static bool fill(struct http_body *body, void *arg)
{
    struct http_rig *rig = arg;
    char text[1001];

    snprintf(text, sizeof(text), "%08u%992s", rig->part++, "");
    http_body_append(body, text, 1000);
    return rig->part < HTTP_RIG_PARTS;
}

static void on_long(struct http_request *request, void *arg)
{
    struct http_rig *rig = arg;

    rig->part = 0;
    http_request_on_release(request, released, rig);
    http_respond_filled(request, 200, "text/plain", fill, rig);
}

static void server_closed(void *arg)
{
    struct http_rig *rig = arg;

    rig->server = NULL;
    rig->closed = true;
}

static void on_quit(struct http_request *request, void *arg)
{
    struct http_rig *rig = arg;

    http_respond_text(request, 200, "text/plain", "bye\n");
    http_server_free(rig->server, server_closed, rig);
}

#define ROUTE(m, p, h)                                                                             \
    {                                                                                              \
        .method = (m), .path = (p), .handler = (h), .name = (p)                                    \
    }
static const struct http_route routes[] = {
    ROUTE("GET", "/hello", on_hello),       ROUTE("POST", "/hello", on_hello),
    ROUTE("GET", "/things/{id}", on_thing), ROUTE("POST", "/things/{id}/{verb}", on_verb),
    ROUTE("GET", "/later", on_later),       ROUTE("GET", "/follow", on_follow),
    ROUTE("GET", "/long", on_long),         ROUTE("POST", "/quit", on_quit),
};
#undef ROUTE

/* --- set-up --- */

struct http_rig *http_rig_start(void **state, const struct http_limits *limits)
{
    struct fixture *f = *state;
    struct http_rig *rig = xcalloc(1, sizeof(*rig));
    struct http_server_options options = {
        .routes = routes, .n_routes = array_len(routes), .arg = rig, .limits = limits};
    struct err err;

    f->data = rig;
    rig->loop = &f->loop;
    temp_dir_make(rig->dir);
    snprintf(rig->path, sizeof(rig->path), "%s/sock", rig->dir);
    assert_int_equal(http_listen_unix(rig->path, 0660, NULL, &options.fd, &err), 0);
    assert_int_equal(http_server_new(&f->loop, &options, &rig->server, &err), 0);
    return rig;
}

void http_rig_stop(struct http_rig *rig)
{
    if (rig->server && !rig->closed)
        http_server_free(rig->server, server_closed, rig);
    assert_true(loop_run_until_set(rig->loop, &rig->closed, 3000));
}

int http_rig_teardown(void **state)
{
    struct fixture *f = *state;
    struct http_rig *rig = f->data;

    if (rig) {
        http_rig_stop(rig);
        temp_dir_remove(rig->dir);
        free(rig);
    }
    return loop_teardown(state);
}

struct http_limits http_rig_short_limits(void)
{
    struct http_limits limits = http_limits_default;

    limits.request_ms = 150;
    limits.answer_ms = 300;
    limits.heartbeat_ms = 50;
    limits.idle_s = 1;
    return limits;
}

bool http_rig_no_connections(void *arg)
{
    struct http_rig *rig = arg;

    return http_server_connections(rig->server) == 0;
}

/* --- requests --- */

static int ask(struct http_rig *rig, const char *request, char **ret_body)
{
    return client_ask(rig->loop, rig->path, request, ret_body);
}

void expect_answer(struct http_rig *rig, const char *request, int status, const char *text)
{
    char *body;

    assert_int_equal(ask(rig, request, &body), status);
    if (!strstr(body, text))
        fail_msg("'%s' is not in '%s'", text, body);
    free(body);
}

void expect_alive(struct http_rig *rig)
{
    expect_answer(rig, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 200, "{\"hello\":\"world\"}\n");
}

void http_rig_follow(struct http_rig *rig, struct http_client *c)
{
    client_connect(c, rig->path);
    client_send_text(c, "GET /follow HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(client_wait_text(c, rig->loop, ":\n\n"));
    assert_int_equal(client_status(c), 200);
}
