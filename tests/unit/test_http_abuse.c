/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server and clients that do not behave: they are cut, and it goes on answering. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/base.h"
#include "tests/unit/http_rig.h"

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
    struct http_limits limits = http_rig_short_limits(); /* what looks like half a request is cut */
    struct http_rig *rig = http_rig_start(state, &limits);
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
    assert_true(loop_run_until(rig->loop, http_rig_no_connections, rig, CLIENT_MS));
}

static void test_huge_header_and_url(void **state)
{
    struct http_rig *rig = http_rig_start(state, NULL);
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
    struct http_limits limits = http_rig_short_limits();
    struct http_rig *rig = http_rig_start(state, &limits);
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
    assert_true(loop_run_until(rig->loop, http_rig_no_connections, rig, CLIENT_MS));
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
    struct http_limits limits = http_rig_short_limits();
    struct http_rig *rig = http_rig_start(state, &limits);
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
    struct http_limits limits = http_rig_short_limits();
    struct http_rig *rig = http_rig_start(state, &limits);
    struct http_client c;

    client_connect(&c, rig->path);
    client_send_text(&c, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
    loop_run_for(rig->loop, 20);
    assert_int_equal(rig->released, 0);
    assert_true(loop_run_until(rig->loop, http_rig_no_connections, rig, CLIENT_MS));
    assert_int_equal(rig->released, 1);
    client_close(&c);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, loop_setup, http_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_garbage),
        TEST(test_huge_header_and_url),
        TEST(test_half_request_is_cut),
        TEST(test_dribbling_client_is_cut),
        TEST(test_client_that_does_not_take_its_answer_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
