/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each job shows of itself. Words that redis_exporter has for the same thing (master_link_up
 * and the like) are used here too: they are the target's view of the source and, once the
 * switch-over is done, the old source's view of the target.
 */
#include <math.h>

#include "daemon/api/metrics/rows.h"
#include "daemon/core/check/report.h"

static double known(int64_t n)
{
    return n >= 0 ? (double)n : NAN;
}

static double known_time(int64_t wall_ms)
{
    return wall_ms > 0 ? (double)wall_ms / 1000 : NAN;
}

/* --- the first row --- */

static void look_info(const struct exposition *out, const struct metric *metric,
                      const struct migration_view *view)
{
    const struct spec *spec = view->spec;
    const struct endpoint *source =
        endpoint_is_set(&view->run->source) ? &view->run->source : &spec->source.endpoint;
    char from[ENDPOINT_STR_MAX] = "", to[ENDPOINT_STR_MAX];
    const char *values[] = {spec->id, spec->description ? spec->description : "", from, to};

    if (endpoint_is_set(source))
        endpoint_format(source, from);
    endpoint_format(&spec->target.endpoint, to);
    expose_sample(out, metric, values, 1);
}

/* --- rows with a label beside the job's --- */

static void expose_state(const struct exposition *out, const struct metric *metric,
                         const struct job_sample *sample)
{
    enum public_state present = phase_get(sample->phase)->state;

    for (int state = 0; state < STATE_MAX; state++) {
        const char *values[] = {sample->id, public_state_name((enum public_state)state)};

        expose_sample(out, metric, values, state == (int)present);
    }
}

static void expose_phase(const struct exposition *out, const struct metric *metric,
                         const struct job_sample *sample)
{
    const char *values[] = {sample->id, phase_get(sample->phase)->name};

    expose_sample(out, metric, values, 1);
}

static void expose_reason(const struct exposition *out, const struct metric *metric,
                          const struct job_sample *sample)
{
    const char *values[] = {sample->id, reason_get(sample->reason)->code};

    if (sample->reason != REASON_NONE)
        expose_sample(out, metric, values, 1);
}

static void expose_nodes(const struct exposition *out, const struct metric *metric,
                         const struct job_sample *sample)
{
    for (int side = 0; side < SIDE_MAX; side++) {
        const char *values[] = {sample->id, side_name((enum node_side)side)};

        expose_sample(out, metric, values, sample->node_up[side]);
    }
}

/* --- the run --- */

static double phase_since(const struct migration_view *view)
{
    return known_time(view->run->since_wall_ms);
}

static double run_number(const struct migration_view *view)
{
    return view->run->number;
}

static double attempts(const struct migration_view *view)
{
    return view->run->attempt;
}

static double attempts_limit(const struct migration_view *view)
{
    return view->spec->attach.attempts;
}

static double checks_passed(const struct migration_view *view)
{
    const struct check_report *checks = view->checks;

    return checks && checks->at_wall_ms > 0 ? checks->passed : NAN;
}

static double alarms(const struct migration_view *view)
{
    return __builtin_popcount(view->alarms);
}

/* --- the link --- */

/* The replica that follows the other node, as it was seen last; NULL: none does, or nobody knows.
 */
static const struct redis_info *follower(const struct migration_view *view)
{
    const struct observation *seen = view->seen;
    bool reverse = view->run->phase == PHASE_COMPLETED;
    const struct seen_node *node;

    if (!seen)
        return NULL;
    node = &seen->node[reverse ? seen->writer : SIDE_TARGET];
    if (!node->reachable || !(reverse ? seen->writer_follows_target : seen->target_follows))
        return NULL;
    return &node->info;
}

static double link_up(const struct migration_view *view)
{
    const struct redis_info *info = follower(view);
    bool should_follow =
        view->run->attached && (phase_get(view->run->phase)->flags & F_ABORTABLE) != 0;

    if (info)
        return info->link_up && (view->seen->linked || view->run->phase == PHASE_COMPLETED);
    return should_follow && view->seen && view->seen->node[SIDE_TARGET].reachable ? 0 : NAN;
}

static double last_io(const struct migration_view *view)
{
    const struct redis_info *info = follower(view);

    return info ? known(info->last_io_seconds) : NAN;
}

static double sync_in_progress(const struct migration_view *view)
{
    const struct redis_info *info = follower(view);

    return info ? info->sync_in_progress : NAN;
}

static double lag_bytes(const struct migration_view *view)
{
    const struct observation *seen = view->seen;
    bool follows = seen && seen->node[SIDE_TARGET].reachable && seen->target_follows;

    return follows ? known(seen->lag_bytes) : NAN;
}

static double lag_seconds(const struct migration_view *view)
{
    double bytes = lag_bytes(view);

    if (isnan(bytes) || !view->seen->linked)
        return NAN;
    return bytes > 0 ? known(view->seen->node[SIDE_TARGET].info.last_io_seconds) : 0;
}

static double lag_limit(const struct migration_view *view)
{
    return (double)view->spec->cutover.max_lag;
}

/* --- the full synchronisation --- */

static double sync_ratio(const struct migration_view *view)
{
    return view->progress.percent >= 0 ? view->progress.percent / 100 : NAN;
}

static double sync_done(const struct migration_view *view)
{
    return known(view->progress.bytes_done);
}

static double sync_size(const struct migration_view *view)
{
    return known(view->progress.bytes_total);
}

static double sync_rate(const struct migration_view *view)
{
    return view->progress.bytes_per_second >= 0 ? view->progress.bytes_per_second : NAN;
}

