/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The side effects a decision may ask for. Each is idempotent: done twice, it is done. */

enum action {
    ACT_NONE,
#define ACTION(id, name, what) ACT_##id,
#include "daemon/core/action_table.h"
#undef ACTION
    ACT_MAX
};

const char *action_name(enum action action);
