/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/dump.h"

#include <string.h>

#include "lib/base/base.h"

/* From this version on a product writes dumps of this format, and reads those up to it. */
static const struct format_row {
    const char *product;
    unsigned since;
    unsigned format;
} formats[] = {
    {"redis", 20800, 6},   {"redis", 30200, 7},  {"redis", 40000, 8},  {"redis", 50000, 9},
    {"redis", 70000, 10},  {"redis", 70200, 11}, {"redis", 70400, 12}, {"redict", 70300, 12},
    {"valkey", 70200, 11}, {"keydb", 1, 9},
};

/* Formats that Valkey takes for another product's. */
#define FOREIGN_FIRST 12
#define RELAXED_SINCE 90000 /* Valkey: then it reads them all the same */
#define FIELD_TTL_REDIS 70400
#define FIELD_TTL_VALKEY 90000

/* 0: not known. */
static unsigned format_of(const struct redis_info *info)
{
    unsigned format = 0;

    for (size_t i = 0; i < array_len(formats); i++)
        if (strcmp(formats[i].product, info->product) == 0 && info->version_num >= formats[i].since)
            format = formats[i].format;
    return format;
}

static bool is(const struct redis_info *info, const char *product)
{
    return strcmp(info->product, product) == 0;
}

enum dump_verdict dump_verdict(const struct redis_info *writer, const struct redis_info *reader)
{
    unsigned written = format_of(writer), read = format_of(reader);

    if (written == 0 || read == 0)
        return DUMP_UNKNOWN;
    if (written <= read)
        return DUMP_READABLE;
    return is(reader, "valkey") && reader->version_num >= RELAXED_SINCE && written >= FOREIGN_FIRST
               ? DUMP_RELAXED
               : DUMP_UNREADABLE;
}

bool knows_field_ttl(const struct redis_info *info)
{
    return (is(info, "redis") && info->version_num >= FIELD_TTL_REDIS) ||
           (is(info, "valkey") && info->version_num >= FIELD_TTL_VALKEY);
}
