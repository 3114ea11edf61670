/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/view_job.h"

#include <ctype.h>
#include <math.h>

#include "daemon/api/view_replicas.h"
#include "daemon/api/view_text.h"
#include "daemon/core/alarm.h"
#include "daemon/core/check/report.h"
#include "lib/base/clock.h"

/* --- values that may not be known --- */

static json_t *count_or_null(int64_t n)
{
    return n >= 0 ? json_integer(n) : json_null();
}

static json_t *real_or_null(double x)
{
    return isfinite(x) && x >= 0 ? json_real(x) : json_null();
}

static int64_t whole(double x)
{
    return x >= 0 && x < 9e15 ? (int64_t)x : -1;
}

static json_t *time_or_null(int64_t wall_ms)
{
    char text[CLOCK_TEXT_MAX];

    return wall_ms > 0 ? json_string(clock_format(wall_ms, text)) : json_null();
}

/* --- sentences --- */

char *view_sentence(const char *text, const char *id)
{
    static const char word[] = "JOB";
    size_t word_len = sizeof(word) - 1, id_len = strlen(id), len = 0;
    /* Each JOB may become one id; that is the most a sentence can grow. */
    char *out = xmalloc((strlen(text) / word_len + 1) * (id_len + word_len) + 1);
    const char *p = text;

    while (*p) {
        bool begins = p == text || !isalnum((unsigned char)p[-1]);

        if (begins && strncmp(p, word, word_len) == 0 && !isalnum((unsigned char)p[word_len])) {
            memcpy(out + len, id, id_len);
            len += id_len;
            p += word_len;
        } else {
            out[len++] = *p++;
        }
    }
    out[len] = '\0';
    return out;
}

static json_t *view_next_step(const struct migration_view *view)
{
    const char *text = view->reason != REASON_NONE ? reason_get(view->reason)->next
                                                   : phase_get(view->run->phase)->next_step;
    cleanup(freep) char *sentence = view_sentence(text, view->spec->id);

    return json_string(sentence);
}

/* --- the parts --- */

static json_t *view_reason(const struct migration_view *view)
{
    const struct reason_def *def = reason_get(view->reason);

    if (view->reason == REASON_NONE)
        return json_null();
    return json_pack("{s:s, s:o}", "code", def->code, "message",
                     view_text(*view->message ? view->message : def->what));
}

static json_t *view_attempt(const struct migration_view *view)
{
    const struct run *run = view->run;

    if (run->attempt == 0 && run->next_attempt_wall_ms == 0)
        return json_null();
    return json_pack("{s:i, s:i, s:o}", "number", (int)run->attempt, "max",
                     (int)view->spec->attach.attempts, "next_at",
                     time_or_null(run->next_attempt_wall_ms));
}

static const char *role_name(enum redis_role role)
{
    switch (role) {
    case REDIS_ROLE_MASTER:
        return "primary";
    case REDIS_ROLE_REPLICA:
        return "replica";
    case REDIS_ROLE_UNKNOWN:
        break;
    }
    return NULL;
}

/* What a primary has written, or a replica applied. */
static int64_t node_offset(const struct redis_info *info)
{
    if (info->role == REDIS_ROLE_REPLICA && info->replica_offset >= 0)
        return info->replica_offset;
    return info->master_repl_offset;
}

/* What a node said last; while it is not reachable, what changes by itself is not repeated. */
static json_t *view_node(const struct endpoint *endpoint, bool tls, const struct seen_node *seen,
                         json_t *replicas)
{
    const struct redis_info *info = seen ? &seen->info : NULL;
    bool server = info && (info->sections & REDIS_INFO_SERVER);
    /* Of a node we have hung up on (not tried since), what was seen last is still worth showing. */
    bool now =
        seen && (seen->reachable || !seen->tried) && (info->sections & REDIS_INFO_REPLICATION);
    bool tried = seen && (seen->tried || seen->reachable);
    char text[ENDPOINT_STR_MAX];

    if (!endpoint_is_set(endpoint)) {
        json_decref(replicas);
        return json_null();
    }
    return json_pack("{s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "endpoint",
                     view_text(endpoint_format(endpoint, text)), "tls", tls, "role",
                     view_text(now ? role_name(info->role) : NULL), "server",
                     view_text(server ? info->product : NULL), "version",
                     view_text(server ? info->version : NULL), "replid",
                     view_text(now ? info->replid : NULL), "offset",
                     count_or_null(now ? node_offset(info) : -1), "reachable",
                     tried ? json_boolean(seen->reachable) : json_null(), "replicas", replicas);
}

