/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_job.h"

#include <inttypes.h>
#include <string.h>

#include "cli/output_check.h"
#include "cli/output_replicas.h"
#include "cli/output_table.h"
#include "cli/text.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"
#include "lib/base/units.h"

#define BAR_COLUMNS 20
#define BAR_COLUMNS_NARROW 10
#define NARROW 100 /* columns of a terminal below which bars are short */

/* A figure of the daemon, whatever it sent. */
static uint64_t not_negative(double value)
{
    return value > 0 && value < 9e15 ? (uint64_t)value : 0;
}

static char *seconds_figure(double seconds)
{
    char buf[UNITS_STR_MAX];

    if (seconds < 1)
        return xstrdup("0s");
    return xstrdup(duration_human(not_negative(seconds) * 1000, buf));
}

static char *text_or_dash(const char *figure)
{
    return xstrdup(figure ? figure : "-");
}

static char *age_cell(const struct term *term, const json_t *job)
{
    int64_t since;

    (void)term;
    if (!member_time(job, "since", &since))
        return text_or_dash(NULL);
    return seconds_figure((double)(clock_wall_ms() - since) / 1000);
}

static char *percent_text(const json_t *job)
{
    double percent;

    if (!member_number(job, "progress.percent", &percent))
        return NULL;
    return xasprintf("%.0f %%", percent);
}

static char *bytes_text(const json_t *job, const char *path)
{
    char buf[UNITS_STR_MAX];
    double bytes;

    return member_number(job, path, &bytes) ? xstrdup(bytes_human(not_negative(bytes), buf)) : NULL;
}

static char *rate_text(const json_t *job)
{
    char buf[UNITS_STR_MAX];
    double rate;

    if (!member_number(job, "progress.bytes_per_second", &rate))
        return NULL;
    return xstrdup(rate_human(not_negative(rate), buf));
}

static char *seconds_text(const json_t *job, const char *path)
{
    double seconds;

    return member_number(job, path, &seconds) ? seconds_figure(seconds) : NULL;
}

/* The first of two that there is; both are taken over. */
static char *either(char *a, char *b)
{
    if (!a)
        return b ? b : xstrdup("-");
    free(b);
    return a;
}

static char *attempt_cell(const struct term *term, const json_t *job)
{
    double number, max;

    (void)term;
    if (!member_number(job, "attempt.number", &number))
        return text_or_dash(NULL);
    if (!member_number(job, "attempt.max", &max))
        return xasprintf("%.0f", number);
    return xasprintf("%.0f/%.0f", number, max);
}

static char *progress_cell(const struct term *term, const json_t *job)
{
    (void)term;
    return either(percent_text(job), bytes_text(job, "progress.bytes_done"));
}

static char *rate_cell(const struct term *term, const json_t *job)
{
    (void)term;
    return either(rate_text(job), NULL);
}

static char *eta_cell(const struct term *term, const json_t *job)
{
    (void)term;
    return either(seconds_text(job, "progress.eta_seconds"), NULL);
}

static char *lag_cell(const struct term *term, const json_t *job)
{
    (void)term;
    return either(bytes_text(job, "lag.bytes"), NULL);
}

/* "#####-----"; the figure always stands beside it. */
static char *bar(const struct term *term, double percent, unsigned columns)
{
    const char *full = term->utf8 ? "\u2588" : "#", *rest = term->utf8 ? "\u2591" : "-";
    unsigned filled;
    char *out = xcalloc(columns + 1, 4), *p = out;

    percent = percent < 0 ? 0 : percent > 100 ? 100 : percent;
    filled = (unsigned)(percent / 100 * columns);
    for (unsigned i = 0; i < columns; i++)
        p = stpncpy(p, i < filled ? full : rest, 4);
    return out;
}

