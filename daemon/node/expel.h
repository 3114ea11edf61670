/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A command of a connection that is gone, of this process or of one that was killed, may still be
 * on its way, and arrive when it is no longer right: a demotion after a retreat, an attachment
 * after a rollback. So the older connections of a job are closed at the server before anything is
 * decided.
 *
 *   CLIENT ID, CLIENT LIST -> CLIENT KILL ID for each that has our name and is not ours -> done
 */
#include "lib/redis/client.h"

struct expel {
    /* The connections are closed, or we are not allowed to; ok false: our own is lost. The call may
     * be used again from here on. */
    void (*done)(struct expel *expel, bool ok);
    /* private */
    struct redis_client *client; /* borrowed */
    struct redis_call *call;     /* borrowed */
    const char *name;            /* borrowed */
};

/* name: what the connections' names begin with, before a colon. call must not be under way. */
void expel_start(struct expel *expel, struct redis_client *client, struct redis_call *call,
                 const char *name, void (*done)(struct expel *expel, bool ok));
