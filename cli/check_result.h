/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Results of checks, as the daemon reports them: what they mean to the operator. Pure. */
#include "cli/output.h"
#include "daemon/core/reason.h"

/* In the order in which they are shown. */
enum finding {
    FINDING_ERROR, /* stops a run */
    FINDING_WAIVED,
    FINDING_WARNING,
    FINDING_NOTICE,
    FINDING_PASSED,
    FINDING_MAX
};

enum finding finding_of(const json_t *result);
const char *finding_name(enum finding finding);
enum style finding_style(enum finding finding);

/* A fresh array of those of the kinds from first on and before end, the worst first. */
json_t *findings_sorted(const json_t *results, enum finding first, enum finding end);
/* "1 error, 2 warnings, 40 passed", of the kinds before end; NULL: there is none of them. */
char *findings_text(const json_t *results, enum finding end);
/* "passed: 1 notice, 40 passed" */
char *checks_verdict(const json_t *checks, enum finding end);

/* What holds when the check passes; NULL: it is none. */
const char *check_title(enum reason check);
/* Check or watch: checks.waive of a job file takes it. */
bool check_can_be_waived(enum reason check);

/* What to do about a result, for a job of that name that has no run to repeat; NULL: nothing is
 * known, or it is to run lines that there are none of. */
char *check_next_step(const json_t *result, const char *job);
/* How to go on without; NULL: it is no error that could be waived, or the next step says it. */
char *check_way_around(const json_t *result);

/* A line to paste, as it is but for what a terminal would obey; NULL: it is none. */
char *remedy_line(const struct term *term, const json_t *line);
bool has_remedy(const json_t *results);
/* Who may run those lines, and how. */
extern const char remedy_user[];

/* The result that the job's reason comes from; NULL: it is another reason. */
const json_t *check_behind_reason(const json_t *job);
