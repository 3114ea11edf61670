/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/elasticache/timestamp.h"

#include <time.h>

/* Takes n digits off *p; false when there are fewer, or the number is outside min..max. */
static bool take_number(const char **p, unsigned n, int min, int max, int *ret)
{
    int value = 0;

    for (unsigned i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return false;
        value = value * 10 + (**p - '0');
    }
    *ret = value;
    return value >= min && value <= max;
}

static bool take_char(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

static bool take_date(const char **p, struct tm *tm)
{
    struct tm copy;

    if (!take_number(p, 4, 1, 9999, &tm->tm_year) || !take_char(p, '-') ||
        !take_number(p, 2, 1, 12, &tm->tm_mon) || !take_char(p, '-') ||
        !take_number(p, 2, 1, 31, &tm->tm_mday))
        return false;
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    copy = *tm;
    timegm(&copy); /* makes a 1 March of a 30 February */
    return copy.tm_mon == tm->tm_mon;
}

/* Any number of digits; what is below a millisecond is cut. */
static bool take_fraction(const char **p, int *ret_ms)
{
    int unit = 100, ms = 0;

    if (!take_char(p, '.'))
        return true;
    if (**p < '0' || **p > '9')
        return false;
    for (; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
        ms += unit * (**p - '0');
    *ret_ms = ms;
    return true;
}

static bool take_time(const char **p, struct tm *tm, int *ret_ms)
{
    if (!take_number(p, 2, 0, 23, &tm->tm_hour) || !take_char(p, ':') ||
        !take_number(p, 2, 0, 59, &tm->tm_min))
        return false;
    if (!take_char(p, ':'))
        return true;
    return take_number(p, 2, 0, 59, &tm->tm_sec) && take_fraction(p, ret_ms);
}

/* "Z", "+01:00", "+0100", or nothing. */
static bool take_offset(const char **p, int *ret_minutes)
{
    bool west = **p == '-';
    int hours, minutes;

    if (!**p || take_char(p, 'Z'))
        return true;
    if (!west && **p != '+')
        return false;
    (*p)++;
    if (!take_number(p, 2, 0, 23, &hours))
        return false;
    (void)take_char(p, ':');
    if (!take_number(p, 2, 0, 59, &minutes))
        return false;
    *ret_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

int timestamp_parse(const char *text, int64_t *ret_ms, struct err *err)
{
    struct tm tm = {.tm_sec = 0};
    const char *p = text;
    int ms = 0, offset = 0;
    bool good = take_date(&p, &tm);

    if (good && take_char(&p, 'T'))
        good = take_time(&p, &tm, &ms) && take_offset(&p, &offset);
    if (!good || *p)
        return err_set(err, ERR_INVALID, "'%.40s' is no time; write one like 2026-11-22T20:15:01Z",
                       text);
    *ret_ms = ((int64_t)timegm(&tm) - offset * INT64_C(60)) * 1000 + ms;
    return 0;
}
