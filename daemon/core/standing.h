/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Whether the target may be told to follow (again) without asking anybody: following wipes what it
 * holds. What it was given by this source it can be given again; what somebody else wrote there is
 * gone for good.
 */
#include "daemon/core/observation.h"
#include "daemon/core/run.h"
#include "daemon/spec/spec.h"

enum standing {
    STANDING_FOLLOWS,   /* it is a replica of the run's source */
    STANDING_UNTOUCHED, /* a primary, as it was when we checked or let go of it */
    STANDING_RESTARTED, /* a primary by a restart, with nothing but what this source gave it */
    STANDING_PROMOTED,  /* a primary by somebody's doing, or one that may have taken writes */
    STANDING_ELSEWHERE, /* a replica of another server */
};

/* followed: it was seen to follow since it was last told to, so that it has not let go by itself.
 * The target must have been looked at as a whole. */
enum standing standing_of(const struct spec *spec, const struct run *run,
                          const struct observation *seen, bool followed);
