/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The addresses of a host, as an operation.
 *
 * Names are looked up in libuv's thread pool; numeric addresses are not. A look-up that has begun
 * cannot be stopped, so done may come long after the deadline or a cancel: the op is held until
 * libuv has let go of it. Who cannot wait that long allocates the op, forgets it, and lets done
 * free it.
 */
#include <netinet/in.h>
#include <uv.h>

#include "lib/base/op.h"
#include "lib/net/endpoint.h"

#define RESOLVE_ADDRESSES_MAX 8 /* further ones are dropped */

union resolve_address {
    struct sockaddr any;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
};

struct resolve {
    struct op op;
    /* In done, when op.err is clear: at least one address, the port set in each, best first. */
    unsigned n;
    union resolve_address addresses[RESOLVE_ADDRESSES_MAX];
    void *arg; /* the caller's */
    /* private */
    uv_getaddrinfo_t req;
    bool asking; /* libuv has req */
};

/* Fails with ERR_RESOLVE; the sentence does not repeat the name. Keeps no pointer to ep. */
void resolve_start(struct resolve *r, uv_loop_t *loop, const struct endpoint *ep,
                   uint64_t timeout_ms, op_done_fn *done);
