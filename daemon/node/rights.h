/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a user may do, found out by commands that do nothing, on all versions alike. */
#include "daemon/node/facts.h"

/* What an answer says of the right to ask. */
enum right_state rights_judge(const redisReply *reply);

void rights_ask(struct redis_call *call, const struct facts_question *question);
/* From the answers to those, of which the first is replies[0]. */
void rights_learn(struct facts *facts, redisReply *const *replies,
                  const struct facts_question *question);
