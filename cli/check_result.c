/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_result.h"

#include <string.h>

#include "cli/text.h"
#include "lib/base/base.h"

const char remedy_user[] =
    "The redis-cli lines are for a shell, as a user who may do that at the node. Where it wants a "
    "log-in, put --user NAME --askpass right behind redis-cli, or set REDISCLI_AUTH.";

static const struct finding_row {
    const char *name, *one, *many;
    enum style style;
} findings[FINDING_MAX] = {
    [FINDING_ERROR] = {"ERROR", "error", "errors", STYLE_BAD},
    [FINDING_WAIVED] = {"waived", "waived error", "waived errors", STYLE_WARN},
    [FINDING_WARNING] = {"warning", "warning", "warnings", STYLE_WARN},
    [FINDING_NOTICE] = {"notice", "notice", "notices", STYLE_BUSY},
    [FINDING_PASSED] = {"passed", "passed", "passed", STYLE_GOOD},
};

static const struct check_row {
    enum reason id;
    const char *title;
    bool can_be_waived;
} rows[] = {
#define CHECK(id, name, code, retry, title, what, next) {REASON_##id, title, true},
#define FIRM(id, name, code, retry, title, what, next) {REASON_##id, title, false},
#define WATCH(id, code, retry, what, next) {REASON_##id, NULL, true},
#include "daemon/spec/check_table.h"
#undef WATCH
#undef FIRM
#undef CHECK
};

static const struct check_row *row_of(enum reason check)
{
    for (size_t i = 0; i < array_len(rows); i++)
        if (rows[i].id == check)
            return &rows[i];
    return NULL;
}

const char *check_title(enum reason check)
{
    const struct check_row *row = row_of(check);

    return row ? row->title : NULL;
}

bool check_can_be_waived(enum reason check)
{
    const struct check_row *row = row_of(check);

    return row && row->can_be_waived;
}

/* --- findings --- */

enum finding finding_of(const json_t *result)
{
    const char *severity = member_string(result, "severity");

    if (!json_is_true(member(result, "passed")))
        return FINDING_ERROR;
    if (json_is_true(member(result, "waived")))
        return FINDING_WAIVED;
    if (severity && strcmp(severity, "warning") == 0)
        return FINDING_WARNING;
    return severity && strcmp(severity, "notice") == 0 ? FINDING_NOTICE : FINDING_PASSED;
}

const char *finding_name(enum finding finding)
{
    return findings[finding].name;
}

enum style finding_style(enum finding finding)
{
    return findings[finding].style;
}

json_t *findings_sorted(const json_t *results, enum finding first, enum finding end)
{
    json_t *sorted = json_array(), *result;
    size_t i;

    for (unsigned finding = first; finding < end; finding++)
        json_array_foreach (results, i, result)
            if (finding_of(result) == finding)
                json_array_append(sorted, result);
    return sorted;
}

char *findings_text(const json_t *results, enum finding end)
{
    size_t n[FINDING_MAX] = {0}, i;
    char *text = NULL;
    json_t *result;

    json_array_foreach (results, i, result)
        n[finding_of(result)]++;
    for (unsigned f = 0; f < end; f++) {
        char *longer;

        if (n[f] == 0)
            continue;
        longer = xasprintf("%s%s%zu %s", text ? text : "", text ? ", " : "", n[f],
                           n[f] == 1 ? findings[f].one : findings[f].many);
        free(text);
        text = longer;
    }
    return text;
}

char *checks_verdict(const json_t *checks, enum finding end)
{
    cleanup(freep) char *counts = findings_text(member(checks, "results"), end);
    const char *verdict = json_is_true(member(checks, "passed")) ? "passed" : "not passed";

    return counts ? xasprintf("%s: %s", verdict, counts) : xstrdup(verdict);
}

/* --- what to do --- */

static enum reason check_of(const json_t *result)
{
    const char *id = member_string(result, "id");

    return id ? reason_parse(id) : REASON_NONE;
}

char *check_next_step(const json_t *result, const char *job)
{
    enum reason check = check_of(result);
    cleanup(freep) char *again = xasprintf("check %s", job);
    cleanup(freep) char *step = NULL;

    /* The row's step is for what is worse than a notice. */
    if (check == REASON_NONE || finding_of(result) == FINDING_NOTICE)
        return NULL;
    if (strstr(reason_get(check)->next, " above") && json_array_size(member(result, "remedy")) == 0)
        return NULL;
    step = text_replace(reason_get(check)->next, "retry JOB", again);
    return text_replace(step, "JOB", job);
}

/* Only what costs no data is suggested; how to waive the others, `explain` says to who asks. */
static bool is_suggested(enum reason check)
{
    static const enum reason harmless[] = {REASON_SOURCE_RIGHTS, REASON_TARGET_RIGHTS,
                                           REASON_REVERSE_RIGHTS};

    for (size_t i = 0; i < array_len(harmless); i++)
        if (harmless[i] == check)
            return true;
    return false;
}

char *check_way_around(const json_t *result)
{
    enum reason check = check_of(result);

    if (finding_of(result) != FINDING_ERROR || !is_suggested(check))
        return NULL;
    return xasprintf("put %s into checks: {waive: [...]} of the job file", reason_get(check)->code);
}

char *remedy_line(const struct term *term, const json_t *line)
{
    if (!json_is_string(line))
        return NULL;
    return text_clean(json_string_value(line), json_string_length(line), !term->utf8);
}

bool has_remedy(const json_t *results)
{
    json_t *result;
    size_t i;

    json_array_foreach (results, i, result)
        if (finding_of(result) != FINDING_PASSED && json_array_size(member(result, "remedy")) > 0)
            return true;
    return false;
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* A run fails with the check's id, or with what that comes down to and the check's message. */
const json_t *check_behind_reason(const json_t *job)
{
    const char *code = member_string(job, "reason.code");
    const char *message = member_string(job, "reason.message");
    json_t *result;
    size_t i;

    json_array_foreach (member(job, "checks.results"), i, result)
        if (finding_of(result) == FINDING_ERROR &&
            (same(member_string(result, "id"), code) ||
             same(member_string(result, "message"), message)))
            return result;
    return NULL;
}