static char *bar_cell(const struct term *term, const json_t *job)
{
    unsigned columns = term->width > 0 && term->width < NARROW ? BAR_COLUMNS_NARROW : BAR_COLUMNS;
    cleanup(freep) char *blocks = NULL;
    double percent;

    if (!member_number(job, "progress.percent", &percent))
        return either(bytes_text(job, "progress.bytes_done"), NULL);
    blocks = bar(term, percent, columns);
    return xasprintf("%3.0f %% %s", percent, blocks);
}

/* --- tables of jobs --- */

enum column_style { PLAIN, BOLD, BY_STATE };

/* A cell is a member of the job as it is, or what a function makes of it. */
struct column {
    const char *heading;
    const char *member;
    char *(*cell)(const struct term *term, const json_t *job);
    enum column_style style;
};

static const struct column list_columns[] = {
    {"JOB", "id", NULL, BOLD},
    {"STATE", "state", NULL, BY_STATE},
    {"PHASE", "phase", NULL, BY_STATE},
    {"SINCE", NULL, age_cell, PLAIN},
    {"PROGRESS", NULL, progress_cell, PLAIN},
    {">LAG", NULL, lag_cell, PLAIN},
    {"~REASON", "reason.code", NULL, PLAIN},
    /* wide: */
    {"~SOURCE", "source.endpoint", NULL, PLAIN},
    {"~TARGET", "target.endpoint", NULL, PLAIN},
    {">RUN", "run", NULL, PLAIN},
    {">ATTEMPT", NULL, attempt_cell, PLAIN},
    {">REPLICAS", NULL, replicas_cell, PLAIN},
};
#define LIST_NARROW 7

static const struct column live_columns[] = {
    {"JOB", "id", NULL, BOLD},
    {"PHASE", "phase", NULL, BY_STATE},
    {"SINCE", NULL, age_cell, PLAIN},
    {"PROGRESS", NULL, bar_cell, BY_STATE},
    {">RATE", NULL, rate_cell, PLAIN},
    {">ETA", NULL, eta_cell, PLAIN},
    {">LAG", NULL, lag_cell, PLAIN},
    {"~REASON", "reason.code", NULL, PLAIN},
    /* wide: */
    {"STATE", "state", NULL, BY_STATE},
    {"~SOURCE", "source.endpoint", NULL, PLAIN},
    {"~TARGET", "target.endpoint", NULL, PLAIN},
    {">REPLICAS", NULL, replicas_cell, PLAIN},
};
#define LIVE_NARROW 8
#define COLUMNS_MAX TABLE_COLUMNS_MAX

static struct table *new_table(const struct column *columns, unsigned n)
{
    const char *headings[COLUMNS_MAX];

    assert(n <= COLUMNS_MAX);
    for (unsigned i = 0; i < n; i++)
        headings[i] = columns[i].heading;
    return table_new(headings, n);
}

static void add_row(struct table *table, const struct column *columns, unsigned n,
                    const struct term *term, const json_t *job)
{
    enum style styles[] = {[PLAIN] = STYLE_NONE,
                           [BOLD] = STYLE_BOLD,
                           [BY_STATE] = style_of_state(member_string(job, "state"))};

    for (unsigned i = 0; i < n; i++)
        table_add(table, styles[columns[i].style],
                  columns[i].cell ? columns[i].cell(term, job)
                                  : member_cell(term, job, columns[i].member));
}

struct table *job_table_new(bool wide)
{
    return new_table(list_columns, wide ? array_len(list_columns) : LIST_NARROW);
}

void job_table_add(struct table *table, const struct term *term, bool wide, const json_t *job)
{
    add_row(table, list_columns, wide ? array_len(list_columns) : LIST_NARROW, term, job);
}

struct table *job_live_table_new(bool wide)
{
    return new_table(live_columns, wide ? array_len(live_columns) : LIVE_NARROW);
}

void job_live_table_add(struct table *table, const struct term *term, bool wide, const json_t *job)
{
    add_row(table, live_columns, wide ? array_len(live_columns) : LIVE_NARROW, term, job);
}