static double sync_eta(const struct migration_view *view)
{
    return known(view->progress.eta_seconds);
}

/* --- the switch-over --- */

static double write_gap(const struct migration_view *view)
{
    bool happened = view->run->cutover.at_wall_ms > 0 && view->run->cutover.gap_us >= 0;

    return happened ? (double)view->run->cutover.gap_us / 1e6 : NAN;
}

static double clients_told(const struct migration_view *view)
{
    return view->run->cutover.told_ms > 0 ? (double)view->run->cutover.told_ms / 1e3 : NAN;
}

static double cutover_at(const struct migration_view *view)
{
    return known_time(view->run->cutover.at_wall_ms);
}

/* --- the table --- */

#define GAUGE(name, help, ...)                                                                     \
    .metric = {"ecmigrate_job_" name, METRIC_GAUGE, help, {"job", ##__VA_ARGS__}}

const struct job_metric job_metrics[] = {
    {GAUGE("info", "What the job is for, and between which nodes; always 1.", "description",
           "source", "target"),
     .look = look_info},
    {GAUGE("state", "1 for the state the job is in, 0 for the others.", "state"),
     .samples = expose_state},
    {GAUGE("phase", "1 for the phase the job is in; the others have no sample.", "phase"),
     .samples = expose_phase},
    {GAUGE("reason",
           "1 for the reason why the job waits or has failed; no sample where there is none.",
           "reason"),
     .samples = expose_reason},
    {GAUGE("phase_since_timestamp_seconds", "When the phase was entered."), .value = phase_since},
    {GAUGE("run_number", "Runs that were started; 0: none yet."), .value = run_number},
    {GAUGE("attempts", "Attach attempts begun in the present run."), .value = attempts},
    {GAUGE("attempts_limit", "Attach attempts that a run has."), .value = attempts_limit},
    {GAUGE("checks_passed", "Whether the latest checks passed."), .value = checks_passed},
    {GAUGE("alarms", "Alarms that are on: what endangers the data, or the way back."),
     .value = alarms},
    {GAUGE("node_up", "Whether the node answers the daemon.", "side"), .samples = expose_nodes},
    {GAUGE(
         "master_link_up",
         "Whether the target's link to the source is up; when completed, the old source's to it."),
     .value = link_up},
    {GAUGE("master_last_io_seconds_ago",
           "Time since something came over the link, as the replica says."),
     .value = last_io},
    {GAUGE("master_sync_in_progress",
           "Whether a full synchronisation comes over the link, as the replica says."),
     .value = sync_in_progress},
    {GAUGE("lag_bytes", "What the source has written and the target not yet applied."),
     .value = lag_bytes},
    {GAUGE("lag_seconds", "0 without lag; else the time since something came over the link."),
     .value = lag_seconds},
    {GAUGE("lag_limit_bytes", "The lag up to which a switch-over may begin."), .value = lag_limit},
    {GAUGE("sync_progress_ratio", "How much of the full synchronisation is done, 0 to 1."),
     .value = sync_ratio},
    {GAUGE("sync_done_bytes", "What has come of the full synchronisation."), .value = sync_done},
    {GAUGE("sync_size_bytes", "How large the full synchronisation is."), .value = sync_size},
    {GAUGE("sync_bytes_per_second", "How fast the full synchronisation comes."),
     .value = sync_rate},
    {GAUGE("sync_eta_seconds",
           "Time that the full synchronisation still takes at its present rate."),
     .value = sync_eta},
    {GAUGE("cutover_write_gap_seconds",
           "Time without a primary that takes writes, in the latest switch-over."),
     .value = write_gap},
    {GAUGE("cutover_clients_told_seconds",
           "Time from the latest switch-over until all Sentinels named the target."),
     .value = clients_told},
    {GAUGE("cutover_timestamp_seconds", "When the latest switch-over was done."),
     .value = cutover_at},
};

const size_t n_job_metrics = array_len(job_metrics);
static_assert(array_len(job_metrics) <= JOB_METRICS_MAX, "a sample has room for all rows");

void job_sample_take(struct job_sample *sample, const struct migration_view *view)
{
    const struct observation *seen = view->seen;

    sample->there = true;
    sample->phase = view->run->phase;
    sample->reason = view->reason;
    for (int side = 0; side < SIDE_MAX; side++) {
        bool tried = seen && (seen->node[side].tried || seen->node[side].reachable);

        sample->node_up[side] = tried ? seen->node[side].reachable : NAN;
    }
    for (size_t row = 0; row < n_job_metrics; row++) {
        if (job_metrics[row].value)
            sample->values[row] = job_metrics[row].value(view);
    }
}

void job_states_expose(const struct exposition *out, const unsigned counts[STATE_MAX])
{
    static const struct metric jobs = {"ecmigrate_jobs", METRIC_GAUGE, "Jobs by state.", {"state"}};

    expose_head(out, &jobs);
    for (int state = 0; state < STATE_MAX; state++) {
        const char *values[] = {public_state_name((enum public_state)state)};

        expose_sample(out, &jobs, values, counts[state]);
    }
}

void job_metric_expose(const struct exposition *out, size_t row, const struct job_sample *sample)
{
    const struct job_metric *m = &job_metrics[row];
    const char *values[] = {sample->id};

    if (m->value)
        expose_sample(out, &m->metric, values, sample->values[row]);
    else if (m->samples)
        m->samples(out, &m->metric, sample);
}
