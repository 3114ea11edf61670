/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What tests expect of JSON. */
#include <jansson.h>

/* object is one, and has exactly these members: names with one space between them. */
void expect_members(const json_t *object, const char *names);
/* value, written on one line in the order in which it was made, is text. */
void expect_json(const json_t *value, const char *text);
