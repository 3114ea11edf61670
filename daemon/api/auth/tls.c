/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/auth/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

#include "lib/base/secret_file.h"

#define PEM_MAX ((size_t)64 * 1024)

/* Nobody is there to type a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static BIO *open_text(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, (int)strlen(text));

    if (!bio)
        abort();
    return bio;
}

/* The first certificate of a chain; NULL when there is none, or one that cannot be read. */
static X509 *read_chain(const char *text)
{
    BIO *bio = open_text(text);
    X509 *first = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL), *next;
    bool whole;

    while (first && (next = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)))
        X509_free(next);
    /* What ends it has to be the end of the text. */
    whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (first && !whole) {
        X509_free(first);
        first = NULL;
    }
    ERR_clear_error();
    BIO_free(bio);
    return first;
}

static EVP_PKEY *read_key(const char *text)
{
    BIO *bio = open_text(text);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

    ERR_clear_error();
    BIO_free(bio);
    return key;
}

static void format_asn1(const ASN1_TIME *at, char *buf, size_t size)
{
    struct tm tm;

    if (!ASN1_TIME_to_tm(at, &tm) || strftime(buf, size, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        snprintf(buf, size, "an unknown time");
}

/* A certificate out of its time is used all the same: it is better than no daemon. */
static void check_time(const X509 *cert, char *warning, size_t size)
{
    char at[40];

    if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0) {
        format_asn1(X509_get0_notAfter(cert), at, sizeof(at));
        snprintf(warning, size, "the certificate of the listener ended at %s", at);
    } else if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0) {
        format_asn1(X509_get0_notBefore(cert), at, sizeof(at));
        snprintf(warning, size, "the certificate of the listener is not valid before %s", at);
    }
}

static int check_pair(const struct config_api *config, struct tls_pem *pem, struct err *err)
{
    const char *cert_file = config->tls.cert_file, *key_file = config->tls.key_file;
    X509 *cert = read_chain(pem->cert);
    EVP_PKEY *key = cert ? read_key(pem->key) : NULL;
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
    X509_free(cert);
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
