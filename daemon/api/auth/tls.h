/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The certificate of the TCP listener and its private key, checked before anybody depends on them.
 */
#include "daemon/api/api_config.h"
#include "lib/base/base.h"
#include "lib/base/err.h"

struct tls_pem {
    char *cert, *key;  /* owned; the texts of both files; NULL: no TLS */
    char warning[160]; /* "": none. The certificate can be used, but … */
};

/* Reads what config names, which may be nothing. An error names the file. */
int tls_pem_load(const struct config_api *config, struct tls_pem *ret, struct err *err) must_check;
void tls_pem_clear(struct tls_pem *pem); /* wipes the key */
bool tls_pem_equal(const struct tls_pem *a, const struct tls_pem *b);
