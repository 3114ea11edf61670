/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SELECT, DBSIZE and one step of SCAN, in each of some databases. A step of this size holds a
 * server for a millisecond or two.
 */
#include "daemon/node/sample.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"

#define STEP "5000" /* keys of a database */
#define STEP_KEYS INT64_C(5000)
#define DATABASES_MAX 4
#define COMMANDS 3 /* for each */

bool sample_is_wanted(const struct facts *source, const struct facts *target)
{
    return !source->sample_tried && source->commands_known && target->commands_known &&
           facts_have_command(source, "vadd") && !facts_have_command(target, "vadd");
}

void sample_ask(struct redis_call *call, const struct redis_info *info)
{
    char number[8];

    for (unsigned db = 0, n = 0; db < 64 && n < DATABASES_MAX; db++) {
        if (!(info->database_bits & UINT64_C(1) << db))
            continue;
        snprintf(number, sizeof(number), "%u", db);
        redis_call_addv(call, "SELECT", number);
        redis_call_addv(call, "DBSIZE");
        redis_call_addv(call, "SCAN", "0", "COUNT", STEP, "TYPE", "vectorset");
        n++;
    }
    if (call->n == 0)
        redis_call_addv(call, "PING");
}

/* Names of keys go to people: what is no plain text is left out. */
static void keep_key(struct facts *facts, const redisReply *key)
{
    if (key->type != REDIS_REPLY_STRING || facts->sample_key[0])
        return;
    for (size_t i = 0; i < key->len; i++)
        if (key->str[i] < ' ' || key->str[i] > '~')
            return;
    (void)str_copy(facts->sample_key, sizeof(facts->sample_key), key->str);
}

void sample_learn(struct facts *facts, const struct redis_call *call)
{
    for (unsigned i = 0; i + COMMANDS <= call->n; i += COMMANDS) {
        const redisReply *selected = call->replies[i], *size = call->replies[i + 1];
        const redisReply *scan = call->replies[i + 2];

        if (selected->type != REDIS_REPLY_STATUS || size->type != REDIS_REPLY_INTEGER ||
            scan->type != REDIS_REPLY_ARRAY || scan->elements != 2 ||
            scan->element[1]->type != REDIS_REPLY_ARRAY)
            return; /* not allowed to, or something else: it is not known then */
        facts->sample_keys += min_of(max_of((int64_t)size->integer, INT64_C(0)), STEP_KEYS);
        facts->sample_vector_sets += (int64_t)scan->element[1]->elements;
        for (size_t k = 0; k < scan->element[1]->elements; k++)
            keep_key(facts, scan->element[1]->element[k]);
    }
    facts->sampled = true;
}
