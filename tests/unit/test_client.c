/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis client against real servers. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"
#include "lib/redis/client.h"
#include "lib/redis/info.h"
#include "tests/unit/fixture.h"
#include "tests/unit/redis_user.h"

static void test_calls(void **state)
{
    struct fixture *f = *state;
    struct request r = {0};
    struct redis_server server;
    struct redis_info info = {0};
    struct err err = ERR_INIT;
    struct user u;
    char number[8];

    redis_server_start(&server, NULL);
    user_open(&u, &f->loop, server.port);
    request(&r, &u, USER_WAIT_MS, "ECHO", "hello");
    request_expect_text(&r, &f->loop, "hello");
    assert_true(r.call.sent_us > 0 && r.call.done_us >= r.call.sent_us);

    redis_call_init(&r.call);
    for (int i = 0; i < REDIS_CALL_COMMANDS_MAX; i++) {
        snprintf(number, sizeof(number), "%d", i);
        redis_call_addv(&r.call, "ECHO", number);
    }
    request_start(&r, &u, USER_WAIT_MS);
    request_expect(&r, &f->loop, ERR_NONE);
    for (int i = 0; i < REDIS_CALL_COMMANDS_MAX; i++) {
        snprintf(number, sizeof(number), "%d", i);
        assert_string_equal(r.call.replies[i]->str, number);
    }

    redis_call_init(&r.call);
    redis_call_addv(&r.call, "INFO", "everything");
    redis_call_addv(&r.call, "INCR", "n");
    redis_call_addv(&r.call, "GET", "nothing");
    redis_call_addv(&r.call, "LRANGE", "none", "0", "-1");
    request_start(&r, &u, USER_WAIT_MS);
    request_expect(&r, &f->loop, ERR_NONE);
    assert_int_equal(redis_info_parse(&info, r.call.replies[0]->str, r.call.replies[0]->len, &err),
                     0);
    assert_string_equal(info.product, "redis");
    assert_int_equal(info.tcp_port, server.port);
    assert_int_equal(info.role, REDIS_ROLE_MASTER);
    assert_int_equal(r.call.replies[1]->integer, 1);
    assert_int_equal(r.call.replies[2]->type, REDIS_REPLY_NIL);
    assert_int_equal(r.call.replies[3]->type, REDIS_REPLY_ARRAY);
    assert_int_equal(r.call.replies[3]->elements, 0);
    redis_call_clear(&r.call);
    user_free(&u, &f->loop);
    assert_int_equal(u.n_ready, 1);
    assert_int_equal(u.n_ended, 0); /* free says nothing */
    redis_server_stop(&server);
}

static void test_error_replies_are_replies(void **state)
{
    struct fixture *f = *state;
    struct request r = {0};
    struct redis_server server;
    struct err err = ERR_INIT;
    struct user u;

    redis_server_start(&server, NULL);
    user_open(&u, &f->loop, server.port);
    redis_call_init(&r.call);
    redis_call_addv(&r.call, "SET", "k", "v");
    redis_call_addv(&r.call, "LPUSH", "k", "v");
    redis_call_addv(&r.call, "NOSUCH", USER_SECRET, "x");
    request_start(&r, &u, USER_WAIT_MS);
    request_expect(&r, &f->loop, ERR_NONE);
    assert_int_equal(redis_call_reply_err(&r.call, &err), ERR_REPLY);
    assert_non_null(strstr(err.msg, "WRONGTYPE"));

    /* An unknown command is quoted with its arguments, and one of them may be a password. */
    request(&r, &u, USER_WAIT_MS, "NOSUCH", USER_SECRET, "x");
    request_expect(&r, &f->loop, ERR_NONE);
    assert_int_equal(redis_call_reply_err(&r.call, &err), ERR_REPLY);
    assert_string_equal(err.msg, "ERR unknown command 'NOSUCH'");

    request(&r, &u, USER_WAIT_MS, "PING");
    request_expect(&r, &f->loop, ERR_NONE);
    assert_int_equal(redis_call_reply_err(&r.call, &err), 0);
    redis_call_clear(&r.call);
    user_free(&u, &f->loop);
    redis_server_stop(&server);
}

