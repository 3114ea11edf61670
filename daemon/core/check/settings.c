/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the nodes that a copy and a switch-over rest on, and what goes on at them. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/core/check/judge.h"
#include "daemon/core/replicas.h"
#include "daemon/core/setting.h"
#include "lib/base/base.h"

#define TIMEOUT_SECONDS 10 /* of repl-timeout: a shorter one cuts what is only slow */
#define SKEW_MS 1000

/* After the switch-over it is the other one that pings. */
enum check_severity check_repl_timeout(const struct check_case *c)
{
    char who[64] = "";

    for (int side = 0; side < SIDE_ENDS; side++) {
        int64_t timeout = judge_facts(c, (enum node_side)side)->repl_timeout;
        int64_t ping = judge_facts(c, (enum node_side) !side)->ping_period;
        size_t used = strlen(who);

        if (timeout < 0)
            continue;
        judge_value(c, (enum node_side)side, "%" PRId64 " s", timeout);
        if (timeout >= TIMEOUT_SECONDS && timeout > ping)
            continue;
        judge_remedy(c, (enum node_side)side, "CONFIG SET repl-timeout %" PRId64,
                     max_of(INT64_C(60), 3 * ping));
        snprintf(who + used, sizeof(who) - used, "%s%" PRId64 " s at the %s", used ? ", " : "",
                 timeout, side_name((enum node_side)side));
    }
    return who[0] ? judge(c, CHECK_WARNING,
                          "repl-timeout is %s: a slow copy, or a quiet link, would be cut", who)
                  : CHECK_OK;
}

/* A link that has been silent for longer holds the switch-over back; daemon/core/alarm.c. */
#define SILENT_SECONDS 15

enum check_severity check_ping_period(const struct check_case *c)
{
    int64_t ping = c->source_facts->ping_period;

    if (ping < 0)
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "%" PRId64 " s", ping);
    if (ping < SILENT_SECONDS)
        return CHECK_OK;
    judge_remedy(c, SIDE_SOURCE, "CONFIG SET repl-ping-replica-period 10");
    return judge(c, CHECK_WARNING,
                 "the source pings its replicas every %" PRId64 " s (repl-ping-replica-period)",
                 ping);
}

/* Once it is the primary, the reverse link counts. */
enum check_severity check_min_replicas(const struct check_case *c)
{
    int64_t wanted = c->seen->node[SIDE_TARGET].survey.min_replicas;
    int64_t coming = replicas_online(c->target) + (c->spec->cutover.reverse ? 1 : 0);

    if (wanted >= 0)
        judge_value(c, SIDE_TARGET, "min-replicas-to-write %" PRId64, wanted);
    if (wanted <= coming)
        return CHECK_OK;
    judge_remedy(c, SIDE_TARGET, "CONFIG SET min-replicas-to-write %" PRId64, coming);
    return judge(c, CHECK_ERROR,
                 "the target takes writes with %" PRId64
                 " replicas only (min-replicas-to-write), and will have %" PRId64,
                 wanted, coming);
}

enum check_severity check_target_refuses_writes(const struct check_case *c)
{
    const struct survey *survey = &c->seen->node[SIDE_TARGET].survey;

    if (c->target->save_failed && survey->saves && survey->stops_writes) {
        judge_value(c, SIDE_TARGET, "rdb_last_bgsave_status err");
        judge_remedy(c, SIDE_TARGET, "BGSAVE");
        return judge(c, CHECK_ERROR,
                     "the target could not save its data set, and takes no writes after that "
                     "(stop-writes-on-bgsave-error)");
    }
    if (!c->target->aof_failed)
        return CHECK_OK;
    judge_value(c, SIDE_TARGET, "aof_last_write_status err");
    return judge(c, CHECK_ERROR,
                 "the target cannot write its append-only file, and takes no writes then");
}

enum check_severity check_source_saved(const struct check_case *c)
{
    if (!c->source->save_failed)
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "rdb_last_bgsave_status err");
    judge_remedy(c, SIDE_SOURCE, "BGSAVE");
    return judge(c, CHECK_WARNING, "the source could not save its data set when it last tried");
}

enum check_severity check_replica_writable(const struct check_case *c)
{
    unsigned n = 0;

