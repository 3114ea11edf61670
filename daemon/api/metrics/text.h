/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Metrics as text, in the format of Prometheus: each metric's HELP and TYPE, followed by all of its
 * samples. Knows nothing of what is measured.
 */
#include <stddef.h>

#include "lib/base/histogram.h"

#define METRIC_LABELS_MAX 4

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_TYPE_MAX };

struct metric {
    const char *name;
    enum metric_type type;
    const char *help;                      /* a sentence; no line's end, no backslash */
    const char *labels[METRIC_LABELS_MAX]; /* names; NULL behind the last */
};

/* Where the text goes. */
struct exposition {
    void (*append)(const char *text, size_t len, void *arg);
    void *arg;
};

void expose_head(const struct exposition *out, const struct metric *metric);

/* values: of the labels, in their order, of any content; NULL where there are none. A value of NAN
 * is not known: nothing is written. */
void expose_sample(const struct exposition *out, const struct metric *metric,
                   const char *const *values, double value);

/* All samples of a histogram that has no labels. */
void expose_histogram(const struct exposition *out, const struct metric *metric,
                      const struct histogram *h);
