/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sse.h"

#include <string.h>

#include "lib/base/base.h"

void sse_init(struct sse *sse, sse_event_fn *on_event, void *arg)
{
    *sse = (struct sse){.on_event = on_event, .arg = arg};
}

void sse_deinit(struct sse *sse)
{
    free(sse->line);
    free(sse->data);
}

void sse_reset(struct sse *sse)
{
    sse->line_size = sse->data_size = 0;
    sse->has_data = sse->after_cr = false;
}

static bool append(char **text, size_t *size, const char *bytes, size_t n)
{
    if (n > SSE_EVENT_MAX - *size)
        return false;
    *text = xrealloc(*text, *size + n + 1, 1);
    memcpy(*text + *size, bytes, n);
    *size += n;
    (*text)[*size] = '\0';
    return true;
}

/* A line is complete. Of the fields only data matters here: an event carries its number and name in
 * it. */
static bool take_line(struct sse *sse)
{
    const char *line = sse->line;
    size_t n = sse->line_size;

    sse->line_size = 0;
    if (n == 0) {
        if (sse->has_data)
            sse->on_event(sse->data, sse->data_size, sse->arg);
        sse->data_size = 0;
        sse->has_data = false;
        return true;
    }
    if (n < 5 || memcmp(line, "data:", 5) != 0)
        return true;
    line += 5;
    n -= 5;
    if (n > 0 && *line == ' ') {
        line++;
        n--;
    }
    if (sse->has_data && !append(&sse->data, &sse->data_size, "\n", 1))
        return false;
    sse->has_data = true;
    return append(&sse->data, &sse->data_size, line, n);
}

/* Lines end in LF, CR or CR LF. */
bool sse_feed(struct sse *sse, const char *bytes, size_t n)
{
    while (n > 0) {
        size_t plain = 0;

        while (plain < n && bytes[plain] != '\n' && bytes[plain] != '\r')
            plain++;
        if (plain > 0)
            sse->after_cr = false;
        if (!append(&sse->line, &sse->line_size, bytes, plain))
            return false;
        if (plain == n)
            return true;
        if (bytes[plain] == '\n' && sse->after_cr) {
            sse->after_cr = false; /* the second half of a CR LF */
        } else {
            sse->after_cr = bytes[plain] == '\r';
            if (!take_line(sse))
                return false;
        }
        bytes += plain + 1;
        n -= plain + 1;
    }
    return true;
}
