/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* All checks at once, and how they went: for those who ask before they start, and for the record.
 */
#include <jansson.h>

#include "daemon/core/check/check.h"

/* One result, as it is kept: most have little to say. */
struct check_outcome {
    enum reason id;
    const char *title; /* static */
    enum check_severity severity;
    bool waived;
    char *message, *remedy, *value[SIDE_MAX]; /* owned; NULL: nothing */
};

struct check_report {
    int64_t at_wall_ms; /* when the checks were through; 0: they are running */
    struct endpoint source;
    bool passed;
    enum reason reason;  /* of the first that blocks; REASON_NONE */
    const char *message; /* … in words, in outcomes */
    unsigned count[CHECK_SEVERITIES];
    struct check_outcome *outcomes; /* owned */
    unsigned n;
};

/* A report of checks that are running. */
struct check_report *check_report_new(const struct endpoint *source);
void check_report_free(struct check_report *report); /* NULL is fine */

/* Goes through all checks; of a node that has not been reached, only that is said. */
struct check_report *check_report_of(const struct spec *spec, const struct run *run,
                                     const struct observation *seen, int64_t now_wall_ms);

/*
 * [{"id","title","severity","passed","waived","source","target","message","why","remedy"}…]: what
 * there is nothing of is null, and why of a notice; remedy is a list of lines. A reference of the
 * caller's.
 */
json_t *check_report_json(const struct check_report *report);
