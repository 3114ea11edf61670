/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The nodes of a migration: its two ends, and the primary above a source that is a replica. */

enum node_side {
    SIDE_SOURCE,
    SIDE_TARGET,
    SIDE_ENDS, /* how many ends there are */
    SIDE_PRIMARY = SIDE_ENDS,
    SIDE_MAX
};

/* "source", "target", "primary" */
const char *side_name(enum node_side side);
/* SIDE_MAX when there is no such name. */
enum node_side side_parse(const char *name);
