/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A question to a server over a connection of its own, because its answer may be that there is
 * none: whether a log-in works (a replica that cannot log in would only show a link that stays
 * down), or whether a command is held back.
 */
#include "daemon/spec/spec.h"
#include "lib/redis/client.h"

struct probe;

struct probe_config {
    const struct endpoint *endpoint;
    const struct spec_auth *auth;
    uint64_t timeout_ms;     /* to connect and log in */
    const char *const *argv; /* a command to send then; NULL: none */
    int argc;
    uint64_t answer_ms; /* for its answer */
    /* err NULL: we are in, and the command has been answered, if only with an error. Once for each
     * start. */
    void (*done)(struct probe *probe, const struct err *err);
};

struct probe {
    bool asked; /* the command has been sent */
    /* private */
    void (*done)(struct probe *probe, const struct err *err);
    struct redis_client *client; /* owned; NULL: never started */
    struct redis_call call;
    uint64_t answer_ms;
    bool under_way;
};

/* Fails at once when the password cannot be read: done does not come then. A log-in that is under
 * way is given up. */
int probe_start(struct probe *probe, uv_loop_t *loop, const struct probe_config *config,
                struct err *err) must_check;
bool probe_is_under_way(const struct probe *probe);
/* Closes for good; freed(arg) from the loop, or at once where there is nothing to close. After
 * that: probe_deinit(). */
void probe_close(struct probe *probe, void (*freed)(void *arg), void *arg);
void probe_deinit(struct probe *probe);
