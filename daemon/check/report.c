/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/check/report.h"

#include "lib/base/base.h"
#include "lib/base/utf8.h"

static struct check_outcome *add(struct check_report *report, enum reason id, const char *title,
                                 bool passed)
{
    struct check_outcome *outcome = &report->outcomes[report->n];

    assert(report->n < CHECK_REPORT_MAX);
    report->n++;
    *outcome =
        (struct check_outcome){.id = id, .title = title, .passed = passed, .failure.reason = id};
    report->passed = report->passed && passed;
    return outcome;
}

/* True when the node was reached. */
static bool add_node(struct check_report *report, enum reason id, const char *title,
                     const struct seen_node *node)
{
    struct check_outcome *outcome = add(report, id, title, node->reachable);

    if (!node->reachable) {
        outcome->failure.reason = node->why;
        (void)str_copy(outcome->failure.message, sizeof(outcome->failure.message), node->err.msg);
    }
    return node->reachable;
}

void check_report_fill(struct check_report *report, const struct spec *spec, const struct run *run,
                       const struct observation *seen, int64_t now_wall_ms)
{
    const struct check *checks;
    size_t n;

    *report =
        (struct check_report){.at_wall_ms = now_wall_ms, .source = run->source, .passed = true};
    (void)add_node(report, REASON_SOURCE_UNREACHABLE, "the source answers",
                   &seen->node[SIDE_SOURCE]);
    (void)add_node(report, REASON_TARGET_UNREACHABLE, "the target answers",
                   &seen->node[SIDE_TARGET]);
    if (!report->passed)
        return;
    checks = check_table(&n);
    for (size_t i = 0; i < n; i++) {
        struct check_result result = {.reason = checks[i].id};
        bool passed = checks[i].pass(spec, run, seen, &result);

        add(report, checks[i].id, checks[i].title, passed)->failure = result;
    }
}

const struct check_outcome *check_report_failure(const struct check_report *report)
{
    for (unsigned i = 0; i < report->n; i++)
        if (!report->outcomes[i].passed)
            return &report->outcomes[i];
    return NULL;
}

json_t *check_report_json(const struct check_report *report)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < report->n; i++) {
        const struct check_outcome *outcome = &report->outcomes[i];
        cleanup(freep) char *message =
            outcome->passed ? NULL : utf8_clean(outcome->failure.message);

        json_array_append_new(
            list, json_pack("{s:s, s:s, s:b, s:s?}", "id", reason_get(outcome->id)->code, "title",
                            outcome->title, "passed", outcome->passed, "message", message));
    }
    return list;
}
