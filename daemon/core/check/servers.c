/* SPDX-License-Identifier: Apache-2.0 */
/* Which servers they are, how they stand, and whose they are. */
#include <inttypes.h>

#include "daemon/core/check/judge.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

enum check_severity check_same_node(const struct check_case *c)
{
    if (c->source->run_id[0] == '\0' || strcmp(c->source->run_id, c->target->run_id) != 0)
        return CHECK_OK;
    return judge(c, CHECK_ERROR, "source and target are the same server (run_id %s)",
                 c->source->run_id);
}

/* Servers that speak as Redis does, and what replicates with them. */
static const struct foreign_row {
    const char *product;
    bool as_source, as_target;
} foreign[] = {
    {"dragonfly", false, true},
    {"keydb", true, true},
    {"garnet", false, false},
    {"kvrocks", false, false},
};

static const struct foreign_row *foreign_of(const struct redis_info *info)
{
    for (size_t i = 0; i < array_len(foreign); i++)
        if (strcmp(foreign[i].product, info->product) == 0)
            return &foreign[i];
    return NULL;
}

enum check_severity check_foreign_server(const struct check_case *c)
{
    const struct foreign_row *s = foreign_of(c->source), *t = foreign_of(c->target);

    judge_value(c, SIDE_SOURCE, "%s %s", c->source->product, c->source->version);
    judge_value(c, SIDE_TARGET, "%s %s", c->target->product, c->target->version);
    if (s && !s->as_source)
        return judge(c, CHECK_ERROR, "the source is %s, from which nothing can be replicated",
                     s->product);
    if (t && !t->as_target)
        return judge(c, CHECK_ERROR, "the target is %s, which does not replicate", t->product);
    if (s || t)
        return judge(c, CHECK_WARNING, "the %s is %s: try this pair with other data first",
                     s ? "source" : "target", s ? s->product : t->product);
    return CHECK_OK;
}

/* A replica has the replication id of the primary above all that it follows; no other primary has
 * it. */
static bool follows_in_the_end(const struct redis_info *info, const struct redis_info *primary)
{
    return info->role == REDIS_ROLE_REPLICA && primary->role == REDIS_ROLE_MASTER &&
           primary->replid[0] && strcmp(info->replid, primary->replid) == 0;
}

enum check_severity check_loop(const struct check_case *c)
{
    if (c->seen->source_follows_target)
        return judge(c, CHECK_ERROR, "the source is a replica of the target");
    if (!follows_in_the_end(c->source, c->target))
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "replica of %s:%u", c->source->master_host, c->source->master_port);
    return judge(c, CHECK_ERROR, "the source is a replica of '%s:%u', and that follows the target",
                 c->source->master_host, c->source->master_port);
}

enum check_severity check_source_loading(const struct check_case *c)
{
    return c->source->loading
               ? judge(c, CHECK_ERROR, "the source is loading its data set (%.0f %%)",
                       c->source->loading_percent)
               : CHECK_OK;
}

enum check_severity check_target_loading(const struct check_case *c)
{
    /* Filling up from our own source is no obstacle: a restart finds it like that. */
    if (!c->target->loading || c->seen->target_follows)
        return CHECK_OK;
    return judge(c, CHECK_ERROR, "the target is loading a data set (%.0f %%)",
                 c->target->loading_percent);
}

enum check_severity check_source_link(const struct check_case *c)
{
    if (c->source->role != REDIS_ROLE_REPLICA || c->source->link_up)
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "replica of %s:%u, link down", c->source->master_host,
                c->source->master_port);
    return judge(c, CHECK_ERROR, "the source is a replica of '%s:%u', and that link is down",
                 c->source->master_host, c->source->master_port);
}

enum check_severity check_source_primary(const struct check_case *c)
{
    const struct seen_node *primary = &c->seen->node[SIDE_PRIMARY];
    const char *replid = primary->info.replid;
    char label[ENDPOINT_LABEL_MAX];

    if (c->source->role != REDIS_ROLE_REPLICA || c->seen->source_follows_target ||
        follows_in_the_end(c->source, c->target))
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "replica of %s:%u", c->source->master_host, c->source->master_port);
    if (c->seen->writer != SIDE_PRIMARY)
        return judge(c, CHECK_WARNING,
                     "the source is a replica of '%s:%u', where nothing takes writes: it can be "
                     "copied, but not switched over from",
                     c->source->master_host, c->source->master_port);
    endpoint_label(&c->seen->primary, label);
    if (!primary->reachable) {
        judge_value(c, SIDE_PRIMARY, "%s", reason_get(primary->why)->code);
        return judge(c, CHECK_WARNING,
                     "the source is a replica, and the primary above it does not let the daemon "
                     "in; the copy works, the switch-over would wait: %s",
                     primary->err.msg);
    }
    judge_value(c, SIDE_PRIMARY, "%s", label);
    if (c->source->link_up && strcmp(c->source->replid, replid) != 0)
        return judge(c, CHECK_ERROR,
                     "the source is a replica, and '%s' is not the primary that it copies: they "
                     "have different replication ids",
                     label);
    if (!c->spec->cutover.reverse)
        return judge(c, CHECK_WARNING,
                     "the source is a replica of '%s', which the switch-over demotes for good "
                     "(reverse: false): the source gets no writes any more then",
                     label);
    return judge(c, CHECK_NOTICE,
                 "the source is a replica; the primary that takes the writes is '%s': the "
                 "switch-over pauses and demotes that one, and both follow the target then",
                 label);
}

enum check_severity check_target_alone(const struct check_case *c)
{
    if (!c->seen->target_follows_other)
        return CHECK_OK;
    judge_value(c, SIDE_TARGET, "replica of %s:%u", c->target->master_host, c->target->master_port);
    judge_remedy(c, SIDE_TARGET, "REPLICAOF NO ONE");
    return judge(c, CHECK_ERROR, "the target is a replica of '%s:%u'", c->target->master_host,
                 c->target->master_port);
}

enum check_severity check_target_empty(const struct check_case *c)
{
    judge_value(c, SIDE_SOURCE, "%" PRId64 " keys", c->source->keys);
    judge_value(c, SIDE_TARGET, "%" PRId64 " keys", c->target->keys);
    /* A target that follows the source already has given up its own data. */
    if (c->target->keys == 0 || c->spec->target.allow_flush || c->seen->target_follows)
        return CHECK_OK;
    return judge(c, CHECK_ERROR,
                 "the target holds %" PRId64 " keys in %u databases, and allow_flush is not set",
                 c->target->keys, c->target->databases);
}

enum check_severity check_target_free(const struct check_case *c)
{
    return c->seen->rival[0] == '\0'
               ? CHECK_OK
               : judge(c, CHECK_ERROR, "job '%s' of this daemon migrates %s this target already",
                       c->seen->rival, c->seen->rival_migrates_from ? "from" : "to");
}

enum check_severity check_not_switched(const struct check_case *c)
{
    char at[CLOCK_TEXT_MAX];

    if (c->seen->took_over_ms == 0 || c->run->again)
        return CHECK_OK;
    return judge(c, CHECK_ERROR,
                 "the target took over from this source at %s and is the primary since",
                 clock_format(c->seen->took_over_ms, at));
}

enum check_severity check_no_stranger(const struct check_case *c)
{
    for (int side = 0; side < SIDE_MAX; side++) {
        const char *stranger = c->seen->node[side].survey.stranger;

        if (stranger[0])
            return judge(c, CHECK_ERROR, "another ecmigrate is connected to the %s: %s",
                         side_name((enum node_side)side), stranger);
    }
    return CHECK_OK;
}
