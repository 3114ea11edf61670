/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/action.h"

#include <assert.h>

static const struct action_def {
    const char *name;
    unsigned flags;
} defs[ACT_MAX] = {
    [ACT_NONE] = {"none", 0},
#define ACTION(id, name, flags, what) [ACT_##id] = {#name, flags},
#include "daemon/core/action_table.h"
#undef ACTION
};

static const struct action_def *def_of(enum action action)
{
    assert(action >= 0 && action < ACT_MAX);
    return &defs[action];
}

const char *action_name(enum action action)
{
    return def_of(action)->name;
}

unsigned action_flags(enum action action)
{
    return def_of(action)->flags;
}
