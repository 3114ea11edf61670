/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What somebody wants of TLS to a peer. */

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
