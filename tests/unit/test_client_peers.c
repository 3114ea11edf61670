/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis client against peers that are not there, are no Redis servers, or mean harm. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"
#include "lib/redis/client.h"
#include "tests/unit/fixture.h"
#include "tests/unit/peer.h"
#include "tests/unit/redis_user.h"

static void test_no_connection(void **state)
{
    struct fixture *f = *state;
    uint16_t port = free_port();
    struct redis_client_config config;
    struct user u = {0};
    char says[64];

    config = user_config(&u, port);
    user_start(&u, &f->loop, &config);
    snprintf(says, sizeof(says), "'127.0.0.1:%u': connection refused", port);
    user_expect_end(&u, &f->loop, ERR_REFUSED, says);
    user_free(&u, &f->loop);

    u = (struct user){0};
    str_copy(config.endpoint.host, sizeof(config.endpoint.host), "nosuchhost.invalid");
    user_start(&u, &f->loop, &config);
    assert_true(loop_run_until_set(&f->loop, &u.ended, 3 * USER_WAIT_MS));
    user_expect_end(&u, &f->loop, ERR_RESOLVE, "'nosuchhost.invalid:");
    user_free(&u, &f->loop);
}

/* What a peer answers to the log-in, and what becomes of it. */
static const struct login_row {
    const char *password;
    struct peer_script script;
    enum err_code code;
    const char *says;
} login_rows[] = {
    {NULL, {.answers = {"-LOADING Redis is loading\r\n"}}, ERR_NONE, NULL},
    {NULL, {.answers = {"-BUSY Redis is busy\r\n"}}, ERR_NONE, NULL},
    {NULL, {.answers = {"-MASTERDOWN Link down\r\n"}}, ERR_NONE, NULL},
    {NULL, {.answers = {"-MISCONF no disk\r\n"}}, ERR_NONE, NULL},
    {NULL, {.answers = {"-NOPERM no\r\n"}}, ERR_NONE, NULL},
    {NULL, {.answers = {"-NOAUTH Authentication required.\r\n"}}, ERR_AUTH, "wants a password"},
    {NULL, {.answers = {"-ERR odd\r\n"}}, ERR_REPLY, "PING was refused (ERR odd)"},
    {"x", {.answers = {"-ERR invalid password\r\n-NOAUTH\r\n"}}, ERR_AUTH, "password is wrong"},
    {"x",
     {.answers = {"-ERR Client sent AUTH, but no password is set\r\n+PONG\r\n"}},
     ERR_AUTH,
     "the server has none"},
    {USER_SECRET,
     {.answers = {"-WRONGPASS not " USER_SECRET "\r\n+PONG\r\n"}},
     ERR_AUTH,
     "is wrong"},
    {USER_SECRET, {.answers = {"-" USER_SECRET "\r\n+PONG\r\n"}}, ERR_REPLY, "the log-in failed"},
    {NULL,
     {.answers = {"-DENIED Redis is running in protected mode because\r\n"}, .hang_up = true},
     ERR_REPLY,
     "protected mode (DENIED Redis is running in protected mode because)"},
    {"x",
     {.answers = {"-DENIED Redis is running in protected mode because\r\n"},
      .greet = true,
      .hang_up = true},
     ERR_REPLY,
     "protected mode (DENIED Redis is running in protected mode because)"},
    {"x",
     {.answers = {"-ERR max number of clients reached\r\n"}, .hang_up = true},
     ERR_REPLY,
     "as many clients as it takes"},
    {NULL,
     {.answers = {""}, .greet = true, .hang_up = true},
     ERR_CLOSED,
     "closed the connection before it had answered the log-in"},
    {NULL,
     {.answers = {"+PO"}, .hang_up = true},
     ERR_CLOSED,
     "closed the connection before it had answered the log-in"},
    {NULL, {.answers = {"*1\r\n+PONG\r\n"}}, ERR_PROTOCOL, "does not speak the Redis protocol"},
    {NULL,
     {.answers = {"HTTP/1.1 400 Bad Request\r\n\r\n"}},
     ERR_PROTOCOL,
     "does not speak the Redis protocol: got \"H\""},
    {NULL,
     {.answers = {"SSH-2.0-OpenSSH_9.2\r\n"}, .greet = true},
     ERR_PROTOCOL,
     "does not speak the Redis protocol"},
    {NULL, {.answers = {"\x15\x03\x03"}, .hang_up = true}, ERR_TLS, "this port speaks TLS"},
};

static void test_login_answers(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < array_len(login_rows); i++) {
        const struct login_row *row = &login_rows[i];
        struct user u = {0};
        struct redis_client_config config;
        struct peer peer;

        peer_start(&peer, &f->loop, &row->script);
        config = user_config(&u, peer.port);
        config.password = row->password;
        user_start(&u, &f->loop, &config);
        if (row->code)
            user_expect_end(&u, &f->loop, row->code, row->says);
        else if (!loop_run_until_set(&f->loop, &u.ready, USER_WAIT_MS))
            fail_msg("row %zu: %s", i, u.why.msg);
        user_free(&u, &f->loop);
        peer_stop(&peer);
    }
}

static void test_silent_at_login(void **state)
{
    struct fixture *f = *state;
    const struct peer_script script = {.deaf = true};
    struct redis_client_config config;
    struct user u = {0};
    struct peer peer;

    peer_start(&peer, &f->loop, &script);
    config = user_config(&u, peer.port);
    config.connect_timeout_ms = 80;
    config.password = USER_SECRET;
    user_start(&u, &f->loop, &config);
    user_expect_end(&u, &f->loop, ERR_TIMEOUT, "log-in: no answer within");
    user_free(&u, &f->loop);
    peer_stop(&peer);
}

