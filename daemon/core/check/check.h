/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Pre-checks: one table, one row and one pure function each. They judge what has been seen of both
 * nodes. */
#include <stdbool.h>
#include <stddef.h>

#include "daemon/core/observation.h"
#include "daemon/core/run.h"
#include "daemon/spec/spec.h"

struct check_result {
    enum reason reason;
    char message[RUN_MESSAGE_MAX];
};

struct check {
    enum reason id;    /* what it is called, and the reason it fails with */
    const char *title; /* what holds when it passes */
    /* True: passed. Otherwise *ret says why not; its reason is set already. */
    bool (*pass)(const struct spec *spec, const struct run *run, const struct observation *seen,
                 struct check_result *ret);
};

const struct check *check_table(size_t *ret_n);

/* Goes through the table; the first check that fails is in *ret. Both nodes must have been seen. */
bool check_run(const struct spec *spec, const struct run *run, const struct observation *seen,
               struct check_result *ret);
