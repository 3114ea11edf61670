/* SPDX-License-Identifier: Apache-2.0 */
/* Brings the observation up to date: times, relations, progress, the lease of the write pause. */
#include "daemon/migration/migration_private.h"
#include "daemon/migration/setting_rows.h"
#include "lib/base/clock.h"

#define RATE_SAMPLE_MS 1000
/* A replica acknowledges once a second; only its first acknowledgement lets the stream flow. */
#define FIRST_ACK_MS 1500

static bool moved(const struct redis_info *a, const struct redis_info *b)
{
    return a->sync_read_bytes != b->sync_read_bytes || a->sync_left_bytes != b->sync_left_bytes ||
           a->loading_percent != b->loading_percent ||
           a->loading_loaded_bytes != b->loading_loaded_bytes ||
           a->sync_in_progress != b->sync_in_progress || a->loading != b->loading;
}

static void observe_sync(struct migration *m, uint64_t now)
{
    const struct redis_info *t = &m->seen.node[SIDE_TARGET].info;
    const struct redis_info *s = &m->seen.node[SIDE_SOURCE].info;
    bool syncing =
        m->seen.node[SIDE_TARGET].reachable && m->seen.target_follows && t->sync_in_progress;
    /* Before 7.0 a source that writes its dump does not tell how far it has got. */
    bool saving = s->bgsave_in_progress && s->redis_compat_num < 70000;

    if (saving || moved(t, &m->moved) || s->save_keys_processed != m->moved.save_keys_processed) {
        m->moved = *t;
        m->moved.save_keys_processed = s->save_keys_processed;
        m->moved_at_ms = now;
    }
    if (syncing && !m->was_syncing)
        m->seen.sync_starts++;
    m->was_syncing = syncing;
    if (syncing || t->loading || (m->seen.target_follows && t->link_up))
        m->synced_at_ms = now;
    m->seen.stalled_ms = now - m->moved_at_ms;
    m->seen.sync_idle_ms = now - m->synced_at_ms;
}

/* How far the copy has got, from whatever the two servers tell: bytes, or, without a file, keys. */
static void observe_progress(struct migration *m, uint64_t now)
{
    const struct redis_info *t = &m->seen.node[SIDE_TARGET].info;
    const struct redis_info *s = &m->seen.node[SIDE_SOURCE].info;
    struct progress *p = &m->progress;
    double fraction = -1, rate;

    if (m->run.phase != PHASE_SYNCING)
        return;
    p->bytes_done = max_of(t->sync_read_bytes, t->loading_loaded_bytes);
    if (t->sync_total_bytes > 0) {
        p->bytes_total = t->sync_total_bytes;
        /* The file is first received, then loaded: the slower half comes second. */
        fraction = t->loading ? 0.5 + t->loading_percent / 200
                              : 0.5 * (double)t->sync_read_bytes / (double)t->sync_total_bytes;
    } else if (s->bgsave_in_progress && s->save_keys_total > 0) {
        fraction = (double)s->save_keys_processed / (double)s->save_keys_total;
    }
    p->percent = fraction < 0 ? -1 : min_of(fraction * 100, 100.0);
    if (m->sample_ms == 0 || p->bytes_done < m->sample_bytes) {
        m->sample_ms = now;
        m->sample_bytes = p->bytes_done;
        return;
    }
    if (now - m->sample_ms < RATE_SAMPLE_MS)
        return;
    rate = (double)(p->bytes_done - m->sample_bytes) * 1000 / (double)(now - m->sample_ms);
    /* Replicas report in steps of some MiB: what is shown moves a quarter of the way at a time. */
    p->bytes_per_second =
        p->bytes_per_second < 0 ? rate : p->bytes_per_second + (rate - p->bytes_per_second) / 4;
    m->sample_ms = now;
    m->sample_bytes = p->bytes_done;
    p->eta_seconds = -1;
    if (p->percent > 1 && now > m->phase_at_ms)
        p->eta_seconds =
            (int64_t)((double)(now - m->phase_at_ms) / 1000 * (100 - p->percent) / p->percent);
}

