/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/api.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/api/metrics/metrics.h"
#include "daemon/api/private.h"
#include "lib/base/log.h"
#include "lib/http/listen.h"
#include "lib/net/address.h"

struct api *api_new(uv_loop_t *loop, const struct api_deps *deps)
{
    struct api *api = xcalloc(1, sizeof(*api));

    api->loop = loop;
    api->deps = *deps;
    guard_init(&api->guard, API_CONTROL_GROUP);
    return api;
}

/* --- life --- */

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
    for (unsigned i = 0; i < api->n_listeners; i++) {
        close(api->listeners[i].fd);
        http_server_free(api->listeners[i].server, server_closed, api);
    }
    api->n_listeners = 0; /* one server ends before the other, whose scrapes would look at it */
    api_release(api);
}

/* --- listeners --- */

static void count_served(const struct http_request *request, const char *name, unsigned status,
                         void *arg)
{
    const struct api_listener *listener = arg;

    (void)request;
    api_count_request(listener->api, name, status);
}

/* A server for the listener's socket; tls: of TCP listeners. */
static int start_server(struct api_listener *listener, const struct tls_pem *tls,
                        struct http_server **ret, struct err *err)
{
    struct api *api = listener->api;
    struct http_tls pem = {.cert = tls->cert, .key = tls->key};
    struct http_server_options options = {
        .fd = fcntl(listener->fd, F_DUPFD_CLOEXEC, 0),
        .routes = api_routes,
        .n_routes = api_n_routes,
        .arg = api,
        .hooks = {.admit = guard_admit, .served = count_served, .arg = listener},
        .tls = pem.cert && !listener->control ? &pem : NULL,
        .log = api->deps.log,
    };

    if (options.fd < 0)
        return err_errno(err, errno, "cannot start the HTTP server");
    if (http_server_new(api->loop, &options, ret, err))
        return (int)err->code;
    api_hold(api);
    return 0;
}

/* what->fd is the api's in any case. */
static int add_listener(struct api *api, const struct api_listener *what, struct err *err)
{
    struct api_listener *listener = &api->listeners[api->n_listeners];

    if (api->n_listeners == API_LISTENERS_MAX) {
        close(what->fd);
        return err_set(err, ERR_LIMIT, "no more than %d listeners", API_LISTENERS_MAX);
    }
    *listener = *what;
    listener->api = api;
    if (start_server(listener, &api->tls, &listener->server, err)) {
        close(listener->fd);
        return (int)err->code;
    }
    api->n_listeners++;
    return 0;
}

int api_listen(struct api *api, int fd, struct err *err)
{
    return add_listener(api, &(struct api_listener){.fd = fd, .control = true}, err);
}

/* Everybody may operate where nothing is configured: that must not be the whole network. */
static int check_exposure(const struct api_listener *listener,
                          const struct credentials *credentials, struct err *err)
{
    char label[ENDPOINT_LABEL_MAX];

    if (listener->control || listener->loopback || !credentials_none(credentials))
        return 0;
    return err_set(err, ERR_DENIED,
                   "'%s' is open to other machines, and without access_keys or tokens under `api` "
                   "anybody there could operate: configure some, or listen on 127.0.0.1",
                   endpoint_label(&listener->at, label));
}

static void log_listener(const struct api_listener *listener)
{
    const struct api *api = listener->api;
    const struct credentials *credentials = api->credentials;
    const char *tls = api->tls.cert ? "with TLS" : "without TLS";
    char label[ENDPOINT_LABEL_MAX];

    endpoint_label(&listener->at, label);
    if (credentials_none(credentials))
        log_info(api->deps.log,
                 "listening on %s, %s; neither access keys nor tokens are configured: everybody on "
                 "this machine may operate",
                 label, tls);
    else
        log_info(api->deps.log, "listening on %s, %s, for %u access keys and %u tokens", label, tls,
                 credentials_n_keys(credentials), credentials_n_tokens(credentials));
    if (!listener->loopback && !api->tls.cert)
        log_warn(api->deps.log,
                 "tokens cross the network to %s unencrypted; configure `tls` under `api`", label);
}

int api_listen_tcp(struct api *api, const struct endpoint *at, struct err *err)
{
    struct api_listener listener = {.at = *at};

    if (http_listen_tcp(at, &listener.fd, err))
        return (int)err->code;
    /* By the address, not by the name that led to it. */
    listener.loopback = address_is_loopback(listener.fd);
    if (check_exposure(&listener, api->credentials, err)) {
        close(listener.fd);
        return (int)err->code;
    }
    if (add_listener(api, &listener, err))
        return (int)err->code;
    log_listener(&api->listeners[api->n_listeners - 1]);
    return 0;
}

/* --- configuration --- */

struct settings {
    struct credentials *credentials; /* owned */
    struct tls_pem tls;
};

static void settings_clear(struct settings *settings)
{
    credentials_free(settings->credentials);
    tls_pem_clear(&settings->tls);
}

static int settings_load(const struct api *api, const struct config_api *config,
                         struct settings *ret, struct err *err)
{
    if (credentials_load(config, &ret->credentials, err) || tls_pem_load(config, &ret->tls, err))
        return (int)err->code;
    for (unsigned i = 0; i < api->n_listeners; i++) {
        if (check_exposure(&api->listeners[i], ret->credentials, err))
            return (int)err->code;
    }
    return 0;
}

/* New servers on the sockets of the old ones: no client finds the port closed. All or none. */
static int replace_servers(struct api *api, const struct tls_pem *tls, struct err *err)
{
    struct http_server *fresh[API_LISTENERS_MAX] = {NULL};
    int r = 0;

    for (unsigned i = 0; i < api->n_listeners && !r; i++) {
        if (!api->listeners[i].control)
            r = start_server(&api->listeners[i], tls, &fresh[i], err);
    }
    for (unsigned i = 0; i < api->n_listeners; i++) {
        struct http_server *old = fresh[i];

        if (!old)
            continue;
        if (!r) {
            old = api->listeners[i].server;
            api->listeners[i].server = fresh[i];
        }
        http_server_free(old, server_closed, api);
    }
    return r;
}

int api_configure(struct api *api, const struct config_api *config, struct err *err)
{
    struct settings next = {.credentials = NULL}, old = {api->credentials, api->tls};
    bool replace;

    if (settings_load(api, config, &next, err)) {
        settings_clear(&next);
        return (int)err->code;
    }
    replace =
        !tls_pem_equal(&old.tls, &next.tls) || !credentials_keep(old.credentials, next.credentials);
    if (replace && replace_servers(api, &next.tls, err)) {
        settings_clear(&next);
        return (int)err->code;
    }
    api->credentials = next.credentials;
    api->tls = next.tls;
    settings_clear(&old);
    if (*api->tls.warning)
        log_warn(api->deps.log, "%s", api->tls.warning);
    for (unsigned i = 0; i < api->n_listeners; i++) {
        if (!api->listeners[i].control)
            log_listener(&api->listeners[i]);
    }
    return 0;
}
