/* SPDX-License-Identifier: Apache-2.0 */
/* Single values: from a text to the field of a struct. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/suggest.h"
#include "lib/base/units.h"
#include "lib/net/endpoint.h"
#include "lib/yaml/schema.h"

#define WORDS_MAX 96
#define WORDS_SHOWN 16 /* more are in the manual */

static int parse_number(const char *text, uint64_t *ret, struct err *err)
{
    char *end;

    errno = 0;
    if (*text >= '0' && *text <= '9') {
        uint64_t n = strtoull(text, &end, 10);

        if (!*end && !errno) {
            *ret = n;
            return 0;
        }
        if (!*end)
            return err_set(err, ERR_LIMIT, "%.24s… is too large", text);
    }
    return err_set(err, ERR_INVALID, "'%.40s' is not a whole number", text);
}

static int parse_quantity(const struct schema_row *row, const char *text, uint64_t *ret,
                          struct err *err)
{
    if (row->type == SCHEMA_DURATION)
        return duration_parse(text, ret, err);
    if (row->type == SCHEMA_SIZE)
        return size_parse(text, ret, err);
    return parse_number(text, ret, err);
}

/* A limit, in the spelling of the row. */
static const char *format_quantity(const struct schema_row *row, uint64_t value,
                                   char buf[UNITS_STR_MAX])
{
    if (row->type == SCHEMA_DURATION)
        return duration_format(value, buf);
    if (row->type == SCHEMA_SIZE)
        return size_format(value, buf);
    snprintf(buf, UNITS_STR_MAX, "%" PRIu64, value);
    return buf;
}

static void store_number(const struct schema_row *row, uint64_t value, void *base)
{
    void *field = (char *)base + row->offset;

    if (row->size == sizeof(bool))
        *(bool *)field = value != 0;
    else if (row->size == sizeof(uint64_t))
        *(uint64_t *)field = value;
    else
        *(unsigned *)field = (unsigned)value; /* an enum, too */
}

static int set_quantity(const struct schema_row *row, const char *text, void *base, struct err *err)
{
    char min[UNITS_STR_MAX], max[UNITS_STR_MAX];
    uint64_t limit = row->max ? row->max : row->size == sizeof(unsigned) ? UINT32_MAX : UINT64_MAX;
    uint64_t value = 0;

    if (parse_quantity(row, text, &value, err))
        return (int)err->code;
    if (value < row->min || value > limit)
        return err_set(err, ERR_LIMIT, "%.40s is outside %s..%s", text,
                       format_quantity(row, row->min, min), format_quantity(row, limit, max));
    store_number(row, value, base);
    return 0;
}

static int set_bool(const struct schema_row *row, const char *text, void *base, struct err *err)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return err_set(err, ERR_INVALID, "'%.40s' is neither true nor false", text);
    store_number(row, text[0] == 't', base);
    return 0;
}

static int set_word(const struct schema_row *row, const char *text, void *base, struct err *err)
{
    size_t n = 0, len = 0;
    char known[160] = "";
    const char *nearest;

    for (n = 0; row->words[n]; n++) {
        assert(n < WORDS_MAX);
        if (strcmp(row->words[n], text) == 0) {
            store_number(row, n, base);
            return 0;
        }
        if (len < sizeof(known))
            len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", n ? ", " : "",
                                    row->words[n]);
    }
    nearest = suggest(text, row->words, n);
    if (n > WORDS_SHOWN)
        str_copy(known, sizeof(known), "the words known here");
    if (nearest)
        return err_set(err, ERR_INVALID, "'%.40s' is none of %s; did you mean '%s'?", text, known,
                       nearest);
    return err_set(err, ERR_INVALID, "'%.40s' is none of %s", text, known);
}

static bool has_control(const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

/* No message repeats the text: it may be a secret, or long. */
static int set_string(const struct schema_row *row, const char *text, void *base, struct err *err)
{
    char **field = (char **)(void *)((char *)base + row->offset);
    size_t len = strlen(text), max = row->max ? row->max : SCHEMA_STRING_MAX;

    if (len == 0 && row->min > 0)
        return err_set(err, ERR_INVALID, "'%s' is empty", row->key);
    if (len < row->min || len > max)
        return err_set(err, ERR_LIMIT, "'%s' has %zu bytes, which is outside %" PRIu64 "..%zu",
                       row->key, len, row->min, max);
    if (!(row->flags & SCHEMA_SECRET) && has_control(text))
        return err_set(err, ERR_INVALID, "'%s' has a control character in it", row->key);
    secret_free(*field);
    *field = xstrdup(text);
    return 0;
}

static int set_name(const struct schema_row *row, const char *text, void *base, struct err *err)
{
    char *field = (char *)base + row->offset;
    const char *p = text;

    if (*p < 'a' || *p > 'z')
        return err_set(err, ERR_INVALID, "'%.60s' does not begin with a letter a-z", text);
    while ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-')
        p++;
    if (*p)
        return err_set(err, ERR_INVALID,
                       "'%.60s' may hold lower-case letters, digits and hyphens only", text);
    if (strlen(text) >= row->size)
        return err_set(err, ERR_INVALID, "'%.60s' has more than %zu characters", text,
                       row->size - 1);
    memset(field, 0, row->size);
    str_copy(field, row->size, text);
    return 0;
}

int schema_set(const struct schema_row *row, const char *text, void *base, struct err *err)
{
    switch (row->type) {
    case SCHEMA_BOOL:
        return set_bool(row, text, base, err);
    case SCHEMA_INT:
    case SCHEMA_SIZE:
    case SCHEMA_DURATION:
        return set_quantity(row, text, base, err);
    case SCHEMA_ENUM:
        return set_word(row, text, base, err);
    case SCHEMA_STRING:
        return set_string(row, text, base, err);
    case SCHEMA_NAME:
        return set_name(row, text, base, err);
    case SCHEMA_ENDPOINT:
        return endpoint_parse(text, (struct endpoint *)(void *)((char *)base + row->offset), err);
    case SCHEMA_MAP:
    case SCHEMA_LIST:
    case SCHEMA_TYPE_MAX:
        break;
    }
    return err_set(err, ERR_INVALID, "'%s' is not a single value", row->key);
}

const char *schema_type_code(enum schema_type type)
{
    switch (type) {
    case SCHEMA_BOOL:
        return "bad-bool";
    case SCHEMA_INT:
        return "bad-number";
    case SCHEMA_SIZE:
        return "bad-size";
    case SCHEMA_DURATION:
        return "bad-duration";
    case SCHEMA_ENUM:
    case SCHEMA_STRING:
        return "bad-value";
    case SCHEMA_NAME:
        return "bad-name";
    case SCHEMA_ENDPOINT:
        return "bad-endpoint";
    case SCHEMA_MAP:
    case SCHEMA_LIST:
    case SCHEMA_TYPE_MAX:
        break;
    }
    return "wrong-type";
}
