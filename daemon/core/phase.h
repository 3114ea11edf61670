/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The phases: one function each, in a file of its own. */
#include "daemon/core/decision.h"

/* In daemon/core/phase_<name>.c. */
typedef void phase_decide_fn(const struct spec *spec, const struct run *run,
                             const struct observation *seen, struct decision *d);
#define PHASE(id, name, state, flags, meaning, next) phase_decide_fn phase_##name##_decide;
#include "daemon/core/phase_table.h"
#undef PHASE

/* What a rollback still has to do, if anything: fills d with the action or the wait and returns
 * true. */
bool rollback_next(const struct run *run, const struct observation *seen, struct decision *d);
