/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A look at some keys of a node, for types that the other one does not know. */
#include "daemon/core/facts.h"
#include "lib/redis/client.h"
#include "lib/redis/info.h"

/* Whether keys have to be looked at, from what both nodes have told. */
bool sample_is_wanted(const struct facts *source, const struct facts *target);
/* info: of the node. */
void sample_ask(struct redis_call *call, const struct redis_info *info);
void sample_learn(struct facts *ret, const struct redis_call *call);
