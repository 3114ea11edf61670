/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/setting.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"

#define BACKLOG_BYTES (64ll << 20)
#define OUTPUT_BUFFER_BYTES (1ll << 30)

static char *source_password(const struct setting_facts *facts, const char *current)
{
    (void)current;
    return xstrdup(facts->password[SIDE_SOURCE]);
}

static char *source_user(const struct setting_facts *facts, const char *current)
{
    (void)current;
    return xstrdup(facts->user[SIDE_SOURCE]);
}

static char *target_password(const struct setting_facts *facts, const char *current)
{
    (void)current;
    return facts->reverse ? xstrdup(facts->password[SIDE_TARGET]) : NULL;
}

static char *target_user(const struct setting_facts *facts, const char *current)
{
    (void)current;
    return facts->reverse ? xstrdup(facts->user[SIDE_TARGET]) : NULL;
}

/* A target that is empty can read the stream as it comes; then neither side needs a file. */
static bool diskless(const struct setting_facts *facts)
{
    const struct redis_info *target = facts->info[SIDE_TARGET];

    return facts->tune && target->keys == 0 && target->redis_compat_num >= 60000;
}

static char *diskless_sync(const struct setting_facts *facts, const char *current)
{
    (void)current;
    return diskless(facts) ? xstrdup("yes") : NULL;
}

static char *diskless_delay(const struct setting_facts *facts, const char *current)
{
    (void)current;
    return facts->tune ? xstrdup("0") : NULL;
}

static char *diskless_load(const struct setting_facts *facts, const char *current)
{
    (void)current;
    return diskless(facts) ? xstrdup("on-empty-db") : NULL;
}

static char *backlog(const struct setting_facts *facts, const char *current)
{
    if (!facts->tune || strtoll(current, NULL, 10) >= BACKLOG_BYTES)
        return NULL;
    return xasprintf("%lld", BACKLOG_BYTES);
}

/*
 * The old source comes back to the new primary by partial resynchronisation, which servers
 * before 7.0 begin up to a second later: what is written meanwhile must fit into the target's
 * backlog.
 */
static char *reverse_backlog(const struct setting_facts *facts, const char *current)
{
    if (!facts->reverse || strtoll(current, NULL, 10) >= BACKLOG_BYTES)
        return NULL;
    return xasprintf("%lld", BACKLOG_BYTES);
}

/*
 * "normal 0 0 0 slave 268435456 67108864 60 pubsub …": the replicas' class is raised, the others
 * are sent back as they are.
 */
static char *output_buffer(const struct setting_facts *facts, const char *current)
{
    const char *names[] = {"slave ", "replica "};
    long long hard, soft, seconds;
    const char *at = NULL;
    int used = 0;

    for (size_t i = 0; i < array_len(names) && !at; i++) {
        at = strstr(current, names[i]);
        if (at)
            at += strlen(names[i]);
    }
    if (!facts->tune || !at || sscanf(at, "%lld %lld %lld%n", &hard, &soft, &seconds, &used) != 3)
        return NULL;
    if ((hard == 0 || hard >= OUTPUT_BUFFER_BYTES) && (soft == 0 || soft >= OUTPUT_BUFFER_BYTES))
        return NULL;
    return xasprintf("%.*s%lld %lld %lld%s", (int)(at - current), current, OUTPUT_BUFFER_BYTES,
                     OUTPUT_BUFFER_BYTES, seconds, at + used);
}

static char *fence(const struct setting_facts *facts, const char *current)
{
    (void)facts;
    (void)current;
    return xstrdup(FENCE_VALUE);
}

static const struct setting_row rows[] = {
    {ACT_PREPARE, SIDE_TARGET, "masteruser", 60000, 0, SCOPE_RUN, true, false, source_user},
    {ACT_PREPARE, SIDE_TARGET, "masterauth", 0, 0, SCOPE_RUN, true, false, source_password},
    {ACT_PREPARE, SIDE_TARGET, "repl-diskless-load", 60000, 0, SCOPE_RUN, false, false,
     diskless_load},
    {ACT_PREPARE, SIDE_SOURCE, "repl-diskless-sync", 0, 0, SCOPE_RUN, false, false, diskless_sync},
    {ACT_PREPARE, SIDE_SOURCE, "repl-diskless-sync-delay", 0, 0, SCOPE_RUN, false, false,
     diskless_delay},
    {ACT_PREPARE, SIDE_SOURCE, "repl-backlog-size", 0, 0, SCOPE_RUN, false, false, backlog},
    {ACT_PREPARE, SIDE_SOURCE, "client-output-buffer-limit", 0, 0, SCOPE_RUN, false, false,
     output_buffer},
    {ACT_PREPARE_CUTOVER, SIDE_TARGET, "repl-backlog-size", 0, 0, SCOPE_RUN, false, false,
     reverse_backlog},
    {ACT_PREPARE_CUTOVER, SIDE_SOURCE, "masteruser", 60000, 0, SCOPE_LINK, false, false,
     target_user},
    {ACT_PREPARE_CUTOVER, SIDE_SOURCE, "masterauth", 0, 0, SCOPE_LINK, false, false,
     target_password},
    {ACT_PREPARE_CUTOVER, SIDE_SOURCE, "min-slaves-to-write", 0, 50000, SCOPE_RUN, true, true,
     fence},
    {ACT_PREPARE_CUTOVER, SIDE_SOURCE, "min-replicas-to-write", 50000, PAUSE_WRITE_SINCE, SCOPE_RUN,
     true, true, fence},
};

const struct setting_row *setting_rows(size_t *ret_n)
{
    *ret_n = array_len(rows);
    return rows;
}

bool setting_applies(const struct setting_row *row, enum action action, enum node_side side,
                     unsigned version_num)
{
    return row->when == action && row->side == side && version_num >= row->since &&
           (row->before == 0 || version_num < row->before);
}

const char *fence_setting(unsigned version_num)
{
    if (version_num >= PAUSE_WRITE_SINCE)
        return NULL;
    return version_num < 50000 ? "min-slaves-to-write" : "min-replicas-to-write";
}
