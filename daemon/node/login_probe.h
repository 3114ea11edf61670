/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tries a log-in, over a connection of its own: a replica that cannot log in would only show a link
 * that stays down.
 */
#include "daemon/spec/spec.h"
#include "lib/redis/client.h"

struct login_probe {
    /* err NULL: we are in. Once for each start. */
    void (*done)(struct login_probe *probe, const struct err *err);
    /* private */
    struct redis_client *client; /* owned; NULL: never started */
    bool settled;
};

/* Fails at once when the password cannot be read: done does not come then. Another try of this
 * probe is given up. */
int login_probe_start(struct login_probe *probe, uv_loop_t *loop, const struct endpoint *endpoint,
                      const struct spec_auth *auth, uint64_t timeout_ms,
                      void (*done)(struct login_probe *probe, const struct err *err),
                      struct err *err) must_check;
/* Closes for good; freed(arg) from the loop, or at once where there is nothing to close. */
void login_probe_close(struct login_probe *probe, void (*freed)(void *arg), void *arg);
