/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "lib/base/base.h"
#include "lib/base/utf8.h"

/* Characters that change how the rest of the line is shown. */
static bool is_trick(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           c >= 0xe0000;
}

static int put_escape(char *dst, size_t size, uint32_t c)
{
    if (c == '\n' || c == '\t' || c == '\r')
        return snprintf(dst, size, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
    if (c < 0x80)
        return snprintf(dst, size, "\\x%02x", (unsigned)c);
    return snprintf(dst, size, c > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)c);
}

char *text_clean(const char *s, size_t n, bool ascii)
{
    size_t size = n * 10 + 11, used = 0; /* one escape takes at most 10 bytes */
    char *out = xmalloc(size);

    for (size_t i = 0; i < n;) {
        uint32_t c;
        unsigned len = utf8_char(s + i, &c);

        if (len == 0) {
            used += (size_t)snprintf(out + used, size - used, "\\x%02x", (unsigned char)s[i]);
            len = 1;
        } else if (is_trick(c) || (ascii && c >= 0x80)) {
            used += (size_t)put_escape(out + used, size - used, c);
        } else {
            memcpy(out + used, s + i, len);
            used += len;
        }
        i += len;
    }
    out[used] = '\0';
    return out;
}

char *text_replace(const char *text, const char *what, const char *with)
{
    char *out = xstrdup("");

    for (;;) {
        const char *at = strstr(text, what);
        size_t n = at ? (size_t)(at - text) : strlen(text);
        char *longer = xasprintf("%s%.*s%s", out, (int)n, text, at ? with : "");

        free(out);
        out = longer;
        if (!at)
            return out;
        text = at + strlen(what);
    }
}

/* The columns of the character at s, which is *ret_len bytes long. */
static unsigned char_columns(const char *s, unsigned *ret_len)
{
    uint32_t c = '?';
    unsigned len = utf8_char(s, &c);
    int columns = c < 0x80 ? 1 : wcwidth((wchar_t)c);

    *ret_len = len ? len : 1;
    return columns < 0 ? 1 : (unsigned)columns;
}

unsigned text_width(const char *s)
{
    unsigned columns = 0, len;

    for (; *s; s += len)
        columns += char_columns(s, &len);
    return columns;
}

size_t text_fit(const char *s, unsigned *columns)
{
    unsigned used = 0, len;
    size_t i = 0;

    while (s[i]) {
        unsigned next = char_columns(s + i, &len);

        if (used + next > *columns)
            break;
        used += next;
        i += len;
    }
    *columns = used;
    return i;
}

const char *time_human(int64_t wall_ms, char buf[TIME_STR_MAX])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;

    if (!localtime_r(&seconds, &tm) || !strftime(buf, TIME_STR_MAX, "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(buf, TIME_STR_MAX, "?");
    return buf;
}

/* "+02:00", "-05:30" or "Z" */
static bool zone_parse(const char *s, int *ret_seconds)
{
    int hours, minutes, end = 0;

    if (strcmp(s, "Z") == 0 || strcmp(s, "z") == 0) {
        *ret_seconds = 0;
        return true;
    }
    if ((*s != '+' && *s != '-') || sscanf(s + 1, "%2d:%2d%n", &hours, &minutes, &end) != 2 ||
        s[1 + end])
        return false;
    *ret_seconds = (hours * 60 + minutes) * 60 * (*s == '-' ? -1 : 1);
    return true;
}

bool time_parse(const char *text, int64_t *ret_wall_ms)
{
    struct tm tm = {0};
    int end = 0, zone;
    int64_t ms = 0;

    if (sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
        end == 0)
        return false;
    text += end;
    if (*text == '.') {
        int64_t unit = 100;

        for (text++; isdigit((unsigned char)*text); text++, unit /= 10)
            ms += unit * (*text - '0');
    }
    if (!zone_parse(text, &zone))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ret_wall_ms = ((int64_t)timegm(&tm) - zone) * 1000 + ms;
    return true;
}
