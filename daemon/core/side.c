/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/side.h"

#include <assert.h>
#include <string.h>

static const char *const names[SIDE_MAX] = {
    [SIDE_SOURCE] = "source", [SIDE_TARGET] = "target", [SIDE_PRIMARY] = "primary"};

const char *side_name(enum node_side side)
{
    assert(side >= 0 && side < SIDE_MAX);
    return names[side];
}

enum node_side side_parse(const char *name)
{
    int side = 0;

    while (side < SIDE_MAX && strcmp(names[side], name) != 0)
        side++;
    return (enum node_side)side;
}
