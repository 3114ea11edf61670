/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/lease.h"

#include "daemon/core/observation.h"
#include "daemon/core/setting.h"

void lease_begin(struct lease *lease, uint64_t pause_ms, uint64_t now_ms, uint64_t now_us)
{
    lease->sent_ms = now_ms;
    lease->sent_us = now_us;
    lease->pause_ms = pause_ms;
}

bool lease_ends(enum phase from, enum phase to)
{
    /* A rollback out of freezing must still know of the pause. */
    return !(from == PHASE_FREEZING && to == PHASE_SWITCHING) && to != PHASE_ROLLING_BACK;
}

void lease_forget(struct lease *lease)
{
    lease->sent_ms = lease->sent_us = 0;
}

void lease_observe(const struct lease *lease, uint64_t phase_at_ms, uint64_t usual_ms,
                   uint64_t now_ms, struct observation *seen)
{
    bool expires = seen->node[seen->writer].info.redis_compat_num >= PAUSE_WRITE_SINCE;
    uint64_t since = lease->sent_ms ? lease->sent_ms : phase_at_ms;
    uint64_t pause_ms = lease->sent_ms ? lease->pause_ms : usual_ms;

    seen->lease_over = lease->sent_ms && now_ms - lease->sent_ms > lease->pause_ms / 2;
    seen->pause_expired = expires && now_ms - since > pause_ms;
}

int64_t lease_gap_us(const struct lease *lease, uint64_t end_us)
{
    return lease->sent_us ? (int64_t)(end_us - lease->sent_us) : -1;
}
