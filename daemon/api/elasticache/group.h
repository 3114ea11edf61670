/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A job as the API's clients see it: a replication group with a status. Pure. */
#include "daemon/api/elasticache/xml.h"
#include "daemon/migration/migration.h"

enum group_status { GROUP_AVAILABLE, GROUP_MODIFYING, GROUP_MIGRATING, GROUP_STATUS_MAX };

/* modifying: a migration is being started or undone; migrating: its link has been up. */
enum group_status group_status(const struct run *run);

/* The element ReplicationGroup. */
void group_write(struct xml *xml, const struct migration_view *view, enum group_status status);
