/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Authorization header and the date, strictly:
 *
 *   AWS4-HMAC-SHA256 Credential=KEY/20150830/REGION/SERVICE/aws4_request,
 *   SignedHeaders=host;x-amz-date, Signature=64 hex digits
 */
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

#include "lib/aws/private.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define TERMINATOR "aws4_request"
#define PIECE_MAX 4096

enum sigv4_result sigv4_refuse(struct err *err, enum sigv4_result result, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    err_vset(err, ERR_AUTH, fmt, ap);
    va_end(ap);
    return result;
}

const char *sigv4_header(const struct sigv4_request *request, const char *name, bool *ret_many)
{
    const char *found = NULL;

    *ret_many = false;
    for (size_t i = 0; i < request->n_headers; i++) {
        if (strcasecmp(request->headers[i].name, name) != 0)
            continue;
        *ret_many = found != NULL;
        if (found)
            break;
        found = request->headers[i].value;
    }
    return found;
}

const char *sigv4_next_signed(const char **list, size_t *ret_len)
{
    const char *name = *list;

    if (!name)
        return NULL;
    *ret_len = strcspn(name, ";");
    *list = name[*ret_len] ? name + *ret_len + 1 : NULL;
    return name;
}

/* --- characters --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_scope_char(char c)
{
    return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static bool is_key_char(char c)
{
    return c > ' ' && c < 0x7f && c != '/' && c != ',';
}

static bool is_header_char(char c)
{
    return is_digit(c) || is_lower(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Copies text if it has 1 to size - 1 characters, and all of them are good. */
static bool copy_checked(char *dst, size_t size, const char *text, size_t len, bool (*good)(char c))
{
    if (len == 0 || len >= size)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!good(text[i]))
            return false;
    }
    memcpy(dst, text, len);
    dst[len] = '\0';
    return true;
}

/* --- the pieces --- */

static bool parse_credential(const char *text, size_t len, struct sigv4 *ret)
{
    struct {
        char *dst;
        size_t size;
        bool (*good)(char c);
    } parts[] = {
        {ret->key_id, sizeof(ret->key_id), is_key_char},
        {ret->date, sizeof(ret->date), is_digit},
        {ret->region, sizeof(ret->region), is_scope_char},
        {ret->service, sizeof(ret->service), is_scope_char},
    };

    for (size_t i = 0; i < array_len(parts); i++) {
        const char *slash = memchr(text, '/', len);
        size_t part = slash ? (size_t)(slash - text) : len;

        if (!slash || !copy_checked(parts[i].dst, parts[i].size, text, part, parts[i].good))
            return false;
        text += part + 1;
        len -= part + 1;
    }
    return strlen(ret->date) == 8 && len == strlen(TERMINATOR) &&
           memcmp(text, TERMINATOR, len) == 0;
}

/* Not empty, each one once, in order. */
static bool names_are_sorted(const char *list)
{
    const char *name, *before = NULL;
    size_t len, before_len = 0;

    while ((name = sigv4_next_signed(&list, &len))) {
        size_t common = min_of(len, before_len);
        int order = before ? memcmp(before, name, common) : -1;

        if (len == 0 || order > 0 || (order == 0 && before_len >= len))
            return false;
        before = name;
        before_len = len;
    }
    return true;
}

static bool is_list_char(char c)
{
    return c == ';' || is_header_char(c);
}

static bool parse_signed_headers(const char *text, size_t len, struct sigv4 *ret)
{
    return copy_checked(ret->signed_headers, sizeof(ret->signed_headers), text, len,
                        is_list_char) &&
           names_are_sorted(ret->signed_headers);
}

