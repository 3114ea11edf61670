/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A stream of server-sent events as the answer to a request. What is written goes into a bounded
 * buffer and from there to the client at its own pace. A stream on which nothing is written gets a
 * comment from time to time, by which a client that is gone is noticed.
 */
#include <stdbool.h>
#include <stddef.h>

struct http_request;
struct http_stream;

struct http_stream_callbacks {
    /* All that was written has been taken; more may be written right here. May be NULL. */
    void (*drained)(struct http_stream *stream, void *arg);
    /* Exactly once: the client has gone, was cut off, or the stream has ended. It is no more. */
    void (*closed)(void *arg);
};

/* Answers request with a stream. NULL: too many of them, or the server ends; an error was answered
 * instead, and no callback will come. */
struct http_stream *http_respond_stream(struct http_request *request,
                                        const struct http_stream_callbacks *callbacks, void *arg);

/* False: the client is too far behind and is cut off, or the stream has ended before; closed comes,
 * but never from inside this. */
bool http_stream_write(struct http_stream *stream, const char *data, size_t len);
/* Bytes written and not taken yet, and how many more may be. */
size_t http_stream_pending(const struct http_stream *stream);
size_t http_stream_room(const struct http_stream *stream);
/* Ends it after what has been written. */
void http_stream_end(struct http_stream *stream);
