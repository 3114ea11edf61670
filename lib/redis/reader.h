/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hiredis' reply parser with limits, for peers that are not to be trusted: bytes and elements of a
 * reply, depth, and the length of a line. Reports ERR_LIMIT and ERR_PROTOCOL; after an error it is
 * of no more use.
 */
#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "lib/base/base.h"
#include "lib/base/err.h"

#define REDIS_READER_DEPTH_MAX 7          /* arrays in arrays; hiredis before 1.0 ends there too */
#define REDIS_READER_LINE_MAX (16u << 10) /* a status, an error, a number */

struct redis_reader;

struct redis_reader *redis_reader_new(size_t bytes_max, size_t elements_max);
void redis_reader_free(struct redis_reader *reader);

/* Takes in bytes; then replies are asked for until there is none. */
int redis_reader_feed(struct redis_reader *reader, const char *data, size_t len,
                      struct err *err) must_check;
/* *ret is the next reply, the caller's to free with freeReplyObject(), or NULL when it is not
 * complete. */
int redis_reader_next(struct redis_reader *reader, redisReply **ret, struct err *err) must_check;

/* Holds no part of a reply. */
bool redis_reader_idle(const struct redis_reader *reader);
