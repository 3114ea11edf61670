/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/setting.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/core/dump.h"
#include "daemon/core/memory.h"
#include "lib/base/base.h"

#define WANT(name)                                                                                 \
    static char *name(const struct setting_facts *facts __attribute__((unused)),                   \
                      const char *current __attribute__((unused)),                                 \
                      const char **why __attribute__((unused)))

/* --- log-in --- */

WANT(source_password)
{
    return xstrdup(facts->password[SIDE_SOURCE]);
}

WANT(source_user)
{
    return xstrdup(facts->user[SIDE_SOURCE]);
}

WANT(target_password)
{
    return facts->reverse ? xstrdup(facts->password[SIDE_TARGET]) : NULL;
}

WANT(target_user)
{
    return facts->reverse ? xstrdup(facts->user[SIDE_TARGET]) : NULL;
}

/* --- TLS --- */

/* A server that cannot speak TLS has no such setting, and needs none to speak plain. */
static char *speak(enum answer tls, const char *current)
{
    if (tls == NOT_KNOWN || (tls == NO && current[0] == '\0'))
        return NULL;
    return xstrdup(tls == YES ? "yes" : "no");
}

WANT(speak_to_source)
{
    return speak(facts->tls[SIDE_SOURCE], current);
}

WANT(speak_to_target)
{
    return facts->reverse ? speak(facts->tls[SIDE_TARGET], current) : NULL;
}

/* --- speed --- */

/* A target that is empty can read the stream as it comes; then neither side needs a file. */
static bool diskless(const struct setting_facts *facts)
{
    const struct redis_info *target = facts->info[SIDE_TARGET];

    return facts->tune && target->keys == 0 && target->redis_compat_num >= 60000;
}

WANT(diskless_sync)
{
    return diskless(facts) ? xstrdup("yes") : NULL;
}

WANT(diskless_delay)
{
    return facts->tune ? xstrdup("0") : NULL;
}

WANT(diskless_load)
{
    return diskless(facts) ? xstrdup("on-empty-db") : NULL;
}

/* --- memory --- */

/* Before 7.0 all of a backlog is allocated at once. */
static char *raised_backlog(const struct redis_info *info, const char *current, const char **why)
{
    int64_t now = strtoll(current, NULL, 10), raised;

    if (now < 0 || now >= TUNED_BACKLOG)
        return NULL;
    raised = memory_for_backlog(info, now, TUNED_BACKLOG);
    if (raised <= now) {
        *why = "the node has no memory to spare, or does not say how much it has";
        return NULL;
    }
    return xasprintf("%" PRId64, raised);
}

WANT(backlog)
{
    return facts->tune ? raised_backlog(facts->info[SIDE_SOURCE], current, why) : NULL;
}

static bool will_be_followed(const struct setting_facts *facts)
{
    unsigned others = max_of(facts->info[SIDE_SOURCE]->connected_replicas,
                             facts->info[SIDE_PRIMARY]->connected_replicas);

    return facts->reverse || facts->info[SIDE_TARGET]->connected_replicas > 0 ||
           (facts->follow && others > 1);
}

/*
 * The old source comes back to the new primary by partial resynchronisation, and so do the replicas
 * of both; servers before 7.0 begin that up to a second later: what is written meanwhile must fit
 * into the target's backlog.
 */
WANT(reverse_backlog)
{
    return will_be_followed(facts) ? raised_backlog(facts->info[SIDE_TARGET], current, why) : NULL;
}

/*
 * "normal 0 0 0 slave 268435456 67108864 60 pubsub …": the replicas' class is raised, the others
 * are sent back as they are. Such a buffer is real memory, though no maxmemory counts it.
 */
WANT(output_buffer)
{
    const struct redis_info *info = facts->info[SIDE_SOURCE];
    const char *names[] = {"slave ", "replica "};
    long long hard, soft, seconds, wanted = memory_for_buffer(info, TUNED_BUFFER);
    const char *at = NULL;
    int used = 0;

    for (size_t i = 0; i < array_len(names) && !at; i++) {
        at = strstr(current, names[i]);
        if (at)
            at += strlen(names[i]);
    }
    if (!facts->tune || !at || sscanf(at, "%lld %lld %lld%n", &hard, &soft, &seconds, &used) != 3)
        return NULL;
    if ((hard == 0 || hard >= wanted) && (soft == 0 || soft >= wanted)) {
        *why = wanted < TUNED_BUFFER ? "the node's host has no memory to spare" : NULL;
        return NULL;
    }
    return xasprintf("%.*s%lld %lld %lld%s", (int)(at - current), current,
                     hard == 0 ? 0 : max_of(hard, wanted), soft == 0 ? 0 : max_of(soft, wanted),
                     seconds, at + used);
}

/* A target that evicts while it follows lacks keys, and nobody is told. */
WANT(yes)
{
    return xstrdup("yes");
}

/* --- Sentinel --- */

/* A target that has not all of the data yet is nobody's heir. */
WANT(no_heir)
{
    return facts->watched ? xstrdup("0") : NULL;
}

/* Before all others. */
WANT(first_heir)
{
    return facts->watched ? xstrdup("1") : NULL;
}

/* --- the dump --- */

/* Valkey refuses dumps of other products by their number alone. */
WANT(relaxed)
{
    return dump_verdict(facts->info[SIDE_SOURCE], facts->info[SIDE_TARGET]) == DUMP_RELAXED
               ? xstrdup("relaxed")
               : NULL;
}

/* --- the fence --- */

WANT(fence)
{
    return xstrdup(FENCE_VALUE);
}

/* With 0 the fence holds nobody back. */
WANT(fence_lag)
{
    return strcmp(current, "0") == 0 ? xstrdup("10") : NULL;
}

