/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Questions to a server over a connection of its own: because the answer may be that there is none
 * (a command that is held back), or because they are somebody else's (the replication user's log-in
 * and rights: a replica that lacks them would only show a link that stays down).
 */
#include "daemon/node/access.h"
#include "lib/redis/client.h"

struct probe;

struct probe_config {
    struct access access;
    /* Adds the commands to send then; NULL: none. */
    void (*ask)(struct redis_call *call, const void *arg);
    const void *arg;
    uint64_t answer_ms; /* for their answers */
    /* err NULL: we are in, and the commands have been answered, if only with errors: in call.
     * Once for each start; it may start the next one, and not close this one. */
    void (*done)(struct probe *probe, const struct err *err);
};

struct probe {
    bool asked;              /* the commands have been sent */
    struct redis_call *call; /* owned; there in done, and while it is under way */
    /* private */
    void (*done)(struct probe *probe, const struct err *err);
    struct redis_client *client; /* owned; NULL: nothing is under way */
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
