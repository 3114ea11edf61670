/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Times as clients write them: ISO 8601. Pure. */
#include <stdint.h>

#include "lib/base/base.h"
#include "lib/base/err.h"

/* "2026-11-22T20:15:01.123Z", "2026-11-22T21:15+01:00", "2026-11-22": milliseconds since the epoch.
 * Seconds, fractions and the time may be left out; without an offset it is UTC. */
int timestamp_parse(const char *text, int64_t *ret_ms, struct err *err) must_check;
