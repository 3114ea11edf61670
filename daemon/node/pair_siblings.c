/* SPDX-License-Identifier: Apache-2.0 */
/* The siblings of a pair: there only where the source has other replicas. */
#include "daemon/core/chain.h"
#include "daemon/node/pair_private.h"
#include "lib/base/base.h"

static struct pair *pair_of(struct siblings *f)
{
    return f->config.arg;
}

/* As what takes the writes is. */
static struct access access_of(const struct siblings *f, uint64_t timeout_ms)
{
    const struct pair *pair = f->config.arg;

    return pair_access(pair, pair->seen.writer, NULL, timeout_ms);
}

static void changed(struct siblings *f)
{
    pair_of(f)->owner->changed(pair_of(f));
}

static void recorded(struct siblings *f)
{
    pair_of(f)->owner->recorded(pair_of(f));
}

static void ended(struct siblings *f, const struct sibling *one)
{
    pair_of(f)->owner->sibling(pair_of(f), one);
}

static const struct siblings_owner owner = {
    .access = access_of, .changed = changed, .recorded = recorded, .ended = ended};

static void want(struct pair *pair)
{
    if (pair->siblings)
        return;
    pair->siblings = siblings_new(&(struct siblings_config){.loop = pair->node[SIDE_SOURCE].loop,
                                                            .store = pair->settings.store,
                                                            .job = pair->job,
                                                            .spec = &pair->spec,
                                                            .run = pair->run,
                                                            .seen = &pair->seen,
                                                            .owner = &owner,
                                                            .arg = pair});
    pair->seen.siblings = pair->siblings->list;
}

void pair_load_sibling(struct pair *pair, const struct sibling *sibling)
{
    want(pair);
    siblings_load(pair->siblings, sibling);
}

void pair_observe_siblings(struct pair *pair)
{
    struct endpoint at[SIBLINGS_MAX];
    bool looks = pair->acts && pair->run->phase == PHASE_REPLICATING &&
                 chain_is_known(&pair->seen) && !pair->spec->source.leave_replicas;

    if (looks && siblings_of_writer(pair->spec, pair->run, &pair->seen, at) > 0)
        want(pair);
    if (pair->siblings)
        siblings_observe(pair->siblings);
}

void pair_keep_siblings(struct pair *pair)
{
    if (pair->siblings)
        siblings_keep(pair->siblings);
}

bool pair_owes_siblings(const struct pair *pair)
{
    return pair->siblings && siblings_owe(pair->siblings);
}

void pair_forget(struct pair *pair)
{
    settings_forget(&pair->settings);
    if (pair->siblings)
        siblings_forget(pair->siblings);
}
