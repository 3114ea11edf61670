/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How a server is got at: where it is, who logs in, whether TLS is spoken. What connects to one
 * fills this in, and makes a redis_client of it.
 */
#include "daemon/spec/spec.h"
#include "lib/redis/client.h"

struct tls_contexts;

struct access {
    const struct endpoint *endpoint;
    const struct spec_auth *auth;
    const struct spec_tls *tls;    /* NULL: plain */
    struct tls_contexts *contexts; /* borrowed, for as long as the client lives */
    const char *name;              /* of the connection; NULL: none */
    uint64_t timeout_ms;           /* to connect, to shake hands and to log in */
};

/*
 * The part of a client's config that access describes; the rest is zeroed. The password is read
 * now: files may be rotated. Borrows what access borrows, until access_clear(), which is for
 * success only. Fails as spec_auth_read() does.
 */
int access_config(const struct access *access, struct redis_client_config *ret,
                  struct err *err) must_check;
void access_clear(struct redis_client_config *config); /* wipes the password */
