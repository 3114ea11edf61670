/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The files of this directory that a browser gets; they are part of the program. */
#include <stdbool.h>
#include <stddef.h>

struct asset {
    const char *content_type;
    const char *data; /* static, not terminated */
    size_t len;
};

/* False: there is none of that name. */
bool asset_find(const char *name, struct asset *ret);
