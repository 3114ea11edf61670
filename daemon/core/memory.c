/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/memory.h"

static int64_t bytes(uint64_t n)
{
    return (int64_t)min_of(n, (uint64_t)INT64_MAX / 4);
}

int64_t memory_counted(const struct redis_info *info)
{
    return max_of(bytes(info->used_memory) - bytes(info->not_counted_for_evict), (int64_t)0);
}

int64_t memory_with_backlog(const struct redis_info *info, int64_t backlog)
{
    int64_t filled = min_of(bytes(info->backlog_used), memory_counted(info));

    return memory_counted(info) - filled + min_of(max_of(backlog, (int64_t)0), bytes(UINT64_MAX));
}

/* 0 where nothing is known of the host. */
static int64_t free_of_host(const struct redis_info *info)
{
    return max_of(bytes(info->total_system_memory) - bytes(info->used_memory), (int64_t)0);
}

static int64_t free_bytes(const struct redis_info *info)
{
    int64_t host = free_of_host(info);
    int64_t own = max_of(bytes(info->maxmemory) - memory_counted(info), (int64_t)0);

    if (info->maxmemory == 0)
        return host;
    return info->total_system_memory > 0 ? min_of(own, host) : own;
}

int64_t memory_for_backlog(const struct redis_info *info, int64_t now, int64_t wanted)
{
    int64_t most = (now + free_bytes(info) / 4) >> 20 << 20;

    return max_of(now, min_of(wanted, most));
}

int64_t memory_for_buffer(const struct redis_info *info, int64_t wanted)
{
    return info->total_system_memory > 0 ? min_of(wanted, free_of_host(info) / 4) : wanted;
}
