/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/action.h"

#include "lib/base/base.h"

const char *action_name(enum action action)
{
    static const char *const names[ACT_MAX] = {
        [ACT_NONE] = "none",
        [ACT_PREPARE] = "prepare",
        [ACT_ATTACH] = "attach",
        [ACT_DETACH] = "detach",
        [ACT_PREPARE_CUTOVER] = "prepare_cutover",
        [ACT_FREEZE] = "freeze",
        [ACT_THAW] = "thaw",
        [ACT_DEMOTE] = "demote",
        [ACT_UNDEMOTE] = "undemote",
        [ACT_PROMOTE] = "promote",
        [ACT_REVERSE] = "reverse",
        [ACT_DRAIN_CLIENTS] = "drain_clients",
        [ACT_RESTORE] = "restore",
    };

    assert(action >= 0 && action < ACT_MAX);
    return names[action];
}
