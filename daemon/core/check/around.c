/* SPDX-License-Identifier: Apache-2.0 */
/* Who else has to do with the nodes. */
#include <stdio.h>

#include "daemon/core/check/judge.h"
#include "daemon/core/replicas.h"
#include "lib/base/base.h"
#include "lib/base/units.h"

unsigned judge_other_replicas(const struct check_case *c)
{
    unsigned n = c->source->connected_replicas;

    return n - (n > 0 && source_sees_target(c->spec, c->seen) != NULL);
}

/* "10.0.0.4:6379, 10.0.0.5:6379" */
static void list_replicas(const struct redis_info *info, const struct redis_info_replica *but,
                          char *buf, size_t size)
{
    size_t used = 0;

    buf[0] = '\0';
    for (unsigned i = 0; i < info->n_replicas && used + 1 < size; i++) {
        const struct redis_info_replica *r = &info->replicas[i];

        if (r != but)
            used += (size_t)snprintf(buf + used, size - used, "%s%s:%u", used ? ", " : "", r->ip,
                                     r->port);
    }
}

/* What becomes of the other replicas of what takes the writes with the switch-over. */
enum check_severity check_source_replicas(const struct check_case *c)
{
    bool leave = c->spec->source.leave_replicas, chained = c->seen->writer == SIDE_PRIMARY;
    const struct redis_info *writer = &c->seen->node[c->seen->writer].info;
    const struct redis_info_replica *ours = chained ? primary_sees_source(c->spec, c->run, c->seen)
                                                    : source_sees_target(c->spec, c->seen);
    unsigned n = writer->connected_replicas - (writer->connected_replicas > 0 && ours);
    const char *who = chained ? "the primary above the source" : "the source";
    char list[CHECK_VALUE_MAX];

    if (n == 0)
        return CHECK_OK;
    list_replicas(writer, ours, list, sizeof(list));
    judge_value(c, SIDE_SOURCE, "%s", list);
    if (writer->connected_replicas > REDIS_REPLICAS_MAX && !leave)
        return judge(c, CHECK_WARNING,
                     "%s has %u replicas: %u are looked after, the others stay with it", who, n,
                     REDIS_REPLICAS_MAX);
    if (!leave)
        return judge(c, CHECK_NOTICE,
                     "%s has %u other replica%s, pointed to the target after the switch-over, "
                     "without a full copy (replicas: follow)",
                     who, n, n == 1 ? "" : "s");
    if (!c->spec->cutover.reverse)
        return judge(c, CHECK_WARNING,
                     "%s has %u other replica%s, which the switch-over leaves hanging on a dead "
                     "end (replicas: leave, reverse: false)",
                     who, n, n == 1 ? "" : "s");
    return judge(c, CHECK_NOTICE,
                 "%s has %u other replica%s, which will follow the target through it "
                 "(replicas: leave)",
                 who, n, n == 1 ? "" : "s");
}

enum check_severity check_nat(const struct check_case *c)
{
    const struct endpoint named = run_source_for_target(c->spec, c->run);

    if (endpoint_equal(&named, &c->run->source))
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "%s:%u for the daemon, %s:%u for the target", c->run->source.host,
                c->run->source.port, named.host, named.port);
    return judge(c, CHECK_NOTICE, "the target will look for the source at '%s:%u' (reachable_as)",
                 named.host, named.port);
}

/* Named ones that are not there would hold the switch-over back. */
enum check_severity check_target_replicas(const struct check_case *c)
{
    const struct spec_node *spec = &c->spec->target;
    unsigned n = c->target->connected_replicas, listed = c->target->n_replicas, rows;
    struct replica_row row[REPLICA_ROWS_MAX];
    char list[CHECK_VALUE_MAX], label[ENDPOINT_LABEL_MAX];

    rows = replica_rows(c->target, spec->replicas, spec->n_replicas, row);
    list_replicas(c->target, NULL, list, sizeof(list));
    judge_value(c, SIDE_TARGET, "%s", list);
    if (rows > listed)
        return judge(c, CHECK_WARNING,
                     "'%s' (target.replicas) is no replica of the target: the switch-over would "
                     "wait for it",
                     endpoint_label(&row[listed].at, label));
    if (n == 0)
        return CHECK_OK;
    return judge(c, CHECK_NOTICE,
                 "the target has %u replica%s, which will copy everything from it anew", n,
                 n == 1 ? "" : "s");
}

