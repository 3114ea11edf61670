/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/chain.h"

#include <strings.h>

#include "lib/base/base.h"

#define HOPS_MAX 8
#define LOST_MS 10000 /* then the way up is looked for anew */

static bool is_own_host(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcasecmp(host, "localhost") == 0;
}

/* Whom a node follows, as it can be reached from here: its own host is not ours. */
static struct endpoint followed(const struct redis_info *info, const struct endpoint *at)
{
    struct endpoint ep = {.port = info->master_port};

    (void)str_copy(ep.host, sizeof(ep.host),
                   is_own_host(info->master_host) ? at->host : info->master_host);
    return ep;
}

/* Where our own acts lead is no way up. */
static bool leads_up(const struct spec *spec, const struct redis_info *info,
                     const struct endpoint *up)
{
    bool fence = info->master_port == FENCE_PORT && strcmp(info->master_host, FENCE_HOST) == 0;

    return info->role == REDIS_ROLE_REPLICA && !fence &&
           !endpoint_equal(up, &spec->target.endpoint) &&
           !endpoint_equal(up, &spec->target.reachable_as);
}

static bool go_to(struct observation *seen, const struct endpoint *primary, unsigned hops)
{
    bool changed = !endpoint_equal(&seen->primary, primary);

    seen->primary = *primary;
    seen->hops = hops;
    return changed;
}

/* The first node above the source: as the job file names it, or as the source does. */
static bool begin(const struct spec *spec, struct observation *seen, const struct endpoint *up)
{
    bool named = endpoint_is_set(&spec->source.primary.endpoint);

    seen->upstream = *up;
    return go_to(seen, named ? &spec->source.primary.endpoint : up, 1);
}

bool chain_follow(const struct spec *spec, const struct run *run, struct observation *seen)
{
    const struct seen_node *source = &seen->node[SIDE_SOURCE];
    const struct seen_node *primary = &seen->node[SIDE_PRIMARY];
    struct endpoint up;

    if (!source->reachable)
        return false;
    if (source->info.role != REDIS_ROLE_REPLICA) {
        seen->upstream = (struct endpoint){.port = 0};
        return go_to(seen, &seen->upstream, 0);
    }
    up = followed(&source->info, &run->source);
    if (!leads_up(spec, &source->info, &up))
        return false;
    if (endpoint_is_set(&seen->primary) && !endpoint_is_set(&seen->upstream))
        seen->upstream = up; /* it was found before a restart */
    if (!endpoint_is_set(&seen->primary) || !endpoint_equal(&seen->upstream, &up))
        return begin(spec, seen, &up);
    if (!primary->reachable)
        return seen->hops > 1 && primary->lost_ms > LOST_MS && begin(spec, seen, &up);
    up = followed(&primary->info, &seen->primary);
    if (seen->hops >= HOPS_MAX || !leads_up(spec, &primary->info, &up))
        return false;
    return go_to(seen, &up, seen->hops + 1);
}

const struct endpoint *chain_writer(const struct run *run, const struct observation *seen)
{
    return endpoint_is_set(&seen->primary) ? &seen->primary : &run->source;
}

bool chain_is_known(const struct observation *seen)
{
    return seen->node[seen->writer].reachable && seen->writer_is_primary;
}

bool chain_changed(const struct run *run, const struct observation *seen)
{
    return endpoint_is_set(&run->writer) && !endpoint_equal(&run->writer, chain_writer(run, seen));
}

void chain_resume(const struct run *run, struct observation *seen)
{
    if (endpoint_is_set(&run->writer) && !endpoint_equal(&run->writer, &run->source))
        (void)go_to(seen, &run->writer, 2); /* at least: it may be looked for anew */
}
