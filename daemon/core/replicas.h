/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A server's replicas, as it lists them itself. */
#include "lib/net/endpoint.h"
#include "lib/redis/info.h"

/*
 * The line of a replica at this endpoint, or NULL. Servers list addresses, or what a replica
 * announces: a name that is neither is any replica on that port.
 */
const struct redis_info_replica *replica_at(const struct redis_info *info,
                                            const struct endpoint *endpoint);
unsigned replicas_online(const struct redis_info *info);