char *job_where(const struct term *term, const json_t *job)
{
    cleanup(freep) char *state = member_cell(term, job, "state");
    cleanup(freep) char *phase = member_cell(term, job, "phase");

    return xasprintf("%s/%s", state, phase);
}

char *job_why(const struct term *term, const json_t *job)
{
    cleanup(freep) char *code = member_text(term, job, "reason.code");
    cleanup(freep) char *message = member_text(term, job, "reason.message");

    if (code && message && *message)
        return xasprintf("%s: %s", code, message);
    return code ? take(code) : take(message);
}

/* Puts ", text" after *line; takes text over. */
static void join(char **line, char *text)
{
    char *joined;

    if (!text)
        return;
    joined = *line ? xasprintf("%s, %s", *line, text) : xstrdup(text);
    free(*line);
    free(text);
    *line = joined;
}

char *job_progress(const json_t *job)
{
    cleanup(freep) char *done = bytes_text(job, "progress.bytes_done");
    cleanup(freep) char *total = bytes_text(job, "progress.bytes_total");
    cleanup(freep) char *eta = seconds_text(job, "progress.eta_seconds");
    double percent;
    char *line = NULL;

    if (member_number(job, "progress.percent", &percent))
        line = xasprintf("%.1f %%", percent);
    if (done)
        join(&line, total ? xasprintf("%s of %s", done, total) : xstrdup(done));
    join(&line, rate_text(job));
    if (eta)
        join(&line, xasprintf("%s left", eta));
    return line;
}

static char *time_text(const json_t *job, const char *path)
{
    char buf[TIME_STR_MAX];
    int64_t wall_ms;

    return member_time(job, path, &wall_ms) ? xstrdup(time_human(wall_ms, buf)) : NULL;
}

/* Prints the line when there is something to say; takes text over. */
static void put(const struct term *term, const char *label, char *text)
{
    if (text)
        print_labelled(term, label, STYLE_NONE, text);
    free(text);
}

static void print_node(const struct term *term, const json_t *job, const char *side,
                       const char *label)
{
    const json_t *node = member(job, side);
    cleanup(freep) char *server = member_text(term, node, "server");
    cleanup(freep) char *version = member_text(term, node, "version");
    cleanup(freep) char *offset = member_text(term, node, "offset");
    cleanup(freep) char *replid = member_text(term, node, "replid");
    char *text = member_text(term, node, "endpoint");

    if (!node)
        return;
    if (server || version)
        join(&text, xasprintf("%s%s%s", server ? server : "", server && version ? " " : "",
                              version ? version : ""));
    join(&text, member_text(term, node, "role"));
    if (offset)
        join(&text, xasprintf("offset %s", offset));
    if (replid)
        join(&text, xasprintf("replid %.8s", replid));
    if (json_is_false(member(node, "reachable")))
        join(&text, xstrdup("NOT REACHABLE"));
    put(term, label, text);
}

static char *link_text(const json_t *job)
{
    cleanup(freep) char *since = time_text(job, "link.since");
    cleanup(freep) char *io = seconds_text(job, "link.last_io_seconds");
    const json_t *up = member(job, "link.up");
    char *text;

    if (!json_is_boolean(up))
        return NULL;
    text = xasprintf("%s%s%s", json_is_true(up) ? "up" : "down", since ? " since " : "",
                     since ? since : "");
    if (io)
        join(&text, xasprintf("last data %s ago", io));
    return text;
}

static char *lag_text(const json_t *job)
{
    char *text = bytes_text(job, "lag.bytes");

    join(&text, seconds_text(job, "lag.seconds"));
    return text;
}

static char *cutover_text(const struct term *term, const json_t *job)
{
    cleanup(freep) char *at = time_text(job, "cutover.at");
    cleanup(freep) char *offset = member_text(term, job, "cutover.offset");
    char *text = NULL;
    double gap, told;

    if (member_number(job, "cutover.write_gap_ms", &gap))
        text = xasprintf("write gap %.3g ms", gap);
    if (member_number(job, "cutover.clients_told_ms", &told))
        join(&text, xasprintf("clients told after %.3g s", told / 1000.0));
    if (at)
        join(&text, xasprintf("at %s", at));
    if (offset)
        join(&text, xasprintf("offset %s", offset));
    return text;
}

