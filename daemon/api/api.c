/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/api.h"

#include <unistd.h>

#include "daemon/api/private.h"

struct api *api_new(uv_loop_t *loop, const struct api_deps *deps)
{
    struct api *api = xcalloc(1, sizeof(*api));

    api->loop = loop;
    api->deps = *deps;
    return api;
}

int api_listen(struct api *api, int fd, struct err *err)
{
    struct http_server_options options = {
        .fd = fd,
        .routes = api_routes,
        .n_routes = api_n_routes,
        .arg = api,
        .log = api->deps.log,
    };

    if (api->n_servers == API_LISTENERS_MAX) {
        close(fd);
        return err_set(err, ERR_LIMIT, "no more than %d listeners", API_LISTENERS_MAX);
    }
    if (http_server_new(api->loop, &options, &api->servers[api->n_servers], err))
        return err->code;
    api->n_servers++;
    api_hold(api);
    return 0;
}

void api_hold(struct api *api)
{
    api->busy++;
}

void api_release(struct api *api)
{
    assert(api->busy > 0);
    if (--api->busy > 0 || !api->stopping)
        return;
    if (api->closed)
        api->closed(api->closed_arg);
    free(api);
}

static void server_closed(void *arg)
{
    api_release(arg);
}

void api_free(struct api *api, void (*closed)(void *arg), void *arg)
{
    if (!api) {
        if (closed)
            closed(arg);
        return;
    }
    assert(!api->stopping);
    api->closed = closed;
    api->closed_arg = arg;
    api_hold(api); /* until all servers have been told */
    api->stopping = true;
    for (unsigned i = 0; i < api->n_servers; i++)
        http_server_free(api->servers[i], server_closed, api);
    api_release(api);
}