static void observe_link(struct migration *m)
{
    const struct seen_node *target = &m->seen.node[SIDE_TARGET];
    bool up = target->reachable && m->seen.target_follows && target->info.link_up;
    struct event_context context = migration_context(m);

    if (!target->tried) /* since a restart: neither up nor down is news */
        return;
    if (m->run.phase == PHASE_REPLICATING && up != m->link_was_up) {
        if (!up)
            event_emit(m->env->bus, EVENT_LINK_LOST, &context, NULL, "the link is down%s%s",
                       target->reachable ? "" : ": the target does not answer: ",
                       target->reachable ? "" : target->err.msg);
        else
            event_emit(m->env->bus, EVENT_LINK_RESTORED, &context, NULL, "the link is up again");
    }
    if (up && !m->link_was_up)
        m->link_since_wall_ms = clock_wall_ms();
    if (!up || m->stream_base < 0) {
        m->stream_base = up ? target->info.replica_offset : -1;
        m->stream_base_ms = clock_boot_ms();
    }
    m->seen.streaming = up && (target->info.replica_offset > m->stream_base ||
                               clock_boot_ms() - m->stream_base_ms > FIRST_ACK_MS);
    if (!up)
        m->link_since_wall_ms = 0;
    m->link_was_up = up;
    if (target->info.unexpected_error_replies < 0 || !up)
        return;
    /* A counter that fell: the server was restarted. */
    if (m->errors_base < 0 || target->info.unexpected_error_replies < m->errors_base)
        m->errors_base = target->info.unexpected_error_replies;
    m->seen.errors_grew = target->info.unexpected_error_replies > m->errors_base;
}

static void observe_lease(struct migration *m, uint64_t now)
{
    bool lease = m->seen.node[SIDE_SOURCE].info.redis_compat_num >= PAUSE_WRITE_SINCE;
    /* A pause an earlier process began cannot be older than this process plus its own length. */
    uint64_t since = m->frozen_at_ms ? m->frozen_at_ms : m->phase_at_ms;
    uint64_t pause_ms = m->frozen_at_ms ? m->frozen_pause_ms : m->spec->cutover.pause_ms;

    m->seen.lease_over = m->frozen_at_ms && now - m->frozen_at_ms > pause_ms / 2;
    m->seen.pause_expired = lease && now - since > pause_ms;
}

void migration_observe(struct migration *m)
{
    uint64_t now = clock_boot_ms();

    m->seen.wall_ms = (uint64_t)clock_wall_ms();
    m->seen.phase_ms = now - m->phase_at_ms;
    m->seen.tilt = migration_env_tilt(m->env);
    m->seen.slot = m->slot.held;
    m->seen.wanted_ms = now - m->fresh_since_ms;
    m->seen.fresh = m->node[SIDE_SOURCE].all_ms > m->fresh_since_ms &&
                    m->node[SIDE_TARGET].all_ms > m->fresh_since_ms;
    for (int side = 0; side < SIDE_MAX; side++) {
        node_tick(&m->node[side]);
        m->seen.debts[side] = settings_count(&m->settings, (enum node_side)side, false);
        m->seen.run_debts[side] = settings_count(&m->settings, (enum node_side)side, true);
    }
    observation_relate(&m->seen, m->spec, &m->run);
    observe_sync(m, now);
    observe_progress(m, now);
    observe_link(m);
    observe_lease(m, now);
}

void migration_observe_enter(struct migration *m, enum phase from, bool resumed)
{
    struct observation *seen = &m->seen;
    uint64_t now = clock_boot_ms();

    m->phase_at_ms = m->moved_at_ms = m->synced_at_ms = now;
    m->fresh_since_ms = now;
    m->act_again_ms = 0;
    m->was_syncing = false;
    seen->resumed = resumed;
    seen->sync_starts = 0;
    seen->last_action = ACT_NONE;
    seen->last_failed = false;
    if (m->run.phase != PHASE_SWITCHING || from != PHASE_FREEZING) {
        /* A rollback out of freezing must still know of the pause. */
        if (m->run.phase != PHASE_ROLLING_BACK) {
            seen->frozen = false;
            m->frozen_at_ms = m->frozen_sent_us = 0;
        }
        seen->thawed = false;
        seen->thaw_reason = REASON_NONE;
        seen->thaw_message[0] = '\0';
        seen->clients_drained = false;
        seen->promote_sent = resumed;
    }
    if (m->run.phase == PHASE_ATTACHING)
        seen->prepared = seen->prepared_cutover = false;
    if (m->run.phase == PHASE_REPLICATING && (resumed || from != PHASE_REPLICATING)) {
        m->link_was_up = true; /* entered with the link up, or coming: only its loss is news */
        if (from != PHASE_FREEZING && from != PHASE_SWITCHING)
            m->errors_base = -1;
        seen->errors_grew = false;
    }
    m->progress = (struct progress){-1, -1, -1, -1, -1};
    m->sample_ms = 0;
}
