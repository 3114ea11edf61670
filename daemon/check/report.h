/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* All checks at once, and how they went: for those who ask before they start, and for the record.
 */
#include <jansson.h>

#include "daemon/check/check.h"

#define CHECK_REPORT_MAX 32

struct check_report {
    int64_t at_wall_ms; /* when the checks were through; 0: they are running */
    struct endpoint source;
    bool passed;
    unsigned n;
    struct check_outcome {
        enum reason id;    /* of the check */
        const char *title; /* static */
        bool passed;
        struct check_result failure; /* where it has not; its reason may say more than id */
    } outcomes[CHECK_REPORT_MAX];
};

/* Goes through all checks; of a node that has not been reached, only that is said. */
void check_report_fill(struct check_report *report, const struct spec *spec, const struct run *run,
                       const struct observation *seen, int64_t now_wall_ms);

/* The first check that failed; NULL: none has. */
const struct check_outcome *check_report_failure(const struct check_report *report);

/* [{"id","title","passed","message"}…], a new reference. message is null where there is none. */
json_t *check_report_json(const struct check_report *report);
