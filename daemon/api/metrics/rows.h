/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The metrics there are: two tables, of the process and of each job. */
#include "daemon/api/metrics/text.h"
#include "daemon/migration/migration.h"

struct api;

struct process_metric {
    struct metric metric;
    /* One of the two: the one value, NAN where it is not known; or any number of samples. */
    double (*value)(const struct api *api);
    void (*samples)(const struct exposition *out, const struct metric *metric,
                    const struct api *api);
};

extern const struct process_metric process_metrics[];
extern const size_t n_process_metrics;

#define JOB_METRICS_MAX 32

/* What one job had to show when the scrape came to it. A job that is looked at once shows the same
 * moment in all of its samples. */
struct job_sample {
    char id[SPEC_ID_MAX + 1];
    bool there; /* it has been looked at; otherwise it was forgotten in the meantime */
    enum phase phase;
    enum reason reason;
    double node_up[SIDE_MAX];
    double values[JOB_METRICS_MAX]; /* by row, of the rows that have a value() */
};

struct job_metric {
    struct metric metric; /* the first label is the job's id */
    /* One of the three: */
    double (*value)(const struct migration_view *view); /* NAN: not known */
    void (*samples)(const struct exposition *out, const struct metric *metric,
                    const struct job_sample *sample);
    void (*look)(const struct exposition *out, const struct metric *metric,
                 const struct migration_view *view); /* of the first row only */
};

/* The first row is written while the jobs are looked at, and has a sample for each. */
extern const struct job_metric job_metrics[];
extern const size_t n_job_metrics;

/* Fills all but the id. */
void job_sample_take(struct job_sample *sample, const struct migration_view *view);

/* How many jobs are in each state, with its head; for once all of them have been looked at. */
void job_states_expose(const struct exposition *out, const unsigned counts[STATE_MAX]);

/* The samples that a row has for a job that was looked at. */
void job_metric_expose(const struct exposition *out, size_t row, const struct job_sample *sample);