char *job_request(const struct term *term, const json_t *job)
{
    cleanup(freep) char *at = time_text(job, "cutover.requested.at");
    cleanup(freep) char *by = member_text(term, job, "cutover.requested.by");
    cleanup(freep) char *until = time_text(job, "cutover.requested.until");
    bool force = json_is_true(member(job, "cutover.requested.force"));

    if (!at)
        return NULL;
    return xasprintf("to switch over%s, at %s, by %s%s%s", force ? " by force" : "", at,
                     by ? by : "the job file", until ? ", until " : "", until ? until : "");
}

static char *run_text(const struct term *term, const json_t *job)
{
    cleanup(freep) char *attempt = attempt_cell(term, job);
    cleanup(freep) char *next = time_text(job, "attempt.next_at");
    char *text = member_text(term, job, "run");

    if (!text || strcmp(attempt, "-") == 0)
        return text;
    join(&text, xasprintf("attempt %s", attempt));
    if (next)
        join(&text, xasprintf("next at %s", next));
    return text;
}

static char *bar_text(const struct term *term, const json_t *job)
{
    char *figures = job_progress(job), *text;
    cleanup(freep) char *blocks = NULL;
    double percent;

    if (!figures || !member_number(job, "progress.percent", &percent))
        return figures;
    blocks = bar(term, percent, BAR_COLUMNS);
    text = xasprintf("%s %s", blocks, figures);
    free(figures);
    return text;
}

static void print_state(const struct term *term, const json_t *job)
{
    cleanup(freep) char *where = job_where(term, job);
    cleanup(freep) char *since = time_text(job, "since");
    cleanup(freep) char *age = age_cell(term, job);
    cleanup(freep) char *text = since ? xasprintf("%s since %s (%s)", where, since, age) : NULL;

    print_labelled(term, "State:", style_of_state(member_string(job, "state")),
                   text ? text : where);
}

static void print_alarms(const struct term *term, const json_t *job)
{
    json_t *alarm;
    size_t i;

    json_array_foreach (member(job, "alarms"), i, alarm) {
        cleanup(freep) char *code = member_cell(term, alarm, "code");
        cleanup(freep) char *message = member_cell(term, alarm, "message");
        bool holds = json_is_true(member(alarm, "holds_cutover"));
        cleanup(freep) char *text =
            xasprintf("%s: %s%s", code, message, holds ? " (holds the switch-over back)" : "");

        print_labelled(term, "Alarm:", STYLE_BAD, text);
    }
}

void job_print(const struct term *term, const json_t *job, bool wide)
{
    put(term, "Job:", member_cell(term, job, "id"));
    put(term, "About:", member_text(term, job, "description"));
    print_state(term, job);
    put(term, "Why:", job_why(term, job));
    check_print_remedy(term, job);
    put(term, "Next:", member_text(term, job, "next_step"));
    put(term, "Run:", run_text(term, job));
    print_node(term, job, "source", "Source:");
    replicas_print(term, job, "source");
    print_node(term, job, "primary", "Primary:");
    replicas_print(term, job, "primary");
    print_node(term, job, "target", "Target:");
    replicas_print(term, job, "target");
    put(term, "Link:", link_text(job));
    put(term, "Progress:", bar_text(term, job));
    put(term, "Lag:", lag_text(job));
    print_alarms(term, job);
    put(term, "Checks:", checks_line(term, job, wide));
    put(term, "Asked:", job_request(term, job));
    put(term, "Cutover:", cutover_text(term, job));
    put(term, "File:", member(job, "file") ? member_text(term, job, "file") : xstrdup("gone"));
    if (wide)
        checks_print_findings(term, job);
}
