/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/sync_watch.h"

#include <limits.h>
#include <string.h>

#include "daemon/core/observation.h"

#include "lib/base/base.h"

void sync_watch_enter(struct sync_watch *watch, uint64_t now_ms)
{
    watch->moved_at_ms = watch->seen_at_ms = now_ms;
    watch->syncing = false;
    watch->full_base = -1;
    watch->starts = watch->counted = 0;
}

static struct sync_position position_of(const struct redis_info *source,
                                        const struct redis_info *target)
{
    return (struct sync_position){.read_bytes = target->sync_read_bytes,
                                  .left_bytes = target->sync_left_bytes,
                                  .loaded_bytes = target->loading_loaded_bytes,
                                  .saved_keys = source->save_keys_processed,
                                  .loaded_percent = target->loading_percent,
                                  .syncing = target->sync_in_progress,
                                  .loading = target->loading};
}

static bool differs(const struct sync_position *a, const struct sync_position *b)
{
    return a->read_bytes != b->read_bytes || a->left_bytes != b->left_bytes ||
           a->loaded_bytes != b->loaded_bytes || a->saved_keys != b->saved_keys ||
           a->loaded_percent != b->loaded_percent || a->syncing != b->syncing ||
           a->loading != b->loading;
}

/* The source counts those, too, that came and went between two looks, or before this phase was
 * entered; but for all replicas. */
static unsigned counted_starts(struct sync_watch *watch, const struct observation *seen)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];
    const struct redis_info *s = &source->info;

    if (!source->reachable || s->connected_replicas > 1 || source->whole_age_ms >= seen->phase_ms)
        return watch->counted;
    if (seen->base.known && strcmp(seen->base.run_id, s->run_id) == 0) {
        if (!seen->base.alone)
            return watch->counted;
        watch->full_base = seen->base.sync_full;
    } else if (watch->full_base < 0) {
        watch->full_base = s->sync_full - watch->starts;
    }
    watch->counted = (unsigned)min_of(
        max_of(s->sync_full - watch->full_base, (int64_t)watch->counted), (int64_t)INT_MAX);
    return watch->counted;
}

void sync_watch_update(struct sync_watch *watch, struct observation *seen, uint64_t now_ms)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];
    const struct seen_node *target = &seen->node[SIDE_TARGET];
    const struct redis_info *s = &source->info, *t = &target->info;
    struct sync_position position = position_of(s, t);
    bool syncing = target->reachable && seen->target_follows && t->sync_in_progress;
    /* Before 7.0 a source that writes its dump does not tell how far it has got. */
    bool saving = s->bgsave_in_progress && s->redis_compat_num < 70000;

    if (saving || differs(&position, &watch->position)) {
        watch->position = position;
        watch->moved_at_ms = now_ms;
    }
    watch->starts += syncing && !watch->syncing;
    watch->syncing = syncing;
    seen->sync_starts = max_of(watch->starts, counted_starts(watch, seen));
    if (syncing || t->loading || seen->linked)
        watch->seen_at_ms = now_ms;
    seen->stalled_ms = now_ms - watch->moved_at_ms;
    seen->sync_idle_ms = now_ms - watch->seen_at_ms;
}
