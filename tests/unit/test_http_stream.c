/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of events, and followers who leave, fall behind or do not read. */
#include <stdio.h>
#include <string.h>

#include "lib/http/stream.h"
#include "tests/unit/http_rig.h"

static bool stream_is_closed(void *arg)
{
    struct http_rig *rig = arg;

    return rig->streams_closed > 0;
}

static void test_stream(void **state)
{
    struct http_rig *rig = http_rig_start(state, NULL);
    struct http_client c;
    char type[64];

    http_rig_follow(rig, &c);
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
    struct http_limits limits = http_rig_short_limits();
    struct http_rig *rig = http_rig_start(state, &limits);
    struct http_client c;

    http_rig_follow(rig, &c);
    c.len = 0;
    c.in[0] = '\0';
    assert_true(client_wait_text(&c, rig->loop, ":\n\n"));
    loop_run_for(rig->loop, 400); /* beyond the limits for requests and answers */
    assert_int_equal(rig->streams_closed, 0);
    client_close(&c);
    assert_true(loop_run_until(rig->loop, stream_is_closed, rig, CLIENT_MS));
    assert_true(loop_run_until(rig->loop, http_rig_no_connections, rig, CLIENT_MS));
    assert_int_equal(http_server_streams(rig->server), 0);
}

static void test_follower_that_falls_behind_is_cut(void **state)
{
    struct http_rig *rig = http_rig_start(state, NULL);
    struct http_client c;
    char block[1000];
    unsigned written = 0;

    memset(block, 'x', sizeof(block));
    http_rig_follow(rig, &c);
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
    struct http_limits limits = http_rig_short_limits();
    struct http_rig *rig;
    struct http_client c;
    char block[4096];

    limits.stream_buffer = 8 << 20;
    rig = http_rig_start(state, &limits);
    memset(block, 'x', sizeof(block));
    http_rig_follow(rig, &c);
    for (int i = 0; i < 1000; i++)
        assert_true(http_stream_write(rig->stream, block, sizeof(block)));
    assert_true(loop_run_until(rig->loop, stream_is_closed, rig, CLIENT_MS));
    client_close(&c);
}

static void test_too_many_streams(void **state)
{
    struct http_limits limits = http_limits_default;
    struct http_client c[3];
    struct http_rig *rig;

    limits.streams = 2;
    rig = http_rig_start(state, &limits);
    http_rig_follow(rig, &c[0]);
    http_rig_follow(rig, &c[1]);
    expect_answer(rig, "GET /follow HTTP/1.1\r\nHost: x\r\n\r\n", 503, "too-many-streams");
    assert_int_equal(http_server_streams(rig->server), 2);
    expect_alive(rig);
    client_close(&c[0]);
    http_stream_end(rig->stream);
    assert_true(loop_run_until(rig->loop, stream_is_closed, rig, CLIENT_MS));
    http_rig_follow(rig, &c[2]);
    client_close(&c[1]);
    client_close(&c[2]);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, loop_setup, http_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stream),
        TEST(test_heartbeat_finds_a_follower_that_left),
        TEST(test_follower_that_falls_behind_is_cut),
        TEST(test_follower_that_never_reads_is_cut),
        TEST(test_too_many_streams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
