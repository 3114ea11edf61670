/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The two servers of a world, and those who write to them. */
struct world;

#define WORLD_PORT(side) (uint16_t)(7000 + (side))

void servers_init(struct world *w);
/* Acknowledged writes that the target holds and the source does not. */
unsigned servers_overwritten(const struct world *w);
/* One millisecond: messages are executed, replicas copy, applications write. */
void servers_step(struct world *w);
