/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Pre-checks: one row of daemon/spec/check_table.h and one pure function each. They judge what has
 * been seen of both nodes; what is not known of them fails nobody.
 */
#include <stdbool.h>
#include <stddef.h>

#include "daemon/core/observation.h"
#include "daemon/core/run.h"
#include "daemon/spec/spec.h"

/* By the harm that is done: what loses data or stops writes is an error. */
enum check_severity {
    CHECK_OK,
    CHECK_NOTICE, /* good to know */
    CHECK_WARNING,
    CHECK_ERROR, /* stops the run, unless it is waived */
    CHECK_SEVERITIES
};

#define CHECK_VALUE_MAX 120
#define CHECK_REMEDY_MAX 720

struct check_result {
    enum reason id;
    enum reason reason; /* what a run fails with: id, or what it comes down to */
    enum check_severity severity;
    bool waived;
    char value[SIDE_MAX][CHECK_VALUE_MAX]; /* what was looked at, at each node; "": nothing */
    char message[RUN_MESSAGE_MAX];         /* what is the matter; "" */
    char remedy[CHECK_REMEDY_MAX];         /* lines to paste into a shell, each for itself; "" */
};

struct check {
    enum reason id;    /* what it is called, and the reason it fails with */
    const char *title; /* what holds when it passes */
};

/* "ok", "notice", "warning", "error" */
const char *check_severity_name(enum check_severity severity);
const struct check *check_table(size_t *ret_n);
/* Whether a node answers: that comes before the table. */
void check_reach(enum node_side side, const struct spec *spec, const struct run *run,
                 const struct observation *seen, struct check_result *ret);
/* Goes through row number i of the table. Both nodes must have been seen. */
void check_judge(size_t i, const struct spec *spec, const struct run *run,
                 const struct observation *seen, struct check_result *ret);
/* It stops a run. */
bool check_blocks(const struct check_result *result);
/*
 * Goes through all of the table. False: one blocks, and is in *ret: of several the first that
 * another try cannot cure, so that no time is lost with those it may.
 */
bool check_run(const struct spec *spec, const struct run *run, const struct observation *seen,
               struct check_result *ret);
