/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server and clients that behave: routes, bodies, answers that come later, and its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/base.h"
#include "lib/http/request.h"
#include "tests/unit/http_rig.h"

static bool is_waiting(void *arg)
{
    struct http_rig *rig = arg;

    return rig->waiting != NULL;
}

/* --- what works --- */

static void test_routes(void **state)
{
    struct http_rig *rig = http_rig_start(state, NULL);
    struct http_client c;
    char allow[64];

    expect_alive(rig);
    expect_answer(rig, "GET /things/a-1?q=x%20y HTTP/1.1\r\nHost: x\r\nX-Test: yes\r\n\r\n", 200,
                  "{\"id\":\"a-1\",\"query\":\"x y\",\"header\":\"yes\"}");
    expect_answer(rig,
                  "POST /things/a/go HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{\"n\": [] }",
                  202, "{\"id\":\"a\",\"verb\":\"go\",\"body\":{\"n\":[]}}");
    expect_answer(rig, "POST /things/a/go HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 202,
                  "\"body\":null");
    expect_answer(rig, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404,
                  "\"code\":\"no-such-path\"");
    expect_answer(rig, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, "no-such-path");
    expect_answer(rig, "GET /things/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, "no-such-path");
    expect_answer(rig, "GET /things/a/go/on HTTP/1.1\r\nHost: x\r\n\r\n", 404, "no-such-path");
    expect_answer(rig, "GET /hello/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, "no-such-path");
    expect_answer(rig, "GET /%ff%fe\"\xc3 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "\xef\xbf\xbd");

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
    struct http_rig *rig = http_rig_start(state, NULL);
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
    assert_true(loop_run_until(rig->loop, http_rig_no_connections, rig, CLIENT_MS));
}

static void test_half_closed_client_is_answered(void **state)
{
    struct http_rig *rig = http_rig_start(state, NULL);
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
    struct http_rig *rig = http_rig_start(state, NULL);
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
    assert_true(loop_run_until(rig->loop, http_rig_no_connections, rig, CLIENT_MS));
}

static void test_clients_over_the_limit_wait(void **state)
{
    struct http_limits limits = http_limits_default;
    struct http_client c[6];
    struct http_rig *rig;

    limits.connections = 2;
    rig = http_rig_start(state, &limits);
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
    struct http_rig *rig = http_rig_start(state, NULL);
    struct http_client c;
    char *body, number[9];

    client_connect(&c, rig->path);
    client_send_text(&c, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
    loop_run_for(rig->loop, 100);
    assert_true(rig->part > 0 && rig->part < HTTP_RIG_PARTS); /* nobody reads: it waits */
    assert_true(client_wait_answer(&c, rig->loop));
    body = client_body(&c);
    assert_int_equal(strlen(body), HTTP_RIG_PARTS * 1000);
    for (unsigned i = 0; i < HTTP_RIG_PARTS; i++) {
        snprintf(number, sizeof(number), "%08u", i);
        assert_memory_equal(body + i * 1000, number, 8);
    }
    free(body);
    client_close(&c);
    assert_true(loop_run_until(rig->loop, http_rig_no_connections, rig, CLIENT_MS));
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
    struct http_rig *rig = http_rig_start(state, NULL);

    for (size_t i = 0; i < array_len(bad); i++) {
        cleanup(freep) char *request =
            xasprintf("POST /things/a/go HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
                      strlen(bad[i]), bad[i]);

        expect_answer(rig, request, 400, "\"code\":\"bad-json\"");
    }
    expect_answer(rig,
                  "POST /things/a/go HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "2\r\n{\"\r\n6\r\na\": 1}\r\n0\r\n\r\n",
                  202, "\"body\":{\"a\":1}");
}

static void test_body_limit(void **state)
{
    struct http_rig *rig = http_rig_start(state, NULL);
    cleanup(freep) char *fits = post_of(64 * 1024), *over = post_of(64 * 1024 + 1);

    expect_answer(rig, fits, 202, "\"body\":{\"a\":\"000");
    expect_answer(rig, over, 413, "\"code\":\"body-too-large\"");
    expect_answer(rig, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
                  413, "body-too-large");
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
    struct http_rig *rig = http_rig_start(state, NULL);
    struct http_client c;

    client_connect(&c, rig->path);
    client_send_text(&c, "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_true(loop_run_until(rig->loop, send_chunks_until_cut, &c, CLIENT_MS));
    client_close(&c);
    expect_alive(rig);
}

/* --- answers that come later --- */

static void test_answer_later(void **state)
{
    struct http_rig *rig = http_rig_start(state, NULL);
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
    struct http_rig *rig = http_rig_start(state, NULL);
    struct http_client c;

    client_connect(&c, rig->path);
    client_send_text(&c, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(loop_run_until(rig->loop, is_waiting, rig, CLIENT_MS));
    client_close(&c);
    loop_run_for(rig->loop, 20);
    assert_int_equal(rig->released, 0);
    http_respond_text(rig->waiting, 200, "text/plain", "late");
    assert_true(loop_run_until(rig->loop, http_rig_no_connections, rig, CLIENT_MS));
    assert_int_equal(rig->released, 1);
}

/* --- the end --- */

static void test_free_with_all_kinds_of_clients(void **state)
{
    struct http_rig *rig = http_rig_start(state, NULL);
    struct http_client idle, half, later, follower, stuck;

    client_connect(&idle, rig->path);
    client_connect(&half, rig->path);
    client_send_text(&half, "GET /hel");
    client_connect(&stuck, rig->path);
    client_send_text(&stuck, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
    http_rig_follow(rig, &follower);
    client_connect(&later, rig->path);
    client_send_text(&later, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(loop_run_until(rig->loop, is_waiting, rig, CLIENT_MS));
    http_rig_stop(rig);
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
    struct http_rig *rig = http_rig_start(state, NULL);

    expect_answer(rig, "POST /quit HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 200, "bye");
    assert_true(loop_run_until_set(rig->loop, &rig->closed, CLIENT_MS));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, loop_setup, http_rig_teardown)

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
        TEST(test_answer_later),
        TEST(test_client_gone_before_the_answer),
        TEST(test_free_with_all_kinds_of_clients),
        TEST(test_free_from_a_handler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
