/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Which server can read the dump of which other, from product and version alone. Measured; see the
 * table of ecmigrate-checks(7). */
#include "lib/redis/info.h"

enum dump_verdict {
    DUMP_UNKNOWN, /* one of them is in no row */
    DUMP_READABLE,
    DUMP_RELAXED, /* with rdb-version-check relaxed at the reader */
    DUMP_UNREADABLE,
};

enum dump_verdict dump_verdict(const struct redis_info *writer, const struct redis_info *reader);
/* Fields of hashes may have an expiry of their own there. */
bool knows_field_ttl(const struct redis_info *info);
