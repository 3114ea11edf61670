/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* How many requests of which kind were answered how. */
#include <stdint.h>

#define REQUEST_ROWS_MAX 192

struct request_count {
    const char *action; /* static */
    unsigned code;      /* 0: the client left before an answer */
    uint64_t n;
};

struct request_counts {
    struct request_count rows[REQUEST_ROWS_MAX];
    unsigned n;
    uint64_t others; /* for which there was no row left */
};

/* action is static. */
void request_counts_add(struct request_counts *counts, const char *action, unsigned code);
