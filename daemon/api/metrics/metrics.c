/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scrape. The format wants all samples of a metric together, so the jobs are gone through once
 * for each metric. They are looked at in the first of these rounds only, and what is found is kept:
 * one look is dear, and a round in which hardly any job has a sample must cost next to nothing,
 * because a piece of the answer ends with so many bytes, not after so many jobs.
 */
#include "daemon/api/metrics/metrics.h"

#include "daemon/api/metrics/rows.h"
#include "daemon/api/private.h"
#include "daemon/job/registry.h"

#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define SCRAPES_MAX 8 /* at a time; each keeps some 300 bytes a job */

struct scrape {
    struct api *api;         /* borrowed: it outlives its servers' requests */
    struct job_sample *jobs; /* owned; those of the time of the request */
    size_t n, capacity;
    unsigned states[STATE_MAX]; /* how many of them are in which */
    size_t row;                 /* of process_metrics, then of job_metrics */
    size_t next;                /* job in that row */
};

static void add_job(struct migration *m, void *arg)
{
    struct scrape *s = arg;

    assert(s->n < s->capacity);
    s->jobs[s->n].there = false;
    (void)str_copy(s->jobs[s->n++].id, sizeof(s->jobs->id), migration_id(m));
}

static void scrape_free(void *arg)
{
    struct scrape *s = arg;

    s->api->scrapes--;
    free(s->jobs);
    free(s);
}

static void append(const char *text, size_t len, void *arg)
{
    http_body_append(arg, text, len);
}

static void expose_process(const struct exposition *out, const struct process_metric *m,
                           const struct api *api)
{
    expose_head(out, &m->metric);
    if (m->value)
        expose_sample(out, &m->metric, NULL, m->value(api));
    else
        m->samples(out, &m->metric, api);
}

static void look_at(const struct exposition *out, struct scrape *s, struct job_sample *sample)
{
    const struct migration *m = registry_find(s->api->deps.registry, sample->id);
    struct migration_view view;

    if (!m)
        return;
    migration_view(m, &view);
    job_metrics[0].look(out, &job_metrics[0].metric, &view);
    job_sample_take(sample, &view);
    s->states[phase_get(sample->phase)->state]++;
}

static void expose_job(const struct exposition *out, struct scrape *s, size_t row)
{
    if (s->next == 0)
        expose_head(out, &job_metrics[row].metric);
    if (s->next < s->n) {
        struct job_sample *sample = &s->jobs[s->next];

        if (row == 0)
            look_at(out, s, sample);
        else if (sample->there)
            job_metric_expose(out, row, sample);
    }
    if (++s->next < s->n)
        return;
    if (row == 0)
        job_states_expose(out, s->states);
    s->next = 0;
    s->row++;
}

static bool fill(struct http_body *body, void *arg)
{
    struct exposition out = {append, body};
    struct scrape *s = arg;

    if (s->row < n_process_metrics)
        expose_process(&out, &process_metrics[s->row++], s->api);
    else
        expose_job(&out, s, s->row - n_process_metrics);
    return s->row < n_process_metrics + n_job_metrics;
}

void api_metrics(struct http_request *request, void *arg)
{
    struct api *api = arg;
    struct scrape *s;

    if (api->scrapes == SCRAPES_MAX) {
        http_respond_error(request, 503, "too-many-scrapes",
                           "Let fewer servers scrape, or less often.",
                           "no more than %d scrapes are served at a time", SCRAPES_MAX);
        return;
    }
    s = xcalloc(1, sizeof(*s));
    api->scrapes++;
    s->api = api;
    s->capacity = registry_count(api->deps.registry);
    s->jobs = xmalloc(s->capacity * sizeof(*s->jobs) + 1);
    registry_each(api->deps.registry, add_job, s);
    http_request_on_release(request, scrape_free, s);
    http_respond_filled(request, 200, CONTENT_TYPE, fill, s);
}

void api_count_request(struct api *api, const char *name, unsigned status)
{
    request_counts_add(&api->requests, name, status);
}
