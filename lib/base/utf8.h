/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* UTF-8 from outside, which may be anything. */
#include <stdint.h>

/* Length in bytes of the well-formed character at s, and its code point; 0 when the first byte of s
 * begins none (overlong forms, surrogates and the terminating NUL included). Never reads past the
 * NUL. */
unsigned utf8_char(const char *s, uint32_t *ret_code);

/* A copy of s in which each malformed byte has become U+FFFD; NULL gives NULL. */
char *utf8_clean(const char *s);
