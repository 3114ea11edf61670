/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/peer.h"

#include <string.h>

#include "lib/base/base.h"
#include "tests/unit/fixture.h"

#define ENDLESS_CHUNK 1024

static void client_closed(uv_handle_t *handle)
{
    struct peer_client *c = handle->data;

    c->live = false;
}

static void client_close(struct peer_client *c)
{
    if (c->live && !uv_is_closing(&c->u.handle))
        uv_close(&c->u.handle, client_closed);
}

static void send_again(uv_write_t *req, int status);

static void client_send(struct peer_client *c, const char *data, size_t len)
{
    uv_write_t *req = xmalloc(sizeof(*req) + len);
    uv_buf_t buf = uv_buf_init((char *)(req + 1), (unsigned)len);

    memcpy(buf.base, data, len);
    req->data = c;
    assert_int_equal(uv_write(req, &c->u.stream, &buf, 1, send_again), 0);
}

static void send_again(uv_write_t *req, int status)
{
    struct peer_client *c = req->data;
    const struct peer_script *script = &c->peer->script;
    const char *last = c->answered ? script->answers[c->answered - 1] : "";
    bool all = c->answered == PEER_ANSWERS_MAX || !script->answers[c->answered];
    size_t len = strlen(last);

    free(req);
    if (status || !all || script->echo || uv_is_closing(&c->u.handle))
        return;
    if (script->hang_up)
        client_close(c);
    else if (script->endless)
        client_send(c, last + (len - min_of(len, (size_t)ENDLESS_CHUNK)),
                    min_of(len, (size_t)ENDLESS_CHUNK));
}

static void client_answer(struct peer_client *c)
{
    const char *answer =
        c->answered < PEER_ANSWERS_MAX ? c->peer->script.answers[c->answered] : NULL;

    if (!answer)
        return;
    c->answered++;
    client_send(c, answer, strlen(answer));
}

static void alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)handle;
    *buf = uv_buf_init(xmalloc(size), (unsigned)size);
}

static void received(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct peer_client *c = stream->data;

    if (n < 0) {
        client_close(c);
    } else if (n > 0) {
        c->peer->received += (size_t)n;
        if (c->peer->script.echo)
            client_send(c, buf->base, (size_t)n);
        else
            client_answer(c);
    }
    free(buf->base);
}

static void accepted(uv_stream_t *listener, int status)
{
    struct peer *peer = listener->data;
    struct peer_client *c = peer->clients;

    assert_int_equal(status, 0);
    while (c->live)
        c++;
    assert_true(c < peer->clients + PEER_CLIENTS_MAX);
    *c = (struct peer_client){.peer = peer, .live = true};
    if (listener->type == UV_TCP)
        uv_tcp_init(listener->loop, &c->u.tcp);
    else
        uv_pipe_init(listener->loop, &c->u.pipe, 0);
    c->u.handle.data = c;
    assert_int_equal(uv_accept(listener, &c->u.stream), 0);
    peer->accepted++;
    if (peer->script.greet)
        client_answer(c);
    if (!peer->script.deaf)
        uv_read_start(&c->u.stream, alloc, received);
}

static void begin(struct peer *peer, const struct peer_script *script)
{
    peer->script = *script;
    peer->u.handle.data = peer;
    assert_int_equal(uv_listen(&peer->u.stream, 16, accepted), 0);
}

void peer_start(struct peer *peer, uv_loop_t *loop, const struct peer_script *script)
{
    struct sockaddr_storage addr;
    int len = sizeof(addr);

    *peer = (struct peer){0};
    uv_ip4_addr("127.0.0.1", 0, (struct sockaddr_in *)&addr);
    uv_tcp_init(loop, &peer->u.tcp);
    assert_int_equal(uv_tcp_bind(&peer->u.tcp, (struct sockaddr *)&addr, 0), 0);
    begin(peer, script);
    uv_tcp_getsockname(&peer->u.tcp, (struct sockaddr *)&addr, &len);
    peer->port = ntohs(((struct sockaddr_in *)&addr)->sin_port);
}

void peer_start_unix(struct peer *peer, uv_loop_t *loop, const struct peer_script *script,
                     const char *path)
{
    *peer = (struct peer){0};
    uv_pipe_init(loop, &peer->u.pipe, 0);
    assert_int_equal(uv_pipe_bind(&peer->u.pipe, path), 0);
    begin(peer, script);
}

void peer_listen_up(struct peer *peer)
{
    for (size_t i = 0; i < PEER_CLIENTS_MAX; i++)
        if (peer->clients[i].live)
            uv_read_start(&peer->clients[i].u.stream, alloc, received);
}

static void listener_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;

    peer->closed = true;
}

static bool is_stopped(void *arg)
{
    const struct peer *peer = arg;

    for (size_t i = 0; i < PEER_CLIENTS_MAX; i++)
        if (peer->clients[i].live)
            return false;
    return peer->closed;
}

void peer_stop(struct peer *peer)
{
    for (size_t i = 0; i < PEER_CLIENTS_MAX; i++)
        client_close(&peer->clients[i]);
    uv_close(&peer->u.handle, listener_closed);
    assert_true(loop_run_until(peer->u.handle.loop, is_stopped, peer, 2000));
}
