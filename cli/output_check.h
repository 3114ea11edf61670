/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The checks of a job, for people. */
#include "cli/output.h"

/* The latest checks of a job: what is the matter first, each with what to do. wide: what passed,
 * too, with what was looked at. */
void checks_print(const struct term *term, const json_t *job, bool wide);
/* The same as a document to hand on. */
void checks_print_markdown(const struct term *term, const json_t *job);

/* For the status of a job: "passed, 2 warnings"; NULL: there are none. */
char *checks_line(const struct term *term, const json_t *job, bool wide);
/* The findings, one after the other, without the next steps: these are for a job that has not
 * begun. */
void checks_print_findings(const struct term *term, const json_t *job);
/* Where a check is the job's reason: the lines to paste. */
void check_print_remedy(const struct term *term, const json_t *job);
