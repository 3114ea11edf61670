/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/link_watch.h"

#include "daemon/core/observation.h"

/* A replica acknowledges once a second; only its first acknowledgement lets the stream flow. */
#define FIRST_ACK_MS 1500

void link_watch_init(struct link_watch *watch)
{
    *watch = (struct link_watch){.errors_base = -1, .evicted_base = -1, .stream_base = -1};
}

void link_watch_enter(struct link_watch *watch, enum phase from, enum phase to, bool resumed)
{
    if (to != PHASE_REPLICATING || (from == PHASE_REPLICATING && !resumed))
        return;
    watch->up = true; /* entered with the link up, or coming: only its loss is news */
    if (from != PHASE_FREEZING && from != PHASE_SWITCHING)
        watch->errors_base = watch->evicted_base = -1;
}

void link_watch_resume(struct link_watch *watch, int64_t errors, int64_t evicted)
{
    watch->errors_base = errors;
    watch->evicted_base = evicted;
}

static void watch_stream(struct link_watch *watch, struct observation *seen, bool up,
                         uint64_t now_ms)
{
    int64_t offset = seen->node[SIDE_TARGET].info.replica_offset;

    if (!up || watch->stream_base < 0) {
        watch->stream_base = up ? offset : -1;
        watch->stream_base_ms = now_ms;
    }
    seen->streaming =
        up && (offset > watch->stream_base || now_ms - watch->stream_base_ms > FIRST_ACK_MS);
}

/* A counter that fell: the server was restarted. */
static bool grew(int64_t *base, int64_t now)
{
    if (*base < 0 || now < *base)
        *base = now;
    return now > *base;
}

static void watch_counters(struct link_watch *watch, struct observation *seen)
{
    const struct redis_info *target = &seen->node[SIDE_TARGET].info;

    if (target->unexpected_error_replies >= 0)
        seen->errors_grew = grew(&watch->errors_base, target->unexpected_error_replies);
    seen->evictions_grew = grew(&watch->evicted_base, target->evicted_keys);
}

/* Equal offsets are equal contents. Keys that expire are apart: the source says when they are gone.
 */
static void watch_keys(struct observation *seen)
{
    const struct redis_info *s = &seen->node[SIDE_SOURCE].info;
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;

    if (seen->same_history && s->master_repl_offset == t->replica_offset &&
        seen_at_once(seen, SIDE_SOURCE) && seen_at_once(seen, SIDE_TARGET))
        seen->keys_differ = s->lasting_sum != t->lasting_sum;
}

enum link_news link_watch_update(struct link_watch *watch, struct observation *seen,
                                 enum phase phase, uint64_t now_ms)
{
    const struct seen_node *target = &seen->node[SIDE_TARGET];
    bool up = target->reachable && seen->linked;
    enum link_news news = LINK_NO_NEWS;

    if (!target->tried) /* since a restart: neither up nor down is news */
        return news;
    if (phase == PHASE_REPLICATING && up != watch->up)
        news = up ? LINK_RESTORED : LINK_LOST;
    if (up && !watch->up)
        watch->since_wall_ms = (int64_t)seen->wall_ms;
    if (!up)
        watch->since_wall_ms = 0;
    watch_stream(watch, seen, up, now_ms);
    watch->up = up;
    if (!up) {
        seen->keys_differ = false;
        return news;
    }
    watch_counters(watch, seen);
    watch_keys(seen);
    return news;
}
