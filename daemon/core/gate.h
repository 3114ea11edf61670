/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The gate before the write pause: everything that would make it long, or the switch wrong. */
#include "daemon/core/observation.h"
#include "daemon/spec/spec.h"

/* What holds a switch-over back; the number of entries of ret that are filled. */
struct blocker {
    enum reason reason;
    char message[RUN_MESSAGE_MAX];
    bool waived; /* by checks.waive in the job file */
};
#define BLOCKERS_MAX 56
/* … those that are waived, too. */
unsigned gate_all(const struct spec *spec, const struct observation *seen,
                  struct blocker ret[BLOCKERS_MAX]);
unsigned gate_check(const struct spec *spec, const struct observation *seen,
                    struct blocker ret[BLOCKERS_MAX]);
