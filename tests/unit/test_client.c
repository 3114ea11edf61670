/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis client against real servers, and against peers that mean harm. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"
#include "lib/redis/client.h"
#include "lib/redis/info.h"
#include "tests/unit/fixture.h"
#include "tests/unit/peer.h"

#define WAIT_MS 5000
#define SECRET "s3cret-pass"

struct user {
    struct redis_client *client;
    bool ready, ended, freed;
    unsigned n_ready, n_ended;
    struct err why;
    bool inside; /* a function of the client is being called: no callback may come */
    bool free_when_told, connect_when_told;
};

static void on_freed(void *arg)
{
    struct user *u = arg;

    assert_false(u->inside || u->freed);
    u->freed = true;
}

static void on_state(struct redis_client *client, enum redis_client_state state,
                     const struct err *why, void *arg)
{
    struct user *u = arg;

    assert_false(u->inside || u->freed);
    assert_int_equal(redis_client_state(client), state);
    if (state == REDIS_READY) {
        assert_null(why);
        u->ready = true;
        u->n_ready++;
    } else {
        assert_int_equal(state, REDIS_DISCONNECTED);
        u->why = *why;
        u->ended = true;
        u->n_ended++;
        assert_null(strstr(why->msg, SECRET));
    }
    if (u->free_when_told) {
        redis_client_free(client, on_freed, u);
    } else if (u->connect_when_told) {
        u->connect_when_told = false;
        u->ended = false;
        redis_client_connect(client);
    }
}

static struct redis_client_config config_for(struct user *u, uint16_t port)
{
    struct redis_client_config config = {
        .endpoint = {.host = "127.0.0.1", .port = port},
        .connect_timeout_ms = WAIT_MS,
        .on_state = on_state,
        .arg = u,
    };

    return config;
}

static void user_connect(struct user *u)
{
    u->inside = true;
    redis_client_connect(u->client);
    u->inside = false;
}

static void user_start(struct user *u, uv_loop_t *loop, const struct redis_client_config *config)
{
    u->client = redis_client_new(loop, config);
    assert_int_equal(redis_client_state(u->client), REDIS_DISCONNECTED);
    user_connect(u);
    assert_int_equal(redis_client_state(u->client), REDIS_CONNECTING);
}

static void user_open(struct user *u, uv_loop_t *loop, uint16_t port)
{
    struct redis_client_config config = config_for(u, port);

    *u = (struct user){0};
    user_start(u, loop, &config);
    if (!loop_run_until_set(loop, &u->ready, WAIT_MS))
        fail_msg("not ready: %s", u->why.msg);
}

static void user_free(struct user *u, uv_loop_t *loop)
{
    u->inside = true;
    redis_client_free(u->client, on_freed, u);
    u->inside = false;
    assert_true(loop_run_until_set(loop, &u->freed, WAIT_MS));
}

static void expect_end(struct user *u, uv_loop_t *loop, enum err_code code, const char *says)
{
    assert_true(loop_run_until_set(loop, &u->ended, WAIT_MS));
    if (!strstr(u->why.msg, says))
        fail_msg("'%s' is not in '%s'", says, u->why.msg);
    assert_string_equal(err_code_name(u->why.code), err_code_name(code));
    assert_int_equal(u->n_ended, 1);
    assert_int_equal(redis_client_state(u->client), REDIS_DISCONNECTED);
}

/* --- calls --- */

struct request {
    struct redis_call call;
    struct user *user;
    bool done;
    bool free_client; /* in done */
};

static void request_done(struct op *op)
{
    struct request *r = container_of(op, struct request, call.op);

    assert_false(r->done || r->user->inside || r->user->freed);
    r->done = true;
    if (r->free_client) {
        r->user->inside = true;
        redis_client_free(r->user->client, on_freed, r->user);
        r->user->inside = false;
    }
}

static void request_start(struct request *r, struct user *u, uint64_t timeout_ms)
{
    r->user = u;
    r->done = false;
    u->inside = true;
    redis_call_start(&r->call, u->client, timeout_ms, request_done);
    u->inside = false;
    assert_false(r->done);
}

#define request(r, u, timeout_ms, ...)                                                             \
    do {                                                                                           \
        redis_call_init(&(r)->call);                                                               \
        redis_call_addv(&(r)->call, __VA_ARGS__);                                                  \
        request_start((r), (u), (timeout_ms));                                                     \
    } while (0)

