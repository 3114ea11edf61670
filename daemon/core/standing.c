/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/standing.h"

#include <string.h>

#include "lib/base/base.h"

/* Changes are counted from the start, and from each dump on. */
static bool unwritten(const struct redis_info *t)
{
    bool saved = t->saves > 0 || (t->saves < 0 && t->last_save_seconds >= 0);

    return t->changes == 0 && !saved;
}

/* From 7.0 on a primary that has loaded a replica's dump shows where in which history that was. */
static bool shows_history(const struct redis_info *t)
{
    return t->second_repl_offset > 0 && t->replid2[strspn(t->replid2, "0")] != '\0';
}

/* A history that the target has part of, as its own or its former one. */
struct history {
    const char *replid;
    int64_t end; /* how far it goes */
};

/* Whether all that was in the target at offset at of its former history is known to us: it is the
 * source's, or the former one of a source that was restarted, or what the target was seen to have
 * when it was last known to be ours, or when it was last told to follow. */
static bool is_known(const struct run *run, const struct observation *seen, const char *replid,
                     int64_t at)
{
    const struct redis_info *s = &seen->node[SIDE_SOURCE].info;
    const struct history known[] = {{s->replid, s->master_repl_offset},
                                    {s->replid2, s->second_repl_offset - 1},
                                    {run->given_replid, run->given_offset},
                                    {seen->attached_replid, seen->attached_offset}};

    for (size_t i = 0; i < array_len(known); i++)
        if (strcmp(known[i].replid, replid) == 0 && at <= known[i].end)
            return true;
    return false;
}

static bool restarted_unwritten(const struct run *run, const struct observation *seen)
{
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;

    if (t->keys == 0)
        return true;
    if (!unwritten(t))
        return false;
    return shows_history(t) ? is_known(run, seen, t->replid2, t->second_repl_offset - 1)
                            : t->keys <= max_of(run->given_keys, seen->given_keys);
}

/* A primary without a backlog counts its writes only for an append-only file, and only since 7.2.
 */
static bool offset_counts(const struct redis_info *t)
{
    return t->backlog_active || (t->aof_enabled && t->redis_compat_num >= 70200);
}

static bool untouched(const struct spec *spec, const struct run *run,
                      const struct observation *seen)
{
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;
    int64_t let_go = t->second_repl_offset - 1;

    if (t->keys == 0 || (spec->target.allow_flush && !run->synced))
        return true;
    if (!offset_counts(t))
        return false;
    /* It was made a primary where a history had got to that we know, and nothing has come since. */
    if (shows_history(t) && t->master_repl_offset == let_go &&
        is_known(run, seen, t->replid2, let_go))
        return true;
    if (t->master_repl_offset == seen->detached_offset)
        return true;
    return t->keys <= max_of(run->given_keys, seen->given_keys) &&
           t->master_repl_offset == run->given_offset && strcmp(t->replid, run->given_replid) == 0;
}

enum standing standing_of(const struct spec *spec, const struct run *run,
                          const struct observation *seen, bool followed)
{
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;

    if (seen->target_follows)
        return STANDING_FOLLOWS;
    if (t->role == REDIS_ROLE_REPLICA)
        return STANDING_ELSEWHERE;
    if (run->target_run_id[0] && strcmp(run->target_run_id, t->run_id) != 0)
        return restarted_unwritten(run, seen) ? STANDING_RESTARTED : STANDING_PROMOTED;
    return !followed && untouched(spec, run, seen) ? STANDING_UNTOUCHED : STANDING_PROMOTED;
}
