/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The side effects a decision may ask for. Each is idempotent: done twice, it is done. */

enum action {
    ACT_NONE,
#define ACTION(id, name, flags, what) ACT_##id,
#include "daemon/core/action_table.h"
#undef ACTION
    ACT_MAX
};

enum action_flag {
    /* Makes a node a primary, or a replica of another: only on looks at both nodes that are newer
     * than all that was done to either. */
    A_ROLE = 1 << 0,
    /* Gives writers back what nobody else gives them: not to be put off by a look-out. */
    A_RETURNS = 1 << 1,
};

const char *action_name(enum action action);
unsigned action_flags(enum action action);
