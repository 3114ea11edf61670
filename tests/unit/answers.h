/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Answers of a node, without the node: as they come over the wire, through hiredis. */
#include <hiredis/hiredis.h>

#include "lib/redis/client.h"

#define ANSWERS_MAX REDIS_CALL_COMMANDS_MAX

struct answers {
    redisReply *replies[ANSWERS_MAX]; /* owned; NULL: none given */
};

/* The whole of one answer in text ("*1\r\n$2\r\nhi\r\n"); fails the test when it is none. */
redisReply *answer(const char *text);
/* A string, and an array of strings, ended by NULL. */
redisReply *answer_text(const char *text);
redisReply *answer_list(const char *const *words);
#define ANSWER_LIST(...) answer_list((const char *const[]){__VA_ARGS__, NULL})

/* Number i is what comes now: an earlier one is freed. */
void answers_put(struct answers *a, unsigned i, redisReply *reply);
void answers_clear(struct answers *a);
