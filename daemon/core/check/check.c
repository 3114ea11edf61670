/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/check/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/base.h"
#include "lib/base/clock.h"

static bool fail(struct check_result *ret, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct check_result *ret, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(ret->message, sizeof(ret->message), fmt, ap);
    va_end(ap);
    return false;
}

#define CHECK(name)                                                                                \
    static bool name(const struct spec *spec __attribute__((unused)),                              \
                     const struct run *run __attribute__((unused)),                                \
                     const struct observation *seen, struct check_result *ret)

#define SOURCE (&seen->node[SIDE_SOURCE].info)
#define TARGET (&seen->node[SIDE_TARGET].info)

CHECK(same_node)
{
    if (SOURCE->run_id[0] == '\0' || strcmp(SOURCE->run_id, TARGET->run_id) != 0)
        return true;
    return fail(ret, "source and target are the same server (run_id %s)", SOURCE->run_id);
}

CHECK(replication_login)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];

    if (source->replication_auth_why == REASON_NONE)
        return true;
    ret->reason = source->replication_auth_why;
    return fail(ret, "the target could not log in to the source: %s",
                source->replication_auth_err.msg);
}

CHECK(target_cluster_mode)
{
    return !TARGET->cluster_enabled || fail(ret, "the target runs in cluster mode");
}

CHECK(source_loading)
{
    return !SOURCE->loading ||
           fail(ret, "the source is loading its data set (%.0f %%)", SOURCE->loading_percent);
}

CHECK(target_loading)
{
    /* Filling up from our own source is no obstacle: a restart finds it like that. */
    return !TARGET->loading || seen->target_follows ||
           fail(ret, "the target is loading a data set (%.0f %%)", TARGET->loading_percent);
}

CHECK(loop)
{
    return !seen->source_follows_target || fail(ret, "the source is a replica of the target");
}

CHECK(source_link)
{
    return SOURCE->role != REDIS_ROLE_REPLICA || SOURCE->link_up ||
           fail(ret, "the source is a replica of '%s:%u', and that link is down",
                SOURCE->master_host, SOURCE->master_port);
}

CHECK(target_is_replica)
{
    return !seen->target_follows_other || fail(ret, "the target is a replica of '%s:%u'",
                                               TARGET->master_host, TARGET->master_port);
}

CHECK(target_empty)
{
    /* A target that follows the source already has given up its own data. */
    return TARGET->keys == 0 || spec->target.allow_flush || seen->target_follows ||
           fail(ret,
                "the target holds %" PRId64 " keys in %u databases, and allow_flush is not set",
                TARGET->keys, TARGET->databases);
}

CHECK(target_free)
{
    return seen->rival[0] == '\0' ||
           fail(ret, "job '%s' of this daemon migrates %s this target already", seen->rival,
                seen->rival_migrates_from ? "from" : "to");
}

CHECK(not_switched)
{
    char at[CLOCK_TEXT_MAX];

    return seen->took_over_ms == 0 || run->again ||
           fail(ret, "the target took over from this source at %s and is the primary since",
                clock_format(seen->took_over_ms, at));
}

CHECK(no_stranger)
{
    for (int side = 0; side < SIDE_MAX; side++)
        if (seen->node[side].survey.stranger[0])
            return fail(ret, "another ecmigrate is connected to the %s: %s",
                        side_name((enum node_side)side), seen->node[side].survey.stranger);
    return true;
}

#undef SOURCE
#undef TARGET

static const struct check checks[] = {
    {REASON_SAME_NODE, "source and target are two servers", same_node},
    {REASON_AUTH_REFUSED, "the replication user can log in to the source", replication_login},
    {REASON_TARGET_CLUSTER_MODE, "the target is not in cluster mode", target_cluster_mode},
    {REASON_SOURCE_LOADING, "the source has loaded its data set", source_loading},
    {REASON_TARGET_LOADING, "the target has loaded its data set", target_loading},
    {REASON_LOOP, "the source does not follow the target", loop},
    {REASON_SOURCE_LINK_DOWN, "the source's own link to a primary, if any, is up", source_link},
    {REASON_NODE_TAKEN, "no other job has the target", target_free},
    {REASON_ANOTHER_DAEMON, "no other ecmigrate looks after the nodes", no_stranger},
    {REASON_ALREADY_SWITCHED, "the target did not take over from the source before", not_switched},
    {REASON_TARGET_IS_REPLICA, "the target follows no other server", target_is_replica},
    {REASON_TARGET_NOT_EMPTY, "the target is empty, or may be flushed", target_empty},
};

const struct check *check_table(size_t *ret_n)
{
    *ret_n = array_len(checks);
    return checks;
}

bool check_run(const struct spec *spec, const struct run *run, const struct observation *seen,
               struct check_result *ret)
{
    for (size_t i = 0; i < array_len(checks); i++) {
        ret->reason = checks[i].id;
        ret->message[0] = '\0';
        if (!checks[i].pass(spec, run, seen, ret))
            return false;
    }
    ret->reason = REASON_NONE;
    return true;
}
