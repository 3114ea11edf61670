/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Where the next page of a list begins, as a word that clients hand back as it is. Pure. */
#include "lib/base/base.h"
#include "lib/base/err.h"

#define MARKER_TEXT_MAX 48 /* of the place, with its NUL */
#define MARKER_MAX (2 * (MARKER_TEXT_MAX + 5) + 1)

/* kind: which list it is of; a marker of another list is refused. */
const char *marker_write(char kind, const char *place, char buf[MARKER_MAX]);
int marker_read(char kind, const char *marker, char ret_place[MARKER_TEXT_MAX],
                struct err *err) must_check;
