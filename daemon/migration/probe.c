/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries the replication user's log-in at the source, from here: a target that cannot log in would
 * only show a link that stays down. Without a replication user of its own, the daemon's own log-in
 * has said it all.
 */
#include "daemon/migration/migration_private.h"

#define PROBE_TIMEOUT_MS 5000

static void probed(struct redis_client *client, enum redis_client_state state,
                   const struct err *why, void *arg)
{
    struct migration *m = arg;
    struct seen_node *source = &m->seen.node[SIDE_SOURCE];

    if (state == REDIS_CONNECTING || source->replication_auth_tried)
        return;
    source->replication_auth_tried = true;
    source->replication_auth_why = REASON_NONE;
    if (state == REDIS_DISCONNECTED) {
        source->replication_auth_why = node_reason(SIDE_SOURCE, why);
        source->replication_auth_err = *why;
    }
    redis_client_close(client, NULL);
    migration_poke(m);
}

void migration_probe(struct migration *m)
{
    struct seen_node *source = &m->seen.node[SIDE_SOURCE];
    const struct spec_auth *auth = spec_replication_auth(&m->spec->source);
    char *password = NULL;

    source->replication_auth_tried = !m->spec->source.has_replication_user;
    source->replication_auth_why = REASON_NONE;
    if (source->replication_auth_tried)
        return;
    if (spec_auth_read(auth, &password, &source->replication_auth_err)) {
        source->replication_auth_tried = true;
        source->replication_auth_why = REASON_CREDENTIAL_UNREADABLE;
        return;
    }
    redis_client_free(take(m->probe), NULL, NULL);
    m->probe = redis_client_new(
        m->env->loop, &(struct redis_client_config){.endpoint = m->run.source,
                                                    .username = auth->username,
                                                    .password = password,
                                                    .connect_timeout_ms = PROBE_TIMEOUT_MS,
                                                    .on_state = probed,
                                                    .arg = m});
    secret_free(password);
    redis_client_connect(m->probe);
}
