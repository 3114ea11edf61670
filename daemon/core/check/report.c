/* SPDX-License-Identifier: Apache-2.0 */
/* The outcomes are kept as JSON: they are shown often, and nothing computes with them. */
#include "daemon/core/check/report.h"

#include "lib/base/base.h"
#include "lib/base/utf8.h"

struct check_report *check_report_new(const struct endpoint *source)
{
    struct check_report *report = xcalloc(1, sizeof(*report));

    report->source = *source;
    report->results = json_array();
    return report;
}

void check_report_free(struct check_report *report)
{
    if (!report)
        return;
    json_decref(report->results);
    free(report);
}

static void add(struct check_report *report, enum reason id, const char *title, bool passed,
                const struct check_result *failure)
{
    cleanup(freep) char *message = passed ? NULL : utf8_clean(failure->message);

    if (!passed && report->passed)
        report->failure = *failure;
    report->passed = report->passed && passed;
    report->n++;
    json_array_append_new(report->results,
                          json_pack("{s:s, s:s, s:b, s:s?}", "id", reason_get(id)->code, "title",
                                    title, "passed", passed, "message", message));
}

static void add_node(struct check_report *report, enum reason id, const char *title,
                     const struct seen_node *node)
{
    struct check_result failure = {.reason = node->why};

    (void)str_copy(failure.message, sizeof(failure.message), node->err.msg);
    add(report, id, title, node->reachable, &failure);
}

struct check_report *check_report_of(const struct spec *spec, const struct run *run,
                                     const struct observation *seen, int64_t now_wall_ms)
{
    struct check_report *report = check_report_new(&run->source);
    const struct check *checks;
    size_t n;

    report->at_wall_ms = now_wall_ms;
    report->passed = true;
    add_node(report, REASON_SOURCE_UNREACHABLE, "the source answers", &seen->node[SIDE_SOURCE]);
    add_node(report, REASON_TARGET_UNREACHABLE, "the target answers", &seen->node[SIDE_TARGET]);
    if (!report->passed)
        return report;
    checks = check_table(&n);
    for (size_t i = 0; i < n; i++) {
        struct check_result failure = {.reason = checks[i].id};
        bool passed = checks[i].pass(spec, run, seen, &failure);

        add(report, checks[i].id, checks[i].title, passed, &failure);
    }
    return report;
}
