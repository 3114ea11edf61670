/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The road that a node takes when it follows the other: where it leads to, and whether TLS is
 * spoken there. */
#include "daemon/core/observation.h"

/* Where the other node finds this one. */
struct endpoint road_to(const struct spec *spec, const struct run *run, enum node_side followed);

/* Whether that port speaks TLS. NOT_KNOWN: it is not the one that we use ourselves, nor one that
 * the node names. */
enum answer road_speaks_tls(const struct spec *spec, const struct run *run,
                            const struct observation *seen, enum node_side followed);
