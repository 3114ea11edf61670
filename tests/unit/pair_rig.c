/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/pair_rig.h"

#include <string.h>

#include "lib/base/base.h"

static void init_node(struct seen_node *node, const char *run_id)
{
    struct redis_info *info = &node->info;

    node->reachable = node->tried = true;
    node->acted = 5;
    node->looked = node->looked_whole = 8;
    node->whole_learnt = 8;
    node->survey = (struct survey){.known = true, .saves = true, .stops_writes = true};
    info->role = REDIS_ROLE_MASTER;
    info->version_num = info->redis_compat_num = 70200;
    str_copy(info->run_id, sizeof(info->run_id), run_id);
    str_copy(info->replid, sizeof(info->replid), OLD_HISTORY);
    str_copy(info->paused_reason, sizeof(info->paused_reason), "none");
    info->master_repl_offset = 1000;
    info->second_repl_offset = info->replica_offset = -1;
    info->last_io_seconds = info->last_save_seconds = -1;
    info->keys = info->lasting = 100;
    info->lasting_sum = 4711;
    info->used_memory = 1000;
    info->backlog_active = true;
}

static struct endpoint at(const char *host)
{
    struct endpoint ep = {.port = 6379};

    str_copy(ep.host, sizeof(ep.host), host);
    return ep;
}

static void init_run(struct run *run)
{
    run->source = at("10.0.0.1");
    run->given_keys = 100;
    run->given_offset = 1000;
    str_copy(run->given_replid, sizeof(run->given_replid), OLD_HISTORY);
    str_copy(run->source_run_id, sizeof(run->source_run_id), "source-process");
    str_copy(run->target_run_id, sizeof(run->target_run_id), "target-process");
    run->attached = run->synced = true;
}

void pair_rig_init(struct pair_rig *rig)
{
    struct seen_node *source = &rig->seen.node[SIDE_SOURCE];
    struct seen_node *target = &rig->seen.node[SIDE_TARGET];

    memset(rig, 0, sizeof(*rig));
    rig->spec.target.endpoint = rig->spec.target.reachable_as = at("10.0.0.2");
    rig->spec.cutover.max_lag = 100;
    init_run(&rig->run);
    observation_init(&rig->seen);
    init_node(source, "source-process");
    init_node(target, "target-process");
    source->looked = source->looked_whole = source->whole_learnt = 9; /* it comes last */
    rig->source = &source->info;
    rig->target = &target->info;
    rig->target->role = REDIS_ROLE_REPLICA;
    str_copy(rig->target->master_host, sizeof(rig->target->master_host), "10.0.0.1");
    rig->target->master_port = 6379;
    rig->target->link_up = rig->target->read_only = true;
    rig->target->replica_offset = 1000;
    rig->target->last_io_seconds = 1;
    rig->seen.streaming = true;
    pair_rig_relate(rig);
}

void pair_rig_promote(struct pair_rig *rig, int64_t offset)
{
    struct redis_info *t = rig->target;

    t->role = REDIS_ROLE_MASTER;
    t->link_up = false;
    t->replica_offset = t->last_io_seconds = -1;
    str_copy(t->replid2, sizeof(t->replid2), t->replid);
    str_copy(t->replid, sizeof(t->replid), NEW_HISTORY);
    t->second_repl_offset = 1001;
    t->master_repl_offset = offset;
    pair_rig_relate(rig);
}

void pair_rig_relate(struct pair_rig *rig)
{
    observation_relate(&rig->seen, &rig->spec, &rig->run);
}
