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

/* others.c: somebody else has changed the pair in a way that going on from could delete what was
 * written: fills d with a look or a stop, and returns true. followed: see standing_of(). */
bool decide_others(struct decision *d, const struct spec *spec, const struct run *run,
                   const struct observation *seen, bool followed);
/* What a rollback still has to do, if anything: fills d with the action or the wait and returns
 * true. */
bool rollback_next(const struct run *run, const struct observation *seen, struct decision *d);
