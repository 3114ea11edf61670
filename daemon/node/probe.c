/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/node/probe.h"

static void free_call(struct redis_call *call)
{
    if (!call)
        return;
    redis_call_clear(call);
    free(call);
}

/* From inside done the next probe may be started: what belongs to this one is let go of apart. */
static void settle(struct probe *probe, const struct err *err)
{
    struct redis_call *call = probe->call;

    probe->under_way = false;
    redis_client_free(take(probe->client), NULL, NULL);
    probe->done(probe, err);
    if (probe->call == call)
        probe->call = NULL;
    free_call(call);
}

static void answered(struct op *op)
{
    struct redis_call *call = container_of(op, struct redis_call, op);
    struct probe *probe = call->arg;

    if (probe->under_way) {
        settle(probe, op->err.code == ERR_NONE ? NULL : &op->err);
        return;
    }
    probe->call = NULL; /* it is closed */
    free_call(call);
}

static void state_changed(struct redis_client *client, enum redis_client_state state,
                          const struct err *why, void *arg)
{
    struct probe *probe = arg;

    /* Once it has been asked, the answer, or its want, comes by the call. */
    if (state == REDIS_CONNECTING || !probe->under_way || probe->asked)
        return;
    if (state != REDIS_READY || probe->call->n == 0) {
        settle(probe, state == REDIS_READY ? NULL : why);
        return;
    }
    probe->asked = true;
    redis_call_start(probe->call, client, probe->answer_ms, answered);
}

int probe_start(struct probe *probe, uv_loop_t *loop, const struct probe_config *config,
                struct err *err)
{
    struct redis_client_config client;

    assert(!probe->under_way || !probe->asked);
    if (access_config(&config->access, &client, err))
        return (int)err->code;
    if (probe->under_way)
        free_call(take(probe->call));
    redis_client_free(take(probe->client), NULL, NULL);
    probe->call = xcalloc(1, sizeof(*probe->call));
    redis_call_init(probe->call);
    probe->call->arg = probe;
    if (config->ask)
        config->ask(probe->call, config->arg);
    probe->done = config->done;
    probe->answer_ms = config->answer_ms;
    probe->under_way = true;
    probe->asked = false;
    client.on_state = state_changed;
    client.arg = probe;
    probe->client = redis_client_new(loop, &client);
    access_clear(&client);
    redis_client_connect(probe->client);
    return 0;
}

bool probe_is_under_way(const struct probe *probe)
{
    return probe->under_way;
}

void probe_close(struct probe *probe, void (*freed)(void *arg), void *arg)
{
    probe->under_way = false;
    if (probe->client)
        redis_client_free(take(probe->client), freed, arg);
    else
        freed(arg);
}

void probe_deinit(struct probe *probe)
{
    free_call(take(probe->call));
}
