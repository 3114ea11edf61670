/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What changing and restoring settings share. */
#include "daemon/node/refusal.h"
#include "daemon/node/settings.h"

/* The work is over. */
void settings_finish(struct settings *s, enum reason reason, const struct err *err);
/* Sends s->call to the node of the side that is being worked on. */
void settings_send(struct settings *s, op_done_fn *done);
/* Tells the owner; values of secret settings are left out. */
void settings_tell(struct settings *s, enum setting_news news, const char *name, const char *from,
                   const char *to);
void settings_drop(struct settings *s, unsigned record);
void settings_clear_changes(struct settings *s);
