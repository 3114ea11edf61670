/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>

/* A string that may have come from a server or a file; null when it is NULL or empty. */
json_t *view_text(const char *text);
