/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/action.h"

#include <assert.h>

static const char *const names[ACT_MAX] = {
    [ACT_NONE] = "none",
#define ACTION(id, name, what) [ACT_##id] = #name,
#include "daemon/core/action_table.h"
#undef ACTION
};

const char *action_name(enum action action)
{
    assert(action >= 0 && action < ACT_MAX);
    return names[action];
}
