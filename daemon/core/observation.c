/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/observation.h"

#include <strings.h>

#include "daemon/core/chain.h"
#include "daemon/core/lease.h"
#include "daemon/core/replicas.h"
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
        seen->promote_sent = resumed || from == PHASE_HALTED;
        seen->undemote_sent = false;
    }
    if (to == PHASE_ATTACHING)
        seen->prepared = seen->prepared_cutover = false;
    /* What was counted before is not this attempt's, nor of a link that has come up since. */
    if (to == PHASE_ATTACHING || (to == PHASE_REPLICATING && from != PHASE_REPLICATING))
        seen->base = (struct attach_base){.known = false};
    if (to == PHASE_QUEUED)
        seen->checked_ahead = false;
    if (to != PHASE_REPLICATING)
        seen->link_cause = REASON_NONE;
    if (to == PHASE_CHECKING)
        seen->detached_offset = seen->given_keys = -1;
    if (to == PHASE_CHECKING)
        seen->source_restarts = 0;
    if (to == PHASE_CHECKING)
        seen->attached_replid[0] = '\0';
    if (to == PHASE_REPLICATING && (resumed || from != PHASE_REPLICATING))
        seen->errors_grew = seen->evictions_grew = false;
    if (to == PHASE_REPLICATING && from != PHASE_REPLICATING)
        seen->prepared_cutover = false; /* what was set may have been changed since */
}

#define ANEW_MS 1000

bool seen_learns(const struct seen_node *node, uint64_t number)
{
    return number > node->looked && number > node->acted;
}

static bool newer_than_acts(const struct observation *seen, uint64_t number)
{
    for (int side = 0; side < SIDE_MAX; side++)
        if (number <= seen->node[side].acted)
            return false;
    return true;
}

bool seen_anew(const struct observation *seen, enum node_side side)
{
    const struct seen_node *node = &seen->node[side];

    return node->reachable && newer_than_acts(seen, node->looked) && node->age_ms <= ANEW_MS;
}

bool seen_whole(const struct observation *seen, enum node_side side)
{
    const struct seen_node *node = &seen->node[side];

    return seen_anew(seen, side) && newer_than_acts(seen, node->looked_whole) &&
           node->whole_age_ms <= ANEW_MS;
}

bool seen_at_once(const struct observation *seen, enum node_side side)
{
    return seen_whole(seen, side) && seen->node[side].looked == seen->node[side].looked_whole;
}

void seen_init(struct seen_node *node)
{
    *node = (struct seen_node){.ahead_ms = AHEAD_UNKNOWN, .databases = -1, .tls_port = -1};
    node->survey.scripts = node->survey.min_replicas = -1;
}

void observation_init(struct observation *seen)
{
    *seen = (struct observation){.detached_offset = -1, .given_keys = -1};
    for (int side = 0; side < SIDE_MAX; side++)
        seen_init(&seen->node[side]);
}

static struct attach_base base_of(const struct redis_info *source, bool linked)
{
    struct attach_base base = {.known = true,
                               .alone = source->connected_replicas <= (linked ? 1 : 0),
                               .master_repl_offset = source->master_repl_offset,
                               .sync_full = source->sync_full,
                               .sync_partial_ok = source->sync_partial_ok,
                               .sync_partial_err = source->sync_partial_err,
                               .rejected_connections = source->rejected_connections,
                               .forks = source->forks,
                               .buffer_cuts = source->buffer_cuts,
                               .refused_logins = source->refused_logins,
                               .save_failed = source->save_failed};

    (void)str_copy(base.run_id, sizeof(base.run_id), source->run_id);
    return base;
}

void observation_rebase(struct observation *seen)
{
    if (seen->node[SIDE_SOURCE].reachable)
        seen->base = base_of(&seen->node[SIDE_SOURCE].info, seen->linked);
}

void observation_attaching(struct observation *seen)
{
    const struct redis_info *target = &seen->node[SIDE_TARGET].info;

    if (!seen->base.known) /* told again within an attempt: it is counted from the first time */
        observation_rebase(seen);
    (void)str_copy(seen->attached_replid, sizeof(seen->attached_replid), target->replid);
    seen->attached_offset = target->master_repl_offset;
}

void observation_prepared(struct observation *seen)
{
    seen->prepared = true;
    (void)str_copy(seen->prepared_for, sizeof(seen->prepared_for),
                   seen->node[SIDE_TARGET].info.run_id);
}

bool is_prepared(const struct observation *seen)
{
    return seen->prepared && strcmp(seen->prepared_for, seen->node[SIDE_TARGET].info.run_id) == 0;
}

void observation_detaching(struct observation *seen)
{
    const struct redis_info *target = &seen->node[SIDE_TARGET].info;
    (void)str_copy(seen->detaching_replid, sizeof(seen->detaching_replid),
                   seen->linked ? target->replid : "");
}

/* Else somebody had promoted it before, or pointed it elsewhere, while our command was on its way.
 */
void observation_detached(struct observation *seen)
{
    const struct redis_info *target = &seen->node[SIDE_TARGET].info;
    bool ours = seen->detaching_replid[0] && strcmp(target->replid2, seen->detaching_replid) == 0 &&
                target->master_repl_offset == target->second_repl_offset - 1;

    seen->detached_offset = ours ? target->master_repl_offset : -1;
}

