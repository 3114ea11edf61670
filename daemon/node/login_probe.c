/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/node/login_probe.h"

static void state_changed(struct redis_client *client, enum redis_client_state state,
                          const struct err *why, void *arg)
{
    struct login_probe *probe = arg;

    if (state == REDIS_CONNECTING || probe->settled)
        return;
    probe->settled = true;
    redis_client_close(client, NULL);
    probe->done(probe, state == REDIS_READY ? NULL : why);
}

int login_probe_start(struct login_probe *probe, uv_loop_t *loop, const struct endpoint *endpoint,
                      const struct spec_auth *auth, uint64_t timeout_ms,
                      void (*done)(struct login_probe *probe, const struct err *err),
                      struct err *err)
{
    char *password = NULL;

    if (spec_auth_read(auth, &password, err))
        return (int)err->code;
    redis_client_free(take(probe->client), NULL, NULL);
    probe->done = done;
    probe->settled = false;
    probe->client =
        redis_client_new(loop, &(struct redis_client_config){.endpoint = *endpoint,
                                                             .username = auth->username,
                                                             .password = password,
                                                             .connect_timeout_ms = timeout_ms,
                                                             .on_state = state_changed,
                                                             .arg = probe});
    secret_free(password);
    redis_client_connect(probe->client);
    return 0;
}

void login_probe_close(struct login_probe *probe, void (*freed)(void *arg), void *arg)
{
    if (probe->client)
        redis_client_free(take(probe->client), freed, arg);
    else
        freed(arg);
}