/* Each logs in, then answers one command. */
static void test_malicious_answers(void **state)
{
    char line[2048] = "+", bulk[2048] = "$2147483647\r\n";
    const struct {
        struct peer_script script;
        enum err_code code;
        const char *says;
    } rows[] = {
        {{.answers = {"+PONG\r\n", line}, .endless = true}, ERR_LIMIT, "a line of a reply is"},
        {{.answers = {"+PONG\r\n", "*2147483647\r\n"}}, ERR_LIMIT, "more than 65536 elements"},
        {{.answers = {"+PONG\r\n", "*1073741824\r\n"}}, ERR_LIMIT, "more than 65536 elements"},
        {{.answers = {"+PONG\r\n", "*2\r\n*65535\r\n"}}, ERR_LIMIT, "more than 65536 elements"},
        {{.answers = {"+PONG\r\n", "*-7\r\n"}}, ERR_PROTOCOL, "does not speak the Redis protocol"},
        {{.answers = {"+PONG\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"}},
         ERR_LIMIT,
         "nested deeper than 7"},
        {{.answers = {"+PONG\r\n", bulk}, .endless = true}, ERR_LIMIT, "longer than 8388608 bytes"},
        {{.answers = {"+PONG\r\n", ":12x\r\n"}}, ERR_PROTOCOL, "does not speak"},
        {{.answers = {"+PONG\r\n", "$5\r\nhel"}, .hang_up = true}, ERR_CLOSED, "closed the conn"},
        {{.answers = {"+PONG\r\n"}, .hang_up = true}, ERR_CLOSED, "closed the conn"},
        {{.answers = {"+PONG\r\n", "+OK\r\n+OK\r\n"}}, ERR_PROTOCOL, "nothing had asked for"},
    };
    struct fixture *f = *state;

    memset(line + 1, 'x', sizeof(line) - 2);
    memset(bulk + strlen(bulk), 'x', sizeof(bulk) - strlen(bulk) - 1);
    for (size_t i = 0; i < array_len(rows); i++) {
        struct request r = {0};
        struct user u;
        struct peer peer;

        peer_start(&peer, &f->loop, &rows[i].script);
        user_open(&u, &f->loop, peer.port);
        request(&r, &u, USER_WAIT_MS, "GET", "k");
        user_expect_end(&u, &f->loop, rows[i].code, rows[i].says);
        assert_true(loop_run_until_set(&f->loop, &r.done, USER_WAIT_MS));
        user_free(&u, &f->loop);
        redis_call_clear(&r.call);
        peer_stop(&peer);
    }
}

static void test_large_and_mixed_replies(void **state)
{
    static char large[REDIS_REPLY_BYTES_MAX - 100000 + 16];
    struct fixture *f = *state;
    struct peer_script script = {.answers = {"+PONG\r\n", large, "*3\r\n:1\r\n$-1\r\n+x\r\n"}};
    struct request r = {0};
    struct user u;
    struct peer peer;
    int n = snprintf(large, sizeof(large), "$%u\r\n", REDIS_REPLY_BYTES_MAX - 100000);

    memset(large + n, 'z', REDIS_REPLY_BYTES_MAX - 100000);
    memcpy(large + n + REDIS_REPLY_BYTES_MAX - 100000, "\r\n", 2);
    peer_start(&peer, &f->loop, &script);
    user_open(&u, &f->loop, peer.port);
    request(&r, &u, USER_WAIT_MS, "GET", "k");
    request_expect(&r, &f->loop, ERR_NONE);
    assert_int_equal(r.call.replies[0]->len, REDIS_REPLY_BYTES_MAX - 100000);
    request(&r, &u, USER_WAIT_MS, "GET", "k");
    request_expect(&r, &f->loop, ERR_NONE);
    assert_int_equal(r.call.replies[0]->elements, 3);
    assert_int_equal(r.call.replies[0]->element[1]->type, REDIS_REPLY_NIL);
    redis_call_clear(&r.call);
    user_free(&u, &f->loop);
    peer_stop(&peer);
}

static void test_calls_are_bounded(void **state)
{
    static struct request r[REDIS_CLIENT_CALLS_MAX + 1];
    struct fixture *f = *state;
    const struct peer_script script = {.answers = {"+PONG\r\n"}};
    struct user u;
    struct peer peer;

    peer_start(&peer, &f->loop, &script);
    user_open(&u, &f->loop, peer.port);
    for (size_t i = 0; i < array_len(r); i++)
        request(&r[i], &u, USER_WAIT_MS, "PING");
    request_expect(&r[REDIS_CLIENT_CALLS_MAX], &f->loop, ERR_LIMIT);
    redis_call_init(&r[REDIS_CLIENT_CALLS_MAX].call);
    request_start(&r[REDIS_CLIENT_CALLS_MAX], &u, USER_WAIT_MS);
    request_expect(&r[REDIS_CLIENT_CALLS_MAX], &f->loop, ERR_INVALID); /* no command */
    user_free(&u, &f->loop);
    for (size_t i = 0; i < REDIS_CLIENT_CALLS_MAX; i++)
        assert_int_equal(r[i].call.op.err.code, ERR_CANCELED);
    peer_stop(&peer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, loop_setup, loop_teardown)
    const struct CMUnitTest tests[] = {
        TEST(no_connection),     TEST(login_answers),           TEST(silent_at_login),
        TEST(malicious_answers), TEST(large_and_mixed_replies), TEST(calls_are_bounded),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
