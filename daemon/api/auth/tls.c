/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/auth/tls.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "lib/base/secret_file.h"
#include "lib/net/pem.h"

#define PEM_MAX ((size_t)64 * 1024)

/* A certificate out of its time is used all the same: it is better than no daemon. */
static void check_time(const X509 *cert, char *warning, size_t size)
{
    char at[PEM_TIME_MAX];

    if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0) {
        snprintf(warning, size, "the certificate of the listener ended at %s",
                 pem_time(X509_get0_notAfter(cert), at));
    } else if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0) {
        snprintf(warning, size, "the certificate of the listener is not valid before %s",
                 pem_time(X509_get0_notBefore(cert), at));
    }
}

static int check_pair(const struct config_api *config, struct tls_pem *pem, struct err *err)
{
    const char *cert_file = config->tls.cert_file, *key_file = config->tls.key_file;
    STACK_OF(X509) *chain = pem_read_chain(pem->cert);
    X509 *cert = chain ? sk_X509_value(chain, 0) : NULL;
    EVP_PKEY *key = cert ? pem_read_key(pem->key) : NULL;
    int r = 0;

    if (!cert)
        r = err_set(err, ERR_INVALID, "%.150s: this is no certificate, or no chain of them, in PEM",
                    cert_file);
    else if (!key)
        r = err_set(err, ERR_INVALID,
                    "%.150s: this is no private key in PEM, or it needs a passphrase", key_file);
    else if (X509_check_private_key(cert, key) != 1)
        r = err_set(err, ERR_INVALID, "%.90s: this key is not that of the certificate in %.90s",
                    key_file, cert_file);
    else
        check_time(cert, pem->warning, sizeof(pem->warning));
    ERR_clear_error();
    sk_X509_pop_free(chain, X509_free);
    EVP_PKEY_free(key);
    return r;
}

int tls_pem_load(const struct config_api *config, struct tls_pem *ret, struct err *err)
{
    struct tls_pem pem = {.cert = NULL};

    if (config->tls.cert_file &&
        (secret_file_read(config->tls.cert_file, PEM_MAX, &pem.cert, err) ||
         secret_file_read(config->tls.key_file, PEM_MAX, &pem.key, err) ||
         check_pair(config, &pem, err))) {
        tls_pem_clear(&pem);
        return err_wrap(err, "tls");
    }
    *ret = pem;
    return 0;
}

void tls_pem_clear(struct tls_pem *pem)
{
    free(take(pem->cert));
    secret_free(take(pem->key));
}

static bool texts_equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool tls_pem_equal(const struct tls_pem *a, const struct tls_pem *b)
{
    return texts_equal(a->cert, b->cert) && texts_equal(a->key, b->key);
}
