/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, and the buffers that a copy needs. */
#include <inttypes.h>

#include "daemon/core/check/judge.h"
#include "lib/base/base.h"
#include "lib/base/units.h"

#define MIB (INT64_C(1) << 20)
/* What servers of today copy in a second, at least; and the breath they take before. */
#define COPY_BYTES_PER_SECOND (100 * MIB)
#define COPY_SECONDS 2
#define BREAK_SECONDS 10 /* a short break of the link */
/* With sync.tune these are raised as far as memory allows; daemon/core/setting.c. */
#define TUNED_BUFFER (1024 * MIB)
#define TUNED_BACKLOG (64 * MIB)
#define SMALL_BUFFER (16 * MIB)

static const char *bytes(int64_t n, char buf[UNITS_STR_MAX])
{
    return bytes_human((uint64_t)max_of(n, (int64_t)0), buf);
}

/* What counts towards maxmemory. */
static int64_t counted(const struct redis_info *info)
{
    return (int64_t)(info->used_memory - min_of(info->used_memory, info->not_counted_for_evict));
}

enum check_severity check_maxmemory(const struct check_case *c)
{
    int64_t max = (int64_t)min_of(c->target->maxmemory, (uint64_t)INT64_MAX);
    int64_t backlog = max_of(c->target->backlog_bytes, (int64_t)0);
    /* While the target follows, its own figure is the true one. */
    int64_t need = (c->seen->linked ? counted(c->target) : counted(c->source)) + backlog;
    char a[UNITS_STR_MAX], b[UNITS_STR_MAX];

    judge_value(c, SIDE_SOURCE, "uses %s", bytes(counted(c->source), a));
    judge_value(c, SIDE_TARGET, "maxmemory %s%s%s", max ? bytes(max, a) : "0: no limit",
                max ? ", " : "", max ? c->target->maxmemory_policy : "");
    if (max == 0 || need <= max / 10 * 9)
        return CHECK_OK;
    judge_remedy(c, SIDE_TARGET, "CONFIG SET maxmemory %" PRId64, need / 4 * 5 / MIB * MIB + MIB);
    return judge(
        c, need > max ? CHECK_ERROR : CHECK_WARNING,
        "the data and the backlog take about %s, and the target's maxmemory is %s: it would %s",
        bytes(need, a), bytes(max, b),
        strcmp(c->target->maxmemory_policy, "noeviction") == 0 ? "refuse writes" : "evict keys");
}

enum check_severity check_host_memory(const struct check_case *c)
{
    char a[UNITS_STR_MAX], b[UNITS_STR_MAX];

    if (c->target->total_system_memory == 0)
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "uses %s", bytes((int64_t)c->source->used_memory, a));
    judge_value(c, SIDE_TARGET, "host has %s", bytes((int64_t)c->target->total_system_memory, a));
    if (c->source->used_memory <= c->target->total_system_memory)
        return CHECK_OK;
    return judge(c, CHECK_ERROR, "the source uses %s, and the target's host has %s",
                 bytes((int64_t)c->source->used_memory, a),
                 bytes((int64_t)c->target->total_system_memory, b));
}

enum check_severity check_evicting_source(const struct check_case *c)
{
    int64_t max = (int64_t)min_of(c->source->maxmemory, (uint64_t)INT64_MAX);
    int64_t used = counted(c->source);
    char a[UNITS_STR_MAX], b[UNITS_STR_MAX];

    if (max == 0 || strcmp(c->source->maxmemory_policy, "noeviction") == 0 || used < max / 20 * 19)
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "%s of %s, %s, %" PRId64 " evicted so far", bytes(used, a),
                bytes(max, b), c->source->maxmemory_policy, c->source->evicted_keys);
    judge_remedy(c, SIDE_SOURCE, "CONFIG SET maxmemory %" PRId64, used / 4 * 5 / MIB * MIB + MIB);
    return judge(c, CHECK_WARNING, "the source uses %s of its maxmemory, %s, and evicts keys (%s)",
                 bytes(used, a), bytes(max, b), c->source->maxmemory_policy);
}