static const struct endpoint *source_of(const struct migration_view *view)
{
    return endpoint_is_set(&view->run->source) ? &view->run->source : &view->spec->source.endpoint;
}

static bool link_exists(const struct observation *seen)
{
    return seen && seen->node[SIDE_TARGET].reachable && seen->target_follows;
}

/* After the switch-over: the old source's link to the target. */
static json_t *view_reverse_link(const struct observation *seen)
{
    const struct seen_node *old = &seen->node[seen->writer];

    if (!old->reachable || !seen->writer_follows_target)
        return json_null();
    return json_pack("{s:b, s:n, s:o}", "up", old->info.link_up, "since", "last_io_seconds",
                     count_or_null(old->info.last_io_seconds));
}

/* The target's link to the source: from the first attempt until the target is a primary for good.
 */
static json_t *view_link(const struct migration_view *view)
{
    const struct observation *seen = view->seen;
    bool known = seen && seen->node[SIDE_TARGET].reachable;
    unsigned flags = phase_get(view->run->phase)->flags;
    bool up;

    if (seen && view->run->phase == PHASE_COMPLETED)
        return view_reverse_link(seen);
    if (!link_exists(seen) && (!view->run->attached || !(flags & F_ABORTABLE)))
        return json_null();
    if (!known)
        return json_pack("{s:n, s:n, s:n}", "up", "since", "last_io_seconds");
    up = seen->linked;
    return json_pack(
        "{s:b, s:o, s:o}", "up", up, "since", time_or_null(up ? view->link_since_wall_ms : 0),
        "last_io_seconds",
        count_or_null(seen->target_follows ? seen->node[SIDE_TARGET].info.last_io_seconds : -1));
}

static json_t *view_progress(const struct progress *progress)
{
    if (progress->bytes_total < 0 && progress->bytes_done < 0 && progress->percent < 0)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "bytes_total",
                     count_or_null(progress->bytes_total), "bytes_done",
                     count_or_null(progress->bytes_done), "percent",
                     real_or_null(progress->percent), "bytes_per_second",
                     count_or_null(whole(progress->bytes_per_second)), "eta_seconds",
                     count_or_null(progress->eta_seconds));
}

static json_t *view_lag(const struct observation *seen)
{
    int64_t seconds = -1;

    if (!link_exists(seen) || seen->lag_bytes < 0)
        return json_null();
    if (seen->linked)
        seconds = seen->lag_bytes == 0 ? 0 : seen->node[SIDE_TARGET].info.last_io_seconds;
    return json_pack("{s:I, s:o}", "bytes", (json_int_t)seen->lag_bytes, "seconds",
                     count_or_null(seconds));
}

/* An order that stands until it is carried out, withdrawn, given up or out of time. */
static json_t *view_request(const struct run *run)
{
    if (!run->want_cutover)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:b}", "at", time_or_null(run->want_since_wall_ms), "by",
                     run->want_by[0] ? view_text(run->want_by) : json_null(), "until",
                     time_or_null(run->want_until_wall_ms), "force", run->force);
}

