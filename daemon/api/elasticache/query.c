/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/elasticache/query.h"

#include <stdio.h>

#include "lib/base/utf8.h"

/* --- decoding --- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes the len bytes at text where they are, and ends them with a NUL. There must be room for
 * that: one byte is, where the separator was. */
static int decode(char *text, size_t len, struct err *err)
{
    uint32_t code;
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == '%') {
            int high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = len - i > 2 ? hex_digit(text[i + 2]) : -1;

            if (high < 0 || low < 0)
                return err_set(err, ERR_INVALID, "a %% is not followed by two hexadecimal digits");
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        if (c == '\0')
            return err_set(err, ERR_INVALID, "there is a NUL in it");
        text[n++] = c;
    }
    text[n] = '\0';
    while (*text) {
        unsigned size = utf8_char(text, &code);

        if (size == 0)
            return err_set(err, ERR_INVALID, "it is not UTF-8");
        text += size;
    }
    return 0;
}

static int add_pair(struct query *query, char *text, size_t len, struct err *err)
{
    char *equals = memchr(text, '=', len);
    size_t name_len = equals ? (size_t)(equals - text) : len;
    char *value = text + name_len + (equals ? 1 : 0);

    if (query->n == QUERY_PAIRS_MAX)
        return err_set(err, ERR_LIMIT, "there are more than %d parameters", QUERY_PAIRS_MAX);
    /* The value first: without one, the end of the name is where both end. */
    if (decode(value, len - (size_t)(value - text), err) || decode(text, name_len, err))
        return err->code;
    if (!*text)
        return err_set(err, ERR_INVALID, "a parameter has no name");
    if (strlen(text) > QUERY_NAME_MAX || strlen(value) > QUERY_VALUE_MAX)
        return err_set(err, ERR_LIMIT, "'%.40s' is too long: names have up to %d bytes, values %d",
                       text, QUERY_NAME_MAX, QUERY_VALUE_MAX);
    if (query_get(query, text))
        return err_set(err, ERR_INVALID, "'%.40s' is there twice", text);
    query->pairs[query->n].name = text;
    query->pairs[query->n++].value = value;
    return 0;
}

int query_parse(const char *data, size_t len, struct query *ret, struct err *err)
{
    struct query query = {.text = xmalloc(len + 1)};
    char *p = query.text, *end = query.text + len;

    memcpy(query.text, data, len);
    *end = '\0';
    while (p < end) {
        char *and = memchr(p, '&', (size_t)(end - p));
        size_t pair_len = (size_t)((and? and : end) - p);

        if (pair_len > 0 && add_pair(&query, p, pair_len, err)) {
            free(query.text);
            return err->code;
        }
        p += pair_len + 1;
    }
    *ret = query;
    return 0;
}

void query_deinit(struct query *query)
{
    free(take(query->text));
    query->n = 0;
}

/* --- looking at it --- */

const char *query_get(const struct query *query, const char *name)
{
    for (unsigned i = 0; i < query->n; i++)
        if (strcmp(query->pairs[i].name, name) == 0)
            return query->pairs[i].value;
    return NULL;
}

/* The N of ".member.N" or ".member.N.Field"; 0: it is none. */
static unsigned member_number(const char *rest)
{
    static const char prefix[] = ".member.";
    unsigned n = 0;

    if (strncmp(rest, prefix, sizeof(prefix) - 1) != 0)
        return 0;
    rest += sizeof(prefix) - 1;
    if (*rest == '0')
        return 0;
    for (; *rest >= '0' && *rest <= '9' && n <= QUERY_MEMBERS_MAX; rest++)
        n = n * 10 + (unsigned)(*rest - '0');
    return (*rest == '\0' || *rest == '.') && n <= QUERY_MEMBERS_MAX ? n : 0;
}

int query_members(const struct query *query, const char *list, unsigned *ret, struct err *err)
{
    bool there[QUERY_MEMBERS_MAX + 1] = {false};
    size_t list_len = strlen(list);
    unsigned highest = 0;

    for (unsigned i = 0; i < query->n; i++) {
        const char *rest = query->pairs[i].name + list_len;
        bool empty = !*query->pairs[i].value;
        unsigned n;

        if (strncmp(query->pairs[i].name, list, list_len) != 0 || (*rest && *rest != '.') ||
            (!*rest && empty))
            continue;
        n = member_number(rest);
        if (n == 0)
            return err_set(err, ERR_INVALID, "%s is a list; '%.80s' is no member of it", list,
                           query->pairs[i].name);
        there[n] = true;
        highest = max_of(highest, n);
    }
    for (unsigned n = 1; n <= highest; n++)
        if (!there[n])
            return err_set(err, ERR_INVALID, "%s has a member %u but no member %u", list, highest,
                           n);
    *ret = highest;
    return 0;
}

const char *query_member(const struct query *query, const char *list, unsigned n, const char *field)
{
    char name[QUERY_NAME_MAX + 1];
    int len = snprintf(name, sizeof(name), "%s.member.%u.%s", list, n, field);

    return len > 0 && (size_t)len < sizeof(name) ? query_get(query, name) : NULL;
}