static int hex_value(char c)
{
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_signature(const char *text, size_t len, struct sigv4 *ret)
{
    if (len != SIGV4_HEX_LEN)
        return false;
    for (size_t i = 0; i < SIGV4_HASH_LEN; i++) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        ret->signature[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static const struct piece {
    const char *name;
    bool (*parse)(const char *text, size_t len, struct sigv4 *ret);
} pieces[] = {
    {"Credential", parse_credential},
    {"SignedHeaders", parse_signed_headers},
    {"Signature", parse_signature},
};

/* --- the header --- */

static enum sigv4_result parse_piece(const char *text, size_t len, bool seen[array_len(pieces)],
                                     struct sigv4 *ret, struct err *err)
{
    for (size_t i = 0; i < array_len(pieces); i++) {
        size_t name = strlen(pieces[i].name);

        if (len <= name || text[name] != '=' || memcmp(text, pieces[i].name, name) != 0)
            continue;
        if (seen[i])
            return sigv4_refuse(err, SIGV4_MALFORMED, "the Authorization header has '%s' twice",
                                pieces[i].name);
        seen[i] = true;
        if (pieces[i].parse(text + name + 1, len - name - 1, ret))
            return SIGV4_OK;
        return sigv4_refuse(err, SIGV4_MALFORMED,
                            "the '%s' of the Authorization header is not valid", pieces[i].name);
    }
    return sigv4_refuse(err, SIGV4_MALFORMED,
                        "the Authorization header has something else in it than Credential, "
                        "SignedHeaders and Signature");
}

static enum sigv4_result parse_pieces(const char *text, struct sigv4 *ret, struct err *err)
{
    bool seen[array_len(pieces)] = {false};
    enum sigv4_result result;

    for (bool more = true; more;) {
        size_t len, end = strcspn(text += strspn(text, " "), ",");

        for (len = end; len > 0 && text[len - 1] == ' ';)
            len--;
        if (len > PIECE_MAX)
            return sigv4_refuse(err, SIGV4_MALFORMED, "the Authorization header is too long");
        result = parse_piece(text, len, seen, ret, err);
        if (result != SIGV4_OK)
            return result;
        more = text[end] == ',';
        text += end + more;
    }
    for (size_t i = 0; i < array_len(pieces); i++) {
        if (!seen[i])
            return sigv4_refuse(err, SIGV4_MALFORMED, "the Authorization header has no '%s'",
                                pieces[i].name);
    }
    return SIGV4_OK;
}

static bool is_signed(const struct sigv4 *sigv4, const char *header)
{
    const char *list = sigv4->signed_headers, *name;
    size_t len;

    while ((name = sigv4_next_signed(&list, &len))) {
        if (len == strlen(header) && memcmp(name, header, len) == 0)
            return true;
    }
    return false;
}

enum sigv4_result sigv4_parse(const struct sigv4_request *request, struct sigv4 *ret,
                              struct err *err)
{
    struct sigv4 sigv4 = {.key_id = ""};
    enum sigv4_result result;
    size_t algorithm = strlen(ALGORITHM);
    const char *text, *date;
    bool many;

    text = sigv4_header(request, "authorization", &many);
    if (!text)
        return sigv4_refuse(err, SIGV4_MISSING,
                            "the request is not signed: it has no "
                            "Authorization header");
    if (many)
        return sigv4_refuse(err, SIGV4_MALFORMED, "the request has two Authorization headers");
    if (strncmp(text, ALGORITHM, algorithm) != 0 || text[algorithm] != ' ')
        return sigv4_refuse(err, SIGV4_MALFORMED,
                            "the Authorization header does not begin with " ALGORITHM);
    result = parse_pieces(text + algorithm, &sigv4, err);
    if (result != SIGV4_OK)
        return result;
    date = sigv4_header(request, "x-amz-date", &many) ? "x-amz-date" : "date";
    if (!is_signed(&sigv4, "host") || !is_signed(&sigv4, date))
        return sigv4_refuse(err, SIGV4_MALFORMED,
                            "the signed headers must include 'host' and 'x-amz-date'");
    *ret = sigv4;
    return SIGV4_OK;
}

/* --- the date --- */

static bool format_time(int64_t time_s, char text[SIGV4_TIME_LEN + 1])
{
    time_t t = (time_t)time_s;
    struct tm tm;

    return gmtime_r(&t, &tm) && strftime(text, SIGV4_TIME_LEN + 1, "%Y%m%dT%H%M%SZ", &tm) > 0;
}

/* "20150830T123600Z" */
static bool parse_basic(const char *text, int64_t *ret)
{
    static const char shape[] = "dddddddd"
                                "Tdddddd"
                                "Z";
    char again[SIGV4_TIME_LEN + 1];
    struct tm tm = {0};

    if (strlen(text) != SIGV4_TIME_LEN)
        return false;
    for (size_t i = 0; i < SIGV4_TIME_LEN; i++) {
        if (shape[i] == 'd' ? !is_digit(text[i]) : text[i] != shape[i])
            return false;
    }
    if (!strptime(text, "%Y%m%dT%H%M%SZ", &tm))
        return false;
    *ret = (int64_t)timegm(&tm);
    /* There is no 31st of February, and no second 60 that a clock would show. */
    return format_time(*ret, again) && strcmp(text, again) == 0;
}

/* "Sun, 30 Aug 2015 12:36:00 GMT" */
static bool parse_http_date(const char *text, int64_t *ret)
{
    static const char *const zones[] = {" GMT", " UTC", " +0000", " -0000"};
    struct tm tm = {0};
    const char *rest = strptime(text, "%a, %d %b %Y %H:%M:%S", &tm);

    for (size_t i = 0; rest && i < array_len(zones); i++) {
        if (strcmp(rest, zones[i]) != 0)
            continue;
        *ret = (int64_t)timegm(&tm);
        return *ret >= 0;
    }
    return false;
}

enum sigv4_result sigv4_request_time(const struct sigv4_request *request,
                                     char ret_text[SIGV4_TIME_LEN + 1], int64_t *ret_s,
                                     struct err *err)
{
    bool many, good;
    const char *text = sigv4_header(request, "x-amz-date", &many);
    int64_t time_s = 0;

    if (text) {
        good = parse_basic(text, &time_s);
    } else {
        text = sigv4_header(request, "date", &many);
        if (!text)
            return sigv4_refuse(err, SIGV4_NO_DATE, "the request has no X-Amz-Date header");
        good = parse_http_date(text, &time_s) || parse_basic(text, &time_s);
    }
    if (!good || many || !format_time(time_s, ret_text))
        return sigv4_refuse(err, SIGV4_NO_DATE,
                            "the date of the request is not valid; it is expected as in "
                            "X-Amz-Date: 20150830T123600Z");
    *ret_s = time_s;
    return SIGV4_OK;
}
