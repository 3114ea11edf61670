/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server against clients that behave, and clients that do not. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/base.h"
#include "lib/http/listen.h"
#include "lib/http/request.h"
#include "lib/http/server.h"
#include "lib/http/stream.h"
#include "tests/unit/fixture.h"
#include "tests/unit/http_client.h"

#define FILL_PARTS 3000

struct rig {
    uv_loop_t *loop;
    char dir[TEMP_DIR_MAX];
    char path[TEMP_DIR_MAX + 8];
    struct http_server *server; /* NULL: not running */
    bool closed;

    struct http_request *waiting; /* of /later */
    unsigned released;
    struct http_stream *stream; /* the last one */
    unsigned streams_closed, drained;
    unsigned part; /* of /long */
};

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
    struct rig *rig = arg;

    rig->released++;
    rig->waiting = NULL;
}

static void on_later(struct http_request *request, void *arg)
{
    struct rig *rig = arg;

    rig->waiting = request;
    http_request_on_release(request, released, rig);
}

static void on_drained(struct http_stream *stream, void *arg)
{
    struct rig *rig = arg;

    assert_ptr_equal(stream, rig->stream);
    rig->drained++;
}

static void on_stream_closed(void *arg)
{
    struct rig *rig = arg;

    rig->streams_closed++;
    rig->stream = NULL;
}

static void on_follow(struct http_request *request, void *arg)
{
    static const struct http_stream_callbacks callbacks = {on_drained, on_stream_closed};
    struct rig *rig = arg;
    struct http_stream *stream = http_respond_stream(request, &callbacks, rig);

    if (stream)
        rig->stream = stream;
}

static bool fill(struct http_body *body, void *arg)
{
    struct rig *rig = arg;
    char text[1001];

    snprintf(text, sizeof(text), "%08u%992s", rig->part++, "");
    http_body_append(body, text, 1000);
    return rig->part < FILL_PARTS;
}

static void on_long(struct http_request *request, void *arg)
{
    struct rig *rig = arg;

    rig->part = 0;
    http_request_on_release(request, released, rig);
    http_respond_filled(request, 200, "text/plain", fill, rig);
}

static void server_closed(void *arg)
{
    struct rig *rig = arg;

    rig->server = NULL;
    rig->closed = true;
}

