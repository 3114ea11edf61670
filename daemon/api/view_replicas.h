/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A node's replicas as the API shows them. Pure. */
#include <jansson.h>

#include "daemon/migration/migration.h"

/* The target's own, and the other ones of the source and of the primary above it: an array, or null
 * where nobody knows. */
json_t *view_replicas(const struct migration_view *view, enum node_side side);
