/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, and the buffers that a copy needs. */
#include <inttypes.h>

#include "daemon/core/check/judge.h"
#include "daemon/core/memory.h"
#include "daemon/core/setting.h"
#include "lib/base/base.h"
#include "lib/base/units.h"

#define MIB (INT64_C(1) << 20)
/* What servers of today copy in a second, at least; and the breath they take before. */
#define COPY_BYTES_PER_SECOND (100 * MIB)
#define COPY_SECONDS 2
#define BREAK_SECONDS 10 /* a short break of the link */
#define SMALL_BUFFER (16 * MIB)
#define USUAL_BUFFER (256 * MIB)

static const char *bytes(int64_t n, char buf[UNITS_STR_MAX])
{
    return bytes_human((uint64_t)max_of(n, (int64_t)0), buf);
}

/* What a limit is raised to, to hold n with room for more. */
static int64_t with_room(int64_t n)
{
    return n / 4 * 5 / MIB * MIB + MIB;
}

/* While the target follows, its own figure is the true one. */
enum check_severity check_maxmemory(const struct check_case *c)
{
    int64_t max = (int64_t)min_of(c->target->maxmemory, (uint64_t)INT64_MAX);
    int64_t need =
        memory_with_backlog(c->seen->linked ? c->target : c->source, c->target->backlog_bytes);
    char a[UNITS_STR_MAX], b[UNITS_STR_MAX];

    judge_value(c, SIDE_SOURCE, "uses %s", bytes(memory_counted(c->source), a));
    judge_value(c, SIDE_TARGET, "maxmemory %s%s%s", max ? bytes(max, a) : "0: no limit",
                max ? ", " : "", max ? c->target->maxmemory_policy : "");
    if (max == 0 || need <= max / 10 * 9)
        return CHECK_OK;
    judge_remedy(c, SIDE_TARGET, "CONFIG SET maxmemory %" PRId64, with_room(need));
    return judge(
        c, need > max ? CHECK_ERROR : CHECK_WARNING,
        "the data and the backlog take about %s, and the target's maxmemory is %s: it %s %s",
        bytes(need, a), bytes(max, b), need > max ? "would" : "may soon",
        strcmp(c->target->maxmemory_policy, "noeviction") == 0 ? "refuse writes" : "evict keys");
}

enum check_severity check_host_memory(const struct check_case *c)
{
    int64_t host = (int64_t)min_of(c->target->total_system_memory, (uint64_t)INT64_MAX);
    int64_t used = (int64_t)min_of(c->source->used_memory, (uint64_t)INT64_MAX);
    char a[UNITS_STR_MAX], b[UNITS_STR_MAX];

    if (host == 0)
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "uses %s", bytes(used, a));
    judge_value(c, SIDE_TARGET, "host has %s", bytes(host, a));
    if (used <= host / 10 * 9)
        return CHECK_OK;
    return judge(c, used > host ? CHECK_ERROR : CHECK_WARNING,
                 "the source uses %s, and the target's host has %s in all", bytes(used, a),
                 bytes(host, b));
}

enum check_severity check_evicting_source(const struct check_case *c)
{
    int64_t max = (int64_t)min_of(c->source->maxmemory, (uint64_t)INT64_MAX);
    int64_t used = memory_counted(c->source);
    char a[UNITS_STR_MAX], b[UNITS_STR_MAX];

    if (max == 0 || strcmp(c->source->maxmemory_policy, "noeviction") == 0 || used < max / 20 * 19)
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "%s of %s, %s, %" PRId64 " evicted so far", bytes(used, a),
                bytes(max, b), c->source->maxmemory_policy, c->source->evicted_keys);
    judge_remedy(c, SIDE_SOURCE, "CONFIG SET maxmemory %" PRId64, with_room(used));
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

/* Where the source cuts a copy that takes so long; INT64_MAX: nowhere. */
static int64_t buffer_end(const struct facts *facts, double seconds)
{
    int64_t hard = facts->buffer_hard > 0 ? facts->buffer_hard : INT64_MAX;
    int64_t soft = facts->buffer_soft > 0 ? facts->buffer_soft : INT64_MAX;

    return seconds > (double)facts->buffer_seconds ? min_of(hard, soft) : hard;
}

/* As sync.tune raises it. */
static int64_t tuned_end(const struct check_case *c, int64_t end)
{
    return c->spec->sync.tune ? max_of(end, memory_for_buffer(c->source, TUNED_BUFFER)) : end;
}

static bool buffer_holds(int64_t end, int64_t need)
{
    return end >= SMALL_BUFFER && need < end;
}

enum check_severity check_output_buffer(const struct check_case *c)
{
    const struct facts *facts = c->source_facts;
    double seconds = COPY_SECONDS + (double)c->source->used_memory / (double)COPY_BYTES_PER_SECOND;
    int64_t need = (int64_t)min_of(written_per_second(c->source) * seconds, 1e15);
    int64_t end = tuned_end(c, buffer_end(facts, seconds));
    int64_t raised = memory_for_buffer(c->source, max_of(need * 2, USUAL_BUFFER));
    char a[UNITS_STR_MAX], b[UNITS_STR_MAX], d[UNITS_STR_MAX];

    if (facts->buffer_hard < 0)
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "replica %" PRId64 " %" PRId64 " %" PRId64, facts->buffer_hard,
                facts->buffer_soft, facts->buffer_seconds);
    if (buffer_holds(end, need))
        return CHECK_OK;
    if (!c->spec->sync.tune && buffer_holds(raised, need))
        judge_remedy(c, SIDE_SOURCE,
                     "CONFIG SET client-output-buffer-limit 'replica %" PRId64 " %" PRId64 " 60'",
                     raised, raised);
    if (need < end)
        return judge(
            c, CHECK_WARNING,
            "the source's buffer for replicas ends at %s: not much can be written while it "
            "copies",
            bytes(end, a));
    return judge(c, CHECK_WARNING,
                 "at %s written per second and about %.0f s of copying, %s pile up, and the "
                 "source's buffer for replicas ends at %s",
                 bytes((int64_t)written_per_second(c->source), a), seconds, bytes(need, b),
                 bytes(end, d));
}

enum check_severity check_backlog_small(const struct check_case *c)
{
    double written = written_per_second(c->source) * BREAK_SECONDS;
    int64_t need = (int64_t)min_of(max_of(written, (double)MIB), 1e15);
    int64_t has = c->source->backlog_bytes;
    int64_t raised = memory_for_backlog(c->source, has, max_of(need * 2, 4 * MIB));
    char a[UNITS_STR_MAX], b[UNITS_STR_MAX];

    if (has <= 0)
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "%s", bytes(has, a));
    if (c->spec->sync.tune)
        has = memory_for_backlog(c->source, has, TUNED_BACKLOG);
    if (has >= need)
        return CHECK_OK;
    if (!c->spec->sync.tune && raised >= need)
        judge_remedy(c, SIDE_SOURCE, "CONFIG SET repl-backlog-size %" PRId64, raised);
    return judge(c, CHECK_WARNING, "%s may be written in %d s, and the source's backlog holds %s",
                 bytes(need, a), BREAK_SECONDS, bytes(has, b));
}
