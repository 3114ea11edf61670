/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve_start -> [numeric: finish] -> uv_getaddrinfo -> answered -> finish.
 * Deadline or cancel: finish, then uv_cancel; the op stays held until answered() has been called.
 */
#include "lib/net/resolve.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"

static void teardown(struct op *op)
{
    struct resolve *r = container_of(op, struct resolve, op);

    /* Works only while the request waits for a thread; either way answered() follows. */
    if (r->asking)
        uv_cancel((uv_req_t *)&r->req);
}

static const struct op_type resolve_type = {.name = "name look-up", .teardown = teardown};

static const char *sentence(int status)
{
    switch (status) {
    case UV_EAI_NONAME:
        return "the host name is not known";
    case UV_EAI_NODATA:
    case UV_EAI_ADDRFAMILY:
        return "the host name has no address";
    case UV_EAI_AGAIN:
        return "the host name could not be looked up: no answer from a name server";
    case UV_EAI_FAIL:
        return "the host name could not be looked up: the name server failed";
    default:
        return uv_strerror(status);
    }
}

static void collect(struct resolve *r, const struct addrinfo *list)
{
    for (const struct addrinfo *ai = list; ai && r->n < RESOLVE_ADDRESSES_MAX; ai = ai->ai_next) {
        if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
            continue;
        assert(ai->ai_addrlen <= sizeof(r->addresses[0]));
        memcpy(&r->addresses[r->n++], ai->ai_addr, ai->ai_addrlen);
    }
}

static void answered(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct resolve *r = container_of(req, struct resolve, req);
    struct err err = ERR_INIT;

    r->asking = false;
    if (!r->op.finished) {
        if (status == 0)
            collect(r, list);
        if (status == 0 && r->n == 0)
            status = UV_EAI_NODATA;
        if (status)
            err_set(&err, ERR_RESOLVE, "%s", sentence(status));
        op_finish(&r->op, &err);
    }
    uv_freeaddrinfo(list);
    op_release(&r->op);
}

static bool numeric(const struct endpoint *ep, union resolve_address *ret)
{
    return uv_ip4_addr(ep->host, ep->port, &ret->in4) == 0 ||
           uv_ip6_addr(ep->host, ep->port, &ret->in6) == 0;
}

void resolve_start(struct resolve *r, uv_loop_t *loop, const struct endpoint *ep,
                   uint64_t timeout_ms, op_done_fn *done)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct err err;
    char service[8];
    int status;

    op_init(&r->op, &resolve_type, loop, timeout_ms, done);
    r->n = 0;
    r->asking = false;
    if (numeric(ep, &r->addresses[0])) {
        r->n = 1;
        op_finish(&r->op, NULL);
        return;
    }
    snprintf(service, sizeof(service), "%u", ep->port);
    status = uv_getaddrinfo(loop, &r->req, answered, ep->host, service, &hints);
    if (status) {
        err_set(&err, ERR_RESOLVE, "%s", sentence(status));
        op_finish(&r->op, &err);
        return;
    }
    r->asking = true;
    op_hold(&r->op);
}
