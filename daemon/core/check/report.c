/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/check/report.h"

#include "lib/base/base.h"
#include "lib/base/utf8.h"

/* Whether the nodes answer comes first. */
#define REACH_ROWS SIDE_ENDS

struct check_report *check_report_new(const struct endpoint *source)
{
    struct check_report *report = xcalloc(1, sizeof(*report));

    report->source = *source;
    return report;
}

void check_report_free(struct check_report *report)
{
    if (!report)
        return;
    for (unsigned i = 0; i < report->n; i++) {
        struct check_outcome *outcome = &report->outcomes[i];

        free(outcome->message);
        free(outcome->remedy);
        for (int side = 0; side < SIDE_MAX; side++)
            free(outcome->value[side]);
    }
    free(report->outcomes);
    free(report);
}

static char *kept(const char *text)
{
    return text[0] ? utf8_clean(text) : NULL;
}

/* Of several that block, the one that check_run() would name. */
static void block(struct check_report *report, const struct check_result *result,
                  const char *message)
{
    bool first = report->passed;

    report->passed = false;
    if (!first && !(reason_get(report->reason)->retry && !reason_get(result->reason)->retry))
        return;
    report->reason = result->reason;
    report->message = message;
}

static void add(struct check_report *report, const char *title, const struct check_result *result)
{
    struct check_outcome *outcome = &report->outcomes[report->n++];

    *outcome = (struct check_outcome){.id = result->id,
                                      .title = title,
                                      .severity = result->severity,
                                      .waived = result->waived,
                                      .message = kept(result->message),
                                      .remedy = kept(result->remedy)};
    for (int side = 0; side < SIDE_MAX; side++)
        outcome->value[side] = kept(result->value[side]);
    report->count[result->severity]++;
    if (check_blocks(result))
        block(report, result, outcome->message ? outcome->message : title);
}

struct check_report *check_report_of(const struct spec *spec, const struct run *run,
                                     const struct observation *seen, int64_t now_wall_ms)
{
    struct check_report *report = check_report_new(&run->source);
    const char *const titles[SIDE_ENDS] = {"the source answers", "the target answers"};
    const struct check *checks;
    size_t n;

    checks = check_table(&n);
    report->outcomes = xcalloc(REACH_ROWS + n, sizeof(*report->outcomes));
    report->at_wall_ms = now_wall_ms;
    report->passed = true;
    for (int side = 0; side < SIDE_ENDS; side++) {
        struct check_result result;

        check_reach((enum node_side)side, spec, run, seen, &result);
        add(report, titles[side], &result);
    }
    if (!report->passed)
        return report;
    for (size_t i = 0; i < n; i++) {
        struct check_result result;

        check_judge(i, spec, run, seen, &result);
        add(report, checks[i].title, &result);
    }
    return report;
}

/* --- as JSON --- */

static json_t *lines_of(const char *text)
{
    json_t *lines = json_array();

    while (text && *text) {
        size_t n = strcspn(text, "\n");

        json_array_append_new(lines, json_stringn(text, n));
        text += n + (text[n] == '\n');
    }
    return lines;
}

static json_t *outcome_json(const struct check_outcome *outcome)
{
    const struct reason_def *row = reason_get(outcome->id);
    bool fine = outcome->severity == CHECK_OK;
    /* A notice is said whole by its message; the row speaks of what would be worse. */
    bool harm = outcome->severity >= CHECK_WARNING;

    return json_pack(
        "{s:s, s:s, s:s, s:b, s:b, s:s?, s:s?, s:s?, s:s?, s:s?, s:o}", "id", row->code, "title",
        outcome->title, "severity", check_severity_name(outcome->severity), "passed",
        outcome->severity != CHECK_ERROR || outcome->waived, "waived", outcome->waived, "source",
        outcome->value[SIDE_SOURCE], "target", outcome->value[SIDE_TARGET], "primary",
        outcome->value[SIDE_PRIMARY], "message", outcome->message, "why", harm ? row->what : NULL,
        "remedy", fine ? json_null() : lines_of(outcome->remedy));
}

json_t *check_report_json(const struct check_report *report)
{
    json_t *results = json_array();

    for (unsigned i = 0; i < report->n; i++)
        json_array_append_new(results, outcome_json(&report->outcomes[i]));
    return results;
}
