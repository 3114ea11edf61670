/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A server's replicas, as it lists them itself. */
#include "daemon/spec/spec.h"
#include "lib/net/endpoint.h"
#include "lib/redis/info.h"

/*
 * The line of a replica at this endpoint, or NULL. Servers list addresses, or what a replica
 * announces: a name that is neither is any replica on that port.
 */
const struct redis_info_replica *replica_at(const struct redis_info *info,
                                            const struct endpoint *endpoint);
/* … without that guess: at this address, or announced under this name. */
const struct redis_info_replica *replica_exactly_at(const struct redis_info *info,
                                                    const struct endpoint *endpoint);
unsigned replicas_online(const struct redis_info *info);

/* One replica, as it is shown. */
struct replica_row {
    struct endpoint at; /* as the server lists it, or as the job file names it */
    const char *state;  /* as servers put it; "missing": named, and not connected */
    int64_t offset;     /* what it has acknowledged; -1: nothing yet */
    int64_t lag;        /* bytes behind its primary; -1: not known */
};
#define REPLICA_ROWS_MAX (REDIS_REPLICAS_MAX + SPEC_REPLICAS_MAX)

/* Those a server lists, then those of the n named ones that it does not list. */
unsigned replica_rows(const struct redis_info *info, const struct endpoint *named, unsigned n,
                      struct replica_row ret[REPLICA_ROWS_MAX]);
/* Online, and within max_lag of its primary: that it is online says little. */
bool replica_is_near(const struct replica_row *row, int64_t max_lag);
/* Says of as many as there is room for where they are: those that are not near. Their number. */
unsigned replicas_far(const struct redis_info *info, const struct endpoint *named, unsigned n,
                      int64_t max_lag, char *buf, size_t size);
