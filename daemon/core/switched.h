/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Two nodes of which one has taken over from the other, and is the primary since. */
#include <stdbool.h>
#include <stdint.h>

#include "lib/net/endpoint.h"

struct switched {
    struct endpoint source, target; /* the target is the primary */
    int64_t at_wall_ms;             /* 0: never */
};

/* Both are about the same two nodes, in whichever direction. */
bool switched_same_pair(const struct switched *a, const struct switched *b);
