/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdint.h>

/* Milliseconds on a clock that goes on while the machine is suspended and never steps. For
 * deadlines. */
uint64_t clock_boot_ms(void);
/* Milliseconds since the epoch. For people and for the store only. */
int64_t clock_wall_ms(void);

#define CLOCK_TEXT_MAX 40

/* Writes wall_ms as "2026-11-22T20:15:01.123Z"; returns buf. */
const char *clock_format(int64_t wall_ms, char buf[CLOCK_TEXT_MAX]);
