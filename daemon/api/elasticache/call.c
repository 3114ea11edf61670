/* SPDX-License-Identifier: Apache-2.0 */
/* The group that a request names. */
#include <ctype.h>

#include "daemon/api/elasticache/operation.h"
#include "daemon/job/registry.h"

bool operation_job_id(const char *group, char ret[SPEC_ID_MAX + 1])
{
    if (!str_copy(ret, SPEC_ID_MAX + 1, group))
        return false;
    for (char *p = ret; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return true;
}

struct migration *operation_find(const struct call *call, const char *group)
{
    char id[SPEC_ID_MAX + 1];
    struct migration *m = NULL;

    if (operation_job_id(group, id))
        m = registry_find(call->api->deps.registry, id);
    if (!m)
        elasticache_respond_fault(call->request, FAULT_GROUP_NOT_FOUND,
                                  "there is no replication group '%.80s'", group);
    return m;
}
