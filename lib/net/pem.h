/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Certificates and keys as texts in PEM, and words about them. */
#include <openssl/x509.h>

#include "lib/base/err.h"

/* All certificates of a text, which must be nothing else; NULL: there is none, or one that cannot
 * be read. */
STACK_OF(X509) * pem_read_chain(const char *text);
/* NULL: there is none, or it needs a passphrase: nobody is there to type it. */
EVP_PKEY *pem_read_key(const char *text);

#define PEM_TIME_MAX 40
const char *pem_time(const ASN1_TIME *at, char buf[PEM_TIME_MAX]); /* "2026-11-25 16:00:00 UTC" */

/* A path that fits into a sentence: of a long one, how it ends. */
#define PEM_PATH_MAX 52
const char *pem_path(const char *path, char buf[PEM_PATH_MAX]);
/* What a name is called: its common name, or else all of it; nothing but printable ASCII. */
#define PEM_NAME_MAX 64
const char *pem_name(const X509_NAME *name, char buf[PEM_NAME_MAX]);
/* The hosts a certificate is for: "a.example, 10.0.0.1, …", as far as they fit. */
#define PEM_HOSTS_MAX 112
const char *pem_hosts(const X509 *cert, char buf[PEM_HOSTS_MAX]);