enum check_severity check_fork_memory(const struct check_case *c)
{
    int64_t host = (int64_t)min_of(c->source->total_system_memory, (uint64_t)INT64_MAX);
    int64_t used = (int64_t)min_of(c->source->used_memory, (uint64_t)INT64_MAX);
    char a[UNITS_STR_MAX], b[UNITS_STR_MAX];

    if (host == 0)
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "uses %s of its host's %s", bytes(used, a), bytes(host, b));
    return used > host / 2 ? judge(c, CHECK_WARNING,
                                   "the source uses %s of its host's %s: what is written while it "
                                   "copies may not find room",
                                   bytes(used, a), bytes(host, b))
                           : CHECK_OK;
}

/* What the source is sent in a second, which is no less than what it writes. */
static double written_per_second(const struct redis_info *info)
{
    return info->input_kbps * 1024;
}

static int64_t below(int64_t limit, int64_t other)
{
    return limit == 0 ? other : min_of(limit, other);
}

enum check_severity check_output_buffer(const struct check_case *c)
{
    double seconds = COPY_SECONDS + (double)c->source->used_memory / (double)COPY_BYTES_PER_SECOND;
    double need = min_of(written_per_second(c->source) * seconds, 1e15);
    int64_t hard = c->source_facts->buffer_hard, soft = c->source_facts->buffer_soft;
    bool tune = c->spec->sync.tune;
    int64_t limit;
    char a[UNITS_STR_MAX], b[UNITS_STR_MAX];

    if (hard < 0)
        return CHECK_OK;
    limit = below(hard, seconds > (double)c->source_facts->buffer_seconds ? below(soft, INT64_MAX)
                                                                          : INT64_MAX);
    judge_value(c, SIDE_SOURCE, "replica %" PRId64 " %" PRId64 " %" PRId64, hard, soft,
                c->source_facts->buffer_seconds);
    if (tune && limit < TUNED_BUFFER)
        limit = TUNED_BUFFER;
    if (limit >= SMALL_BUFFER && need < (double)limit)
        return CHECK_OK;
    if (!tune)
        judge_remedy(c, SIDE_SOURCE,
                     "CONFIG SET client-output-buffer-limit 'replica %" PRId64 " %" PRId64 " 60'",
                     max_of((int64_t)need * 2, TUNED_BUFFER),
                     max_of((int64_t)need * 2, TUNED_BUFFER));
    return judge(
        c, CHECK_WARNING,
        "at %s written per second and about %.0f s of copying, %s pile up, and the source's "
        "buffer for replicas ends at %s",
        bytes((int64_t)written_per_second(c->source), a), seconds, bytes((int64_t)need, b),
        bytes(limit, (char[UNITS_STR_MAX]){0}));
}

enum check_severity check_backlog_small(const struct check_case *c)
{
    double need = min_of(max_of(written_per_second(c->source) * BREAK_SECONDS, (double)MIB), 1e15);
    int64_t has = c->source->backlog_bytes;
    char a[UNITS_STR_MAX], b[UNITS_STR_MAX];

    judge_value(c, SIDE_SOURCE, "%s", bytes(has, a));
    if (c->spec->sync.tune && has < TUNED_BACKLOG)
        has = TUNED_BACKLOG;
    if ((double)has >= need)
        return CHECK_OK;
    if (!c->spec->sync.tune)
        judge_remedy(c, SIDE_SOURCE, "CONFIG SET repl-backlog-size %" PRId64,
                     max_of((int64_t)need * 2, TUNED_BACKLOG));
    return judge(c, CHECK_WARNING, "%s are written in %d s, and the source's backlog holds %s",
                 bytes((int64_t)need, a), BREAK_SECONDS, bytes(has, b));
}
