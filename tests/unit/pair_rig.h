/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A source and a target between which all is well, for the tests of daemon/core that spoil one
 * thing of it. */
#include "daemon/core/observation.h"
#include "daemon/core/run.h"
#include "daemon/spec/spec.h"

#define OLD_HISTORY "1111111111111111111111111111111111111111"
#define NEW_HISTORY "2222222222222222222222222222222222222222"
#define OTHER_HISTORY "3333333333333333333333333333333333333333"

struct pair_rig {
    struct spec spec;
    struct run run;
    struct observation seen;
    struct redis_info *source, *target; /* in seen */
};

/* The target follows, at the source's offset of 1000; 100 keys; run and looks are up to date. */
void pair_rig_init(struct pair_rig *rig);
/* The target is a primary instead, let go at 1000 of the source's history, and has gone on to
 * offset. */
void pair_rig_promote(struct pair_rig *rig, int64_t offset);
/* Works out the relations anew after a change. */
void pair_rig_relate(struct pair_rig *rig);
