/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Text and times for people. Pure.
 *
 * Whatever comes from outside (the daemon, files, servers' answers) goes through text_clean()
 * before it is printed: a terminal obeys the control characters in it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_STR_MAX 32

/* A fresh copy of s[0..n), which a NUL follows, with control, bidirectional and malformed
 * characters written as escapes (\n, \x1b, \u202e); with ascii, everything outside ASCII too. */
char *text_clean(const char *s, size_t n, bool ascii);

/* A fresh copy of text with each what in it replaced. */
char *text_replace(const char *text, const char *what, const char *with);

/* Columns that s takes on a terminal. s has been cleaned. */
unsigned text_width(const char *s);
/* Bytes of s that fit into *columns, which becomes the number of columns they take. */
size_t text_fit(const char *s, unsigned *columns);

/* "2026-11-22 20:15:01", local; returns buf. */
const char *time_human(int64_t wall_ms, char buf[TIME_STR_MAX]);
/* An RFC 3339 time in milliseconds since the epoch; false when it is none. */
bool time_parse(const char *text, int64_t *ret_wall_ms);