    for (int side = 0; side < SIDE_ENDS; side++) {
        if (judge_facts(c, (enum node_side)side)->read_only != NO)
            continue;
        judge_value(c, (enum node_side)side, "replica-read-only no");
        judge_remedy(c, (enum node_side)side, "CONFIG SET replica-read-only yes");
        n++;
    }
    return n ? judge(c, CHECK_NOTICE,
                     "replica-read-only is no at %s: it is set to yes for the migration",
                     n == 2                             ? "both nodes"
                     : c->source_facts->read_only == NO ? "the source"
                                                        : "the target")
             : CHECK_OK;
}

enum check_severity check_persistence_off(const struct check_case *c)
{
    const struct survey *survey = &c->seen->node[SIDE_SOURCE].survey;

    if (!survey->known || survey->saves || c->source->aof_enabled)
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "no save, no appendonly");
    judge_remedy(c, SIDE_SOURCE, "CONFIG SET save '3600 1'");
    return judge(c, CHECK_WARNING,
                 "the source keeps nothing on disk: restarted, it would come back empty");
}

enum check_severity check_source_paused(const struct check_case *c)
{
    if (!writer_is_paused(c->seen))
        return CHECK_OK;
    judge_remedy(c, c->seen->writer, "CLIENT UNPAUSE");
    return judge(c, CHECK_WARNING,
                 "somebody has paused the %s's clients (CLIENT PAUSE); they stand still",
                 side_name(c->seen->writer));
}

enum check_severity check_failover(const struct check_case *c)
{
    if (!c->writer->failing_over)
        return CHECK_OK;
    judge_remedy(c, c->seen->writer, "FAILOVER ABORT");
    return judge(c, CHECK_ERROR, "a FAILOVER is under way at the %s", side_name(c->seen->writer));
}

enum check_severity check_clock_skew(const struct check_case *c)
{
    int64_t s = c->seen->node[SIDE_SOURCE].ahead_ms, t = c->seen->node[SIDE_TARGET].ahead_ms;
    int64_t ahead;

    if (!c->source_facts->known || !c->target_facts->known || s == AHEAD_UNKNOWN ||
        t == AHEAD_UNKNOWN)
        return CHECK_OK;
    ahead = t - s;
    judge_value(c, SIDE_TARGET, "%+.1f s to the source's", (double)ahead / 1000);
    if (ahead > -SKEW_MS && ahead < SKEW_MS)
        return CHECK_OK;
    return judge(c, CHECK_WARNING, "the target's clock is %.1f s %s: keys expire %s there",
                 (double)(ahead < 0 ? -ahead : ahead) / 1000, ahead < 0 ? "behind" : "ahead",
                 ahead < 0 ? "late" : "early");
}

enum check_severity check_scripts(const struct check_case *c)
{
    int64_t n = c->seen->node[c->seen->writer].survey.scripts;
    bool fenced = fence_setting(c->writer->redis_compat_num) != NULL;

    if (n <= 0)
        return CHECK_OK;
    judge_value(c, c->seen->writer, "%" PRId64 " calls", n);
    return judge(c, fenced ? CHECK_WARNING : CHECK_NOTICE,
                 "scripts have been called %" PRId64 " times at the %s%s", n,
                 side_name(c->seen->writer),
                 fenced ? ", and the write fence of its version does not stop them" : "");
}

/* INFO tells since 7.0. */
static int64_t maxclients_of(const struct redis_info *info, const struct facts *facts)
{
    return info->maxclients >= 0 ? info->maxclients : facts->maxclients;
}

enum check_severity check_target_maxclients(const struct check_case *c)
{
    int64_t has = (int64_t)min_of(c->source->connected_clients, (uint64_t)INT32_MAX);
    int64_t lets = maxclients_of(c->target, c->target_facts);

    judge_value(c, SIDE_SOURCE, "%" PRId64 " clients", has);
    if (lets < 0)
        return CHECK_OK;
    judge_value(c, SIDE_TARGET, "maxclients %" PRId64, lets);
    if (has <= lets)
        return CHECK_OK;
    judge_remedy(c, SIDE_TARGET, "CONFIG SET maxclients %" PRId64,
                 max_of(maxclients_of(c->source, c->source_facts), has * 2));
    return judge(c, CHECK_WARNING,
                 "the source has %" PRId64 " clients, and the target lets in %" PRId64, has, lets);
}
