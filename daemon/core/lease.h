/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The write pause as this process holds it: a lease that runs out by itself, with the servers that
 * know CLIENT PAUSE WRITE. Past half of it nothing may begin that relies on it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "daemon/core/fsm.h"

struct observation;

struct lease {
    uint64_t sent_ms; /* when the pause was sent; 0: not by this process */
    uint64_t sent_us;
    uint64_t pause_ms; /* how long it was to last */
};

/* The pause is about to be sent. now_us is of the clock that gap is measured with. */
void lease_begin(struct lease *lease, uint64_t pause_ms, uint64_t now_ms, uint64_t now_us);
/* Whether a pause that was held in from means nothing any more in to. */
bool lease_ends(enum phase from, enum phase to);
void lease_forget(struct lease *lease);
/* Puts what is left of it into *seen. A pause that an earlier process began cannot be older than
 * this process, which is in the phase since phase_at_ms, plus its own length, usual_ms. */
void lease_observe(const struct lease *lease, uint64_t phase_at_ms, uint64_t usual_ms,
                   uint64_t now_ms, struct observation *seen);
/* From the first byte of the pause to end_us; -1: this process did not begin it. */
int64_t lease_gap_us(const struct lease *lease, uint64_t end_us);
