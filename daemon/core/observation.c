/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/observation.h"

#include <strings.h>

#include "daemon/core/lease.h"
#include "lib/base/base.h"

void observation_enter(struct observation *seen, enum phase from, enum phase to, bool resumed)
{
    seen->resumed = resumed;
    seen->sync_starts = 0;
    seen->last_action = ACT_NONE;
    seen->last_failed = false;
    if (lease_ends(from, to))
        seen->frozen = false;
    if (from != PHASE_FREEZING || to != PHASE_SWITCHING) {
        seen->thawed = false;
        seen->thaw_reason = REASON_NONE;
        seen->thaw_message[0] = '\0';
        seen->clients_drained = false;
        seen->promote_sent = resumed;
    }
    if (to == PHASE_ATTACHING)
        seen->prepared = seen->prepared_cutover = false;
    if (to == PHASE_REPLICATING && (resumed || from != PHASE_REPLICATING))
        seen->errors_grew = false;
}

static bool follows(const struct redis_info *info, const struct endpoint *ep)
{
    return info->role == REDIS_ROLE_REPLICA && info->master_port == ep->port &&
           strcasecmp(info->master_host, ep->host) == 0;
}

void observation_relate(struct observation *seen, const struct spec *spec, const struct run *run)
{
    const struct redis_info *s = &seen->node[SIDE_SOURCE].info;
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;
    const struct endpoint fence = {.host = FENCE_HOST, .port = FENCE_PORT};
    struct endpoint source = run_source_for_target(spec, run);

    seen->target_follows = follows(t, &source);
    seen->target_follows_other = t->role == REDIS_ROLE_REPLICA && !seen->target_follows;
    seen->target_is_primary = t->role == REDIS_ROLE_MASTER;
    seen->source_is_primary = s->role == REDIS_ROLE_MASTER;
    seen->source_follows_target = follows(s, &spec->target.reachable_as);
    seen->source_demoted = seen->source_follows_target || follows(s, &fence);
    seen->same_history = s->replid[0] != '\0' && strcmp(s->replid, t->replid) == 0;
    seen->lag_bytes = -1;
    if (seen->same_history && t->replica_offset >= 0)
        seen->lag_bytes = max_of(s->master_repl_offset - t->replica_offset, (int64_t)0);
}

bool histories_join(const struct observation *seen)
{
    const struct redis_info *s = &seen->node[SIDE_SOURCE].info;
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;

    return strcmp(s->replid, t->replid2) == 0 || strcmp(s->replid, t->replid) == 0;
}

bool source_fenced(const struct observation *seen)
{
    return seen->node[SIDE_SOURCE].reachable && seen->source_demoted &&
           !seen->source_follows_target && seen->target_follows;
}
