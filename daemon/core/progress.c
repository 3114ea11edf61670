/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/progress.h"

#include "daemon/core/observation.h"
#include "lib/base/base.h"

#define RATE_SAMPLE_MS 1000

void progress_reset(struct progress_meter *meter)
{
    *meter = (struct progress_meter){.now = {-1, -1, -1, -1, -1}};
}

/* 0..1, from whatever the two servers tell: bytes, or, without a file, keys; -1: nothing. */
static double fraction(const struct redis_info *source, const struct redis_info *target)
{
    /* The file is first received, then loaded: the slower half comes second. */
    if (target->sync_total_bytes > 0)
        return target->loading
                   ? 0.5 + target->loading_percent / 200
                   : 0.5 * (double)target->sync_read_bytes / (double)target->sync_total_bytes;
    if (source->bgsave_in_progress && source->save_keys_total > 0)
        return (double)source->save_keys_processed / (double)source->save_keys_total;
    return -1;
}

/* Replicas report in steps of some MiB: what is shown moves a quarter of the way at a time. */
static double smooth(double shown, double rate)
{
    return shown < 0 ? rate : shown + (rate - shown) / 4;
}

void progress_update(struct progress_meter *meter, const struct observation *seen,
                     uint64_t since_ms, uint64_t now_ms)
{
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;
    struct progress *p = &meter->now;
    double done = fraction(&seen->node[SIDE_SOURCE].info, t);
    uint64_t spent_ms = now_ms - meter->sample_ms;

    p->bytes_done = max_of(t->sync_read_bytes, t->loading_loaded_bytes);
    if (t->sync_total_bytes > 0)
        p->bytes_total = t->sync_total_bytes;
    p->percent = done < 0 ? -1 : min_of(done * 100, 100.0);
    if (meter->sample_ms != 0 && p->bytes_done >= meter->sample_bytes) {
        if (spent_ms < RATE_SAMPLE_MS)
            return;
        p->bytes_per_second =
            smooth(p->bytes_per_second,
                   (double)(p->bytes_done - meter->sample_bytes) * 1000 / (double)spent_ms);
        p->eta_seconds = -1;
        if (p->percent > 1 && now_ms > since_ms)
            p->eta_seconds =
                (int64_t)((double)(now_ms - since_ms) / 1000 * (100 - p->percent) / p->percent);
    }
    meter->sample_ms = now_ms;
    meter->sample_bytes = p->bytes_done;
}
