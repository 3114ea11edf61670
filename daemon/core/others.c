/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody else did to the pair: an operator, Sentinel, a restart. Where going on could delete
 * what was written, the job stops with both nodes as they are and says what it saw.
 */
#include <inttypes.h>

#include "daemon/core/phase.h"
#include "daemon/core/standing.h"
#include "lib/base/base.h"

/* At the source after the target has been seen: what that had got last, the source had sent. */
static bool look_at_all(struct decision *d, const struct observation *seen)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];
    unsigned sides = 0;

    for (int side = 0; side < SIDE_MAX; side++)
        if (seen->node[side].reachable && !seen_whole(seen, (enum node_side)side))
            sides |= 1u << side;
    if (source->reachable && source->looked_whole <= seen->node[SIDE_TARGET].whole_learnt)
        sides |= 1u << SIDE_SOURCE;
    if (sides == 0)
        return false;
    decide_look(d, sides, "looking at the nodes: something has changed");
    d->look_whole = true;
    return true;
}

static bool is_another(const struct seen_node *node, const char *run_id)
{
    return node->reachable && run_id[0] && strcmp(node->info.run_id, run_id) != 0;
}

/* In a chain: the source, or the primary that it copies. NULL: neither was. */
static const struct redis_info *restarted(const struct run *run, const struct observation *seen)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];
    const struct seen_node *writer = &seen->node[seen->writer];

    if (!run->synced)
        return NULL;
    if (is_another(source, run->source_run_id))
        return &source->info;
    return seen->writer == SIDE_PRIMARY && !seen->chain_changed &&
                   is_another(writer, run->writer_run_id)
               ? &writer->info
               : NULL;
}

/* A source that lost its data: the target would lose them, too. */
static bool source_emptied(const struct run *run, const struct observation *seen)
{
    const struct redis_info *again = restarted(run, seen);
    int64_t known = max_of(run->given_keys, seen->given_keys);
    /* A replica serves nobody until its own link is up, and what it holds till then is not all. */
    bool filling =
        again && (again->loading || (again->role == REDIS_ROLE_REPLICA && !again->link_up));

    return again && !filling && known > 0 && again->keys < known / 2 + known % 2;
}

/* As long as it loads nobody knows what it will hold; the target takes it as soon as it can. */
static bool awaits_source(struct decision *d, const struct run *run, const struct observation *seen)
{
    const struct redis_info *again = restarted(run, seen);

    if (!again || !(again->loading || again->sync_in_progress))
        return false;
    decide_look(d, again == &seen->node[SIDE_SOURCE].info ? 1u << SIDE_SOURCE : 1u << SIDE_PRIMARY,
                "the source was restarted and loads its data");
    d->look_whole = true;
    d->reason = REASON_SOURCE_LOADING;
    return true;
}

static void stop_emptied(struct decision *d, const struct run *run, const struct observation *seen)
{
    const struct redis_info *s = restarted(run, seen);
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;

    if (seen->target_follows && seen->node[SIDE_TARGET].reachable)
        decide_act(d, ACT_DETACH,
                   "the source came back without its data; the target keeps its own");
    else
        decide_go(d, EV_STOP, REASON_SOURCE_EMPTIED,
                  "the source was restarted and holds %" PRId64 " keys; it had %" PRId64
                  ". The target holds %" PRId64 " and no longer follows it",
                  s->keys, max_of(run->given_keys, seen->given_keys), t->keys);
}

static void stop_switched(struct decision *d, const struct observation *seen)
{
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;

    if (seen->target_follows)
        decide_go(d, EV_STOP, REASON_SOURCE_FOLLOWS_TARGET,
                  "source and target follow each other: nobody takes writes");
    else
        decide_go(d, EV_STOP, REASON_SOURCE_FOLLOWS_TARGET,
                  "somebody has exchanged the roles: the source follows the target, which is %s",
                  t->role == REDIS_ROLE_MASTER ? "the primary" : "a replica itself");
}

static void stop_taken(struct decision *d, const struct run *run, const struct observation *seen,
                       enum standing standing)
{
    const struct redis_info *t = &seen->node[SIDE_TARGET].info;
    bool restarted = run->target_run_id[0] && strcmp(run->target_run_id, t->run_id) != 0;

    if (standing == STANDING_ELSEWHERE)
        decide_go(d, EV_STOP, REASON_TARGET_REPOINTED,
                  "somebody pointed the target to '%s:%u'; it holds %" PRId64 " keys",
                  t->master_host, t->master_port, t->keys);
    else
        decide_go(d, EV_STOP, REASON_TARGET_PROMOTED,
                  "the target is a primary: %s; it holds %" PRId64
                  " keys, which the source may lack",
                  restarted ? "it was restarted and has changed since, or holds what is not known"
                            : "somebody else promoted it, or wrote to it",
                  t->keys);
}

bool decide_others(struct decision *d, const struct spec *spec, const struct run *run,
                   const struct observation *seen, bool followed)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];
    bool emptied = source_emptied(run, seen);
    bool switched = (source->reachable && seen->source_follows_target) ||
                    (seen->node[seen->writer].reachable && seen->writer_follows_target);
    enum standing standing;

    if (awaits_source(d, run, seen))
        return true;
    if (!seen->node[SIDE_TARGET].reachable || (seen->target_follows && !emptied && !switched))
        return false;
    if (look_at_all(d, seen))
        return true;
    standing = standing_of(spec, run, seen, followed);
    if (standing == STANDING_PROMOTED && !source->reachable)
        decide_wait(d, REASON_WAITING_NODE, 200,
                    "the target is a primary; waiting for the source, to compare: %s",
                    source->err.msg);
    else if (emptied)
        stop_emptied(d, run, seen);
    else if (switched)
        stop_switched(d, seen);
    else if (standing == STANDING_PROMOTED || standing == STANDING_ELSEWHERE)
        stop_taken(d, run, seen, standing);
    else
        return false;
    return true;
}
