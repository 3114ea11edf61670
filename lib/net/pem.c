/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/net/pem.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "lib/base/base.h"

/* --- reading --- */

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

STACK_OF(X509) * pem_read_chain(const char *text)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    BIO *bio = open_text(text);
    X509 *cert;
    bool whole;

    ERR_clear_error();
    while ((cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)))
        if (sk_X509_push(chain, cert) <= 0)
            abort();
    /* What ends it has to be the end of the text. */
    whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(bio);
    if (whole && sk_X509_num(chain) > 0)
        return chain;
    sk_X509_pop_free(chain, X509_free);
    return NULL;
}

EVP_PKEY *pem_read_key(const char *text)
{
    BIO *bio = open_text(text);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

    ERR_clear_error();
    BIO_free(bio);
    return key;
}

/* --- words --- */

const char *pem_time(const ASN1_TIME *at, char buf[PEM_TIME_MAX])
{
    struct tm tm;

    if (!ASN1_TIME_to_tm(at, &tm) || strftime(buf, PEM_TIME_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        (void)str_copy(buf, PEM_TIME_MAX, "an unknown time");
    return buf;
}

const char *pem_path(const char *path, char buf[PEM_PATH_MAX])
{
    size_t len = strlen(path), most = PEM_PATH_MAX - sizeof("…");
    const char *end = len > most ? path + len - most : path, *slash;

    if (len < PEM_PATH_MAX)
        return path;
    slash = strchr(end, '/');
    snprintf(buf, PEM_PATH_MAX, "…%s", slash ? slash : end);
    return buf;
}

/* Whoever made the certificate chose these bytes. */
static void copy_printable(char *dst, size_t size, const unsigned char *src, size_t len)
{
    len = min_of(len, size - 1);
    for (size_t i = 0; i < len; i++)
        dst[i] = src[i] >= ' ' && src[i] <= '~' ? (char)src[i] : '?';
    dst[len] = '\0';
}

const char *pem_name(const X509_NAME *name, char buf[PEM_NAME_MAX])
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    const ASN1_STRING *text;
    char line[256];

    if (at >= 0) {
        text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
        copy_printable(buf, PEM_NAME_MAX, ASN1_STRING_get0_data(text),
                       (size_t)ASN1_STRING_length(text));
    } else {
        X509_NAME_oneline(name, line, sizeof(line));
        copy_printable(buf, PEM_NAME_MAX, (const unsigned char *)line, strlen(line));
    }
    return buf;
}

static bool host_of(const GENERAL_NAME *name, char *buf, size_t size)
{
    const ASN1_STRING *text;
    size_t len;

    if (name->type != GEN_DNS && name->type != GEN_IPADD)
        return false;
    text = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    len = (size_t)ASN1_STRING_length(text);
    if (name->type == GEN_DNS)
        copy_printable(buf, size, ASN1_STRING_get0_data(text), len);
    else if ((len != 4 && len != 16) ||
             !inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(text), buf,
                        (socklen_t)size))
        return false;
    return true;
}

const char *pem_hosts(const X509 *cert, char buf[PEM_HOSTS_MAX])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    size_t used = 0;
    char host[80];

    buf[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (!host_of(sk_GENERAL_NAME_value(names, i), host, sizeof(host)))
            continue;
        if (used + strlen(host) + 8 > PEM_HOSTS_MAX) {
            (void)str_copy(buf + used, PEM_HOSTS_MAX - used, ", …");
            break;
        }
        used += (size_t)snprintf(buf + used, PEM_HOSTS_MAX - used, "%s%s", used ? ", " : "", host);
    }
    GENERAL_NAMES_free(names);
    /* Without such names, the common name counts. */
    if (used == 0)
        (void)str_copy(buf, PEM_HOSTS_MAX, pem_name(X509_get_subject_name(cert), host));
    return buf;
}
