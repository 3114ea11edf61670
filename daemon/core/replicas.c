/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/replicas.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static bool is_address(const char *host)
{
    unsigned char buf[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, buf) == 1 || inet_pton(AF_INET6, host, buf) == 1;
}

/* One IPv6 address is written in many ways. */
static bool same_host(const char *a, const char *b)
{
    struct in6_addr x, y;

    if (inet_pton(AF_INET6, a, &x) == 1 && inet_pton(AF_INET6, b, &y) == 1)
        return memcmp(&x, &y, sizeof(x)) == 0;
    return strcasecmp(a, b) == 0;
}

const struct redis_info_replica *replica_at(const struct redis_info *info,
                                            const struct endpoint *endpoint)
{
    const struct redis_info_replica *by_port = NULL;

    for (unsigned i = 0; i < info->n_replicas; i++) {
        const struct redis_info_replica *replica = &info->replicas[i];

        if (replica->port != endpoint->port)
            continue;
        if (same_host(replica->ip, endpoint->host))
            return replica;
        by_port = replica;
    }
    return is_address(endpoint->host) ? NULL : by_port;
}

unsigned replicas_online(const struct redis_info *info)
{
    unsigned online = 0;

    for (unsigned i = 0; i < info->n_replicas; i++)
        online += info->replicas[i].state == REDIS_REPLICA_ONLINE;
    if (info->connected_replicas > REDIS_REPLICAS_MAX)
        online += info->connected_replicas - REDIS_REPLICAS_MAX; /* their lines are not kept */
    return online;
}
