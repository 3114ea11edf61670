/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/node/pair_private.h"

struct access pair_access(const struct pair *pair, enum node_side side,
                          const struct spec_auth *auth, uint64_t timeout_ms)
{
    const struct spec *spec = pair->spec;
    const struct access at[SIDE_MAX] = {
        [SIDE_SOURCE] = {&pair->run->source, &spec->source.auth, &spec->source.tls},
        [SIDE_TARGET] = {&spec->target.endpoint, &spec->target.auth, &spec->target.tls},
        [SIDE_PRIMARY] = {&pair->seen.primary, spec_primary_auth(spec), spec_primary_tls(spec)},
    };
    struct access access = at[side];

    if (auth)
        access.auth = auth;
    access.contexts = pair->contexts;
    access.timeout_ms = timeout_ms;
    return access;
}
