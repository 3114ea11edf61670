/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/node/access.h"

int access_config(const struct access *access, struct redis_client_config *ret, struct err *err)
{
    bool tls = access->tls && access->tls->enabled;
    char *password = NULL;

    if (spec_auth_read(access->auth, &password, err))
        return (int)err->code;
    *ret = (struct redis_client_config){
        .endpoint = *access->endpoint,
        .username = access->auth->username,
        .password = password,
        .name = access->name,
        .connect_timeout_ms = access->timeout_ms,
        .tls = tls ? &access->tls->settings : NULL,
        .contexts = access->contexts,
    };
    return 0;
}

void access_clear(struct redis_client_config *config)
{
    secret_free((char *)(uintptr_t)config->password);
    config->password = NULL;
}
