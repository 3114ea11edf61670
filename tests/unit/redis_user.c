/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/redis_user.h"

#include <string.h>

#include "lib/base/base.h"

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
        assert_null(strstr(why->msg, USER_SECRET));
    }
    if (u->free_when_told) {
        redis_client_free(client, on_freed, u);
    } else if (u->connect_when_told) {
        u->connect_when_told = false;
        u->ended = false;
        redis_client_connect(client);
    }
}

struct redis_client_config user_config(struct user *u, uint16_t port)
{
    struct redis_client_config config = {
        .endpoint = {.host = "127.0.0.1", .port = port},
        .connect_timeout_ms = USER_WAIT_MS,
        .on_state = on_state,
        .arg = u,
    };

    return config;
}

void user_connect(struct user *u)
{
    u->inside = true;
    redis_client_connect(u->client);
    u->inside = false;
}

void user_start(struct user *u, uv_loop_t *loop, const struct redis_client_config *config)
{
    u->client = redis_client_new(loop, config);
    assert_int_equal(redis_client_state(u->client), REDIS_DISCONNECTED);
    user_connect(u);
    assert_int_equal(redis_client_state(u->client), REDIS_CONNECTING);
}

void user_open(struct user *u, uv_loop_t *loop, uint16_t port)
{
    struct redis_client_config config = user_config(u, port);

    *u = (struct user){0};
    user_start(u, loop, &config);
    if (!loop_run_until_set(loop, &u->ready, USER_WAIT_MS))
        fail_msg("not ready: %s", u->why.msg);
}

void user_free(struct user *u, uv_loop_t *loop)
{
    u->inside = true;
    redis_client_free(u->client, on_freed, u);
    u->inside = false;
    assert_true(loop_run_until_set(loop, &u->freed, USER_WAIT_MS));
}

void user_expect_end(struct user *u, uv_loop_t *loop, enum err_code code, const char *says)
{
    assert_true(loop_run_until_set(loop, &u->ended, USER_WAIT_MS));
    if (!strstr(u->why.msg, says))
        fail_msg("'%s' is not in '%s'", says, u->why.msg);
    assert_string_equal(err_code_name(u->why.code), err_code_name(code));
    assert_int_equal(u->n_ended, 1);
    assert_int_equal(redis_client_state(u->client), REDIS_DISCONNECTED);
}

/* --- calls --- */

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

void request_start(struct request *r, struct user *u, uint64_t timeout_ms)
{
    r->user = u;
    r->done = false;
    u->inside = true;
    redis_call_start(&r->call, u->client, timeout_ms, request_done);
    u->inside = false;
    assert_false(r->done);
}

void request_expect(struct request *r, uv_loop_t *loop, enum err_code code)
{
    assert_true(loop_run_until_set(loop, &r->done, USER_WAIT_MS));
    if (r->call.op.err.code != code)
        fail_msg("%s instead of %s: %s", err_code_name(r->call.op.err.code), err_code_name(code),
                 r->call.op.err.msg);
}

void request_expect_text(struct request *r, uv_loop_t *loop, const char *text)
{
    request_expect(r, loop, ERR_NONE);
    assert_non_null(r->call.replies[0]);
    assert_non_null(r->call.replies[0]->str);
    assert_string_equal(r->call.replies[0]->str, text);
    redis_call_clear(&r->call);
}
