/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A source that is a replica itself: its chain is followed up to the primary that takes the writes,
 * which is what a switch-over pauses and demotes. The target still copies from the source.
 */
#include "daemon/core/observation.h"
#include "daemon/core/run.h"
#include "daemon/spec/spec.h"

/* Goes on by one node where the last looks lead further, or another way: into seen->primary. True
 * when that has changed; what was seen of the node before is then another's. */
bool chain_follow(const struct spec *spec, const struct run *run, struct observation *seen);
/* What takes the writes: the top of the chain, or the source. */
const struct endpoint *chain_writer(const struct run *run, const struct observation *seen);
/* The writer has been seen to be a primary, and may be taken for what the run is with. */
bool chain_is_known(const struct observation *seen);
/* It is another than it was when the run began: what it holds need not be what was copied. */
bool chain_changed(const struct run *run, const struct observation *seen);
/* From a run that goes on after a restart. */
void chain_resume(const struct run *run, struct observation *seen);
