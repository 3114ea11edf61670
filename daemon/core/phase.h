/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The phases: one function each, in a file of its own. */
#include "daemon/core/decision.h"

/* In daemon/core/phase_<name>.c. */
typedef void phase_decide_fn(const struct spec *spec, const struct run *run,
                             const struct observation *seen, struct decision *d);
phase_decide_fn phase_idle_decide, phase_queued_decide, phase_checking_decide,
    phase_attaching_decide, phase_backoff_decide, phase_syncing_decide, phase_replicating_decide,
    phase_freezing_decide, phase_switching_decide, phase_rolling_back_decide,
    phase_completed_decide, phase_failed_decide, phase_halted_decide;

/* What a rollback still has to do, if anything: fills d with the action or the wait and returns
 * true. */
bool rollback_next(const struct run *run, const struct observation *seen, struct decision *d);
