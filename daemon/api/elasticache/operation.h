/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the operations share. */
#include "daemon/api/elasticache/arguments.h"
#include "daemon/api/elasticache/fault.h"
#include "daemon/api/private.h"
#include "daemon/spec/spec.h"

/* One request of an operation; valid while its function runs. */
struct call {
    struct api *api;
    struct http_request *request;
    const char *action;
    struct arguments arguments;
};
typedef void operation_fn(const struct call *call);

operation_fn start_migration, test_migration, complete_migration; /* migrate.c */
operation_fn describe_replication_groups;                         /* describe_groups.c */
operation_fn describe_events;                                     /* describe_events.c */

/* The job of a group's name, which may be written in capitals; NULL: answered with a fault. */
struct migration *operation_find(const struct call *call, const char *group);
/* The name as jobs have it; false: none can have it. */
bool operation_job_id(const char *group, char ret[SPEC_ID_MAX + 1]);