static void on_quit(struct http_request *request, void *arg)
{
    struct rig *rig = arg;

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

static struct rig *rig_start(void **state, const struct http_limits *limits)
{
    struct fixture *f = *state;
    struct rig *rig = xcalloc(1, sizeof(*rig));
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

static void rig_stop(struct rig *rig)
{
    if (rig->server && !rig->closed)
        http_server_free(rig->server, server_closed, rig);
    assert_true(loop_run_until_set(rig->loop, &rig->closed, 3000));
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct rig *rig = f->data;

    if (rig) {
        rig_stop(rig);
        temp_dir_remove(rig->dir);
        free(rig);
    }
    return loop_teardown(state);
}

static int ask(struct rig *rig, const char *request, char **ret_body)
{
    return client_ask(rig->loop, rig->path, request, ret_body);
}

/* Sends request; expects the status, and text in the body. */
static void expect(struct rig *rig, const char *request, int status, const char *text)
{
    char *body;

    assert_int_equal(ask(rig, request, &body), status);
    if (!strstr(body, text))
        fail_msg("'%s' is not in '%s'", text, body);
    free(body);
}

static void expect_alive(struct rig *rig)
{
    expect(rig, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 200, "{\"hello\":\"world\"}\n");
}

static bool no_connections(void *arg)
{
    struct rig *rig = arg;

    return http_server_connections(rig->server) == 0;
}

static bool stream_is_closed(void *arg)
{
    struct rig *rig = arg;

    return rig->streams_closed > 0;
}

static bool is_waiting(void *arg)
{
    struct rig *rig = arg;

    return rig->waiting != NULL;
}

/* --- what works --- */

static void test_routes(void **state)
{
    struct rig *rig = rig_start(state, NULL);
    struct http_client c;
    char allow[64];

    expect_alive(rig);
    expect(rig, "GET /things/a-1?q=x%20y HTTP/1.1\r\nHost: x\r\nX-Test: yes\r\n\r\n", 200,
           "{\"id\":\"a-1\",\"query\":\"x y\",\"header\":\"yes\"}");
    expect(rig, "POST /things/a/go HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{\"n\": [] }",
           202, "{\"id\":\"a\",\"verb\":\"go\",\"body\":{\"n\":[]}}");
    expect(rig, "POST /things/a/go HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 202,
           "\"body\":null");
    expect(rig, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404, "\"code\":\"no-such-path\"");
    expect(rig, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, "no-such-path");
    expect(rig, "GET /things/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, "no-such-path");
    expect(rig, "GET /things/a/go/on HTTP/1.1\r\nHost: x\r\n\r\n", 404, "no-such-path");
    expect(rig, "GET /hello/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, "no-such-path");
    expect(rig, "GET /%ff%fe\"\xc3 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "\xef\xbf\xbd");

    client_connect(&c, rig->path);
    client_send_text(&c, "DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(client_wait_answer(&c, rig->loop));
    assert_int_equal(client_status(&c), 405);
    assert_string_equal(client_header(&c, "Allow", allow, sizeof(allow)), "GET, HEAD, POST");
    assert_non_null(strstr(c.in, "\"code\":\"wrong-method\""));
    client_close(&c);
}

static void test_keep_alive_pipelining_and_head(void **state)
{
    struct rig *rig = rig_start(state, NULL);
    struct http_client c;

    client_connect(&c, rig->path);
    for (int i = 0; i < 3; i++) {
        client_send_text(&c, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(client_wait_answer(&c, rig->loop));
        assert_int_equal(client_status(&c), 200);
        client_next(&c);
    }
    client_send_text(
        &c, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
            "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(client_wait_answer(&c, rig->loop));
    assert_int_equal(client_status(&c), 404);
    client_next(&c);
    assert_true(client_wait_answer(&c, rig->loop));
    assert_int_equal(client_status(&c), 200);
    client_next(&c);
    assert_true(client_wait_text(&c, rig->loop, "\r\n\r\n"));
    assert_int_equal(client_status(&c), 200);
    assert_null(strstr(c.in, "world"));
    assert_int_equal(http_server_connections(rig->server), 1);
    client_close(&c);
    assert_true(loop_run_until(rig->loop, no_connections, rig, CLIENT_MS));
}

static void test_half_closed_client_is_answered(void **state)
{
    struct rig *rig = rig_start(state, NULL);
    struct http_client c;

    client_connect(&c, rig->path);
    client_send_text(&c, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
    assert_true(client_wait_answer(&c, rig->loop));
    assert_int_equal(client_status(&c), 200);
    client_close(&c);
}

static void test_hundred_clients_at_once(void **state)
{
    enum { N = 100 };
    struct rig *rig = rig_start(state, NULL);
    struct http_client c[N];

    for (int i = 0; i < N; i++) {
        client_connect(&c[i], rig->path);
        client_send_text(&c[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (int i = 0; i < N; i++) {
        assert_true(client_wait_answer(&c[i], rig->loop));
        assert_int_equal(client_status(&c[i]), 200);
    }
    assert_int_equal(http_server_connections(rig->server), N);
    for (int i = 0; i < N; i++)
        client_close(&c[i]);
    assert_true(loop_run_until(rig->loop, no_connections, rig, CLIENT_MS));
}

static void test_clients_over_the_limit_wait(void **state)
{
    struct http_limits limits = http_limits_default;
    struct http_client c[6];
    struct rig *rig;

    limits.connections = 2;
    rig = rig_start(state, &limits);
    for (int i = 0; i < 6; i++) {
        client_connect(&c[i], rig->path);
        client_send_text(&c[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (int i = 0; i < 6; i++) {
        assert_true(client_wait_answer(&c[i], rig->loop));
        assert_true(http_server_connections(rig->server) <= 2);
        client_close(&c[i]);
    }
}

static void test_long_answer_is_made_as_it_is_taken(void **state)
{
    struct rig *rig = rig_start(state, NULL);
    struct http_client c;
    char *body, number[9];

    client_connect(&c, rig->path);
    client_send_text(&c, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
    loop_run_for(rig->loop, 100);
    assert_true(rig->part > 0 && rig->part < FILL_PARTS); /* nobody reads: it waits */
    assert_true(client_wait_answer(&c, rig->loop));
    body = client_body(&c);
    assert_int_equal(strlen(body), FILL_PARTS * 1000);
    for (unsigned i = 0; i < FILL_PARTS; i++) {
        snprintf(number, sizeof(number), "%08u", i);
        assert_memory_equal(body + i * 1000, number, 8);
    }
    free(body);
    client_close(&c);
    assert_true(loop_run_until(rig->loop, no_connections, rig, CLIENT_MS));
    assert_int_equal(rig->released, 1);
}

/* --- bodies --- */

/* A POST whose body has len bytes: a JSON string member of the right length. */
static char *post_of(size_t len)
{
    return xasprintf("POST /things/a/go HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n"
                     "{\"a\":\"%0*d\"}",
                     len, (int)len - 8, 0);
}

static void test_bodies_are_json_objects(void **state)
{
    static const char *const bad[] = {
        "[1]", "\"x\"", "1", "{", "{}x", "{\"a\":1,\"a\":2}", "\xff\xfe", "{\"a\":\"\\u0000\"}",
        " "};
    struct rig *rig = rig_start(state, NULL);

    for (size_t i = 0; i < array_len(bad); i++) {
        cleanup(freep) char *request =
            xasprintf("POST /things/a/go HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
                      strlen(bad[i]), bad[i]);

        expect(rig, request, 400, "\"code\":\"bad-json\"");
    }
    expect(rig,
           "POST /things/a/go HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
           "2\r\n{\"\r\n6\r\na\": 1}\r\n0\r\n\r\n",
           202, "\"body\":{\"a\":1}");
}

static void test_body_limit(void **state)
{
    struct rig *rig = rig_start(state, NULL);
    cleanup(freep) char *fits = post_of(64 * 1024), *over = post_of(64 * 1024 + 1);

    expect(rig, fits, 202, "\"body\":{\"a\":\"000");
    expect(rig, over, 413, "\"code\":\"body-too-large\"");
    expect(rig, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413,
           "body-too-large");
    expect_alive(rig);
}

static bool send_chunks_until_cut(void *arg)
{
    char chunk[1100];
    ssize_t len = snprintf(chunk, sizeof(chunk), "400\r\n%01024d\r\n", 0), n;

    do
        n = client_send(arg, chunk, (size_t)len);
    while (n == len);
    return n < 0;
}

static void test_endless_body_is_cut(void **state)
{
    struct rig *rig = rig_start(state, NULL);
    struct http_client c;

    client_connect(&c, rig->path);
    client_send_text(&c, "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_true(loop_run_until(rig->loop, send_chunks_until_cut, &c, CLIENT_MS));
    client_close(&c);
    expect_alive(rig);
}

/* --- clients that do not behave --- */

static struct http_limits short_limits(void)
{
    struct http_limits limits = http_limits_default;

    limits.request_ms = 150;
    limits.answer_ms = 300;
    limits.heartbeat_ms = 50;
    limits.idle_s = 1;
    return limits;
}

static void test_garbage(void **state)
{
    static const char *const garbage[] = {
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n\r\n", /* TLS */
        "*1\r\n$4\r\nPING\r\n\r\n",                                 /* RESP */
        "\r\n\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET /hello\r\n\r\n",
        "GET /hello HTTP/9.9\r\n\r\n",
        "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\n12345",
        "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        "GET /hello HTTP/1.1\r\n: : :\r\n\x01\x02\r\n\r\n",
    };
    struct http_limits limits = short_limits(); /* what looks like half a request is cut */
    struct rig *rig = rig_start(state, &limits);
    struct http_client c[array_len(garbage)];
    unsigned seed = 4711;

    for (size_t i = 0; i < array_len(garbage); i++) {
        client_connect(&c[i], rig->path);
        client_send_text(&c[i], garbage[i]);
        shutdown(c[i].fd, SHUT_WR);
    }
    for (size_t i = 0; i < array_len(garbage); i++) {
        assert_true(client_wait_eof(&c[i], rig->loop));
        client_close(&c[i]);
    }
    for (int i = 0; i < 50; i++) {
        unsigned char noise[2000];

        for (size_t k = 0; k < sizeof(noise); k++)
            noise[k] = (unsigned char)rand_r(&seed);
        client_connect(&c[0], rig->path);
        client_send(&c[0], noise, sizeof(noise));
        shutdown(c[0].fd, SHUT_WR);
        assert_true(client_wait_eof(&c[0], rig->loop));
        client_close(&c[0]);
    }
    expect_alive(rig);
    assert_true(loop_run_until(rig->loop, no_connections, rig, CLIENT_MS));
}

static void test_huge_header_and_url(void **state)
{
    struct rig *rig = rig_start(state, NULL);
    cleanup(freep) char *huge = xcalloc(1, 100001);
    struct http_client c;

    memset(huge, 'a', 100000);
    for (int i = 0; i < 2; i++) {
        client_connect(&c, rig->path);
        client_send_text(&c, i ? "GET /" : "GET /hello HTTP/1.1\r\nHost: x\r\nX-Long: ");
        client_send(&c, huge, 100000);
        assert_true(client_wait_eof(&c, rig->loop));
        assert_true(c.len == 0 || client_status(&c) >= 400);
        client_close(&c);
    }
    expect_alive(rig);
}

static void test_half_request_is_cut(void **state)
{
    struct http_limits limits = short_limits();
    struct rig *rig = rig_start(state, &limits);
    struct http_client c[3];

    client_connect(&c[0], rig->path); /* says nothing at all */
    client_connect(&c[1], rig->path);
    client_send_text(&c[1], "GET /hel");
    client_connect(&c[2], rig->path);
    client_send_text(&c[2], "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
    for (int i = 0; i < 3; i++) {
        assert_true(client_wait_eof(&c[i], rig->loop));
        client_close(&c[i]);
    }
    assert_true(loop_run_until(rig->loop, no_connections, rig, CLIENT_MS));
}

static bool dribble(void *arg)
{
    struct http_client *c = arg;

    client_pump(c);
    return c->eof || client_send(c, "a", 1) < 0;
}

/* Something moves all the time, so an idle timeout would never come. */
static void test_dribbling_client_is_cut(void **state)
{
    struct http_limits limits = short_limits();
    struct rig *rig = rig_start(state, &limits);
    struct http_client c;
    uint64_t begun = uv_hrtime();

    client_connect(&c, rig->path);
    client_send_text(&c, "GET /hello HTTP/1.1\r\nX-A: ");
    assert_true(loop_run_until(rig->loop, dribble, &c, CLIENT_MS));
    assert_true(uv_hrtime() - begun < 900 * 1000000ull);
    client_close(&c);
}

static void test_client_that_does_not_take_its_answer_is_cut(void **state)
{
    struct http_limits limits = short_limits();
    struct rig *rig = rig_start(state, &limits);
    struct http_client c;

    client_connect(&c, rig->path);
    client_send_text(&c, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
    loop_run_for(rig->loop, 20);
    assert_int_equal(rig->released, 0);
    assert_true(loop_run_until(rig->loop, no_connections, rig, CLIENT_MS));
    assert_int_equal(rig->released, 1);
    client_close(&c);
}

/* --- answers that come later --- */

static void test_answer_later(void **state)
{
    struct rig *rig = rig_start(state, NULL);
    struct http_client c;

    client_connect(&c, rig->path);
    for (int i = 0; i < 2; i++) {
        client_send_text(&c, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(loop_run_until(rig->loop, is_waiting, rig, CLIENT_MS));
        loop_run_for(rig->loop, 20);
        assert_false(client_pump(&c));
        http_respond_text(rig->waiting, 200, "text/plain", "late");
        assert_true(client_wait_answer(&c, rig->loop));
        assert_non_null(strstr(c.in, "late"));
        client_next(&c);
        assert_int_equal(rig->released, i + 1);
    }
    client_close(&c);
}

static void test_client_gone_before_the_answer(void **state)
{
    struct rig *rig = rig_start(state, NULL);
    struct http_client c;

    client_connect(&c, rig->path);
    client_send_text(&c, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(loop_run_until(rig->loop, is_waiting, rig, CLIENT_MS));
    client_close(&c);
    loop_run_for(rig->loop, 20);
    assert_int_equal(rig->released, 0);
    http_respond_text(rig->waiting, 200, "text/plain", "late");
    assert_true(loop_run_until(rig->loop, no_connections, rig, CLIENT_MS));
    assert_int_equal(rig->released, 1);
}

/* --- streams --- */

static void follow(struct rig *rig, struct http_client *c)
{
    client_connect(c, rig->path);
    client_send_text(c, "GET /follow HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(client_wait_text(c, rig->loop, ":\n\n"));
    assert_int_equal(client_status(c), 200);
}

static void test_stream(void **state)
{
    struct rig *rig = rig_start(state, NULL);
    struct http_client c;
    char type[64];

    follow(rig, &c);
    assert_string_equal(client_header(&c, "Content-Type", type, sizeof(type)), "text/event-stream");
    for (int i = 0; i < 100; i++) {
        char text[32];

        snprintf(text, sizeof(text), "data: %d\n\n", i);
        assert_true(http_stream_write(rig->stream, text, strlen(text)));
        assert_true(client_wait_text(&c, rig->loop, text));
    }
    assert_true(rig->drained >= 100);
    http_stream_write(rig->stream, "data: last\n\n", 12);
    http_stream_end(rig->stream);
    assert_false(http_stream_write(rig->stream, "x", 1));
    assert_true(client_wait_answer(&c, rig->loop));
    assert_non_null(strstr(c.in, "data: last"));
    assert_int_equal(rig->streams_closed, 1);
    client_close(&c);
}

static void test_heartbeat_finds_a_follower_that_left(void **state)
{
    struct http_limits limits = short_limits();
    struct rig *rig = rig_start(state, &limits);
    struct http_client c;

    follow(rig, &c);
    c.len = 0;
    c.in[0] = '\0';
    assert_true(client_wait_text(&c, rig->loop, ":\n\n"));
    loop_run_for(rig->loop, 400); /* beyond the limits for requests and answers */
    assert_int_equal(rig->streams_closed, 0);
    client_close(&c);
    assert_true(loop_run_until(rig->loop, stream_is_closed, rig, CLIENT_MS));
    assert_true(loop_run_until(rig->loop, no_connections, rig, CLIENT_MS));
    assert_int_equal(http_server_streams(rig->server), 0);
}

static void test_follower_that_falls_behind_is_cut(void **state)
{
    struct rig *rig = rig_start(state, NULL);
    struct http_client c;
    char block[1000];
    unsigned written = 0;

    memset(block, 'x', sizeof(block));
    follow(rig, &c);
    while (http_stream_write(rig->stream, block, sizeof(block))) {
        written++;
        uv_run(rig->loop, UV_RUN_NOWAIT);
        assert_true(written < 10000);
    }
    assert_true(written >= 256 * 1024 / sizeof(block));
    assert_int_equal(rig->streams_closed, 0); /* never from inside write */
    assert_true(loop_run_until(rig->loop, stream_is_closed, rig, CLIENT_MS));
    assert_true(client_wait_eof(&c, rig->loop));
    client_close(&c);
}

/* It takes nothing, and not enough is written to overflow the buffer. */
static void test_follower_that_never_reads_is_cut(void **state)
{
    struct http_limits limits = short_limits();
    struct rig *rig;
    struct http_client c;
    char block[4096];

    limits.stream_buffer = 8 << 20;
    rig = rig_start(state, &limits);
    memset(block, 'x', sizeof(block));
    follow(rig, &c);
    for (int i = 0; i < 1000; i++)
        assert_true(http_stream_write(rig->stream, block, sizeof(block)));
    assert_true(loop_run_until(rig->loop, stream_is_closed, rig, CLIENT_MS));
    client_close(&c);
}

static void test_too_many_streams(void **state)
{
    struct http_limits limits = http_limits_default;
    struct http_client c[3];
    struct rig *rig;

    limits.streams = 2;
    rig = rig_start(state, &limits);
    follow(rig, &c[0]);
    follow(rig, &c[1]);
    expect(rig, "GET /follow HTTP/1.1\r\nHost: x\r\n\r\n", 503, "too-many-streams");
    assert_int_equal(http_server_streams(rig->server), 2);
    expect_alive(rig);
    client_close(&c[0]);
    http_stream_end(rig->stream);
    assert_true(loop_run_until(rig->loop, stream_is_closed, rig, CLIENT_MS));
    follow(rig, &c[2]);
    client_close(&c[1]);
    client_close(&c[2]);
}

/* --- the end --- */

static void test_free_with_all_kinds_of_clients(void **state)
{
    struct rig *rig = rig_start(state, NULL);
    struct http_client idle, half, later, follower, stuck;

    client_connect(&idle, rig->path);
    client_connect(&half, rig->path);
    client_send_text(&half, "GET /hel");
    client_connect(&stuck, rig->path);
    client_send_text(&stuck, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
    follow(rig, &follower);
    client_connect(&later, rig->path);
    client_send_text(&later, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(loop_run_until(rig->loop, is_waiting, rig, CLIENT_MS));
    rig_stop(rig);
    assert_int_equal(rig->released, 2);
    assert_int_equal(rig->streams_closed, 1);
    assert_true(client_wait_answer(&later, rig->loop));
    assert_int_equal(client_status(&later), 503);
    assert_true(client_wait_answer(&follower, rig->loop)); /* with an end in good order */
    assert_true(client_wait_eof(&idle, rig->loop));
    client_close(&idle);
    client_close(&half);
    client_close(&later);
    client_close(&follower);
    client_close(&stuck);
}

static void test_free_from_a_handler(void **state)
{
    struct rig *rig = rig_start(state, NULL);

    expect(rig, "POST /quit HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 200, "bye");
    assert_true(loop_run_until_set(rig->loop, &rig->closed, CLIENT_MS));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, loop_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_routes),
        TEST(test_keep_alive_pipelining_and_head),
        TEST(test_half_closed_client_is_answered),
        TEST(test_hundred_clients_at_once),
        TEST(test_clients_over_the_limit_wait),
        TEST(test_long_answer_is_made_as_it_is_taken),
        TEST(test_bodies_are_json_objects),
        TEST(test_body_limit),
        TEST(test_endless_body_is_cut),
        TEST(test_garbage),
        TEST(test_huge_header_and_url),
        TEST(test_half_request_is_cut),
        TEST(test_dribbling_client_is_cut),
        TEST(test_client_that_does_not_take_its_answer_is_cut),
        TEST(test_answer_later),
        TEST(test_client_gone_before_the_answer),
        TEST(test_stream),
        TEST(test_heartbeat_finds_a_follower_that_left),
        TEST(test_follower_that_falls_behind_is_cut),
        TEST(test_follower_that_never_reads_is_cut),
        TEST(test_too_many_streams),
        TEST(test_free_with_all_kinds_of_clients),
        TEST(test_free_from_a_handler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
