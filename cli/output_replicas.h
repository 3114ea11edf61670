/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The replicas of a job's nodes, as they are printed. */
#include <jansson.h>

#include "cli/output.h"

/* A line for each of one side's. */
void replicas_print(const struct term *term, const json_t *job, const char *side);
/* "2/3": how many of the target's own are online, of how many; "-": there are none. */
char *replicas_cell(const struct term *term, const json_t *job);
