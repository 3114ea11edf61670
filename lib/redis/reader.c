/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hiredis allocates what a peer announces ("*1073741824") and buffers what it sends. Both are
 * bounded here: the first by standing in front of its object functions, the second by looking at
 * what it has not been able to parse yet.
 */
#include "lib/redis/reader.h"

#include <stdio.h>
#include <string.h>

#if HIREDIS_MAJOR < 1
#define ARRAY_SIZE_T int
#else
#define ARRAY_SIZE_T size_t
#endif

#define LENGTH_LINE_MAX 32 /* "$", a number, CRLF */

struct redis_reader {
    redisReader *inner;
    const redisReplyObjectFunctions *made_by; /* hiredis' own functions */
    redisReplyObjectFunctions checked;
    size_t bytes_max, elements_max;
    size_t bytes, elements; /* of the reply under way */
    struct err err;         /* the limit that was met */
};

static void *make_string(const redisReadTask *task, char *s, size_t len)
{
    struct redis_reader *r = task->privdata;

    if (len > r->bytes_max - r->bytes) {
        err_set(&r->err, ERR_LIMIT, "a reply is longer than %zu bytes", r->bytes_max);
        return NULL;
    }
    r->bytes += len;
    return r->made_by->createString(task, s, len);
}

static void *make_array(const redisReadTask *task, ARRAY_SIZE_T n)
{
    struct redis_reader *r = task->privdata;
    unsigned depth = 1;

    for (const redisReadTask *t = task->parent; t; t = t->parent)
        depth++;
    if (depth > REDIS_READER_DEPTH_MAX) {
        err_set(&r->err, ERR_LIMIT, "a reply is nested deeper than %d", REDIS_READER_DEPTH_MAX);
        return NULL;
    }
    if ((size_t)n > r->elements_max - r->elements) {
        err_set(&r->err, ERR_LIMIT, "a reply has more than %zu elements", r->elements_max);
        return NULL;
    }
    r->elements += (size_t)n;
    return r->made_by->createArray(task, n);
}

struct redis_reader *redis_reader_new(size_t bytes_max, size_t elements_max)
{
    struct redis_reader *r = xcalloc(1, sizeof(*r));

    r->bytes_max = bytes_max;
    r->elements_max = elements_max;
    r->inner = redisReaderCreate();
    if (!r->inner)
        abort();
    r->made_by = r->inner->fn;
    r->checked = *r->inner->fn;
    r->checked.createString = make_string;
    r->checked.createArray = make_array;
    r->inner->fn = &r->checked;
    r->inner->privdata = r;
    return r;
}

void redis_reader_free(struct redis_reader *r)
{
    if (!r)
        return;
    redisReaderFree(r->inner);
    free(r);
}

static int failed(struct redis_reader *r, struct err *err)
{
    const char *why = r->inner->errstr;

    if (r->err.code) {
        *err = r->err;
        return (int)err->code;
    }
    if (r->inner->err == REDIS_ERR_OOM)
        abort();
    if (strncmp(why, "Protocol error, ", 16) == 0)
        why += 16;
    return err_set(err, ERR_PROTOCOL, "does not speak the Redis protocol: %s", why);
}

int redis_reader_feed(struct redis_reader *r, const char *data, size_t len, struct err *err)
{
    return redisReaderFeed(r->inner, data, len) == REDIS_OK ? 0 : failed(r, err);
}

/*
 * What is left when no reply is complete is one unfinished item. If it is longer than a line may
 * be, it must be a string, and those begin with a short line that gives their length.
 */
static int check_unfinished(struct redis_reader *r, struct err *err)
{
    const redisReader *in = r->inner;
    size_t left = in->len - in->pos;

    if (left <= REDIS_READER_LINE_MAX)
        return 0;
    if (!memmem(in->buf + in->pos, LENGTH_LINE_MAX, "\r\n", 2))
        return err_set(err, ERR_LIMIT, "a line of a reply is longer than %u bytes",
                       REDIS_READER_LINE_MAX);
    if (left - LENGTH_LINE_MAX > r->bytes_max - r->bytes)
        return err_set(err, ERR_LIMIT, "a reply is longer than %zu bytes", r->bytes_max);
    return 0;
}

int redis_reader_next(struct redis_reader *r, redisReply **ret, struct err *err)
{
    void *reply;

    if (redisReaderGetReply(r->inner, &reply) != REDIS_OK)
        return failed(r, err);
    if (!reply && check_unfinished(r, err))
        return (int)err->code;
    if (reply)
        r->bytes = r->elements = 0;
    *ret = reply;
    return 0;
}

bool redis_reader_idle(const struct redis_reader *r)
{
    return r->inner->ridx == -1 && r->inner->pos == r->inner->len;
}
