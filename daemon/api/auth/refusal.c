/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals in the log: who was refused what, and not more often than is good for the log. */
#include <stdio.h>

#include "daemon/api/auth/private.h"
#include "lib/base/log.h"
#include "lib/net/address.h"

#define LOGGED_MAX 10
#define LOG_WINDOW_MS 60000

void guard_format_peer(const struct http_peer *peer, char *buf, size_t size)
{
    char address[ADDRESS_STR_MAX];

    if (peer->is_unix)
        snprintf(buf, size, "uid %u (pid %d)", (unsigned)peer->uid, (int)peer->pid);
    else
        (void)str_copy(buf, size,
                       address_of_peer(peer->fd, address) ? address : "somebody who has left");
}

void guard_log_refusal(struct api *api, const struct http_request *request,
                       const struct http_route *route, const char *why)
{
    struct guard *guard = &api->guard;
    uint64_t now = uv_now(api->loop);
    char from[ADDRESS_STR_MAX + 16];
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
