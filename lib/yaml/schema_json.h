/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A table of keys as JSON Schema (draft 2020-12), for editors. It refuses nothing that the reader
 * takes, and nearly all that it refuses; of quantities with a unit it does not know the range.
 */
#include <jansson.h>

#include "lib/yaml/schema.h"

/* A fresh document. id: its "$id"; rows flagged LATER are left out. */
json_t *schema_json(const struct schema *schema, const char *id, const char *title);
