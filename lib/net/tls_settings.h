/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What somebody wants of TLS to a peer. */
#include <stdbool.h>

#define PEM_TEXT_MAX ((size_t)2 << 20) /* of one file: the authorities of a system fit */

enum tls_verify {
    TLS_VERIFY_FULL, /* the certificate is of an authority that is trusted, and names the peer */
    TLS_VERIFY_CA,   /* the former */
    TLS_VERIFY_NONE,
};

struct tls_settings {
    char *ca_file;              /* the authorities, in PEM; NULL: the system's */
    char *cert_file, *key_file; /* shown to the peer; NULL, both: none */
    char *server_name;          /* the name to expect; NULL: the endpoint's host */
    enum tls_verify verify;
};

/* Strings of its own, for tls_settings_clear(). */
void tls_settings_copy(struct tls_settings *to, const struct tls_settings *from);
void tls_settings_clear(struct tls_settings *settings);
bool tls_settings_same_files(const struct tls_settings *a, const struct tls_settings *b);
bool tls_settings_equal(const struct tls_settings *a, const struct tls_settings *b);
