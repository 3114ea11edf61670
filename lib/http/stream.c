/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A follower's connection is suspended while there is nothing to tell it: mhd does not look at it,
 * and does not notice when the client leaves. A write resumes it, so the heartbeat finds clients
 * that left. A client that does not read leaves its connection waiting to write; then mhd's own
 * idle timeout ends it.
 *
 *   write -> buffer, resume -> mhd asks stream_read() -> … -> nothing left: drained(), suspend
 */
#include <sys/socket.h>

#include "lib/http/internal.h"

static const char HEARTBEAT[] = ":\n\n";

/* mhd asks for bytes to send. */
static ssize_t stream_read(void *cls, uint64_t pos, char *dst, size_t max)
{
    struct http_stream *stream = cls;
    size_t n = buffer_take(&stream->out, dst, max);

    (void)pos;
    if (n == 0 && stream->dirty && stream->callbacks.drained && !stream->ended) {
        stream->dirty = false;
        stream->callbacks.drained(stream, stream->arg);
        n = buffer_take(&stream->out, dst, max);
    }
    if (stream->broken)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (n > 0)
        return (ssize_t)n;
    if (stream->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    stream->request->suspended = true;
    MHD_suspend_connection(stream->request->mhd);
    return 0;
}

struct http_stream *http_respond_stream(struct http_request *request,
                                        const struct http_stream_callbacks *callbacks, void *arg)
{
    struct http_server *server = request->server;
    struct MHD_Response *response;
    struct http_stream *stream;

    if (server->stopping || server->n_streams >= server->limits.streams) {
        http_respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "too-many-streams",
                           "Try again later, or end other followers.",
                           "no more than %u event streams are served at a time",
                           server->limits.streams);
        return NULL;
    }
    stream = xcalloc(1, sizeof(*stream));
    stream->request = request;
    stream->callbacks = *callbacks;
    stream->arg = arg;
    request->stream = stream;
    request->conn->streaming = true;
    server->n_streams++;
    response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, stream_read, stream, NULL);
    http_request_answer(request, MHD_HTTP_OK, response, "text/event-stream");
    /* Something to send at once, so that the client sees that it is connected. */
    http_stream_write(stream, HEARTBEAT, sizeof(HEARTBEAT) - 1);
    return stream;
}

size_t http_stream_pending(const struct http_stream *stream)
{
    return buffer_length(&stream->out);
}

size_t http_stream_room(const struct http_stream *stream)
{
    return stream->request->server->limits.stream_buffer - buffer_length(&stream->out);
}

bool http_stream_write(struct http_stream *stream, const char *data, size_t len)
{
    struct http_request *request = stream->request;

    if (stream->ended || stream->broken)
        return false;
    if (len > http_stream_room(stream)) {
        stream->broken = true;
        shutdown(request->conn->fd, SHUT_RDWR); /* mhd waits for a client that takes nothing */
    } else {
        buffer_append(&stream->out, data, len);
        stream->dirty = true;
        stream->written_ms = uv_now(request->server->loop);
    }
    http_request_resume(request);
    return !stream->broken;
}

void http_stream_end(struct http_stream *stream)
{
    stream->ended = true;
    http_request_resume(stream->request);
}

void http_stream_heartbeat(struct http_stream *stream, uint64_t now_ms)
{
    if (stream->request->suspended &&
        now_ms - stream->written_ms >= stream->request->server->limits.heartbeat_ms)
        http_stream_write(stream, HEARTBEAT, sizeof(HEARTBEAT) - 1);
}

void http_stream_free(struct http_stream *stream)
{
    if (!stream)
        return;
    stream->request->server->n_streams--;
    stream->ended = true;
    stream->callbacks.closed(stream->arg);
    buffer_deinit(&stream->out);
    free(stream);
}
