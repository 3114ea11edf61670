/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* How often something took how long: counts in fixed buckets. Pure. */
#include <stdint.h>

#define HISTOGRAM_BUCKETS_MAX 20

struct histogram {
    const double *bounds; /* borrowed: each bucket's upper bound in seconds, rising */
    unsigned n;           /* of bounds */
    uint64_t counts[HISTOGRAM_BUCKETS_MAX + 1]; /* of each bucket alone; [n]: what lies above all */
    uint64_t count;
    double sum; /* seconds */
};

void histogram_init(struct histogram *h, const double *bounds, unsigned n);

/* A value that equals a bound belongs to that bound's bucket. */
void histogram_observe(struct histogram *h, double seconds);

/* The value, in seconds, that the share q (0..1) of all observations does not exceed, taking those
 * of a bucket as spread evenly over it; the highest bound where it lies beyond; NAN with no
 * observation. */
double histogram_quantile(const struct histogram *h, double q);
