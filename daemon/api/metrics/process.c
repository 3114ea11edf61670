/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon as a whole shows of itself. */
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/api/metrics/rows.h"
#include "daemon/api/private.h"
#include "daemon/migration/counters.h"
#include "daemon/store/store.h"

/* --- the process --- */

static void expose_build(const struct exposition *out, const struct metric *metric,
                         const struct api *api)
{
    (void)api;
    expose_sample(out, metric, (const char *const[]){ECMIGRATE_VERSION}, 1);
}

static double started_at(const struct api *api)
{
    return api->deps.started_wall_ms > 0 ? (double)api->deps.started_wall_ms / 1000 : NAN;
}

static double cpu_seconds(const struct api *api)
{
    struct rusage use;

    (void)api;
    if (getrusage(RUSAGE_SELF, &use))
        return NAN;
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static double resident_bytes(const struct api *api)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;
    int found = file ? fscanf(file, "%*u %lu", &pages) : 0;

    (void)api;
    if (file)
        fclose(file);
    return found == 1 ? (double)pages * (double)sysconf(_SC_PAGESIZE) : NAN;
}

static double is_ready(const struct api *api)
{
    return api->deps.status.ready(api->deps.status.arg);
}

static void expose_loop_lag(const struct exposition *out, const struct metric *metric,
                            const struct api *api)
{
    if (api->deps.loop_lag)
        expose_histogram(out, metric, api->deps.loop_lag);
}

static double log_drops(const struct api *api)
{
    return api->deps.log ? (double)log_dropped(api->deps.log) : NAN;
}

/* --- migrations --- */

static bool has_edge(enum phase from, enum phase to)
{
    size_t n;
    const struct edge *edges = fsm_edges(&n);

    for (size_t i = 0; i < n; i++) {
        if (edges[i].from == from && edges[i].to == to)
            return true;
    }
    return false;
}

/* What can happen is shown before it has: a counter that appears with its first event hides that
 * event from rate() and increase(). */
static void expose_transitions(const struct exposition *out, const struct metric *metric,
                               const struct api *api)
{
    for (int from = 0; api->deps.counters && from < PHASE_MAX; from++) {
        for (int to = 0; to < PHASE_MAX; to++) {
            uint64_t n = api->deps.counters->transitions[from][to];
            const char *values[] = {phase_get((enum phase)from)->name,
                                    phase_get((enum phase)to)->name};

            if (n > 0 || has_edge((enum phase)from, (enum phase)to))
                expose_sample(out, metric, values, (double)n);
        }
    }
}

static void expose_retries(const struct exposition *out, const struct metric *metric,
                           const struct api *api)
{
    for (int reason = REASON_NONE + 1; api->deps.counters && reason < REASON_MAX; reason++) {
        uint64_t n = api->deps.counters->retries[reason];

        if (n > 0)
            expose_sample(out, metric, &reason_get((enum reason)reason)->code, (double)n);
    }
}

/* --- the store --- */

static double is_held(const struct api *api)
{
    return api->deps.status.held(api->deps.status.arg);
}

static double commits(const struct api *api)
{
    return (double)store_commits(api->deps.store);
}

static void expose_commit_times(const struct exposition *out, const struct metric *metric,
                                const struct api *api)
{
    expose_histogram(out, metric, store_commit_times(api->deps.store));
}

static double events_dropped(const struct api *api)
{
    return (double)store_events_dropped(api->deps.store);
}

/* --- HTTP --- */

static void expose_requests(const struct exposition *out, const struct metric *metric,
                            const struct api *api)
{
    const struct request_counts *counts = &api->requests;

    for (unsigned i = 0; i < counts->n; i++) {
        const struct request_count *row = &counts->rows[i];
        char code[12];
        const char *values[] = {row->action, code};

        snprintf(code, sizeof(code), "%u", row->code);
        expose_sample(out, metric, values, (double)row->n);
    }
    if (counts->others > 0)
        expose_sample(out, metric, (const char *const[]){"others", "others"},
                      (double)counts->others);
}

static double connections(const struct api *api)
{
    unsigned n = 0;

    for (unsigned i = 0; i < api->n_listeners; i++)
        n += http_server_connections(api->listeners[i].server);
    return n;
}

static double streams(const struct api *api)
{
    unsigned n = 0;

    for (unsigned i = 0; i < api->n_listeners; i++)
        n += http_server_streams(api->listeners[i].server);
    return n;
}

/* --- the table --- */

const struct process_metric process_metrics[] = {
    {{"ecmigrate_build_info", METRIC_GAUGE, "The version that runs; always 1.", {"version"}},
     .samples = expose_build},
    {{"process_start_time_seconds", METRIC_GAUGE, "When the daemon was started.", {NULL}},
     .value = started_at},
    {{"process_cpu_seconds_total", METRIC_COUNTER, "Processor time, user and system.", {NULL}},
     .value = cpu_seconds},
    {{"process_resident_memory_bytes", METRIC_GAUGE, "Resident memory.", {NULL}},
     .value = resident_bytes},
    {{"ecmigrate_ready",
      METRIC_GAUGE,
      "Whether all job files have been taken up since the start.",
      {NULL}},
     .value = is_ready},
    {{"ecmigrate_event_loop_lag_seconds",
      METRIC_HISTOGRAM,
      "Time for which a turn of the event loop kept other events waiting.",
      {NULL}},
     .samples = expose_loop_lag},
    {{"ecmigrate_log_records_dropped_total",
      METRIC_COUNTER,
      "Log records lost because their receiver was too slow.",
      {NULL}},
     .value = log_drops},
    {{"ecmigrate_transitions_total",
      METRIC_COUNTER,
      "Changes of phase, of all jobs.",
      {"from", "to"}},
     .samples = expose_transitions},
    {{"ecmigrate_retries_total",
      METRIC_COUNTER,
      "Failed attach attempts that another one followed, by why they failed.",
      {"reason"}},
     .samples = expose_retries},
    {{"ecmigrate_store_held",
      METRIC_GAUGE,
      "Whether the state directory takes no writes, so that nothing new is begun.",
      {NULL}},
     .value = is_held},
    {{"ecmigrate_store_commits_total", METRIC_COUNTER, "Transactions of the store.", {NULL}},
     .value = commits},
    {{"ecmigrate_store_commit_duration_seconds",
      METRIC_HISTOGRAM,
      "Time that a transaction took to be on the disk.",
      {NULL}},
     .samples = expose_commit_times},
    {{"ecmigrate_store_events_dropped_total",
      METRIC_COUNTER,
      "Events that were not kept because the store's queue was full.",
      {NULL}},
     .value = events_dropped},
    {{"ecmigrate_api_requests_total",
      METRIC_COUNTER,
      "Requests that are over; code 0: the client left before its answer.",
      {"action", "code"}},
     .samples = expose_requests},
    {{"ecmigrate_api_connections", METRIC_GAUGE, "Open connections of the API.", {NULL}},
     .value = connections},
    {{"ecmigrate_api_streams", METRIC_GAUGE, "Event streams among them.", {NULL}},
     .value = streams},
};

const size_t n_process_metrics = array_len(process_metrics);
