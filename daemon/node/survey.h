/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The commands of a survey, and what is learnt from their answers. */
#include "daemon/core/survey.h"
#include "lib/redis/client.h"
#include "lib/redis/info.h"

/* Adds them to call, behind what is in it. info: what is known of the node. told: INFO everything
 * is in front of it, and its answer is the first of the survey's. */
void survey_ask(struct redis_call *call, const struct redis_info *info, bool told);
/* How many scripts have been run, alone: behind the first look at a node. */
void survey_ask_scripts(struct redis_call *call);
void survey_learn_scripts(struct survey *ret, const redisReply *reply);
/* How many commands it takes, and which answer is that to CLIENT LIST. */
unsigned survey_size(void);
const redisReply *survey_clients(redisReply *const *replies);
/* From the answers, of which the first is replies[0]. What a node refuses stays unknown.
 * instance: how the names of this daemon's connections end. */
void survey_learn(struct survey *ret, redisReply *const *replies, const char *instance);
