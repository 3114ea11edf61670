/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals in the log: who was refused what, and not more often than is good for the log. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

#include "daemon/api/auth/private.h"
#include "lib/base/log.h"

#define LOGGED_MAX 10
#define LOG_WINDOW_MS 60000

void guard_format_peer(const struct http_peer *peer, char *buf, size_t size)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    } addr = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t len = sizeof(addr);

    if (peer->is_unix)
        snprintf(buf, size, "uid %u (pid %d)", (unsigned)peer->uid, (int)peer->pid);
    else if (getpeername(peer->fd, &addr.any, &len))
        (void)str_copy(buf, size, "somebody who has left");
    else if (addr.any.sa_family == AF_INET6)
        inet_ntop(AF_INET6, &addr.in6.sin6_addr, buf, (socklen_t)size);
    else
        inet_ntop(AF_INET, &addr.in4.sin_addr, buf, (socklen_t)size);
}

void guard_log_refusal(struct api *api, const struct http_request *request,
                       const struct http_route *route, const char *why)
{
    struct guard *guard = &api->guard;
    uint64_t now = uv_now(api->loop);
    char from[INET6_ADDRSTRLEN + 16];
    struct http_peer peer;

    if (now - guard->since_ms >= LOG_WINDOW_MS || guard->since_ms == 0) {
        if (guard->unlogged > 0)
            log_warn(api->deps.log, "%llu more requests were refused since",
                     (unsigned long long)guard->unlogged);
        guard->since_ms = max_of(now, (uint64_t)1);
        guard->logged = 0;
        guard->unlogged = 0;
    }
    if (guard->logged == LOGGED_MAX) {
        guard->unlogged++;
        return;
    }
    guard->logged++;
    http_request_peer(request, &peer);
    guard_format_peer(&peer, from, sizeof(from));
    /* The route's path, not the request's: that may hold anything. */
    log_warn(api->deps.log, "%s %s from %s was refused: %s%s", http_request_method(request),
             route->path, from, why,
             guard->logged == LOGGED_MAX ? " (further ones are only counted for a minute)" : "");
}
