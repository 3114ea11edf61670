/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/node/config_value.h"

#include <stdbool.h>
#include <string.h>

/* Name and value by turns. */
static bool is_pairs(const redisReply *reply)
{
    bool pairs = reply->type == REDIS_REPLY_ARRAY;

#ifdef REDIS_REPLY_MAP
    pairs = pairs || reply->type == REDIS_REPLY_MAP;
#endif
    return pairs;
}

static const char *text_at(const redisReply *reply, size_t i)
{
    return reply->element[i]->type == REDIS_REPLY_STRING ? reply->element[i]->str : NULL;
}

const char *config_value(const redisReply *reply)
{
    return is_pairs(reply) && reply->elements >= 2 ? text_at(reply, 1) : NULL;
}

const char *config_value_of(const redisReply *reply, const char *name)
{
    if (!is_pairs(reply))
        return NULL;
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        const char *key = text_at(reply, i);

        if (key && strcmp(key, name) == 0)
            return text_at(reply, i + 1);
    }
    return NULL;
}
