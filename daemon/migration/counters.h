/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What all migrations of this process have done, for the metrics. */
#include <stdint.h>

#include "daemon/core/fsm.h"
#include "daemon/core/reason.h"

struct migration_counters {
    uint64_t transitions[PHASE_MAX][PHASE_MAX]; /* from, to */
    uint64_t retries[REASON_MAX];               /* failed attempts that another one followed */
};
