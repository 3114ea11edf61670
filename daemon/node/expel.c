/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/node/expel.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"

#define TIMEOUT_MS 5000
#define NAME_MAX_LEN 96

static void expelled(struct op *op)
{
    struct redis_call *call = container_of(op, struct redis_call, op);
    struct expel *expel = call->arg;

    expel->done(expel, op->err.code == ERR_NONE);
}

/* Adds a CLIENT KILL for each connection of this name but our own; returns how many there are. */
static unsigned add_kills(struct redis_call *call, const char *list, const char *name,
                          long long own)
{
    char wanted[NAME_MAX_LEN], id[24];
    unsigned n = 0;

    snprintf(wanted, sizeof(wanted), " name=%s:", name);
    for (const char *line = list; line && *line && n < REDIS_CALL_COMMANDS_MAX;) {
        const char *end = strchrnul(line, '\n');
        const char *at = strstr(line, wanted);
        long long other;

        if (at && at < end && sscanf(line, "id=%lld", &other) == 1 && other != own) {
            snprintf(id, sizeof(id), "%lld", other);
            redis_call_addv(call, "CLIENT", "KILL", "ID", id);
            n++;
        }
        line = *end ? end + 1 : end;
    }
    return n;
}

static void listed(struct op *op)
{
    struct redis_call *call = container_of(op, struct redis_call, op);
    struct expel *expel = call->arg;
    cleanup(freep) char *list = NULL;
    long long own;

    if (op->err.code != ERR_NONE) {
        expel->done(expel, false);
        return;
    }
    if (call->replies[0]->type != REDIS_REPLY_INTEGER ||
        call->replies[1]->type != REDIS_REPLY_STRING) {
        expel->done(expel, true); /* not allowed to: then without */
        return;
    }
    own = call->replies[0]->integer;
    list = xstrdup(call->replies[1]->str);
    redis_call_init(call);
    if (add_kills(call, list, expel->name, own) > 0)
        redis_call_start(call, expel->client, TIMEOUT_MS, expelled);
    else
        expel->done(expel, true);
}

void expel_start(struct expel *expel, struct redis_client *client, struct redis_call *call,
                 const char *name, void (*done)(struct expel *expel, bool ok))
{
    *expel = (struct expel){.done = done, .client = client, .call = call, .name = name};
    call->arg = expel;
    redis_call_init(call);
    redis_call_addv(call, "CLIENT", "ID");
    redis_call_addv(call, "CLIENT", "LIST");
    redis_call_start(call, client, TIMEOUT_MS, listed);
}