static void expect_code(struct request *r, uv_loop_t *loop, enum err_code code)
{
    assert_true(loop_run_until_set(loop, &r->done, WAIT_MS));
    if (r->call.op.err.code != code)
        fail_msg("%s instead of %s: %s", err_code_name(r->call.op.err.code), err_code_name(code),
                 r->call.op.err.msg);
}

static void expect_text(struct request *r, uv_loop_t *loop, const char *text)
{
    expect_code(r, loop, ERR_NONE);
    assert_non_null(r->call.replies[0]);
    assert_non_null(r->call.replies[0]->str);
    assert_string_equal(r->call.replies[0]->str, text);
    redis_call_clear(&r->call);
}

/* --- a real server --- */

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
    request(&r, &u, WAIT_MS, "ECHO", "hello");
    expect_text(&r, &f->loop, "hello");
    assert_true(r.call.sent_us > 0 && r.call.done_us >= r.call.sent_us);

    redis_call_init(&r.call);
    for (int i = 0; i < REDIS_CALL_COMMANDS_MAX; i++) {
        snprintf(number, sizeof(number), "%d", i);
        redis_call_addv(&r.call, "ECHO", number);
    }
    request_start(&r, &u, WAIT_MS);
    expect_code(&r, &f->loop, ERR_NONE);
    for (int i = 0; i < REDIS_CALL_COMMANDS_MAX; i++) {
        snprintf(number, sizeof(number), "%d", i);
        assert_string_equal(r.call.replies[i]->str, number);
    }

    redis_call_init(&r.call);
    redis_call_addv(&r.call, "INFO", "everything");
    redis_call_addv(&r.call, "INCR", "n");
    redis_call_addv(&r.call, "GET", "nothing");
    redis_call_addv(&r.call, "LRANGE", "none", "0", "-1");
    request_start(&r, &u, WAIT_MS);
    expect_code(&r, &f->loop, ERR_NONE);
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
    redis_call_addv(&r.call, "NOSUCH", SECRET, "x");
    request_start(&r, &u, WAIT_MS);
    expect_code(&r, &f->loop, ERR_NONE);
    assert_int_equal(redis_call_reply_err(&r.call, &err), ERR_REPLY);
    assert_non_null(strstr(err.msg, "WRONGTYPE"));

    /* An unknown command is quoted with its arguments, and one of them may be a password. */
    request(&r, &u, WAIT_MS, "NOSUCH", SECRET, "x");
    expect_code(&r, &f->loop, ERR_NONE);
    assert_int_equal(redis_call_reply_err(&r.call, &err), ERR_REPLY);
    assert_string_equal(err.msg, "ERR unknown command 'NOSUCH'");

    request(&r, &u, WAIT_MS, "PING");
    expect_code(&r, &f->loop, ERR_NONE);
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
    config = config_for(&u, server.port);
    config.name = "ecmigrate:orders:7";
    user_start(&u, &f->loop, &config);
    assert_true(loop_run_until_set(&f->loop, &u.ready, WAIT_MS));
    request(&r, &u, WAIT_MS, "CLIENT", "GETNAME");
    expect_text(&r, &f->loop, "ecmigrate:orders:7");
    user_free(&u, &f->loop);
    redis_server_stop(&server);
}

