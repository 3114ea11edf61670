/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/link_watch.h"

#include <string.h>

#include "daemon/core/observation.h"
#include "daemon/core/replicas.h"

/* A replica acknowledges once a second; only its first acknowledgement lets the stream flow. */
#define FIRST_ACK_MS 1500
#define MINUTE_MS 60000
#define KEYS_MANY 100 /* fewer come and go */

void link_watch_init(struct link_watch *watch)
{
    *watch = (struct link_watch){.errors_base = -1,
                                 .evicted_base = -1,
                                 .stream_base = -1,
                                 .copies_base = -1,
                                 .reverse_base = -1,
                                 .primary_base = -1};
}

void link_watch_enter(struct link_watch *watch, enum phase from, enum phase to, bool resumed)
{
    if (to == PHASE_CHECKING) {
        watch->source_run_id[0] = '\0';
        watch->source_was_primary = false;
    }
    if (to == PHASE_ATTACHING) { /* what is copied from here on is no copy too many */
        watch->copies_base = -1;
        watch->replicas_most = 0;
    }
    if (to != PHASE_REPLICATING || (from == PHASE_REPLICATING && !resumed))
        return;
    watch->up = true; /* entered with the link up, or coming: only its loss is news */
    if (from == PHASE_FREEZING || from == PHASE_SWITCHING)
        return;
    watch->errors_base = watch->evicted_base = -1;
    watch->keys_before = 0;
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

/* By how much; a counter that fell: the server was restarted. */
static int64_t grown(int64_t *base, int64_t now)
{
    if (*base < 0 || now < *base)
        *base = now;
    return now - *base;
}

static void watch_counters(struct link_watch *watch, struct observation *seen)
{
    const struct redis_info *target = &seen->node[SIDE_TARGET].info;

    if (target->unexpected_error_replies >= 0)
        seen->errors_grew = grown(&watch->errors_base, target->unexpected_error_replies) > 0;
    seen->evictions_grew = grown(&watch->evicted_base, target->evicted_keys) > 0;
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

/* Over the last whole minute and this one. With other replicas nobody can tell whose link it was.
 */
static void watch_breaks(struct link_watch *watch, struct observation *seen, uint64_t now_ms)
{
    const struct redis_info *s = &seen->node[SIDE_SOURCE].info;

    if (strcmp(watch->source_run_id, s->run_id) != 0) {
        seen->source_restarts += watch->source_run_id[0] != '\0';
        (void)str_copy(watch->source_run_id, sizeof(watch->source_run_id), s->run_id);
        watch->breaks_base = s->sync_partial_ok;
        watch->breaks_before = 0;
        watch->breaks_base_ms = now_ms;
        watch->copies_base = -1;
    }
    if (s->connected_replicas > 1) {
        watch->breaks_base = s->sync_partial_ok;
        watch->breaks_before = 0;
    }
    seen->link_breaks = watch->breaks_before + s->sync_partial_ok - watch->breaks_base;
    if (seen->link_breaks == 0 && seen->linked)
        observation_rebase(seen);
    if (now_ms - watch->breaks_base_ms >= MINUTE_MS) {
        watch->breaks_before = s->sync_partial_ok - watch->breaks_base;
        watch->breaks_base = s->sync_partial_ok;
        watch->breaks_base_ms = now_ms;
    }
}

static void watch_copies(struct link_watch *watch, struct observation *seen)
{
    const struct redis_info *s = &seen->node[SIDE_SOURCE].info;

    if (s->connected_replicas > 1)
        watch->copies_base = -1;
    else
        seen->copied_again = grown(&watch->copies_base, s->sync_full);
}

/* Half of many keys gone from one look to the next: a FLUSHALL, or its like. Those that expire may
 * well go at once. */
static void watch_collapse(struct link_watch *watch, struct observation *seen)
{
    int64_t now = seen->node[SIDE_SOURCE].info.lasting;

    if (watch->keys_before >= KEYS_MANY && now < watch->keys_before / 2)
        seen->collapsed_from = watch->keys_before;
    else if (now >= seen->collapsed_from / 2)
        seen->collapsed_from = 0;
    watch->keys_before = now;
}

static void watch_source(struct link_watch *watch, struct observation *seen, uint64_t now_ms)
{
    bool is_primary;

    if (!seen->node[SIDE_SOURCE].reachable || !seen_at_once(seen, SIDE_SOURCE))
        return;
    watch_breaks(watch, seen, now_ms);
    watch_copies(watch, seen);
    is_primary = seen->node[SIDE_SOURCE].info.role == REDIS_ROLE_MASTER;
    watch->source_was_primary = watch->source_was_primary || is_primary;
    seen->source_lost_role = watch->source_was_primary && !is_primary && !seen->writer_demoted;
    watch_collapse(watch, seen);
}

static void watch_reverse(struct link_watch *watch, struct observation *seen)
{
    const struct redis_info *w = &seen->node[seen->writer].info;
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;

    if (seen->node[seen->writer].reachable && seen->writer_follows_target &&
        seen_at_once(seen, seen->writer) && w->unexpected_error_replies >= 0)
        seen->reverse_errors = grown(&watch->reverse_base, w->unexpected_error_replies);
    if (seen->node[SIDE_TARGET].reachable && seen->target_is_primary &&
        seen_at_once(seen, SIDE_TARGET))
        seen->primary_evicted = grown(&watch->primary_base, t->evicted_keys);
}

#define PING_BYTES 14 /* of a replication PING; no write is as short */

/* A source that is a replica: whether its primary still sends writes. */
static void watch_stillness(struct link_watch *watch, struct observation *seen, uint64_t now_ms)
{
    int64_t offset = seen->node[SIDE_SOURCE].info.master_repl_offset;
    int64_t grown_by = offset - watch->still_offset;

    if (grown_by != 0 && grown_by != PING_BYTES)
        watch->still_at_ms = now_ms;
    watch->still_offset = offset;
    seen->still_ms = now_ms - watch->still_at_ms;
}

enum link_news link_watch_update(struct link_watch *watch, struct observation *seen,
                                 enum phase phase, uint64_t now_ms)
{
    const struct seen_node *target = &seen->node[SIDE_TARGET];
    bool up = target->reachable && seen->linked;
    enum link_news news = LINK_NO_NEWS;

    if (!target->tried) /* since a restart: neither up nor down is news */
        return news;
    if (phase == PHASE_COMPLETED)
        watch_reverse(watch, seen);
    else if (phase == PHASE_REPLICATING)
        watch_source(watch, seen, now_ms);
    watch_stillness(watch, seen, now_ms);
    if (phase == PHASE_REPLICATING && up != watch->up)
        news = up ? LINK_RESTORED : LINK_LOST;
    if (up && !watch->up)
        watch->since_wall_ms = (int64_t)seen->wall_ms;
    if (!up)
        watch->since_wall_ms = 0;
    watch_stream(watch, seen, up, now_ms);
    watch->up = up;
    if (up || !seen->target_follows)
        watch->down_at_ms = 0;
    else if (watch->down_at_ms == 0)
        watch->down_at_ms = now_ms;
    seen->link_down_ms = watch->down_at_ms ? now_ms - watch->down_at_ms : 0;
    if (!up) {
        seen->keys_differ = false;
        return news;
    }
    watch_counters(watch, seen);
    watch->replicas_most = max_of(watch->replicas_most, replicas_online(&target->info));
    seen->replicas_had = watch->replicas_most;
    seen->replicas_lost = watch->replicas_most - replicas_online(&target->info);
    watch_keys(seen);
    return news;
}
