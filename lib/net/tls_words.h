/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Why TLS fails, as a sentence for an operator. */
#include <openssl/ssl.h>

#include "lib/base/err.h"
#include "lib/net/tls_settings.h"

/* What is known of a connection when it fails. */
struct tls_circumstances {
    const struct tls_settings *settings;
    const char *name; /* that the peer's certificate has to have */
    bool asked;       /* the peer has asked for a certificate, and there was none */
};

/* The certificate that store looks at is not accepted. */
void tls_words_certificate(const struct tls_circumstances *of, X509_STORE_CTX *store,
                           struct err *ret);
/* What OpenSSL's queue of errors says of ssl; empties it. */
void tls_words_failure(const struct tls_circumstances *of, SSL *ssl, struct err *ret);
/* The peer wants a certificate that it does not get. */
void tls_words_asked(struct err *ret);
/* What the peer began to answer is not TLS. */
void tls_words_plain(const char *data, size_t len, struct err *ret);