/* clang-format off: a row is easier to read as a row */
static const struct setting_row rows[] = {
    {ACT_PREPARE, AT_TARGET, "masteruser", 60000, 0, SCOPE_RUN, source_user, S_REQUIRED | S_LOGIN},
    {ACT_PREPARE, AT_TARGET, "masterauth", 0, 0, SCOPE_RUN, source_password,
     S_REQUIRED | S_SECRET | S_LOGIN},
    {ACT_PREPARE, AT_TARGET, "tls-replication", 60000, 0, SCOPE_RUN, speak_to_source,
     S_REQUIRED | S_TLS},
    {ACT_PREPARE, AT_TARGET, "slave-read-only", 0, 50000, SCOPE_RUN, yes, S_REQUIRED},
    {ACT_PREPARE, AT_TARGET, "replica-read-only", 50000, 0, SCOPE_RUN, yes, S_REQUIRED},
    {ACT_PREPARE, AT_TARGET, "replica-ignore-maxmemory", 50000, 0, SCOPE_RUN, yes, 0},
    {ACT_PREPARE, AT_TARGET, "slave-priority", 0, 50000, SCOPE_RUN, no_heir, S_REQUIRED},
    {ACT_PREPARE, AT_TARGET, "replica-priority", 50000, 0, SCOPE_RUN, no_heir, S_REQUIRED},
    {ACT_PREPARE, AT_TARGET, "rdb-version-check", 70200, 0, SCOPE_RUN, relaxed, S_REQUIRED},
    {ACT_PREPARE, AT_TARGET, "repl-diskless-load", 60000, 0, SCOPE_RUN, diskless_load, 0},
    {ACT_PREPARE, AT_SOURCE, "repl-diskless-sync", 0, 0, SCOPE_RUN, diskless_sync, 0},
    {ACT_PREPARE, AT_SOURCE, "repl-diskless-sync-delay", 0, 0, SCOPE_RUN, diskless_delay, 0},
    {ACT_PREPARE, AT_SOURCE, "repl-backlog-size", 0, 0, SCOPE_RUN, backlog, 0},
    {ACT_PREPARE, AT_SOURCE, "client-output-buffer-limit", 0, 0, SCOPE_SYNC, output_buffer, 0},
    {ACT_PREPARE_CUTOVER, AT_TARGET, "slave-priority", 0, 50000, SCOPE_RUN, first_heir, 0},
    {ACT_PREPARE_CUTOVER, AT_TARGET, "replica-priority", 50000, 0, SCOPE_RUN, first_heir, 0},
    {ACT_PREPARE_CUTOVER, AT_TARGET, "repl-backlog-size", 0, 0, SCOPE_RUN, reverse_backlog, 0},
    {ACT_PREPARE_CUTOVER, AT_FOLLOWERS, "masteruser", 60000, 0, SCOPE_LINK, target_user, 0},
    {ACT_PREPARE_CUTOVER, AT_FOLLOWERS, "masterauth", 0, 0, SCOPE_LINK, target_password, S_SECRET},
    {ACT_PREPARE_CUTOVER, AT_FOLLOWERS, "tls-replication", 60000, 0, SCOPE_LINK, speak_to_target,
     S_REQUIRED | S_TLS},
    {ACT_PREPARE_CUTOVER, AT_WRITER, "slave-read-only", 0, 50000, SCOPE_LINK, yes, S_REQUIRED},
    {ACT_PREPARE_CUTOVER, AT_WRITER, "replica-read-only", 50000, 0, SCOPE_LINK, yes, S_REQUIRED},
    {ACT_PREPARE_CUTOVER, AT_WRITER, "min-slaves-max-lag", 0, 50000, SCOPE_RUN, fence_lag,
     S_REQUIRED},
    {ACT_PREPARE_CUTOVER, AT_WRITER, "min-slaves-to-write", 0, 50000, SCOPE_RUN, fence,
     S_REQUIRED | S_RECORD_ONLY},
    {ACT_PREPARE_CUTOVER, AT_WRITER, "min-replicas-max-lag", 50000, PAUSE_WRITE_SINCE, SCOPE_RUN,
     fence_lag, S_REQUIRED},
    {ACT_PREPARE_CUTOVER, AT_WRITER, "min-replicas-to-write", 50000, PAUSE_WRITE_SINCE, SCOPE_RUN,
     fence, S_REQUIRED | S_RECORD_ONLY},
};
/* clang-format on */

const struct setting_row *setting_rows(size_t *ret_n)
{
    *ret_n = array_len(rows);
    return rows;
}

const struct setting_row *setting_row_of(enum node_side side, const char *name)
{
    for (size_t i = 0; i < array_len(rows); i++)
        if ((rows[i].at == AT_TARGET) == (side == SIDE_TARGET) && strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static bool is_at(enum setting_place place, enum node_side side, enum node_side writer)
{
    switch (place) {
    case AT_SOURCE:
        return side == SIDE_SOURCE;
    case AT_TARGET:
        return side == SIDE_TARGET;
    case AT_WRITER:
        return side == writer;
    case AT_FOLLOWERS:
        return side == writer || side == SIDE_SOURCE;
    }
    return false;
}

bool setting_applies(const struct setting_row *row, enum action action, enum node_side side,
                     enum node_side writer, unsigned version_num)
{
    bool wanted = row->when == action || (action == ACT_RELOGIN && (row->flags & S_LOGIN));

    return wanted && is_at(row->at, side, writer) && version_num >= row->since &&
           (row->before == 0 || version_num < row->before);
}

const char *fence_setting(unsigned version_num)
{
    if (version_num >= PAUSE_WRITE_SINCE)
        return NULL;
    return version_num < 50000 ? "min-slaves-to-write" : "min-replicas-to-write";
}
