/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/node/config_value.h"

#include <stdbool.h>

const char *config_value(const redisReply *reply)
{
    bool pairs = reply->type == REDIS_REPLY_ARRAY;

#ifdef REDIS_REPLY_MAP
    pairs = pairs || reply->type == REDIS_REPLY_MAP;
#endif
    if (!pairs || reply->elements < 2 || reply->element[1]->type != REDIS_REPLY_STRING)
        return NULL;
    return reply->element[1]->str;
}
