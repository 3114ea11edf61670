/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/buffer.h"

#include "lib/base/base.h"

#define BUFFER_MIN 4096
#define BUFFER_KEEP (64 * 1024) /* an empty buffer larger than this is given back */

size_t buffer_length(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

void buffer_append(struct buffer *buffer, const char *data, size_t len)
{
    size_t used = buffer_length(buffer);

    if (buffer->size - buffer->end < len && buffer->start > 0) {
        memmove(buffer->data, buffer->data + buffer->start, used);
        buffer->start = 0;
        buffer->end = used;
    }
    if (buffer->size - buffer->end < len) {
        buffer->size = max_of(buffer->size * 2, used + max_of(len, (size_t)BUFFER_MIN));
        buffer->data = xrealloc(buffer->data, buffer->size, 1);
    }
    memcpy(buffer->data + buffer->end, data, len);
    buffer->end += len;
}

size_t buffer_take(struct buffer *buffer, char *dst, size_t max)
{
    size_t n = min_of(buffer_length(buffer), max);

    if (n == 0)
        return 0;
    memcpy(dst, buffer->data + buffer->start, n);
    buffer->start += n;
    if (buffer->start < buffer->end)
        return n;
    buffer->start = buffer->end = 0;
    if (buffer->size > BUFFER_KEEP)
        buffer_deinit(buffer);
    return n;
}

void buffer_deinit(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){.data = NULL};
}
