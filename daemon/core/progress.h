/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* How far a full synchronisation has got, and how fast it goes. */
#include <stdint.h>

struct observation;

struct progress {
    int64_t bytes_total;     /* -1: unknown */
    int64_t bytes_done;      /* -1: nothing yet */
    double percent;          /* -1: unknown */
    double bytes_per_second; /* -1: unknown */
    int64_t eta_seconds;     /* -1: unknown */
};

struct progress_meter {
    struct progress now;
    /* private: the last sample of the rate */
    int64_t sample_bytes;
    uint64_t sample_ms; /* 0: none */
};

/* Nothing is known yet. */
void progress_reset(struct progress_meter *meter);
/* Takes what both servers tell of a synchronisation that began at since_ms. */
void progress_update(struct progress_meter *meter, const struct observation *seen,
                     uint64_t since_ms, uint64_t now_ms);