static void test_name_is_set(void **state)
{
    struct fixture *f = *state;
    struct request r = {0};
    struct redis_server server;
    struct redis_client_config config;
    struct user u = {0};

    redis_server_start(&server, NULL);
    config = user_config(&u, server.port);
    config.name = "ecmigrate:orders:7";
    user_start(&u, &f->loop, &config);
    assert_true(loop_run_until_set(&f->loop, &u.ready, USER_WAIT_MS));
    request(&r, &u, USER_WAIT_MS, "CLIENT", "GETNAME");
    request_expect_text(&r, &f->loop, "ecmigrate:orders:7");
    user_free(&u, &f->loop);
    redis_server_stop(&server);
}

static void test_passwords(void **state)
{
    static const char *const args[] = {"--requirepass", USER_SECRET, "--user", "bob", "on",
                                       ">bobs-pass",    "+info",     NULL};
    static const struct {
        const char *username, *password;
        enum err_code code;
        const char *says;
    } rows[] = {
        {NULL, NULL, ERR_AUTH, "the server wants a password (NOAUTH"},
        {NULL, USER_SECRET "x", ERR_AUTH, "the password or the user name is wrong"},
        {"nobody", USER_SECRET, ERR_AUTH, "the password or the user name is wrong (WRONGPASS"},
        {NULL, USER_SECRET, ERR_NONE, NULL},
        {"default", USER_SECRET, ERR_NONE, NULL},
        {"bob", "bobs-pass", ERR_NONE, NULL}, /* may neither PING nor CLIENT */
        {"bob", "WRONGPASS", ERR_AUTH, "the password or the user name is wrong"},
    };
    struct fixture *f = *state;
    struct redis_server server;

    redis_server_start(&server, args);
    for (size_t i = 0; i < array_len(rows); i++) {
        struct user u = {0};
        struct redis_client_config config = user_config(&u, server.port);

        config.name = "ecmigrate:x:1";
        config.username = rows[i].username;
        config.password = rows[i].password;
        user_start(&u, &f->loop, &config);
        if (rows[i].code) {
            user_expect_end(&u, &f->loop, rows[i].code, rows[i].says);
            assert_int_equal(u.n_ready, 0);
        } else if (!loop_run_until_set(&f->loop, &u.ready, USER_WAIT_MS)) {
            fail_msg("row %zu: %s", i, u.why.msg);
        }
        user_free(&u, &f->loop);
    }
    redis_server_stop(&server);
}

static void test_password_is_not_wanted(void **state)
{
    struct fixture *f = *state;
    struct redis_server server;
    struct redis_client_config config;
    struct user u = {0};

    redis_server_start(&server, NULL);
    config = user_config(&u, server.port);
    config.password = USER_SECRET;
    user_start(&u, &f->loop, &config);
    user_expect_end(&u, &f->loop, ERR_AUTH, "a password is given, but the server has none");
    redis_client_set_access(u.client, &(struct redis_client_config){.password = NULL});
    user_connect(&u);
    assert_true(loop_run_until_set(&f->loop, &u.ready, USER_WAIT_MS));
    user_free(&u, &f->loop);
    redis_server_stop(&server);
}

static void test_renamed_auth_does_not_tell_the_password(void **state)
{
    static const char *const args[] = {"--rename-command", "AUTH", "", NULL};
    struct fixture *f = *state;
    struct redis_server server;
    struct redis_client_config config;
    struct user u = {0};

    redis_server_start(&server, args);
    config = user_config(&u, server.port);
    config.password = USER_SECRET;
    user_start(&u, &f->loop, &config);
    user_expect_end(&u, &f->loop, ERR_AUTH, "the server knows no AUTH command");
    user_free(&u, &f->loop);
    redis_server_stop(&server);
}

static void test_connection_is_killed(void **state)
{
    struct fixture *f = *state;
    struct request r = {0}, kill_all = {0};
    struct redis_server server;
    struct user u, other;

    redis_server_start(&server, NULL);
    user_open(&u, &f->loop, server.port);
    user_open(&other, &f->loop, server.port);
    request(&r, &u, USER_WAIT_MS, "BLPOP", "nothing", "0");
    u.connect_when_told = true;
    u.ready = false;
    loop_run_for(&f->loop, 20);
    request(&kill_all, &other, USER_WAIT_MS, "CLIENT", "KILL", "TYPE", "normal");
    request_expect(&r, &f->loop, ERR_CLOSED);
    assert_non_null(strstr(r.call.op.err.msg, "the peer closed the connection"));
    assert_int_equal(u.n_ended, 1);
    assert_true(loop_run_until_set(&f->loop, &u.ready, USER_WAIT_MS)); /* connected from on_state */
    request(&r, &u, USER_WAIT_MS, "ECHO", "again");
    request_expect_text(&r, &f->loop, "again");
    request_expect(&kill_all, &f->loop, ERR_NONE);
    redis_call_clear(&kill_all.call);
    user_free(&u, &f->loop);
    user_free(&other, &f->loop);
    redis_server_stop(&server);
}

