/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "lib/http/internal.h"

#define ALLOW_MAX 64

/* True when one segment of a path, value, is what the pattern's segment stands for. */
static bool segment_matches(struct http_request *request, const char *pattern, size_t pattern_len,
                            const char *value, size_t value_len)
{
    struct http_param *param = &request->params[request->n_params];

    if (pattern_len < 2 || pattern[0] != '{')
        return pattern_len == value_len && memcmp(pattern, value, value_len) == 0;
    if (value_len == 0 || value_len >= HTTP_SEGMENT_MAX)
        return false;
    assert(request->n_params < HTTP_PARAMS_MAX);
    param->name = pattern + 1;
    param->name_len = pattern_len - 2;
    memcpy(param->value, value, value_len);
    param->value[value_len] = '\0';
    request->n_params++;
    return true;
}

static bool path_matches(struct http_request *request, const char *pattern)
{
    const char *path = request->path;

    request->n_params = 0;
    while (*pattern == '/' && *path == '/') {
        size_t pattern_len = strcspn(++pattern, "/"), len = strcspn(++path, "/");

        if (!segment_matches(request, pattern, pattern_len, path, len))
            return false;
        pattern += pattern_len;
        path += len;
    }
    return *pattern == '\0' && *path == '\0';
}

static bool method_matches(const char *wanted, const char *method)
{
    if (strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
        method = MHD_HTTP_METHOD_GET;
    return strcmp(wanted, method) == 0;
}

static void refuse_method(struct http_request *request, const char *allow)
{
    http_respond_error(request, MHD_HTTP_METHOD_NOT_ALLOWED, "wrong-method", allow,
                       "method %.16s is not possible here", request->method);
    MHD_add_response_header(request->response, MHD_HTTP_HEADER_ALLOW, allow);
}

const struct http_route *http_route_find(struct http_request *request)
{
    const struct http_server *server = request->server;
    char allow[ALLOW_MAX] = "";
    size_t len = 0;

    for (size_t i = 0; i < server->n_routes; i++) {
        const struct http_route *route = &server->routes[i];
        bool get = strcmp(route->method, MHD_HTTP_METHOD_GET) == 0;

        if (!path_matches(request, route->path))
            continue;
        if (method_matches(route->method, request->method))
            return route;
        len += (size_t)snprintf(allow + len, sizeof(allow) - len, "%s%s%s", len ? ", " : "",
                                route->method, get ? ", HEAD" : "");
        assert(len < sizeof(allow));
    }
    if (len > 0)
        refuse_method(request, allow);
    else
        http_respond_error(request, MHD_HTTP_NOT_FOUND, "no-such-path", NULL,
                           "there is nothing at '%.120s'", request->path);
    return NULL;
}
