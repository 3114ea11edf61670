/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/road.h"

struct endpoint road_to(const struct spec *spec, const struct run *run, enum node_side followed)
{
    return followed == SIDE_SOURCE ? run_source_for_target(spec, run) : spec->target.reachable_as;
}

enum answer road_speaks_tls(const struct spec *spec, const struct run *run,
                            const struct observation *seen, enum node_side followed)
{
    bool source = followed == SIDE_SOURCE;
    const struct seen_node *node = &seen->node[followed];
    const struct endpoint named = road_to(spec, run, followed);
    const struct endpoint *own = source ? &run->source : &spec->target.endpoint;
    bool own_tls = source ? spec->source.tls.enabled : spec->target.tls.enabled;

    if (endpoint_equal(&named, own))
        return own_tls ? YES : NO;
    if (node->tls_port > 0 && node->tls_port == (int64_t)named.port)
        return YES;
    /* Behind an address of another network there is, as a rule, the port that we use. */
    if (own_tls)
        return named.port != own->port && named.port == node->info.tcp_port ? NO : YES;
    return NOT_KNOWN;
}
