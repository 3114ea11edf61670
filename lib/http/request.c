/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a request. */
#include "lib/http/request.h"

#include <sys/socket.h>

#include "lib/http/internal.h"

const char *http_request_param(const struct http_request *request, const char *name)
{
    for (unsigned i = 0; i < request->n_params; i++) {
        const struct http_param *param = &request->params[i];

        if (strlen(name) == param->name_len && memcmp(name, param->name, param->name_len) == 0)
            return param->value;
    }
    return NULL;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

const char *http_request_query(const struct http_request *request, const char *key)
{
    return MHD_lookup_connection_value(request->mhd, MHD_GET_ARGUMENT_KIND, key);
}

const json_t *http_request_body(const struct http_request *request)
{
    return request->json;
}

const char *http_request_data(const struct http_request *request, size_t *ret_len)
{
    *ret_len = buffer_length(&request->body);
    return *ret_len ? request->body.data + request->body.start : "";
}

const char *http_request_method(const struct http_request *request)
{
    return request->method;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}

struct pairs {
    http_pair_fn *fn;
    void *arg;
};

static enum MHD_Result pass_pair(void *cls, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    const struct pairs *pairs = cls;

    (void)kind;
    pairs->fn(key, value ? value : "", pairs->arg);
    return MHD_YES;
}

void http_request_each_header(const struct http_request *request, http_pair_fn *fn, void *arg)
{
    MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, pass_pair, &(struct pairs){fn, arg});
}

void http_request_each_query(const struct http_request *request, http_pair_fn *fn, void *arg)
{
    MHD_get_connection_values(request->mhd, MHD_GET_ARGUMENT_KIND, pass_pair,
                              &(struct pairs){fn, arg});
}

void http_request_peer(const struct http_request *request, struct http_peer *ret)
{
    struct sockaddr_storage addr = {.ss_family = AF_UNSPEC};
    socklen_t addr_len = sizeof(addr);
    struct ucred cred;
    socklen_t len = sizeof(cred);

    *ret = (struct http_peer){.fd = request->conn->fd};
    if (getsockname(ret->fd, (struct sockaddr *)&addr, &addr_len) || addr.ss_family != AF_UNIX ||
        getsockopt(ret->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
        return;
    ret->is_unix = true;
    ret->uid = cred.uid;
    ret->gid = cred.gid;
    ret->pid = cred.pid;
}

void http_request_set_user(struct http_request *request, void *user, void (*free_user)(void *user))
{
    assert(!request->user);
    request->user = user;
    request->free_user = free_user;
}

void *http_request_user(const struct http_request *request)
{
    return request->user;
}

void http_request_set_name(struct http_request *request, const char *name)
{
    request->name = name;
}

#define QUERY_KEYS_MAX 8

struct odd_search {
    const char *const *known;
    bool seen[QUERY_KEYS_MAX];
    const char *odd;
};

static enum MHD_Result check_key(void *cls, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    struct odd_search *search = cls;

    (void)kind;
    for (size_t i = 0; value && search->known[i]; i++) {
        assert(i < QUERY_KEYS_MAX);
        if (strcasecmp(key, search->known[i]) != 0 || search->seen[i])
            continue;
        search->seen[i] = true;
        return MHD_YES;
    }
    search->odd = key;
    return MHD_NO;
}

const char *http_request_query_odd(const struct http_request *request, const char *const *known)
{
    struct odd_search search = {.known = known};

    MHD_get_connection_values(request->mhd, MHD_GET_ARGUMENT_KIND, check_key, &search);
    return search.odd;
}

void http_request_on_release(struct http_request *request, void (*release)(void *arg), void *arg)
{
    request->release = release;
    request->release_arg = arg;
}