/* A stopped server: the call runs out of time, and takes the connection with it. */
static void test_stopped_server(void **state)
{
    struct fixture *f = *state;
    struct request r = {0}, second = {0};
    struct redis_server server;
    struct user u;

    redis_server_start(&server, NULL);
    user_open(&u, &f->loop, server.port);
    kill(server.pid, SIGSTOP);
    request(&second, &u, USER_WAIT_MS, "PING");
    request(&r, &u, 50, "REPLICAOF", "NO", "ONE");
    request_expect(&r, &f->loop, ERR_TIMEOUT);
    assert_non_null(strstr(r.call.op.err.msg, "REPLICAOF: no answer within 50 ms"));
    user_expect_end(&u, &f->loop, ERR_TIMEOUT, "REPLICAOF: no answer within 50 ms");
    request_expect(&second, &f->loop, ERR_TIMEOUT);
    kill(server.pid, SIGCONT);
    request(&r, &u, USER_WAIT_MS, "PING");
    request_expect(&r, &f->loop, ERR_CLOSED);
    assert_non_null(strstr(r.call.op.err.msg, "PING: not connected"));
    user_free(&u, &f->loop);
    redis_server_stop(&server);
}

static void test_cancel_at_every_turn(void **state)
{
    struct fixture *f = *state;
    struct redis_server server;
    struct user u;

    redis_server_start(&server, NULL);
    user_open(&u, &f->loop, server.port);
    for (unsigned turn = 0; turn < 12; turn++) {
        struct request a = {0}, b = {0}, c = {0};

        request(&a, &u, USER_WAIT_MS, "ECHO", "a");
        request(&b, &u, USER_WAIT_MS, "ECHO", "b");
        for (unsigned i = 0; i < turn; i++)
            uv_run(&f->loop, UV_RUN_NOWAIT);
        request(&c, &u, USER_WAIT_MS, "ECHO", "c");
        if (!a.done) {
            op_cancel(&a.call.op);
            op_cancel(&a.call.op);
        }
        request_expect_text(&c, &f->loop, "c");
        request_expect_text(&b, &f->loop, "b");
        assert_true(loop_run_until_set(&f->loop, &a.done, USER_WAIT_MS));
        assert_true(a.call.op.err.code == ERR_CANCELED || a.call.op.err.code == ERR_NONE);
        redis_call_clear(&a.call);
    }
    assert_int_equal(u.n_ended, 0);
    user_free(&u, &f->loop);
    redis_server_stop(&server);
}

static void test_free_at_every_turn(void **state)
{
    static const char *const args[] = {"--requirepass", USER_SECRET, NULL};
    struct fixture *f = *state;
    struct redis_server server;

    redis_server_start(&server, args);
    for (unsigned turn = 0; turn < 24; turn++) {
        struct request r[3] = {0};
        struct user u = {0};
        struct redis_client_config config = user_config(&u, server.port);

        config.name = "ecmigrate:x:1";
        config.password = USER_SECRET;
        user_start(&u, &f->loop, &config);
        for (unsigned i = 0; i < turn; i++)
            uv_run(&f->loop, UV_RUN_NOWAIT);
        for (unsigned i = 0; i < 3; i++)
            request(&r[i], &u, USER_WAIT_MS, "PING");
        user_free(&u, &f->loop);
        for (unsigned i = 0; i < 3; i++) {
            assert_true(r[i].done); /* each, before freed */
            redis_call_clear(&r[i].call);
        }
    }
    redis_server_stop(&server);
}

