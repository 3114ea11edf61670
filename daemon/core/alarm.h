/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Alarms: what endangers the data, or the way back, while the target follows and after the
 * switch-over. One row each. Some hold the switch-over back until they are over, or the job file
 * waives them.
 */
#include "daemon/core/gate.h"

#define ALARMS_MAX 24

/* A bit for each row that is on in this phase. */
unsigned alarm_bits(const struct observation *seen, enum phase phase);
/* Whether row is looked at in phase. */
bool alarm_is_of(unsigned row, enum phase phase);
/* What row says, and whether it holds the switch-over back. */
bool alarm_says(unsigned row, const struct observation *seen, struct blocker *ret);
