/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The body of a request: name=value&… (application/x-www-form-urlencoded), as the AWS clients write
 * it. A list is written as List.member.1.Field=…&List.member.2.Field=…, an empty one as List=.
 * Pure.
 */
#include <stddef.h>

#include "lib/base/base.h"
#include "lib/base/err.h"

#define QUERY_PAIRS_MAX 256
#define QUERY_NAME_MAX 255   /* bytes, decoded */
#define QUERY_VALUE_MAX 4096 /* bytes, decoded */
#define QUERY_MEMBERS_MAX 100

struct query {
    char *text; /* owned; names and values point into it */
    struct {
        const char *name, *value;
    } pairs[QUERY_PAIRS_MAX];
    unsigned n;
};

/* ERR_INVALID: bad %XX, NUL, malformed UTF-8, a pair without a name, a name that is there twice.
 * ERR_LIMIT: see above. */
int query_parse(const char *data, size_t len, struct query *ret, struct err *err) must_check;
void query_deinit(struct query *query);

/* NULL: there is none. */
const char *query_get(const struct query *query, const char *name);

/* How many members a list has; 0 also when it is not there at all. ERR_INVALID: it is no list, or
 * its numbers do not go 1, 2, … */
int query_members(const struct query *query, const char *list, unsigned *ret,
                  struct err *err) must_check;
/* Field of the n-th member, 1, 2, …; NULL: there is none. */
const char *query_member(const struct query *query, const char *list, unsigned n,
                         const char *field);
