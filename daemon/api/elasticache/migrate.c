/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StartMigration, TestMigration and CompleteMigration: the verbs start, check, complete and abort
 * under the API's names. What the status of a group rules out is refused here, with the fault that
 * clients know for it; the rest is for the migration to decide.
 */
#include "daemon/api/elasticache/answer.h"
#include "daemon/api/elasticache/group.h"
#include "daemon/api/elasticache/operation.h"

static void answer_group(struct http_request *request, const char *action,
                         const struct migration *m, const enum group_status *status)
{
    struct migration_view view;
    struct xml xml = {.depth = 0};

    migration_view(m, &view);
    answer_begin(&xml, action);
    group_write(&xml, &view, status ? *status : group_status(view.run));
    answer_end(&xml, request);
}

/* False: there is nothing to show, and that was answered. */
static bool is_settled(struct http_request *request, const char *id, const struct migration *m,
                       bool durable)
{
    if (!m)
        elasticache_respond_fault(request, FAULT_GROUP_NOT_FOUND,
                                  "replication group '%s' is gone: its job was removed", id);
    else if (!durable)
        elasticache_respond_fault(request, FAULT_UNAVAILABLE,
                                  "replication group '%s': this could not be recorded yet; it is "
                                  "carried out as soon as it can be, unless the daemon is stopped "
                                  "before",
                                  id);
    return m && durable;
}

/* However far the migration has got meanwhile: this is where it begins. */
static void started(struct http_request *request, const char *id, const struct migration *m,
                    bool durable)
{
    static const enum group_status status = GROUP_MODIFYING;

    if (is_settled(request, id, m, durable))
        answer_group(request, "StartMigration", m, &status);
}

static void completed(struct http_request *request, const char *id, const struct migration *m,
                      bool durable)
{
    if (is_settled(request, id, m, durable))
        answer_group(request, "CompleteMigration", m, NULL);
}

/* Gives m the verb; false: it was refused, and that was answered. */
static bool give_verb(const struct call *call, struct migration *m, enum verb verb,
                      const struct verb_options *options, enum elasticache_fault if_invalid)
{
    struct err err = ERR_INIT;

    if (migration_verb(m, verb, options, &err)) {
        elasticache_respond_fault(
            call->request, err.code == ERR_INVALID ? if_invalid : FAULT_GROUP_STATE, "%s", err.msg);
        return false;
    }
    api_log_asked(call->api, call->request, m, call->action);
    return true;
}

/* A group whose status lets a migration begin; NULL: there is none, and that was answered. */
static struct migration *find_available(const struct call *call)
{
    struct migration *m = operation_find(call, call->arguments.group);
    struct migration_view view;
    const char *phase;

    if (!m)
        return NULL;
    migration_view(m, &view);
    phase = phase_get(view.run->phase)->name;
    switch (group_status(view.run)) {
    case GROUP_MIGRATING:
        elasticache_respond_fault(call->request, FAULT_ALREADY_UNDER_MIGRATION,
                                  "replication group '%s' is under migration (phase %s)",
                                  view.spec->id, phase);
        return NULL;
    case GROUP_MODIFYING:
        elasticache_respond_fault(call->request, FAULT_GROUP_STATE,
                                  "replication group '%s' is being modified: a migration is being "
                                  "started or undone (phase %s)",
                                  view.spec->id, phase);
        return NULL;
    case GROUP_AVAILABLE:
    case GROUP_STATUS_MAX:
        break;
    }
    return m;
}

void start_migration(const struct call *call)
{
    struct verb_options options = {.has_source = true, .source = call->arguments.source};
    struct migration *m = find_available(call);

    if (m && give_verb(call, m, VERB_START, &options, FAULT_PARAMETER_VALUE))
        api_when_durable(call->api, call->request, m, started);
}

/* The outcome comes as an event. */
void test_migration(const struct call *call)
{
    struct verb_options options = {.has_source = true, .source = call->arguments.source};
    struct migration *m = find_available(call);

    if (m && give_verb(call, m, VERB_CHECK, &options, FAULT_PARAMETER_VALUE))
        answer_group(call->request, call->action, m, NULL);
}

void complete_migration(const struct call *call)
{
    static const unsigned not_in_sync = 1u << PHASE_QUEUED | 1u << PHASE_CHECKING |
                                        1u << PHASE_ATTACHING | 1u << PHASE_BACKOFF |
                                        1u << PHASE_SYNCING;
    struct verb_options options = {.force = call->arguments.force};
    struct migration *m = operation_find(call, call->arguments.group);
    struct migration_view view;
    enum phase phase;
    bool aborts;

    if (!m)
        return;
    migration_view(m, &view);
    phase = view.run->phase;
    /* By force the target is promoted as it is. Before it is in sync that means: given up. */
    aborts = options.force && (not_in_sync & (1u << phase));
    if (!aborts && group_status(view.run) != GROUP_MIGRATING) {
        elasticache_respond_fault(call->request, FAULT_NOT_UNDER_MIGRATION,
                                  "replication group '%s' is not under migration (phase %s)",
                                  view.spec->id, phase_get(phase)->name);
        return;
    }
    (void)str_copy(options.by, sizeof(options.by), api_caller(call->request)->name);
    if (give_verb(call, m, aborts ? VERB_ABORT : VERB_COMPLETE, &options, FAULT_GROUP_STATE))
        api_when_durable(call->api, call->request, m, completed);
}