static json_t *view_cutover(const struct run *run)
{
    bool done = run->cutover.at_wall_ms != 0;

    if (!done && !run->want_cutover)
        return json_null();
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "write_gap_ms",
        done ? real_or_null((double)run->cutover.gap_us / 1000.0) : json_null(), "clients_told_ms",
        run->cutover.told_ms ? json_integer(run->cutover.told_ms) : json_null(), "at",
        time_or_null(run->cutover.at_wall_ms), "offset",
        done ? count_or_null(run->cutover.offset) : json_null(), "requested", view_request(run));
}

static json_t *view_checks(const struct check_report *report, bool results)
{
    bool running = report && report->at_wall_ms == 0;
    char source[ENDPOINT_STR_MAX];

    if (!report)
        return json_null();
    return json_pack("{s:o, s:b, s:s, s:o, s:i, s:i, s:i, s:o}", "at",
                     time_or_null(report->at_wall_ms), "running", running, "source",
                     endpoint_format(&report->source, source), "passed",
                     running ? json_null() : json_boolean(report->passed), "errors",
                     (int)report->count[CHECK_ERROR], "warnings", (int)report->count[CHECK_WARNING],
                     "notices", (int)report->count[CHECK_NOTICE], "results",
                     results ? check_report_json(report) : json_null());
}

static json_t *view_alarms(const struct migration_view *view)
{
    json_t *alarms = json_array();

    for (unsigned row = 0; view->seen && row < ALARMS_MAX; row++) {
        struct blocker alarm;
        bool holds;

        if (!(view->alarms & 1u << row))
            continue;
        holds = alarm_says(row, view->seen, &alarm);
        json_array_append_new(alarms, json_pack("{s:s, s:o, s:b}", "code",
                                                reason_get(alarm.reason)->code, "message",
                                                view_text(alarm.message), "holds_cutover", holds));
    }
    return alarms;
}

static json_t *view_of(const struct migration_view *view, bool brief)
{
    const struct spec *spec = view->spec;
    const struct run *run = view->run;
    const struct observation *seen = view->seen;
    const struct phase_def *phase = phase_get(run->phase);
    json_t *job = json_object();

    json_object_set_new(job, "id", json_string(spec->id));
    json_object_set_new(job, "description", view_text(spec->description));
    json_object_set_new(job, "state", json_string(public_state_name(phase->state)));
    json_object_set_new(job, "phase", json_string(phase->name));
    json_object_set_new(job, "since", time_or_null(run->since_wall_ms));
    json_object_set_new(job, "reason", view_reason(view));
    json_object_set_new(job, "next_step", view_next_step(view));
    json_object_set_new(job, "run", run->number ? json_integer(run->number) : json_null());
    json_object_set_new(job, "attempt", view_attempt(view));
    json_object_set_new(job, "source",
                        view_node(source_of(view), spec->source.tls.enabled,
                                  seen ? &seen->node[SIDE_SOURCE] : NULL,
                                  view_replicas(view, SIDE_SOURCE)));
    json_object_set_new(job, "primary",
                        seen ? view_node(&seen->primary, spec_primary_tls(spec)->enabled,
                                         &seen->node[SIDE_PRIMARY],
                                         view_replicas(view, SIDE_PRIMARY))
                             : json_null());
    json_object_set_new(job, "target",
                        view_node(&spec->target.endpoint, spec->target.tls.enabled,
                                  seen ? &seen->node[SIDE_TARGET] : NULL,
                                  view_replicas(view, SIDE_TARGET)));
    json_object_set_new(job, "link", view_link(view));
    json_object_set_new(job, "progress", view_progress(&view->progress));
    json_object_set_new(job, "lag", view_lag(seen));
    json_object_set_new(job, "checks", view_checks(view->checks, !brief));
    json_object_set_new(job, "alarms", view_alarms(view));
    json_object_set_new(job, "cutover", view_cutover(run));
    json_object_set_new(job, "verify", json_null());
    json_object_set_new(job, "file", view->file_gone ? json_null() : view_text(spec->file));
    return job;
}

json_t *view_job(const struct migration_view *view)
{
    return view_of(view, false);
}

json_t *view_job_brief(const struct migration_view *view)
{
    return view_of(view, true);
}