static void test_passwords(void **state)
{
    static const char *const args[] = {"--requirepass", SECRET,  "--user", "bob", "on",
                                       ">bobs-pass",    "+info", NULL};
    static const struct {
        const char *username, *password;
        enum err_code code;
        const char *says;
    } rows[] = {
        {NULL, NULL, ERR_AUTH, "the server wants a password (NOAUTH"},
        {NULL, SECRET "x", ERR_AUTH, "the password or the user name is wrong"},
        {"nobody", SECRET, ERR_AUTH, "the password or the user name is wrong (WRONGPASS"},
        {NULL, SECRET, ERR_NONE, NULL},
        {"default", SECRET, ERR_NONE, NULL},
        {"bob", "bobs-pass", ERR_NONE, NULL}, /* may neither PING nor CLIENT */
        {"bob", "WRONGPASS", ERR_AUTH, "the password or the user name is wrong"},
    };
    struct fixture *f = *state;
    struct redis_server server;

    redis_server_start(&server, args);
    for (size_t i = 0; i < array_len(rows); i++) {
        struct user u = {0};
        struct redis_client_config config = config_for(&u, server.port);

        config.name = "ecmigrate:x:1";
        config.username = rows[i].username;
        config.password = rows[i].password;
        user_start(&u, &f->loop, &config);
        if (rows[i].code) {
            expect_end(&u, &f->loop, rows[i].code, rows[i].says);
            assert_int_equal(u.n_ready, 0);
        } else if (!loop_run_until_set(&f->loop, &u.ready, WAIT_MS)) {
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
    config = config_for(&u, server.port);
    config.password = SECRET;
    user_start(&u, &f->loop, &config);
    expect_end(&u, &f->loop, ERR_AUTH, "a password is given, but the server has none");
    redis_client_set_auth(u.client, NULL, NULL);
    user_connect(&u);
    assert_true(loop_run_until_set(&f->loop, &u.ready, WAIT_MS));
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
    config = config_for(&u, server.port);
    config.password = SECRET;
    user_start(&u, &f->loop, &config);
    expect_end(&u, &f->loop, ERR_AUTH, "the server knows no AUTH command");
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
    request(&r, &u, WAIT_MS, "BLPOP", "nothing", "0");
    u.connect_when_told = true;
    u.ready = false;
    loop_run_for(&f->loop, 20);
    request(&kill_all, &other, WAIT_MS, "CLIENT", "KILL", "TYPE", "normal");
    expect_code(&r, &f->loop, ERR_CLOSED);
    assert_non_null(strstr(r.call.op.err.msg, "the peer closed the connection"));
    assert_int_equal(u.n_ended, 1);
    assert_true(loop_run_until_set(&f->loop, &u.ready, WAIT_MS)); /* connected from on_state */
    request(&r, &u, WAIT_MS, "ECHO", "again");
    expect_text(&r, &f->loop, "again");
    expect_code(&kill_all, &f->loop, ERR_NONE);
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
    request(&second, &u, WAIT_MS, "PING");
    request(&r, &u, 50, "REPLICAOF", "NO", "ONE");
    expect_code(&r, &f->loop, ERR_TIMEOUT);
    assert_non_null(strstr(r.call.op.err.msg, "REPLICAOF: no answer within 50 ms"));
    expect_end(&u, &f->loop, ERR_TIMEOUT, "REPLICAOF: no answer within 50 ms");
    expect_code(&second, &f->loop, ERR_TIMEOUT);
    kill(server.pid, SIGCONT);
    request(&r, &u, WAIT_MS, "PING");
    expect_code(&r, &f->loop, ERR_CLOSED);
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

        request(&a, &u, WAIT_MS, "ECHO", "a");
        request(&b, &u, WAIT_MS, "ECHO", "b");
        for (unsigned i = 0; i < turn; i++)
            uv_run(&f->loop, UV_RUN_NOWAIT);
        request(&c, &u, WAIT_MS, "ECHO", "c");
        if (!a.done) {
            op_cancel(&a.call.op);
            op_cancel(&a.call.op);
        }
        expect_text(&c, &f->loop, "c");
        expect_text(&b, &f->loop, "b");
        assert_true(loop_run_until_set(&f->loop, &a.done, WAIT_MS));
        assert_true(a.call.op.err.code == ERR_CANCELED || a.call.op.err.code == ERR_NONE);
        redis_call_clear(&a.call);
    }
    assert_int_equal(u.n_ended, 0);
    user_free(&u, &f->loop);
    redis_server_stop(&server);
}

static void test_free_at_every_turn(void **state)
{
    static const char *const args[] = {"--requirepass", SECRET, NULL};
    struct fixture *f = *state;
    struct redis_server server;

    redis_server_start(&server, args);
    for (unsigned turn = 0; turn < 24; turn++) {
        struct request r[3] = {0};
        struct user u = {0};
        struct redis_client_config config = config_for(&u, server.port);

        config.name = "ecmigrate:x:1";
        config.password = SECRET;
        user_start(&u, &f->loop, &config);
        for (unsigned i = 0; i < turn; i++)
            uv_run(&f->loop, UV_RUN_NOWAIT);
        for (unsigned i = 0; i < 3; i++)
            request(&r[i], &u, WAIT_MS, "PING");
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
    config = config_for(&u, server.port);
    user_start(&u, &f->loop, &config); /* in on_state(READY) */
    assert_true(loop_run_until_set(&f->loop, &u.freed, WAIT_MS));
    assert_int_equal(u.n_ended, 0);

    user_open(&u, &f->loop, server.port); /* in done */
    r.free_client = true;
    request(&r, &u, WAIT_MS, "PING");
    request(&other, &u, WAIT_MS, "BLPOP", "nothing", "0");
    assert_true(loop_run_until_set(&f->loop, &u.freed, WAIT_MS));
    assert_int_equal(other.call.op.err.code, ERR_CANCELED);
    redis_call_clear(&r.call);

    user_open(&u, &f->loop, server.port); /* in on_state(DISCONNECTED) */
    u.free_when_told = true;
    request(&other, &u, WAIT_MS, "BLPOP", "nothing", "0");
    redis_client_close(u.client, NULL);
    assert_true(loop_run_until_set(&f->loop, &u.freed, WAIT_MS));
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
    request(&r, &u, WAIT_MS, "PING");
    expect_code(&r, &f->loop, ERR_CLOSED);
    expect_end(&u, &f->loop, ERR_BUSY, "for a test");

    user_connect(&u);
    redis_client_close(u.client, NULL);
    user_connect(&u);
    assert_int_equal(redis_client_state(u.client), REDIS_CONNECTING);
    assert_true(loop_run_until_set(&f->loop, &u.ready, WAIT_MS));
    assert_int_equal(u.n_ended, 2);
    assert_int_equal(u.n_ready, 2);
    user_free(&u, &f->loop);
    redis_server_stop(&server);
}

/* --- peers that are no good --- */

static void test_no_connection(void **state)
{
    struct fixture *f = *state;
    uint16_t port = free_port();
    struct redis_client_config config;
    struct user u = {0};
    char says[64];

    config = config_for(&u, port);
    user_start(&u, &f->loop, &config);
    snprintf(says, sizeof(says), "'127.0.0.1:%u': connection refused", port);
    expect_end(&u, &f->loop, ERR_REFUSED, says);
    user_free(&u, &f->loop);

    u = (struct user){0};
    str_copy(config.endpoint.host, sizeof(config.endpoint.host), "nosuchhost.invalid");
    user_start(&u, &f->loop, &config);
    assert_true(loop_run_until_set(&f->loop, &u.ended, 3 * WAIT_MS));
    expect_end(&u, &f->loop, ERR_RESOLVE, "'nosuchhost.invalid:");
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
    {SECRET, {.answers = {"-WRONGPASS not " SECRET "\r\n+PONG\r\n"}}, ERR_AUTH, "is wrong"},
    {SECRET, {.answers = {"-" SECRET "\r\n+PONG\r\n"}}, ERR_REPLY, "the log-in failed"},
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
    {NULL,
     {.answers = {"\x15\x03\x03"}, .hang_up = true},
     ERR_PROTOCOL,
     "does not speak the Redis protocol: got \"\\x15\""},
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
        config = config_for(&u, peer.port);
        config.password = row->password;
        user_start(&u, &f->loop, &config);
        if (row->code)
            expect_end(&u, &f->loop, row->code, row->says);
        else if (!loop_run_until_set(&f->loop, &u.ready, WAIT_MS))
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
    config = config_for(&u, peer.port);
    config.connect_timeout_ms = 80;
    config.password = SECRET;
    user_start(&u, &f->loop, &config);
    expect_end(&u, &f->loop, ERR_TIMEOUT, "log-in: no answer within");
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
        request(&r, &u, WAIT_MS, "GET", "k");
        expect_end(&u, &f->loop, rows[i].code, rows[i].says);
        assert_true(loop_run_until_set(&f->loop, &r.done, WAIT_MS));
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
    request(&r, &u, WAIT_MS, "GET", "k");
    expect_code(&r, &f->loop, ERR_NONE);
    assert_int_equal(r.call.replies[0]->len, REDIS_REPLY_BYTES_MAX - 100000);
    request(&r, &u, WAIT_MS, "GET", "k");
    expect_code(&r, &f->loop, ERR_NONE);
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
        request(&r[i], &u, WAIT_MS, "PING");
    expect_code(&r[REDIS_CLIENT_CALLS_MAX], &f->loop, ERR_LIMIT);
    redis_call_init(&r[REDIS_CLIENT_CALLS_MAX].call);
    request_start(&r[REDIS_CLIENT_CALLS_MAX], &u, WAIT_MS);
    expect_code(&r[REDIS_CLIENT_CALLS_MAX], &f->loop, ERR_INVALID); /* no command */
    user_free(&u, &f->loop);
    for (size_t i = 0; i < REDIS_CLIENT_CALLS_MAX; i++)
        assert_int_equal(r[i].call.op.err.code, ERR_CANCELED);
    peer_stop(&peer);
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
        TEST(no_connection),
        TEST(login_answers),
        TEST(silent_at_login),
        TEST(malicious_answers),
        TEST(large_and_mixed_replies),
        TEST(calls_are_bounded),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
