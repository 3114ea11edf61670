/* SPDX-License-Identifier: Apache-2.0 */
/* Sentinels that look after the nodes: those the job names, and others. */
#include <stdio.h>
#include <string.h>

#include "daemon/core/check/judge.h"
#include "daemon/core/sentinel.h"
#include "lib/base/base.h"

/* --- those that the job does not name --- */

/* Somebody it may promote in its place: then the two would fight. */
static unsigned heirs(const struct check_case *c, enum node_side side)
{
    return side == SIDE_SOURCE ? judge_other_replicas(c) : c->target->connected_replicas;
}

/* " as 'pair'"; what nobody has told is left out. */
static const char *called(const struct facts *facts, char buf[80])
{
    snprintf(buf, 80, facts->hello_name[0] ? " as '%s'" : "", facts->hello_name);
    return buf;
}

static enum check_severity source_is_watched(const struct check_case *c, const struct facts *facts)
{
    unsigned n = heirs(c, SIDE_SOURCE);
    char as[80];

    called(facts, as);
    if (n > 0)
        return judge(c, CHECK_ERROR,
                     "Sentinel looks after the source%s, and may promote %s of its other replicas: "
                     "the writes since the switch-over would be lost",
                     as, n == 1 ? "the one" : "one");
    if (!facts->hello_name[0])
        return judge(c, CHECK_WARNING,
                     "Sentinel looks after the source: after the switch-over, at one: SENTINEL "
                     "FAILOVER NAME; after an abort, within seconds, at each: SENTINEL RESET NAME");
    return judge(c, CHECK_WARNING,
                 "Sentinel looks after the source%s. After the switch-over: redis-cli -h %s -p %u "
                 "SENTINEL FAILOVER %s; after an abort RESET, at each",
                 as, facts->hello_host, facts->hello_port, facts->hello_name);
}

static enum check_severity target_is_watched(const struct check_case *c, const struct facts *facts)
{
    bool heir = heirs(c, SIDE_TARGET) > 0;
    char as[80];

    if (facts->hello_name[0] && heir) {
        char line[CHECK_REMEDY_MAX];

        snprintf(line, sizeof(line), "redis-cli -h %s -p %u SENTINEL REMOVE %s", facts->hello_host,
                 facts->hello_port, facts->hello_name);
        (void)str_copy(c->ret->remedy, sizeof(c->ret->remedy), line);
    }
    return judge(c, heir ? CHECK_ERROR : CHECK_WARNING,
                 heir ? "Sentinel looks after the target%s, and would promote its replica as soon "
                        "as the target follows the source: the two would fight for ever"
                      : "Sentinel looks after the target%s: it shows a failed primary until the "
                        "switch-over; leave it alone until then",
                 called(facts, as));
}

static enum check_severity others(const struct check_case *c, unsigned sides)
{
    enum check_severity severity = CHECK_OK;

    for (int i = SIDE_ENDS - 1; i >= 0; i--) {
        enum node_side side = (enum node_side)i;
        const struct facts *facts = judge_facts(c, side);
        bool heir = heirs(c, side) > 0;

        if (!(sides & 1u << side) || !facts_are_watched(facts))
            continue;
        judge_value(c, side, "%s%s%s", facts->sentinel[0] ? facts->sentinel : "Sentinel listens",
                    heir ? ", " : "", heir ? "and it has replicas" : "");
        if (severity == CHECK_ERROR && !heir)
            continue;
        c->ret->remedy[0] = '\0';
        severity = side == SIDE_SOURCE ? source_is_watched(c, facts) : target_is_watched(c, facts);
    }
    return severity;
}

/* --- those that it does --- */

/* Lines to paste, where they look after the target. */
static void add_remove(const struct check_case *c, const struct endpoint *at)
{
    size_t used = strlen(c->ret->remedy), room = sizeof(c->ret->remedy) - used;
    int n = snprintf(c->ret->remedy + used, room, "%sredis-cli -h %s -p %u SENTINEL REMOVE %s",
                     used ? "\n" : "", at->host, at->port, c->spec->sentinel_name);

    if (n < 0 || (size_t)n >= room)
        c->ret->remedy[used] = '\0';
}

static enum check_severity one(const struct check_case *c, unsigned i)
{
    const struct seen_sentinel *s = &c->seen->sentinels->one[i];
    const struct endpoint *at = &c->spec->sentinels[i];
    char label[ENDPOINT_LABEL_MAX], other[ENDPOINT_LABEL_MAX];

    endpoint_label(at, label);
    switch (sentinel_names(c->spec, c->run, c->seen, s)) {
    case NAMES_SOURCE:
        return CHECK_OK;
    case NAMES_NOBODY:
        return judge(c, CHECK_ERROR, "Sentinel '%s' watches nothing under the name '%.60s'", label,
                     c->spec->sentinel_name);
    case NAMES_TARGET:
        add_remove(c, at);
        return judge(c, CHECK_ERROR,
                     "Sentinel '%s' looks after the target as '%.40s', not after the source", label,
                     c->spec->sentinel_name);
    case NAMES_ANOTHER:
        break;
    }
    return judge(c, CHECK_ERROR, "Sentinel '%s' names '%s' as the primary, which is not the source",
                 label, endpoint_label(&s->primary, other));
}

static enum check_severity named(const struct check_case *c)
{
    const struct seen_sentinels *all = c->seen->sentinels;
    unsigned answering = 0, known = 0, silent = 0;
    enum check_severity severity = CHECK_OK;
    char label[ENDPOINT_LABEL_MAX];

    for (unsigned i = 0; i < all->n; i++) {
        const struct seen_sentinel *s = &all->one[i];
        enum check_severity its;

        if (!s->answers) {
            silent = i;
            continue;
        }
        answering++;
        known = max_of(known, s->others + 1);
        its = one(c, i);
        severity = max_of(severity, its);
    }
    judge_value(c, SIDE_SOURCE, "%u of %u Sentinels answer, for '%.60s'", answering, all->n,
                c->spec->sentinel_name);
    if (severity == CHECK_ERROR)
        return severity;
    if (answering < all->n)
        return judge(c, answering <= all->n / 2 ? CHECK_ERROR : CHECK_WARNING,
                     "%u of %u Sentinels answer; '%s': %.80s", answering, all->n,
                     endpoint_label(&c->spec->sentinels[silent], label), all->one[silent].said);
    if (!c->spec->cutover.reverse)
        return judge(c, CHECK_WARNING,
                     "Sentinel points the old source to the target after the switch-over, though "
                     "the job file says reverse: false");
    if (known > all->n)
        return judge(c, CHECK_NOTICE,
                     "%u Sentinels watch it and the job file names %u: it is not waited until the "
                     "others name the target",
                     known, all->n);
    return CHECK_OK;
}

/* While it looks after the source it looks after all that follow it, of an earlier run, too. */
static bool is_theirs(const struct check_case *c)
{
    for (unsigned i = 0; i < c->seen->sentinels->n; i++)
        if (c->seen->sentinels->one[i].answers && c->seen->sentinels->one[i].lists_target)
            return true;
    return false;
}

enum check_severity check_sentinel(const struct check_case *c)
{
    enum check_severity severity;

    if (!c->seen->sentinels)
        return others(c, 1u << SIDE_SOURCE | 1u << SIDE_TARGET);
    severity = named(c);
    return severity == CHECK_ERROR || is_theirs(c) || !facts_are_watched(c->target_facts)
               ? severity
               : others(c, 1u << SIDE_TARGET);
}
