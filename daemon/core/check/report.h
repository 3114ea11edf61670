/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* All checks at once, and how they went: for those who ask before they start, and for the record.
 */
#include <jansson.h>

#include "daemon/core/check/check.h"

struct check_report {
    int64_t at_wall_ms; /* when the checks were through; 0: they are running */
    struct endpoint source;
    bool passed;
    unsigned n;                  /* checks */
    struct check_result failure; /* of the first that has not passed */
    json_t *results;             /* owned, never changed: [{"id","title","passed","message"}…];
                                    message is null where there is none */
};

/* A report of checks that are running. */
struct check_report *check_report_new(const struct endpoint *source);
void check_report_free(struct check_report *report); /* NULL is fine */

/* Goes through all checks; of a node that has not been reached, only that is said. */
struct check_report *check_report_of(const struct spec *spec, const struct run *run,
                                     const struct observation *seen, int64_t now_wall_ms);
