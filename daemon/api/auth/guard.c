/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/auth/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/api/auth/private.h"
#include "lib/base/log.h"

#define GROUP_BUFFER 16384
#define GROUPS_MAX 65536 /* of a process: the kernel's limit */
#define HOST_MAX 256

void guard_init(struct guard *guard, const char *group)
{
    cleanup(freep) char *text = xmalloc(GROUP_BUFFER);
    struct group entry, *found = NULL;

    *guard = (struct guard){.has_group = false};
    if (getgrnam_r(group, &entry, text, GROUP_BUFFER, &found) || !found)
        return;
    guard->has_group = true;
    guard->group = entry.gr_gid;
}

/* --- the control socket --- */

/* PEERGROUPS tells the groups of the moment of the connect, as PEERCRED does. */
static bool peer_in_group(const struct http_peer *peer, gid_t group)
{
    socklen_t len = 256 * sizeof(gid_t);
    cleanup(freep) void *groups = xmalloc(len);
    int r = getsockopt(peer->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);

    if (r && errno == ERANGE && len <= GROUPS_MAX * sizeof(gid_t)) {
        groups = xrealloc(groups, len, 1);
        r = getsockopt(peer->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
    }
    if (r)
        return false;
    for (size_t i = 0; i < len / sizeof(gid_t); i++) {
        if (((const gid_t *)groups)[i] == group)
            return true;
    }
    return false;
}

bool guard_peer_may(const struct guard *guard, const struct http_peer *peer)
{
    if (!peer->is_unix)
        return false;
    if (peer->uid == 0 || peer->uid == geteuid())
        return true;
    return guard->has_group && (peer->gid == guard->group || peer_in_group(peer, guard->group));
}

static bool admit_peer(struct api *api, struct http_request *request,
                       const struct http_route *route, struct api_caller *ret)
{
    struct http_peer peer;

    http_request_peer(request, &peer);
    guard_format_peer(&peer, ret->name, sizeof(ret->name));
    ret->may_operate = true;
    if (guard_peer_may(&api->guard, &peer))
        return true;
    guard_log_refusal(api, request, route, "neither root nor in group " API_CONTROL_GROUP);
    http_respond_error(request, 403, "forbidden",
                       "Be root, or join the group: usermod -aG " API_CONTROL_GROUP
                       " USER, and log in anew.",
                       "the control socket is for root and the group " API_CONTROL_GROUP);
    return false;
}

/* --- TCP, nothing configured: against pages that a browser on this machine shows --- */

/* Without its port; nothing else may follow. */
static bool host_name(const char *host, char ret[HOST_MAX])
{
    bool bracket = host[0] == '[';
    size_t len = strcspn(host += bracket, bracket ? "]" : ":");
    const char *rest = host + len;

    if (len == 0 || len >= HOST_MAX || (bracket && *rest++ != ']'))
        return false;
    if (*rest && (*rest != ':' || rest[1 + strspn(rest + 1, "0123456789")]))
        return false;
    memcpy(ret, host, len);
    ret[len] = '\0';
    return true;
}

/* An address is never the result of a name that was made to point to us. */
bool guard_host_is_ours(const char *host, const char *own)
{
    char name[HOST_MAX];
    struct in6_addr in6;
    struct in_addr in4;

    if (!host || !host_name(host, name))
        return false;
    return inet_pton(AF_INET, name, &in4) == 1 || inet_pton(AF_INET6, name, &in6) == 1 ||
           strcasecmp(name, "localhost") == 0 || (*own && strcasecmp(name, own) == 0);
}

bool guard_is_cross_origin(const char *origin, const char *site, const char *host)
{
    static const char *const schemes[] = {"http://", "https://"};

    if (site && (strcasecmp(site, "cross-site") == 0 || strcasecmp(site, "same-site") == 0))
        return true;
    if (!origin)
        return false;
    for (size_t i = 0; host && i < array_len(schemes); i++) {
        size_t len = strlen(schemes[i]);

        if (strncasecmp(origin, schemes[i], len) == 0 && strcasecmp(origin + len, host) == 0)
            return false;
    }
    return true;
}

static bool is_safe(const struct http_request *request)
{
    const char *method = http_request_method(request);

    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static bool admit_browser(const struct api_listener *listener, struct http_request *request,
                          const struct http_route *route)
{
    const char *host = http_request_header(request, "Host");

    if (!guard_host_is_ours(host, listener->at.host)) {
        guard_log_refusal(listener->api, request, route, "the Host header is not ours");
        http_respond_error(request, 421, "wrong-host",
                           "Use an address, localhost, or the host that `listen` names; any name "
                           "will do once tokens are configured under `api`.",
                           "'%.80s' is no name of this daemon", host ? host : "");
        return false;
    }
    if (is_safe(request) ||
        !guard_is_cross_origin(http_request_header(request, "Origin"),
                               http_request_header(request, "Sec-Fetch-Site"), host))
        return true;
    guard_log_refusal(listener->api, request, route, "it comes from a page of another origin");
    http_respond_error(request, 403, "cross-origin", "Use the console that this daemon serves.",
                       "a page of another origin may change nothing here");
    return false;
}

/* --- TCP, tokens --- */

static bool refuse_token(struct api *api, struct http_request *request,
                         const struct http_route *route, const char *why, const char *hint)
{
    guard_log_refusal(api, request, route, why);
    http_request_add_header(request, "WWW-Authenticate", "Bearer");
    http_respond_error(request, 401, "unauthorized", hint, "%s", why);
    return false;
}

static bool admit_token(struct api *api, struct http_request *request,
                        const struct http_route *route, struct api_caller *ret)
{
    static const char scheme[] = "Bearer ";
    const char *text = http_request_header(request, "Authorization");
    const struct credential *token;

    if (credentials_n_tokens(api->credentials) == 0)
        return refuse_token(api, request, route, "no tokens are configured",
                            "Configure one under `api`, `tokens` in the daemon's config and "
                            "reload; or use the control socket.");
    if (!text || strncasecmp(text, scheme, strlen(scheme)) != 0)
        return refuse_token(api, request, route, "a token is needed here",
                            "Send it as in: Authorization: Bearer TOKEN. Access keys are for the "
                            "ElastiCache API only, at POST /.");
    text += strlen(scheme);
    token = credentials_token(api->credentials, text + strspn(text, " "));
    if (!token)
        return refuse_token(api, request, route, "the token is not known",
                            "Compare it with the file that `api`, `tokens` names. Files are read "
                            "at start and when the daemon is reloaded.");
    snprintf(ret->name, sizeof(ret->name), "token %s", token->name);
    ret->may_operate = token->may_operate;
    if (ret->may_operate || route->access != ACCESS_OPERATE)
        return true;
    guard_log_refusal(api, request, route, "the token may read only");
    http_respond_error(request, 403, "forbidden",
                       "Use a token with `actions: operate` in the daemon's config.",
                       "token '%s' may read only", token->name);
    return false;
}

/* --- all of it --- */

static bool admit_network(const struct api_listener *listener, struct http_request *request,
                          const struct http_route *route, struct api_caller *ret)
{
    struct api *api = listener->api;
    bool open = credentials_none(api->credentials) && listener->loopback;

    if (open && !admit_browser(listener, request, route))
        return false;
    (void)str_copy(ret->name, sizeof(ret->name), open ? "loopback" : "anybody");
    ret->may_operate = open;
    switch ((enum api_access)route->access) {
    case ACCESS_SIGNED:
        return guard_admit_signed(api, request, route, !open, ret);
    case ACCESS_READ:
    case ACCESS_OPERATE:
        return open || admit_token(api, request, route, ret);
    case ACCESS_OPEN:
        break;
    }
    return true;
}

bool guard_admit(struct http_request *request, const struct http_route *route, void *arg)
{
    const struct api_listener *listener = arg;
    struct api_caller *caller = xcalloc(1, sizeof(*caller));
    bool admitted;

    admitted = listener->control ? admit_peer(listener->api, request, route, caller)
                                 : admit_network(listener, request, route, caller);
    if (admitted)
        http_request_set_user(request, caller, free);
    else
        free(caller);
    return admitted;
}

const struct api_caller *api_caller(const struct http_request *request)
{
    return http_request_user(request);
}
