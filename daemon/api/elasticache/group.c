/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/elasticache/group.h"

#include <stdio.h>

#define NODE_GROUP "0001"
#define NODE "0001"
#define MEMBER_ID_MAX (SPEC_ID_MAX + 8)

/* --- the status --- */

struct status_row {
    bool known;
    enum group_status before, since; /* the link was up for the first time in the run */
};
#define ALWAYS(status)                                                                             \
    {                                                                                              \
        true, status, status                                                                       \
    }

static const struct status_row by_state[STATE_MAX] = {
    [STATE_PENDING] = ALWAYS(GROUP_MODIFYING),
    [STATE_MIGRATING] = ALWAYS(GROUP_MIGRATING),
    [STATE_AVAILABLE] = ALWAYS(GROUP_AVAILABLE),
    [STATE_FAILED] = ALWAYS(GROUP_AVAILABLE),
};

/* Phases that are not what their state is. */
static const struct status_row by_phase[PHASE_MAX] = {
    [PHASE_IDLE] = ALWAYS(GROUP_AVAILABLE),
    [PHASE_ATTACHING] = {true, GROUP_MODIFYING, GROUP_MIGRATING},
    [PHASE_BACKOFF] = {true, GROUP_MODIFYING, GROUP_MIGRATING},
    [PHASE_SYNCING] = {true, GROUP_MODIFYING, GROUP_MIGRATING},
    [PHASE_ROLLING_BACK] = ALWAYS(GROUP_MODIFYING),
    [PHASE_HALTED] = ALWAYS(GROUP_MIGRATING),
};

static const char *const status_names[GROUP_STATUS_MAX] = {
    [GROUP_AVAILABLE] = "available",
    [GROUP_MODIFYING] = "modifying",
    [GROUP_MIGRATING] = "migrating",
};

enum group_status group_status(const struct run *run)
{
    const struct status_row *row = &by_phase[run->phase];

    if (!row->known)
        row = &by_state[phase_get(run->phase)->state];
    return run->synced ? row->since : row->before;
}

/* --- the group --- */

/* The primary is number 0, replicas follow. */
static const struct endpoint *member_endpoint(const struct spec *spec, unsigned i)
{
    return i == 0 ? &spec->target.endpoint : &spec->target.replicas[i - 1];
}

static const char *member_id(const struct spec *spec, unsigned i, char buf[MEMBER_ID_MAX])
{
    snprintf(buf, MEMBER_ID_MAX, "%s-%03u", spec->id, (i + 1) % 1000);
    return buf;
}

static void write_endpoint(struct xml *xml, const char *name, const struct endpoint *endpoint)
{
    xml_open(xml, name, NULL);
    xml_text(xml, "Address", endpoint->host);
    xml_int(xml, "Port", endpoint->port);
    xml_close(xml);
}

static void write_member(struct xml *xml, const struct spec *spec, unsigned i)
{
    char id[MEMBER_ID_MAX];

    xml_open(xml, "NodeGroupMember", NULL);
    xml_text(xml, "CacheClusterId", member_id(spec, i, id));
    xml_text(xml, "CacheNodeId", NODE);
    write_endpoint(xml, "ReadEndpoint", member_endpoint(spec, i));
    xml_text(xml, "CurrentRole", i == 0 ? "primary" : "replica");
    xml_close(xml);
}

static void write_node_group(struct xml *xml, const struct spec *spec, const char *status)
{
    unsigned n = 1 + spec->target.n_replicas;

    xml_open(xml, "NodeGroup", NULL);
    xml_text(xml, "NodeGroupId", NODE_GROUP);
    xml_text(xml, "Status", status);
    write_endpoint(xml, "PrimaryEndpoint", member_endpoint(spec, 0));
    write_endpoint(xml, "ReaderEndpoint", member_endpoint(spec, n > 1 ? 1 : 0));
    xml_open(xml, "NodeGroupMembers", NULL);
    for (unsigned i = 0; i < n; i++)
        write_member(xml, spec, i);
    xml_close(xml);
    xml_close(xml);
}

static const char *engine_of(const struct observation *seen)
{
    bool valkey = seen && strcmp(seen->node[SIDE_TARGET].info.product, "valkey") == 0;

    return valkey ? "valkey" : "redis";
}

/* The order of the elements is that of the service's model. */
void group_write(struct xml *xml, const struct migration_view *view, enum group_status status)
{
    const struct spec *spec = view->spec;
    const struct spec_auth *auth = &spec->target.auth;
    char id[MEMBER_ID_MAX];

    xml_open(xml, "ReplicationGroup", NULL);
    xml_text(xml, "ReplicationGroupId", spec->id);
    xml_text(xml, "Description", spec->description ? spec->description : "");
    xml_text(xml, "Status", status_names[status]);
    xml_text(xml, "PendingModifiedValues", "");
    xml_open(xml, "MemberClusters", NULL);
    for (unsigned i = 0; i <= spec->target.n_replicas; i++)
        xml_text(xml, "ClusterId", member_id(spec, i, id));
    xml_close(xml);
    xml_open(xml, "NodeGroups", NULL);
    write_node_group(xml, spec, status_names[status]);
    xml_close(xml);
    xml_bool(xml, "ClusterEnabled", false);
    xml_bool(xml, "AuthTokenEnabled", auth->password || auth->password_file || auth->credential);
    xml_bool(xml, "TransitEncryptionEnabled", spec->target.tls.enabled);
    xml_text(xml, "Engine", engine_of(view->seen));
    xml_close(xml);
}
