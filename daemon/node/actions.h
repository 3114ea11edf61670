/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The side effects, as a table. */
#include "daemon/node/pair.h"

/* It is over; reason and err say why it failed, if it did. */
typedef void action_done_fn(struct pair *pair, enum reason reason, const struct err *err);

/*
 * Begins d's action, which is one that sends commands to one node: INFO replication goes behind
 * them in the same write, so that the answer is also the next look at that node.
 */
void action_start(struct pair *pair, const struct decision *d, action_done_fn *done);
