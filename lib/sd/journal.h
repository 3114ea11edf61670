/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>

#include "lib/base/log.h"

/* Writes to journald: MESSAGE, PRIORITY, MESSAGE_ID (of the field message_id) and ECMIGRATE_<KEY>
 * for each other field. What journald does not take goes to stderr as text. */
extern const struct log_sink log_sink_journal;

/* True when this process's stderr is the journal, that is when systemd has started it. */
bool journal_is_stderr(void);
