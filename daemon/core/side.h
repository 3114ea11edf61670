/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The two ends of a migration. */

enum node_side { SIDE_SOURCE, SIDE_TARGET, SIDE_MAX };

/* "source", "target" */
const char *side_name(enum node_side side);
/* SIDE_MAX when there is no such name. */
enum node_side side_parse(const char *name);
