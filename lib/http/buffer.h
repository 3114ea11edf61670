/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Bytes on their way out: written at one end, taken from the other. */
#include <stddef.h>

struct buffer {
    char *data; /* owned */
    size_t start, end, size;
};

void buffer_append(struct buffer *buffer, const char *data, size_t len);
/* Moves at most max bytes to dst; returns how many. */
size_t buffer_take(struct buffer *buffer, char *dst, size_t max);
size_t buffer_length(const struct buffer *buffer);
void buffer_deinit(struct buffer *buffer);
