/* SPDX-License-Identifier: Apache-2.0 */
/* Nests mhd in the loop: lets it run, and asks when it wants to run again. */
#include "lib/http/internal.h"

#define STOP_LOOK_MS 10ull
#define NEVER_MS UINT64_MAX

static void on_timer(uv_timer_t *timer);
static void on_again(uv_idle_t *again);

static void turn(struct http_server *server)
{
    unsigned long long ms;

    server->woken = false;
    server->turning = true;
    MHD_run(server->mhd);
    server->turning = false;
    if (server->over(server))
        return;
    if (MHD_get_timeout(server->mhd, &ms) != MHD_YES)
        ms = NEVER_MS;
    if (server->stopping)
        ms = min_of(ms, STOP_LOOK_MS);
    if (server->woken)
        ms = 0;
    uv_timer_stop(&server->timer);
    uv_idle_stop(&server->again);
    if (ms == 0)
        uv_idle_start(&server->again, on_again);
    else if (ms != NEVER_MS)
        uv_timer_start(&server->timer, on_timer, ms, 0);
}

void http_server_wake(struct http_server *server)
{
    server->woken = true;
    if (!server->turning)
        uv_idle_start(&server->again, on_again);
}

/* Once in each turn of the loop. A timer of 0 ms, set by its own callback, is due again in the same
 * turn with some versions of libuv: a long answer would keep everything else waiting. */
static void on_again(uv_idle_t *again)
{
    turn(again->data);
}

static void on_timer(uv_timer_t *timer)
{
    turn(timer->data);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    turn(poll->data);
}

void http_loop_init(struct http_server *server)
{
    int epoll_fd = MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

    uv_timer_init(server->loop, &server->timer);
    uv_poll_init(server->loop, &server->poll, epoll_fd);
    uv_idle_init(server->loop, &server->again);
    server->timer.data = server->poll.data = server->again.data = server;
    uv_poll_start(&server->poll, UV_READABLE, on_event);
    http_server_wake(server); /* the listening socket joins the epoll set in the first run */
}
