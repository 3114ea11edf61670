/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The text/event-stream format: bytes in, the data of each event out. Pure. */
#include <stdbool.h>
#include <stddef.h>

#define SSE_EVENT_MAX (1u << 20) /* bytes of one event */

typedef void sse_event_fn(const char *data, size_t size, void *arg);

struct sse {
    sse_event_fn *on_event;
    void *arg;
    /* private */
    char *line, *data; /* owned */
    size_t line_size, data_size;
    bool has_data, after_cr;
};

void sse_init(struct sse *sse, sse_event_fn *on_event, void *arg);
void sse_deinit(struct sse *sse);
/* Forgets what is half-read: the connection is a new one. */
void sse_reset(struct sse *sse);
/* False when an event is larger than SSE_EVENT_MAX: the stream is not to be read on. */
bool sse_feed(struct sse *sse, const char *bytes, size_t n);