static void test_free_from_callbacks(void **state)
{
    struct fixture *f = *state;
    struct request r = {0}, other = {0};
    struct redis_server server;
    struct redis_client_config config;
    struct user u = {.free_when_told = true};

    redis_server_start(&server, NULL);
    config = user_config(&u, server.port);
    user_start(&u, &f->loop, &config); /* in on_state(READY) */
    assert_true(loop_run_until_set(&f->loop, &u.freed, USER_WAIT_MS));
    assert_int_equal(u.n_ended, 0);

    user_open(&u, &f->loop, server.port); /* in done */
    r.free_client = true;
    request(&r, &u, USER_WAIT_MS, "PING");
    request(&other, &u, USER_WAIT_MS, "BLPOP", "nothing", "0");
    assert_true(loop_run_until_set(&f->loop, &u.freed, USER_WAIT_MS));
    assert_int_equal(other.call.op.err.code, ERR_CANCELED);
    redis_call_clear(&r.call);

    user_open(&u, &f->loop, server.port); /* in on_state(DISCONNECTED) */
    u.free_when_told = true;
    request(&other, &u, USER_WAIT_MS, "BLPOP", "nothing", "0");
    redis_client_close(u.client, NULL);
    assert_true(loop_run_until_set(&f->loop, &u.freed, USER_WAIT_MS));
    assert_int_equal(u.why.code, ERR_CANCELED);
    assert_true(other.done);

    u = (struct user){.client = redis_client_new(&f->loop, &config)}; /* never connected */
    user_free(&u, &f->loop);
    redis_client_free(NULL, NULL, NULL);
    redis_server_stop(&server);
}

static void test_close_then_connect(void **state)
{
    struct fixture *f = *state;
    struct request r = {0};
    struct redis_server server;
    struct user u;
    struct err why;

    redis_server_start(&server, NULL);
    user_open(&u, &f->loop, server.port);
    u.ready = false;
    err_set(&why, ERR_BUSY, "for a test");
    u.inside = true;
    redis_client_connect(u.client); /* no effect */
    redis_client_close(u.client, &why);
    redis_client_close(u.client, NULL);
    assert_int_equal(redis_client_state(u.client), REDIS_DISCONNECTED);
    u.inside = false;
    request(&r, &u, USER_WAIT_MS, "PING");
    request_expect(&r, &f->loop, ERR_CLOSED);
    user_expect_end(&u, &f->loop, ERR_BUSY, "for a test");

    user_connect(&u);
    redis_client_close(u.client, NULL);
    user_connect(&u);
    assert_int_equal(redis_client_state(u.client), REDIS_CONNECTING);
    assert_true(loop_run_until_set(&f->loop, &u.ready, USER_WAIT_MS));
    assert_int_equal(u.n_ended, 2);
    assert_int_equal(u.n_ready, 2);
    user_free(&u, &f->loop);
    redis_server_stop(&server);
}

struct ordered {
    struct redis_call call;
    unsigned *count, place;
    bool done;
};

static void take_place(struct op *op)
{
    struct ordered *o = container_of(op, struct ordered, call.op);

    assert_int_equal(op->err.code, ERR_NONE);
    o->place = ++*o->count;
    o->done = true;
}

/* The server stands still while both are sent, so that both answers come in one read: what was sent
 * before an action must not be learnt after the action's own answer. */
static void test_answers_in_one_read_end_in_their_order(void **state)
{
    struct fixture *f = *state;
    struct ordered calls[5] = {0};
    struct redis_server server;
    unsigned count = 0;
    struct user u;

    redis_server_start(&server, NULL);
    user_open(&u, &f->loop, server.port);
    kill(server.pid, SIGSTOP);
    for (unsigned i = 0; i < array_len(calls); i++) {
        calls[i].count = &count;
        redis_call_init(&calls[i].call);
        redis_call_addv(&calls[i].call, "INFO", "replication");
        redis_call_start(&calls[i].call, u.client, USER_WAIT_MS, take_place);
    }
    loop_run_for(&f->loop, 20);
    kill(server.pid, SIGCONT);
    for (unsigned i = 0; i < array_len(calls); i++)
        assert_true(loop_run_until_set(&f->loop, &calls[i].done, USER_WAIT_MS));
    for (unsigned i = 0; i < array_len(calls); i++) {
        assert_int_equal(calls[i].place, i + 1);
        redis_call_clear(&calls[i].call);
    }
    user_free(&u, &f->loop);
    redis_server_stop(&server);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, loop_setup, loop_teardown)
    const struct CMUnitTest tests[] = {
        TEST(calls),
        TEST(error_replies_are_replies),
        TEST(name_is_set),
        TEST(passwords),
        TEST(password_is_not_wanted),
        TEST(renamed_auth_does_not_tell_the_password),
        TEST(connection_is_killed),
        TEST(stopped_server),
        TEST(cancel_at_every_turn),
        TEST(free_at_every_turn),
        TEST(free_from_callbacks),
        TEST(close_then_connect),
        TEST(answers_in_one_read_end_in_their_order),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
