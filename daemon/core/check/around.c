/* SPDX-License-Identifier: Apache-2.0 */
/* Who else has to do with the nodes. */
#include <stdio.h>

#include "daemon/core/check/judge.h"
#include "lib/base/base.h"

static bool is_watched(const struct facts *facts)
{
    return facts->sentinel[0] || facts->sentinels == YES;
}

/* The source's replicas but the target. */
static unsigned other_replicas(const struct check_case *c)
{
    unsigned n = c->source->connected_replicas;

    return n - (n > 0 && source_sees_target(c->spec, c->seen) != NULL);
}

/* Somebody it may promote in its place: then the two would fight. */
static bool has_heir(const struct check_case *c, enum node_side side)
{
    return side == SIDE_SOURCE ? other_replicas(c) > 0 : c->target->connected_replicas > 0;
}

enum check_severity check_sentinel(const struct check_case *c)
{
    enum check_severity severity = CHECK_OK;

    for (int i = 0; i < SIDE_MAX; i++) {
        enum node_side side = (enum node_side)i;
        const struct facts *facts = judge_facts(c, side);
        bool heir = has_heir(c, side);

        if (!is_watched(facts))
            continue;
        judge_value(c, side, "%s%s%s", facts->sentinel[0] ? facts->sentinel : "Sentinel listens",
                    heir ? ", " : "", heir ? "and it has replicas" : "");
        if (severity == CHECK_ERROR || (severity == CHECK_WARNING && !heir))
            continue;
        severity = judge(c, heir ? CHECK_ERROR : CHECK_WARNING, "Sentinel looks after the %s%s%s%s",
                         side_name(side), heir ? ", which has a replica that it may promote" : "",
                         facts->sentinel[0] ? ": " : "", facts->sentinel);
    }
    return severity;
}

/* "10.0.0.4:6379, 10.0.0.5:6379" */
static void list_replicas(const struct check_case *c, char *buf, size_t size)
{
    const struct redis_info_replica *ours = source_sees_target(c->spec, c->seen);
    size_t used = 0;

    buf[0] = '\0';
    for (unsigned i = 0; i < c->source->n_replicas && used + 1 < size; i++) {
        const struct redis_info_replica *r = &c->source->replicas[i];

        if (r != ours)
            used += (size_t)snprintf(buf + used, size - used, "%s%s:%u", used ? ", " : "", r->ip,
                                     r->port);
    }
}

enum check_severity check_source_replicas(const struct check_case *c)
{
    unsigned n = other_replicas(c);
    char list[CHECK_VALUE_MAX];

    if (n == 0)
        return CHECK_OK;
    list_replicas(c, list, sizeof(list));
    judge_value(c, SIDE_SOURCE, "%s", list);
    if (!c->spec->cutover.reverse)
        return judge(c, CHECK_WARNING,
                     "the source has %u replica%s, cut off by the switch-over (reverse: false)", n,
                     n == 1 ? "" : "s");
    return judge(c, CHECK_NOTICE,
                 "the source has %u replica%s, which will follow the target through the old source",
                 n, n == 1 ? "" : "s");
}

enum check_severity check_target_replicas(const struct check_case *c)
{
    unsigned n = c->target->connected_replicas;

    if (n == 0)
        return CHECK_OK;
    judge_value(c, SIDE_TARGET, "%u replica%s", n, n == 1 ? "" : "s");
    return judge(c, CHECK_NOTICE,
                 "the target has %u replica%s, which will copy everything from it anew", n,
                 n == 1 ? "" : "s");
}

/* One thing that differs, as it is gathered. */
static void differs(char *list, size_t size, const char *what, const char *source,
                    const char *target)
{
    size_t used = strlen(list);

    if (strcmp(source, target) != 0)
        snprintf(list + used, size - used, "%s%s (%s, %s)", used ? ", " : "", what, source, target);
}

enum check_severity check_not_replicated(const struct check_case *c)
{
    const struct survey *s = &c->seen->node[SIDE_SOURCE].survey;
    const struct survey *t = &c->seen->node[SIDE_TARGET].survey;
    char list[160] = "";

    differs(list, sizeof(list), "maxmemory-policy", c->source->maxmemory_policy,
            c->target->maxmemory_policy);
    differs(list, sizeof(list), "appendonly", c->source->aof_enabled ? "yes" : "no",
            c->target->aof_enabled ? "yes" : "no");
    if (s->known && t->known)
        differs(list, sizeof(list), "save", s->saves ? "on" : "off", t->saves ? "on" : "off");
    if (list[0])
        return judge(c, CHECK_NOTICE, "these differ (source, target): %s", list);
    return c->spec->source.auth.username
               ? judge(c, CHECK_NOTICE, "the source has users (ACL), which are not copied")
               : CHECK_OK;
}
