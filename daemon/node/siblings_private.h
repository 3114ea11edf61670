/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the list of siblings and the work on them share. */
#include "daemon/node/siblings.h"

/* A new one that waits; NULL: there is no room. */
struct sibling *siblings_add(struct siblings *f, const struct endpoint *at);
void siblings_drop(struct siblings *f, unsigned i);
/* Into the store; wait: nothing more is done with it before that is durable. */
void siblings_put(struct siblings *f, unsigned i, bool wait);
