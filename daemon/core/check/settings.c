/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the nodes that a copy and a switch-over rest on, and what goes on at them. */
#include <inttypes.h>

#include "daemon/core/check/judge.h"
#include "daemon/core/replicas.h"
#include "daemon/core/setting.h"
#include "lib/base/base.h"

#define TIMEOUT_SECONDS 10 /* of repl-timeout: a shorter one cuts what is only slow */
#define SKEW_MS 1000

enum check_severity check_repl_timeout(const struct check_case *c)
{
    bool shorter = false;
    int64_t ping = c->source_facts->ping_period;

    for (int side = 0; side < SIDE_MAX; side++) {
        int64_t timeout = judge_facts(c, (enum node_side)side)->repl_timeout;

        if (timeout < 0)
            continue;
        judge_value(c, (enum node_side)side, "%" PRId64 " s", timeout);
        if (timeout >= TIMEOUT_SECONDS && timeout > ping)
            continue;
        judge_remedy(c, (enum node_side)side, "CONFIG SET repl-timeout %" PRId64,
                     max_of(INT64_C(60), 3 * ping));
        shorter = true;
    }
    return shorter ? judge(c, CHECK_WARNING,
                           "repl-timeout is %" PRId64 " s at the source and %" PRId64
                           " s at the target: a slow copy, or a quiet link, would be cut",
                           c->source_facts->repl_timeout, c->target_facts->repl_timeout)
                   : CHECK_OK;
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
        judge_remedy(c, SIDE_TARGET, "BGSAVE");
        return judge(c, CHECK_ERROR,
                     "the target could not save its data set, and takes no writes after that "
                     "(stop-writes-on-bgsave-error)");
    }
    return c->target->aof_failed
               ? judge(c, CHECK_ERROR,
                       "the target cannot write its append-only file, and takes no writes then")
               : CHECK_OK;
}

enum check_severity check_replica_writable(const struct check_case *c)
{
    unsigned n = 0;

    for (int side = 0; side < SIDE_MAX; side++) {
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
    if (!source_is_paused(c->seen))
        return CHECK_OK;
    judge_remedy(c, SIDE_SOURCE, "CLIENT UNPAUSE");
    return judge(c, CHECK_WARNING,
                 "somebody has paused the source's clients (CLIENT PAUSE); they stand still");
}

enum check_severity check_failover(const struct check_case *c)
{
    if (!c->source->failing_over)
        return CHECK_OK;
    judge_remedy(c, SIDE_SOURCE, "FAILOVER ABORT");
    return judge(c, CHECK_ERROR, "a FAILOVER is under way at the source");
}

enum check_severity check_clock_skew(const struct check_case *c)
{
    int64_t ahead = c->seen->node[SIDE_TARGET].ahead_ms - c->seen->node[SIDE_SOURCE].ahead_ms;

    if (!c->source_facts->known || !c->target_facts->known || c->source->time_us < 0 ||
        c->target->time_us < 0)
        return CHECK_OK;
    judge_value(c, SIDE_TARGET, "%+.1f s, of the source's", (double)ahead / 1000);
    if (ahead > -SKEW_MS && ahead < SKEW_MS)
        return CHECK_OK;
    return judge(c, CHECK_WARNING, "the target's clock is %.1f s %s: keys expire %s there",
                 (double)(ahead < 0 ? -ahead : ahead) / 1000, ahead < 0 ? "behind" : "ahead",
                 ahead < 0 ? "late" : "early");
}

enum check_severity check_scripts(const struct check_case *c)
{
    int64_t n = c->seen->node[SIDE_SOURCE].survey.scripts;
    bool fenced = fence_setting(c->source->redis_compat_num) != NULL;

    if (n <= 0)
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "%" PRId64 " calls", n);
    return judge(c, fenced ? CHECK_WARNING : CHECK_NOTICE,
                 "scripts have been called %" PRId64 " times at the source%s", n,
                 fenced ? ", and the write fence of its version does not stop them" : "");
}

enum check_severity check_target_maxclients(const struct check_case *c)
{
    int64_t has = (int64_t)min_of(c->source->connected_clients, (uint64_t)INT32_MAX);

    judge_value(c, SIDE_SOURCE, "%" PRId64 " clients", has);
    if (c->target->maxclients < 0)
        return CHECK_OK;
    judge_value(c, SIDE_TARGET, "maxclients %" PRId64, c->target->maxclients);
    if (has <= c->target->maxclients)
        return CHECK_OK;
    judge_remedy(c, SIDE_TARGET, "CONFIG SET maxclients %" PRId64, max_of(has * 2, INT64_C(10000)));
    return judge(c, CHECK_WARNING,
                 "the source has %" PRId64 " clients, and the target lets in %" PRId64, has,
                 c->target->maxclients);
}