/* What a source gives that was restarted is not what the target had. */
void observation_remember(struct observation *seen, const struct run *run)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];
    const struct seen_node *target = &seen->node[SIDE_TARGET];
    bool same = source->reachable && strcmp(source->info.run_id, run->source_run_id) == 0;

    if (target->reachable && seen->linked && same)
        seen->given_keys = target->info.keys;
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
    const struct redis_info *w, *head;

    seen->writer = endpoint_is_set(&seen->primary) ? SIDE_PRIMARY : SIDE_SOURCE;
    w = &seen->node[seen->writer].info;
    /* A chain has one history: as long as its top has not been seen, the source tells it. */
    head = w->replid[0] ? w : s;
    seen->target_follows = follows(t, &source);
    seen->target_follows_other = t->role == REDIS_ROLE_REPLICA && !seen->target_follows;
    seen->target_is_primary = t->role == REDIS_ROLE_MASTER;
    seen->writer_is_primary = w->role == REDIS_ROLE_MASTER;
    seen->writer_follows_target = follows(w, &spec->target.reachable_as);
    seen->source_follows_target = follows(s, &spec->target.reachable_as);
    seen->chain_changed = chain_changed(run, seen);
    seen->writer_at_fence = follows(w, &fence);
    seen->writer_demoted = seen->writer_follows_target || seen->writer_at_fence;
    seen->same_history = head->replid[0] != '\0' && strcmp(head->replid, t->replid) == 0;
    /* Nodes that follow each other give each other nothing. */
    seen->linked = seen->target_follows && t->link_up && !seen->source_follows_target;
    seen->lag_bytes = -1;
    if (seen->same_history && t->replica_offset >= 0 && !seen->source_follows_target)
        seen->lag_bytes = max_of(head->master_repl_offset - t->replica_offset, (int64_t)0);
}

bool histories_join(const struct observation *seen)
{
    const struct redis_info *w = &seen->node[seen->writer].info;
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;

    return strcmp(w->replid, t->replid2) == 0 || strcmp(w->replid, t->replid) == 0;
}

#define DOWN_MS 3000 /* a link is taken up again within a second or two */

bool link_is_troubled(const struct observation *seen)
{
    return seen->link_down_ms > DOWN_MS || seen->link_breaks > 2;
}

bool writer_is_paused(const struct observation *seen)
{
    const char *why = seen->node[seen->writer].info.paused_reason;

    return why[0] ? strcmp(why, "none") != 0 : seen->pause_held;
}

bool wants_drain(const struct spec *spec, const struct observation *seen)
{
    enum spec_drain drain = spec->cutover.drain_clients;

    return drain == DRAIN_TRUE ||
           (drain == DRAIN_AUTO && seen->node[seen->writer].survey.scripts != 0);
}

struct endpoint seen_announced(const struct seen_node *node, const struct endpoint *at)
{
    const struct endpoint *announced = &node->survey.announced;
    struct endpoint as = *at;

    if (announced->host[0])
        (void)str_copy(as.host, sizeof(as.host), announced->host);
    if (announced->port)
        as.port = announced->port;
    return as;
}

/* It names the port that goes with what it speaks itself: with plain, 0 may be meant. */
static const struct redis_info_replica *line_at(const struct redis_info *info,
                                                const struct seen_node *replica, bool tls,
                                                const struct endpoint *at)
{
    const struct redis_info_replica *line = replica_at(info, at);
    struct endpoint other = *at;

    if (!line && tls && replica->tls_port >= 0) {
        other.port = replica->info.tcp_port == replica->tls_port ? 0 : replica->info.tcp_port;
        line = replica_at(info, &other);
    } else if (!line && replica->tls_port > 0) {
        other.port = (uint16_t)replica->tls_port;
        line = replica_at(info, &other);
    }
    return line;
}

static const struct redis_info_replica *sees(const struct seen_node *primary,
                                             const struct seen_node *replica, bool tls,
                                             const struct endpoint *at, const struct endpoint *as)
{
    const struct endpoint named[] = {seen_announced(replica, at), *at, *as};
    const struct redis_info_replica *line = NULL;

    for (size_t i = 0; i < array_len(named) && primary->reachable && !line; i++)
        line = line_at(&primary->info, replica, tls, &named[i]);
    return line;
}

const struct redis_info_replica *source_sees_target(const struct spec *spec,
                                                    const struct observation *seen)
{
    return sees(&seen->node[SIDE_SOURCE], &seen->node[SIDE_TARGET], spec->target.tls.enabled,
                &spec->target.endpoint, &spec->target.reachable_as);
}

const struct redis_info_replica *target_sees_source(const struct spec *spec, const struct run *run,
                                                    const struct observation *seen)
{
    const struct endpoint as = run_source_for_target(spec, run);

    if (!seen->source_follows_target)
        return NULL;
    return sees(&seen->node[SIDE_TARGET], &seen->node[SIDE_SOURCE], spec->source.tls.enabled,
                &run->source, &as);
}

const struct redis_info_replica *primary_sees_source(const struct spec *spec, const struct run *run,
                                                     const struct observation *seen)
{
    const struct endpoint as = run_source_for_target(spec, run);

    return sees(&seen->node[SIDE_PRIMARY], &seen->node[SIDE_SOURCE], spec->source.tls.enabled,
                &run->source, &as);
}

bool writer_fenced(const struct observation *seen)
{
    return seen->node[seen->writer].reachable && seen->writer_at_fence && seen->target_follows;
}
