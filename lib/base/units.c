/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/units.h"

#include <inttypes.h>
#include <stdio.h>

#define QUOTE_MAX 40 /* of the text somebody wrote, in a message */

struct unit {
    const char *name;
    uint64_t factor;
};

/* Ascending: the formatters look for the largest that fits. */
static const struct unit duration_units[] = {
    {"ms", 1},
    {"s", 1000},
    {"m", 60 * 1000},
    {"h", 3600 * 1000},
};

static const struct unit size_units[] = {
    {"B", 1},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"TiB", UINT64_C(1) << 40},
};

/* Reads digits; returns what follows them, or NULL when there are none or the number does not fit.
 */
static const char *read_number(const char *text, uint64_t *ret)
{
    const char *p = text;
    uint64_t n = 0;

    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(n, (uint64_t)10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
            return NULL;
    }
    *ret = n;
    return p == text ? NULL : p;
}

static const struct unit *find_unit(const struct unit *units, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(units[i].name, name) == 0)
            return &units[i];
    }
    return NULL;
}

int duration_parse(const char *text, uint64_t *ret_ms, struct err *err)
{
    const struct unit *unit;
    const char *suffix;
    uint64_t n, ms;

    suffix = read_number(text, &n);
    unit = suffix ? find_unit(duration_units, array_len(duration_units), suffix) : NULL;
    if (!unit)
        return err_set(
            err, ERR_INVALID,
            "'%.*s' is not a duration; write a whole number and ms, s, m or h, as in 30s",
            QUOTE_MAX, text);
    if (__builtin_mul_overflow(n, unit->factor, &ms))
        return err_set(err, ERR_LIMIT, "'%.*s' is too long", QUOTE_MAX, text);
    *ret_ms = ms;
    return 0;
}

int size_parse(const char *text, uint64_t *ret_bytes, struct err *err)
{
    const struct unit *unit;
    const char *suffix;
    uint64_t n, bytes;

    suffix = read_number(text, &n);
    if (suffix && !*suffix)
        suffix = "B";
    unit = suffix ? find_unit(size_units, array_len(size_units), suffix) : NULL;
    if (!unit)
        return err_set(
            err, ERR_INVALID,
            "'%.*s' is not a size; write a whole number and B, KiB, MiB, GiB or TiB, as in "
            "512KiB",
            QUOTE_MAX, text);
    if (__builtin_mul_overflow(n, unit->factor, &bytes))
        return err_set(err, ERR_LIMIT, "'%.*s' is too large", QUOTE_MAX, text);
    *ret_bytes = bytes;
    return 0;
}

/* In the largest unit that divides the value. */
static const char *format_exact(uint64_t value, const struct unit *units, size_t n, char *buf)
{
    size_t i = n - 1;

    while (i > 0 && (value == 0 || value % units[i].factor))
        i--;
    snprintf(buf, UNITS_STR_MAX, "%" PRIu64 "%s", value / units[i].factor, units[i].name);
    return buf;
}

const char *duration_format(uint64_t ms, char buf[UNITS_STR_MAX])
{
    return format_exact(ms, duration_units, array_len(duration_units), buf);
}

const char *size_format(uint64_t bytes, char buf[UNITS_STR_MAX])
{
    return format_exact(bytes, size_units, array_len(size_units), buf);
}

const char *duration_human(uint64_t ms, char buf[UNITS_STR_MAX])
{
    uint64_t s = ms / 1000;

    if (ms < 1000)
        snprintf(buf, UNITS_STR_MAX, "%" PRIu64 "ms", ms);
    else if (s < 60)
        snprintf(buf, UNITS_STR_MAX, "%" PRIu64 "s", s);
    else if (s < 3600)
        snprintf(buf, UNITS_STR_MAX, "%" PRIu64 "m%02us", s / 60, (unsigned)(s % 60));
    else if (s < 86400)
        snprintf(buf, UNITS_STR_MAX, "%" PRIu64 "h%02um", s / 3600, (unsigned)(s / 60 % 60));
    else
        snprintf(buf, UNITS_STR_MAX, "%" PRIu64 "d%02uh", s / 86400, (unsigned)(s / 3600 % 24));
    return buf;
}

static const char *format_bytes(uint64_t bytes, const char *suffix, char *buf)
{
    size_t i = 0;

    while (i + 1 < array_len(size_units) && bytes >= size_units[i + 1].factor)
        i++;
    /* 1023.97 KiB would be rounded to "1024.0 KiB" */
    if (i > 0 && i + 1 < array_len(size_units) &&
        (double)bytes / (double)size_units[i].factor >= 1023.95)
        i++;
    if (i == 0)
        snprintf(buf, UNITS_STR_MAX, "%" PRIu64 " B%s", bytes, suffix);
    else
        snprintf(buf, UNITS_STR_MAX, "%.1f %s%s", (double)bytes / (double)size_units[i].factor,
                 size_units[i].name, suffix);
    return buf;
}

const char *bytes_human(uint64_t bytes, char buf[UNITS_STR_MAX])
{
    return format_bytes(bytes, "", buf);
}

const char *rate_human(uint64_t bytes_per_second, char buf[UNITS_STR_MAX])
{
    return format_bytes(bytes_per_second, "/s", buf);
}
