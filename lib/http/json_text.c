/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson takes a function call for each token, and remembers each list it is in by a name in a
 * hash table so as to notice a circle. Answers are long lists of small objects, without circles.
 */
#include "lib/http/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"

#define NUMBER_MAX 40
#define ESCAPED_MAX 6 /* of one character: \u001F */
#define TEXT_MIN 4096

struct text {
    char *data;
    size_t len, size;
};

/* Where n more bytes may be written; text->len is left to the caller. */
static inline char *room(struct text *out, size_t n)
{
    if (out->size - out->len < n) {
        out->size = max_of(out->size * 2, out->len + n);
        out->data = xrealloc(out->data, out->size, 1);
    }
    return out->data + out->len;
}

static inline void put(struct text *out, const char *literal)
{
    size_t len = strlen(literal);

    memcpy(room(out, len), literal, len);
    out->len += len;
}

/* Returns what follows the character. */
static char *escape(char *to, unsigned char c)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* what it is, how it is written */

    *to++ = '\\';
    for (const char *s = shorts; *s; s += 2) {
        if ((unsigned char)s[0] == c) {
            *to++ = s[1];
            return to;
        }
    }
    return to + snprintf(to, ESCAPED_MAX, "u%04X", c);
}

static void put_string(struct text *out, const char *text, size_t len)
{
    char *to = room(out, len * ESCAPED_MAX + 3); /* and what snprintf() puts behind its last */

    *to++ = '"';
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            *to++ = (char)c;
        else
            to = escape(to, c);
    }
    *to++ = '"';
    out->len = (size_t)(to - out->data);
}

static void put_integer(struct text *out, const json_t *json)
{
    out->len += (size_t)snprintf(room(out, NUMBER_MAX), NUMBER_MAX, "%" JSON_INTEGER_FORMAT,
                                 json_integer_value(json));
}

static void put_real(struct text *out, const json_t *json)
{
    out->len += json_dumpb(json, room(out, NUMBER_MAX), NUMBER_MAX,
                           JSON_ENCODE_ANY | JSON_REAL_PRECISION(JSON_TEXT_DIGITS));
}

static void put_value(struct text *out, const json_t *json);

static void put_object(struct text *out, json_t *json)
{
    const char *between = "{";

    for (void *i = json_object_iter(json); i; i = json_object_iter_next(json, i)) {
        const char *key = json_object_iter_key(i);

        put(out, between);
        put_string(out, key, strlen(key));
        put(out, ":");
        put_value(out, json_object_iter_value(i));
        between = ",";
    }
    if (json_object_size(json) == 0)
        put(out, "{");
    put(out, "}");
}

static void put_array(struct text *out, const json_t *json)
{
    put(out, "[");
    for (size_t i = 0; i < json_array_size(json); i++) {
        if (i > 0)
            put(out, ",");
        put_value(out, json_array_get(json, i));
    }
    put(out, "]");
}

static void put_value(struct text *out, const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        put_object(out, (json_t *)(uintptr_t)json); /* only its iterators want it so */
        break;
    case JSON_ARRAY:
        put_array(out, json);
        break;
    case JSON_STRING:
        put_string(out, json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER:
        put_integer(out, json);
        break;
    case JSON_REAL:
        put_real(out, json);
        break;
    case JSON_TRUE:
        put(out, "true");
        break;
    case JSON_FALSE:
        put(out, "false");
        break;
    case JSON_NULL:
        put(out, "null");
        break;
    }
}

char *json_text(const json_t *json, size_t *ret_len)
{
    struct text out = {.data = xmalloc(TEXT_MIN), .size = TEXT_MIN};

    put_value(&out, json);
    *room(&out, 1) = '\0';
    if (ret_len)
        *ret_len = out.len;
    return out.data;
}