static void append(char *list, size_t size, const char *name, const char *value)
{
    size_t used = strlen(list);

    snprintf(list + used, size - used, "%s%s%s%s", used ? ", " : "", name, value[0] ? " " : "",
             value);
}

/* The names of those that differ, and how each node has them, as they are gathered. */
struct settings {
    char names[80];
    char value[SIDE_ENDS][CHECK_VALUE_MAX];
};

static void differs(struct settings *settings, const char *name, const char *source,
                    const char *target)
{
    if (strcmp(source, target) == 0)
        return;
    append(settings->names, sizeof(settings->names), name, "");
    append(settings->value[SIDE_SOURCE], CHECK_VALUE_MAX, name, source);
    append(settings->value[SIDE_TARGET], CHECK_VALUE_MAX, name, target);
}

static const char *limit(uint64_t n, char buf[UNITS_STR_MAX])
{
    return n ? bytes_human(n, buf) : "none";
}

static const char *events(const struct facts *facts)
{
    return facts->keyspace_events[0] ? facts->keyspace_events : "none";
}

static void compare_settings(const struct check_case *c, struct settings *ret)
{
    const struct survey *s = &c->seen->node[SIDE_SOURCE].survey;
    const struct survey *t = &c->seen->node[SIDE_TARGET].survey;
    char a[UNITS_STR_MAX], b[UNITS_STR_MAX];

    differs(ret, "maxmemory", limit(c->source->maxmemory, a), limit(c->target->maxmemory, b));
    differs(ret, "maxmemory-policy", c->source->maxmemory_policy, c->target->maxmemory_policy);
    if (c->source_facts->keyspace_events_known && c->target_facts->keyspace_events_known)
        differs(ret, "notify-keyspace-events", events(c->source_facts), events(c->target_facts));
    differs(ret, "appendonly", c->source->aof_enabled ? "yes" : "no",
            c->target->aof_enabled ? "yes" : "no");
    if (s->known && t->known)
        differs(ret, "save", s->saves ? "on" : "off", t->saves ? "on" : "off");
}

static bool has_user(const char *list, const char *name, size_t len)
{
    for (const char *p = list; *p; p += strcspn(p, " "), p += *p == ' ')
        if (strcspn(p, " ") == len && strncmp(p, name, len) == 0)
            return true;
    return false;
}

static bool is_ours(const struct spec_node *node, const char *name, size_t len)
{
    const char *const own[] = {node->auth.username, spec_replication_auth(node)->username};

    for (size_t i = 0; i < array_len(own); i++)
        if (own[i] && strlen(own[i]) == len && strncmp(own[i], name, len) == 0)
            return true;
    return false;
}

#define USERS_NAMED 48 /* characters; what goes beyond is counted */

/* Users of the source that the target does not have, but for those that the job uses itself. */
static void compare_users(const struct check_case *c, char list[USERS_NAMED + 24])
{
    unsigned more = 0;

    list[0] = '\0';
    if (!c->source_facts->users_known || !c->target_facts->users_known)
        return;
    for (const char *p = c->source_facts->users; *p; p += strcspn(p, " "), p += *p == ' ') {
        size_t len = strcspn(p, " "), used = strlen(list);

        if (has_user(c->target_facts->users, p, len) || is_ours(&c->spec->source, p, len))
            continue;
        if (more > 0 || used + len + 3 > USERS_NAMED)
            more++;
        else
            snprintf(list + used, USERS_NAMED - used, "%s%.*s", used ? ", " : "", (int)len, p);
    }
    if (more > 0)
        snprintf(list + strlen(list), 24, "%s%u more", list[0] ? " and " : "", more);
}

enum check_severity check_not_replicated(const struct check_case *c)
{
    struct settings settings = {.names = ""};
    char users[USERS_NAMED + 24];

    compare_settings(c, &settings);
    compare_users(c, users);
    for (int side = 0; side < SIDE_ENDS; side++)
        judge_value(c, (enum node_side)side, "%s", settings.value[side]);
    if (settings.names[0] || users[0])
        return judge(c, CHECK_NOTICE, "%s%s%s%s%s", users[0] ? "no such user at the target: " : "",
                     users, users[0] && settings.names[0] ? "; " : "",
                     settings.names[0] ? "source and target differ: " : "", settings.names);
    return c->spec->source.auth.username && !c->source_facts->users_known
               ? judge(c, CHECK_NOTICE, "the source has users (ACL), which are not copied")
               : CHECK_OK;
}
