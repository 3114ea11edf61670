/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What client.c, login.c, call.c and client_state.c share. Nobody else includes this. */
#include "lib/net/tls.h"
#include "lib/redis/client.h"
#include "lib/redis/reader.h"

enum client_phase {
    CLIENT_IDLE,
    CLIENT_CONNECTING, /* waits for conn: opened, closed */
    CLIENT_LOGIN,      /* waits for the log-in's replies */
    CLIENT_READY,
    CLIENT_CLOSING, /* as this side wanted; waits for conn: closed */
};

/* The place of one call in the order of replies. Outlives the call when that is canceled. */
struct redis_slot {
    struct list link;
    struct redis_call *call; /* borrowed; NULL: nobody wants the replies any more */
    unsigned left;           /* replies still to come */
};

struct redis_client {
    uv_loop_t *loop;
    struct conn conn;
    struct tls_peer *tls;          /* owned; NULL: plain */
    struct tls_contexts *contexts; /* borrowed */
    enum client_phase phase;
    bool reconnect;    /* connect again once the old connection is gone */
    unsigned pins;     /* what must come to its end before the client's memory may go */
    struct list slots; /* owned; in the order of replies */
    unsigned n_slots;
    struct list ended; /* calls whose done is still to come, in the order in which they ended */
    struct redis_reader *reader; /* owned; NULL while nothing is being read */
    struct redis_call *login;    /* owned; NULL unless one is under way */
    bool login_auth;             /* … and its first command is AUTH */
    void (*logged_in)(struct redis_client *client);
    uint64_t connect_deadline_ms; /* on the loop's clock */

    struct endpoint endpoint;
    char *username, *password, *name; /* owned */
    uint64_t connect_timeout_ms;
    void (*on_state)(struct redis_client *client, enum redis_client_state state,
                     const struct err *why, void *arg);
    void *arg;

    bool freeing;
    uv_timer_t last; /* freeing: makes sure that the end comes from the loop */
    void (*freed)(void *arg);
    void *freed_arg;
};

/* client_state.c: holds the client's memory / lets go of it, which may free it. */
void client_pin(struct redis_client *client);
void client_unpin(struct redis_client *client);

/* login.c: sends the log-in; ends in logged_in() or conn_endf(). */
void login_start(struct redis_client *client, void (*logged_in)(struct redis_client *client));
/* login.c: the connection has ended while logging in: finds out whether the server had said why. */
void login_explain(struct redis_client *client, struct err *why);

/* call.c: writes the call and takes a place in the order of replies; without regard to the phase.
 */
void call_send(struct redis_call *call, struct redis_client *client, uint64_t timeout_ms,
               op_done_fn *done);
/* call.c: the next reply has come; takes it. False when nobody has asked for it. */
bool call_reply(struct redis_client *client, redisReply *reply);
/* call.c: ends all calls under way. */
void calls_fail(struct redis_client *client, const struct err *why);
/* call.c: the server's words in an error reply, fit for a message: no arguments quoted, nothing but
 * text. */
#define REPLY_WORDS_MAX 160
const char *reply_words(const redisReply *reply, char buf[REPLY_WORDS_MAX]);
