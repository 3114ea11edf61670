/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a handler does with a request: look at it, and answer it once. The answer may be given
 * inside the handler or at any later time; until then the connection rests. A client that goes away
 * meanwhile is noticed when the answer is written, so a handler need not care. Nor need it when the
 * server ends meanwhile and answers for it: what it says then is dropped.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/base.h"

struct http_request;
struct http_body;

/* All borrowed, valid until release. NULL where there is none. */
const char *http_request_param(const struct http_request *request, const char *name);
const char *http_request_header(const struct http_request *request, const char *name);
const char *http_request_query(const struct http_request *request, const char *key);
const json_t *http_request_body(const struct http_request *request); /* an object */
/* The bytes of the body, of a route of HTTP_BODY_RAW; never NULL. */
const char *http_request_data(const struct http_request *request, size_t *ret_len);
const char *http_request_method(const struct http_request *request);
const char *http_request_path(const struct http_request *request); /* decoded, without the query */

typedef void http_pair_fn(const char *name, const char *value, void *arg);
/* Each header, as it was sent, in order. */
void http_request_each_header(const struct http_request *request, http_pair_fn *fn, void *arg);
/* Each pair of the query, decoded; the value of one without "=" is "". */
void http_request_each_query(const struct http_request *request, http_pair_fn *fn, void *arg);

/* Who is at the other end. */
struct http_peer {
    bool is_unix; /* uid, gid and pid are known, and fd may be asked for more */
    uid_t uid;
    gid_t gid;
    pid_t pid;
    int fd; /* the connection's; borrowed */
};
void http_request_peer(const struct http_request *request, struct http_peer *ret);

/* Something that travels with the request, freed with it. */
void http_request_set_user(struct http_request *request, void *user, void (*free_user)(void *user));
void *http_request_user(const struct http_request *request);

/* What served() calls it from here on; static. */
void http_request_set_name(struct http_request *request, const char *name);

/* The first key of the query that is not in known (ended by NULL), that is there twice, or that has
 * no value; else NULL. */
const char *http_request_query_odd(const struct http_request *request, const char *const *known);

/* release(arg): called exactly once, when the request is over: answered, given up, or the server
 * ends. The request is gone then. */
void http_request_on_release(struct http_request *request, void (*release)(void *arg), void *arg);

/* A header of the answer that will be given; at most 8. Both are static. */
void http_request_add_header(struct http_request *request, const char *name, const char *value);
/* … whose value is copied. */
void http_request_copy_header(struct http_request *request, const char *name, const char *value);

/* body is taken over. */
void http_respond_json(struct http_request *request, unsigned status, json_t *body);
void http_respond_text(struct http_request *request, unsigned status, const char *content_type,
                       const char *text);
/* data is static. */
void http_respond_data(struct http_request *request, unsigned status, const char *content_type,
                       const void *data, size_t len);
/* {"error":{"code","message","hint"}}; hint may be NULL. */
void http_respond_error(struct http_request *request, unsigned status, const char *code,
                        const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/*
 * A long answer, made as the client takes it, so that it neither holds the loop up nor lies in
 * memory as a whole. fill appends the next portion, a few KiB at most; false: that was the last.
 */
typedef bool http_fill_fn(struct http_body *body, void *arg);
void http_body_append(struct http_body *body, const char *data, size_t len);
void http_respond_filled(struct http_request *request, unsigned status, const char *content_type,
                         http_fill_fn *fill, void *arg);
