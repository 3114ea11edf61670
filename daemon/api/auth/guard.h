/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lets requests in or turns them away; the hook `admit` of the HTTP server.
 *
 *   control socket   root, our own user, and the group's members; they may everything
 *   TCP, nothing     loopback only: everybody may everything, but no page of another origin, and no
 *     configured     host name that was made to point here. POST / takes any well-formed signature
 *   TCP, otherwise   /v1 and /metrics by token, POST / by signature
 */
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/base.h"
#include "lib/http/request.h"
#include "lib/http/server.h"

struct guard {
    bool has_group;
    gid_t group; /* whose members may use the control socket */
    /* What was refused in the minute that began at since_ms. */
    uint64_t since_ms;
    unsigned logged;
    uint64_t unlogged;
};

/* group need not exist. Looks it up, so this may block shortly. */
void guard_init(struct guard *guard, const char *group);

/* listener: a struct api_listener. Every request that is let in has its caller: api_caller(). */
bool guard_admit(struct http_request *request, const struct http_route *route, void *listener);

/* --- its parts, for tests --- */

bool guard_peer_may(const struct guard *guard, const struct http_peer *peer);
/* host: the value of a Host header, or NULL. own: a name that is ours. */
bool guard_host_is_ours(const char *host, const char *own);
/* Each may be NULL. site: of Sec-Fetch-Site. */
bool guard_is_cross_origin(const char *origin, const char *site, const char *host);
