/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the files of this directory share. */
#include "lib/aws/sigv4.h"

/* Fills *err and returns result. */
enum sigv4_result sigv4_refuse(struct err *err, enum sigv4_result result, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The value of the one header of that name; NULL: there is none. *ret_many: there are several. */
const char *sigv4_header(const struct sigv4_request *request, const char *name, bool *ret_many);

/* The next name of a list of signed headers; advances *list, NULL at the end. Not terminated. */
const char *sigv4_next_signed(const char **list, size_t *ret_len);

#define SIGV4_TIME_LEN 16 /* "20150830T123600Z" */
/* When the request says it was signed. */
enum sigv4_result sigv4_request_time(const struct sigv4_request *request,
                                     char ret_text[SIGV4_TIME_LEN + 1], int64_t *ret_s,
                                     struct err *err) must_check;

/* Of the canonical form of the request. body_hash: in hex. */
void sigv4_hash_request(const struct sigv4 *sigv4, const struct sigv4_request *request,
                        const char *body_hash, unsigned char ret[SIGV4_HASH_LEN]);

#define SIGV4_HEX_LEN ((size_t)2 * SIGV4_HASH_LEN)
const char *sigv4_hex(const unsigned char hash[SIGV4_HASH_LEN], char buf[SIGV4_HEX_LEN + 1]);
