/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Durations and sizes: as they are written in files and on command lines, and as people like to
 * read them.
 *
 * A duration is a whole number and one of ms, s, m, h. A size is a whole number and one of B, KiB,
 * MiB, GiB, TiB, or a bare number of bytes.
 */
#include <stdint.h>

#include "lib/base/base.h"
#include "lib/base/err.h"

#define UNITS_STR_MAX 32

int duration_parse(const char *text, uint64_t *ret_ms, struct err *err) must_check;
int size_parse(const char *text, uint64_t *ret_bytes, struct err *err) must_check;

/* The shortest text that parses back to the same value: "90s", "1500ms", "512KiB", "1000B". Return
 * buf. */
const char *duration_format(uint64_t ms, char buf[UNITS_STR_MAX]);
const char *size_format(uint64_t bytes, char buf[UNITS_STR_MAX]);

/* For people, rounded: "3m12s", "850ms", "2d04h"; "1.2 GiB"; "85.3 MiB/s". Return buf. */
const char *duration_human(uint64_t ms, char buf[UNITS_STR_MAX]);
const char *bytes_human(uint64_t bytes, char buf[UNITS_STR_MAX]);
const char *rate_human(uint64_t bytes_per_second, char buf[UNITS_STR_MAX]);
