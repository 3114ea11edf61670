/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A user of the Redis client, which checks that callbacks come when they may; and its requests. */
#include "lib/redis/client.h"
#include "tests/unit/fixture.h"

#define USER_WAIT_MS 5000
#define USER_SECRET "s3cret-pass" /* must not get into any message */

struct user {
    struct redis_client *client;
    bool ready, ended, freed;
    unsigned n_ready, n_ended;
    struct err why;
    bool inside; /* a function of the client is being called: no callback may come */
    bool free_when_told, connect_when_told;
};

/* For user_start(); what is to be different is set in it. */
struct redis_client_config user_config(struct user *u, uint16_t port);
/* Makes a client and begins to connect it. */
void user_start(struct user *u, uv_loop_t *loop, const struct redis_client_config *config);
/* The same, and waits until it is ready. */
void user_open(struct user *u, uv_loop_t *loop, uint16_t port);
void user_connect(struct user *u); /* once more */
void user_free(struct user *u, uv_loop_t *loop);
/* Waits for the first end of the connection, with this code and these words in its message. */
void user_expect_end(struct user *u, uv_loop_t *loop, enum err_code code, const char *says);

/* --- calls --- */

struct request {
    struct redis_call call;
    struct user *user;
    bool done;
    bool free_client; /* in done */
};

/* Starts r->call, which has its commands. */
void request_start(struct request *r, struct user *u, uint64_t timeout_ms);
/* Starts a call of one command: its words. */
#define request(r, u, timeout_ms, ...)                                                             \
    do {                                                                                           \
        redis_call_init(&(r)->call);                                                               \
        redis_call_addv(&(r)->call, __VA_ARGS__);                                                  \
        request_start((r), (u), (timeout_ms));                                                     \
    } while (0)

/* Waits until it is done. */
void request_expect(struct request *r, uv_loop_t *loop, enum err_code code);
/* The same; its first reply is text. Clears the call. */
void request_expect_text(struct request *r, uv_loop_t *loop, const char *text);
