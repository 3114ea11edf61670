/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a node's memory is taken by, and what it has left: in bytes, from INFO. */
#include "lib/redis/info.h"

/* What counts towards its maxmemory. */
int64_t memory_counted(const struct redis_info *info);
/* … as a primary whose backlog of that size is full. */
int64_t memory_with_backlog(const struct redis_info *info, int64_t backlog);
/* What a backlog of now can be raised to, if wanted is wished: at most a quarter of what is free is
 * taken, of its maxmemory, which a backlog counts as, and of its host. now, where there is none. */
int64_t memory_for_backlog(const struct redis_info *info, int64_t now, int64_t wanted);
/* The same of a buffer for replicas, which no maxmemory counts, though it is real memory. */
int64_t memory_for_buffer(const struct redis_info *info, int64_t wanted);
