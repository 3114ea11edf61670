/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/link_watch.h"

#include "daemon/core/observation.h"

/* A replica acknowledges once a second; only its first acknowledgement lets the stream flow. */
#define FIRST_ACK_MS 1500

void link_watch_init(struct link_watch *watch)
{
    *watch = (struct link_watch){.errors_base = -1, .stream_base = -1};
}

void link_watch_enter(struct link_watch *watch, enum phase from, enum phase to, bool resumed)
{
    if (to != PHASE_REPLICATING || (from == PHASE_REPLICATING && !resumed))
        return;
    watch->up = true; /* entered with the link up, or coming: only its loss is news */
    if (from != PHASE_FREEZING && from != PHASE_SWITCHING)
        watch->errors_base = -1;
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

static void watch_errors(struct link_watch *watch, struct observation *seen)
{
    int64_t errors = seen->node[SIDE_TARGET].info.unexpected_error_replies;

    if (errors < 0)
        return;
    /* A counter that fell: the server was restarted. */
    if (watch->errors_base < 0 || errors < watch->errors_base)
        watch->errors_base = errors;
    seen->errors_grew = errors > watch->errors_base;
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
    if (up)
        watch_errors(watch, seen);
    return news;
}
