/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* "Did you mean …?" */
#include <stddef.h>

/*
 * The word nearest to text, counting inserted, lost, replaced and swapped letters; the first one
 * where several are as near. NULL when none is near enough to be what was meant. Longer texts than
 * 64 bytes resemble nothing.
 */
const char *suggest(const char *text, const char *const *words, size_t n_words);
