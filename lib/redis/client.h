/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One connection to one Redis or Valkey server.
 *
 *   redis_client_new -> redis_client_connect -> (on_state: READY) -> calls … -> redis_client_free
 *
 * Connecting means: resolve the name, connect, log in (AUTH), CLIENT SETNAME; READY only after all
 * of it. A client does not reconnect by itself: its owner decides when. There is one place in which
 * a connection ends, with one reason, and every call under way ends with that reason.
 */
#include <hiredis/hiredis.h>
#include <uv.h>

#include "lib/base/list.h"
#include "lib/base/op.h"
#include "lib/net/endpoint.h"

#define REDIS_CALL_COMMANDS_MAX 24       /* commands pipelined in one call */
#define REDIS_REPLY_BYTES_MAX (8u << 20) /* one reply, all its strings together */
#define REDIS_REPLY_ELEMENTS_MAX 65536u
#define REDIS_CLIENT_CALLS_MAX 64 /* calls waiting on one client; one more ends with ERR_LIMIT */

struct redis_client;
struct redis_slot;
struct tls_contexts;
struct tls_settings;

enum redis_client_state {
    REDIS_DISCONNECTED,
    REDIS_CONNECTING,
    REDIS_READY,
};

struct redis_client_config {
    struct endpoint endpoint;
    const char *username; /* NULL: AUTH with the password alone. Strings are copied by _new */
    const char *password; /* NULL: no AUTH */
    const char *name;     /* CLIENT SETNAME; NULL: none */
    uint64_t connect_timeout_ms;    /* resolve + connect + shake hands + log in */
    const struct tls_settings *tls; /* NULL: plain. Copied, strings too */
    struct tls_contexts *contexts;  /* borrowed for as long as the client lives; with tls */
    /* Called from the loop, never from inside a function of this header: with REDIS_READY, why
     * NULL, once logged in; and exactly once for each connect with REDIS_DISCONNECTED and the
     * reason it failed or ended: ERR_RESOLVE, ERR_REFUSED, ERR_UNREACHABLE, ERR_TIMEOUT,
     * ERR_CLOSED, ERR_PROTOCOL, ERR_LIMIT, ERR_TLS, ERR_AUTH (a password is wrong, missing, or not
     * wanted), ERR_REPLY (the server refuses us for another reason), ERR_CANCELED (our own close).
     * The sentence names the endpoint. REDIS_CONNECTING is not told. Any function may be called
     * from here. */
    void (*on_state)(struct redis_client *client, enum redis_client_state state,
                     const struct err *why, void *arg);
    void *arg;
};

struct redis_client *redis_client_new(uv_loop_t *loop, const struct redis_client_config *config);

/* No effect unless disconnected. The outcome arrives through on_state. After a close whose on_state
 * has not come yet, the new connection begins once it has. */
void redis_client_connect(struct redis_client *client);

enum redis_client_state redis_client_state(const struct redis_client *client);

/* Ends the connection, or the attempt, with this reason (ERR_CANCELED when NULL). Calls under way
 * end with it as well. The state is REDIS_DISCONNECTED from here on; on_state follows. */
void redis_client_close(struct redis_client *client, const struct err *why);

/* Closes without any on_state; every call under way gets its done first; then freed(arg), if not
 * NULL, is called from the loop. The client must not be used after this. NULL is fine (freed is not
 * called). */
void redis_client_free(struct redis_client *client, void (*freed)(void *arg), void *arg);

/* Who logs in, and by what transport, replaced for the next connect: files may be rotated, a job's
 * text changed. Takes username, password and tls from config; another transport only while
 * disconnected. */
void redis_client_set_access(struct redis_client *client, const struct redis_client_config *config);

/*
 * A call: one or more commands sent in one write, and their replies, in order. The memory is the
 * caller's from redis_call_init to done. In done: call->op.err is set when the connection failed or
 * the time ran out (that closes the connection: replies carry no ids); else replies[0..n) are all
 * there, error replies included. Calls on one client get their done in the order in which they
 * ended, which for answers is that in which they were sent. Replies belong to the call;
 * redis_call_clear frees them, and init does it too.
 */
struct redis_call {
    struct op op;
    redisReply *replies[REDIS_CALL_COMMANDS_MAX];
    unsigned n;
    uint64_t sent_us; /* uv_hrtime()/1000 when the commands were written */
    uint64_t done_us; /* … when the last reply had come */
    void *arg;        /* the caller's */
    /* private */
    struct redis_client *client;
    struct redis_slot *slot; /* owned by the client; NULL once the call waits for nothing */
    op_done_fn *done;        /* the caller's */
    char *out;               /* owned; wiped as soon as it is sent: it may hold a password */
    size_t out_len;
    unsigned got;
    char verb[24];      /* first command's name, for messages */
    struct list ending; /* in the client's ended */
    bool closed;
};

/* Must be called once on fresh (zeroed) or finished memory, before the first _add. Keeps arg. */
void redis_call_init(struct redis_call *call);
/* Adds a command. printf-like hiredis format is not used: arguments are binary safe C strings. */
void redis_call_add(struct redis_call *call, int argc, const char *const *argv);
#define redis_call_addv(call, ...)                                                                 \
    redis_call_add((call), (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),          \
                   (const char *[]){__VA_ARGS__})
/* One more reply is waited for, to no command of its own: what a channel brings after SUBSCRIBE. */
void redis_call_await(struct redis_call *call);
/* Sends. A client that is not ready: done comes with ERR_CLOSED. Written at once when the socket
 * takes it. */
void redis_call_start(struct redis_call *call, struct redis_client *client, uint64_t timeout_ms,
                      op_done_fn *done);
void redis_call_clear(struct redis_call *call);
/* The first error reply among the replies, as ERR_AUTH (NOAUTH, WRONGPASS, NOPERM) or ERR_REPLY
 * with the server's words (without the arguments it may quote); 0 when there is none. */
int redis_call_reply_err(const struct redis_call *call, struct err *err);
