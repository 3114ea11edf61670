/* SPDX-License-Identifier: Apache-2.0 */
/* The table of operations, and the way of a request to its row. */
#include "daemon/api/elasticache/operation.h"

#include "daemon/api/elasticache/answer.h"
#include "daemon/api/elasticache/elasticache.h"

static const struct operation {
    const char *action;
    bool operates; /* else it only looks */
    unsigned required, optional;
    operation_fn *run;
} operations[] = {
    {"StartMigration", true, PARAMETER_GROUP | PARAMETER_ENDPOINTS, 0, start_migration},
    {"TestMigration", true, PARAMETER_GROUP | PARAMETER_ENDPOINTS, 0, test_migration},
    {"CompleteMigration", true, PARAMETER_GROUP, PARAMETER_FORCE, complete_migration},
    {"DescribeReplicationGroups", false, 0,
     PARAMETER_GROUP | PARAMETER_MAX_RECORDS | PARAMETER_MARKER, describe_replication_groups},
    {"DescribeEvents", false, 0,
     PARAMETER_SOURCE_IDENTIFIER | PARAMETER_SOURCE_TYPE | PARAMETER_START_TIME |
         PARAMETER_END_TIME | PARAMETER_DURATION | PARAMETER_MAX_RECORDS | PARAMETER_MARKER,
     describe_events},
};

static const struct operation *find_operation(const struct query *query,
                                              struct http_request *request)
{
    const char *action = query_get(query, "Action"), *version = query_get(query, "Version");

    if (!action || !*action) {
        elasticache_respond_fault(request, FAULT_MISSING_ACTION, "the parameter Action is missing");
        return NULL;
    }
    if (version && strcmp(version, ELASTICACHE_VERSION) != 0) {
        elasticache_respond_fault(request, FAULT_VERSION,
                                  "there is no version '%.40s' of this API; it has version %s",
                                  version, ELASTICACHE_VERSION);
        return NULL;
    }
    for (size_t i = 0; i < array_len(operations); i++)
        if (strcmp(operations[i].action, action) == 0)
            return &operations[i];
    elasticache_respond_fault(
        request, FAULT_INVALID_ACTION,
        "there is no operation '%.80s' here; there are StartMigration, TestMigration, "
        "CompleteMigration, DescribeReplicationGroups and DescribeEvents",
        action);
    return NULL;
}

static bool read_arguments(const struct operation *operation, const struct query *query,
                           struct call *call)
{
    struct err err = ERR_INIT;

    if (!arguments_read(query, operation->required, operation->optional, &call->arguments, &err))
        return true;
    elasticache_respond_fault(
        call->request, err.code == ERR_NOT_FOUND ? FAULT_MISSING_PARAMETER : FAULT_PARAMETER_VALUE,
        "%s", err.msg);
    return false;
}

static void run(struct api *api, struct http_request *request, const struct query *query)
{
    const struct operation *operation = find_operation(query, request);
    const struct api_caller *caller = api_caller(request);
    struct call call = {.api = api, .request = request};

    if (!operation)
        return;
    call.action = operation->action;
    http_request_set_name(request, operation->action);
    if (operation->operates && !caller->may_operate)
        elasticache_respond_fault(request, FAULT_ACCESS_DENIED,
                                  "%s may only look; elasticache:%s is for those who may operate",
                                  caller->name, operation->action);
    else if (read_arguments(operation, query, &call))
        operation->run(&call);
}

void elasticache_request(struct http_request *request, void *arg)
{
    static const char *const none[] = {NULL};
    const char *odd = http_request_query_odd(request, none);
    struct query query;
    struct err err = ERR_INIT;
    size_t len;
    const char *data = http_request_data(request, &len);

    if (odd) { /* what somebody meant by it would be passed over */
        elasticache_respond_fault(request, FAULT_MALFORMED,
                                  "parameters belong into the body; '%.40s' is in the path", odd);
        return;
    }
    if (query_parse(data, len, &query, &err)) {
        elasticache_respond_fault(request, FAULT_MALFORMED, "the body is no form: %s", err.msg);
        return;
    }
    run(arg, request, &query);
    query_deinit(&query);
}
