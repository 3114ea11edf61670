/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/answers.h"

#include <string.h>

#include "lib/base/base.h"
#include "tests/unit/fixture.h"

redisReply *answer(const char *text)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;

    assert_non_null(reader);
    assert_int_equal(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    redisReaderFree(reader);
    return reply;
}

redisReply *answer_text(const char *text)
{
    char *wire = xasprintf("$%zu\r\n%s\r\n", strlen(text), text);
    redisReply *reply = answer(wire);

    free(wire);
    return reply;
}

redisReply *answer_list(const char *const *words)
{
    char *wire = xstrdup(""), *whole;
    redisReply *reply;
    size_t n = 0;

    for (; words[n]; n++) {
        whole = xasprintf("%s$%zu\r\n%s\r\n", wire, strlen(words[n]), words[n]);
        free(wire);
        wire = whole;
    }
    whole = xasprintf("*%zu\r\n%s", n, wire);
    reply = answer(whole);
    free(wire);
    free(whole);
    return reply;
}

void answers_put(struct answers *a, unsigned i, redisReply *reply)
{
    assert_true(i < ANSWERS_MAX);
    if (a->replies[i])
        freeReplyObject(a->replies[i]);
    a->replies[i] = reply;
}

void answers_clear(struct answers *a)
{
    for (unsigned i = 0; i < ANSWERS_MAX; i++)
        answers_put(a, i, NULL);
}
