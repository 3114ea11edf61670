/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <hiredis/hiredis.h>

/* The value in the answer to CONFIG GET of one setting, or NULL: the server does not know it, or
 * refuses. Borrowed. */
const char *config_value(const redisReply *reply);
/* … of several, by a pattern. */
const char *config_value_of(const redisReply *reply, const char *name);
