/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/net/tls_words.h"

#include <openssl/err.h>
#include <stdio.h>

#include "lib/base/base.h"
#include "lib/net/pem.h"

/* --- the peer's certificate --- */

struct refused {
    const struct tls_circumstances *of;
    const X509 *cert;
    const char *whose; /* "its certificate", "the certificate of the authority 'X'" */
};

static const char *trusted_where(const struct refused *r, char buf[96])
{
    char path[PEM_PATH_MAX];

    if (!r->of->settings->ca_file)
        return "among the system's authorities: name its authority's certificate in tls.ca_file";
    snprintf(buf, 96, "in tls.ca_file, %s", pem_path(r->of->settings->ca_file, path));
    return buf;
}

static void say_ended(const struct refused *r, struct err *ret)
{
    char at[PEM_TIME_MAX];

    err_set(ret, ERR_TLS, "%s has expired: it ended at %s", r->whose,
            pem_time(X509_get0_notAfter(r->cert), at));
}

static void say_early(const struct refused *r, struct err *ret)
{
    char at[PEM_TIME_MAX];

    err_set(ret, ERR_TLS, "%s is not valid yet: it begins at %s; is a clock wrong?", r->whose,
            pem_time(X509_get0_notBefore(r->cert), at));
}

static void say_self_signed(const struct refused *r, struct err *ret)
{
    char name[PEM_NAME_MAX], where[96];

    err_set(ret, ERR_TLS, "its certificate is signed by itself ('%.40s') and not %s",
            pem_name(X509_get_subject_name(r->cert), name), trusted_where(r, where));
}

static void say_unknown_root(const struct refused *r, struct err *ret)
{
    char name[PEM_NAME_MAX], where[96];

    err_set(ret, ERR_TLS, "the authority of its certificate, '%.40s', is not %s",
            pem_name(X509_get_subject_name(r->cert), name), trusted_where(r, where));
}

static void say_unknown_issuer(const struct refused *r, struct err *ret)
{
    char name[PEM_NAME_MAX], where[96];

    err_set(ret, ERR_TLS, "who issued its certificate, '%.40s', is not %s",
            pem_name(X509_get_issuer_name(r->cert), name), trusted_where(r, where));
}

static void say_other_name(const struct refused *r, struct err *ret)
{
    char hosts[PEM_HOSTS_MAX];

    err_set(ret, ERR_TLS,
            "its certificate is not for '%.64s', but for: %s; if that is right, set "
            "tls.server_name",
            r->of->name, pem_hosts(r->cert, hosts));
}

static const struct {
    int error;
    void (*say)(const struct refused *r, struct err *ret);
} refusals[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, say_ended},
    {X509_V_ERR_CERT_NOT_YET_VALID, say_early},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, say_self_signed},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, say_unknown_root},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, say_unknown_issuer},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, say_unknown_issuer},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, say_unknown_issuer},
    {X509_V_ERR_HOSTNAME_MISMATCH, say_other_name},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, say_other_name},
};

void tls_words_certificate(const struct tls_circumstances *of, X509_STORE_CTX *store,
                           struct err *ret)
{
    int error = X509_STORE_CTX_get_error(store);
    struct refused r = {.of = of, .cert = X509_STORE_CTX_get_current_cert(store)};
    char name[PEM_NAME_MAX], whose[PEM_NAME_MAX + 48];

    snprintf(whose, sizeof(whose), "the certificate of the authority '%s'",
             r.cert ? pem_name(X509_get_subject_name(r.cert), name) : "?");
    r.whose = X509_STORE_CTX_get_error_depth(store) == 0 ? "its certificate" : whose;
    for (size_t i = 0; i < array_len(refusals) && r.cert; i++) {
        if (refusals[i].error == error) {
            refusals[i].say(&r, ret);
            return;
        }
    }
    err_set(ret, ERR_TLS, "%s is not accepted: %.100s", r.whose,
            X509_verify_cert_error_string(error));
}

/* --- the handshake --- */

#define ALERT(number) (SSL_AD_REASON_OFFSET + (number))

enum failure { FAILED_VERSION, FAILED_CIPHER, FAILED_NAME, FAILED_OWN, FAILED_OTHER };

/* OpenSSL's reasons: our own side's, and the peer's alerts. */
static const struct {
    int reason;
    enum failure failure;
} failures[] = {
    {SSL_R_UNSUPPORTED_PROTOCOL, FAILED_VERSION},
    {SSL_R_WRONG_SSL_VERSION, FAILED_VERSION},
    {SSL_R_WRONG_VERSION_NUMBER, FAILED_VERSION},
    {SSL_R_VERSION_TOO_LOW, FAILED_VERSION},
    {ALERT(SSL_AD_PROTOCOL_VERSION), FAILED_VERSION},
    {ALERT(SSL_AD_HANDSHAKE_FAILURE), FAILED_CIPHER},
    {ALERT(SSL_AD_INSUFFICIENT_SECURITY), FAILED_CIPHER},
    {SSL_R_NO_SHARED_CIPHER, FAILED_CIPHER},
    {ALERT(SSL_AD_UNRECOGNIZED_NAME), FAILED_NAME},
    {ALERT(SSL_AD_BAD_CERTIFICATE), FAILED_OWN},
    {ALERT(SSL_AD_UNSUPPORTED_CERTIFICATE), FAILED_OWN},
    {ALERT(SSL_AD_CERTIFICATE_REVOKED), FAILED_OWN},
    {ALERT(SSL_AD_CERTIFICATE_EXPIRED), FAILED_OWN},
    {ALERT(SSL_AD_CERTIFICATE_UNKNOWN), FAILED_OWN},
    {ALERT(SSL_AD_UNKNOWN_CA), FAILED_OWN},
    {ALERT(SSL_AD_ACCESS_DENIED), FAILED_OWN},
    {ALERT(SSL_AD_DECRYPT_ERROR), FAILED_OWN},
    {ALERT(SSL_AD_CERTIFICATE_REQUIRED), FAILED_OWN},
};

static enum failure failure_of(int reason)
{
    for (size_t i = 0; i < array_len(failures); i++)
        if (failures[i].reason == reason)
            return failures[i].failure;
    return FAILED_OTHER;
}

void tls_words_asked(struct err *ret)
{
    err_set(ret, ERR_TLS,
            "the server asks for a client certificate and ends the connection without one: set "
            "tls.cert_file and tls.key_file");
}

/* "tlsv1 alert unknown ca" -> "unknown ca" */
static const char *alert_words(int reason)
{
    return reason > SSL_AD_REASON_OFFSET ? SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET)
                                         : "";
}

static void say_own_refused(const struct tls_circumstances *of, SSL *ssl, int reason,
                            struct err *ret)
{
    X509 *own = SSL_get_certificate(ssl);
    char at[PEM_TIME_MAX], path[PEM_PATH_MAX];

    if (own && X509_cmp_current_time(X509_get0_notAfter(own)) < 0)
        err_set(ret, ERR_TLS,
                "the server refuses the client certificate %s (tls.cert_file): it ended at %s",
                pem_path(of->settings->cert_file, path), pem_time(X509_get0_notAfter(own), at));
    else if (own)
        err_set(ret, ERR_TLS, "the server refuses the client certificate %s (tls.cert_file): %s",
                pem_path(of->settings->cert_file, path), alert_words(reason));
    else
        err_set(ret, ERR_TLS, "the server ended the handshake: %s", alert_words(reason));
}

void tls_words_failure(const struct tls_circumstances *of, SSL *ssl, struct err *ret)
{
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_REASON(error);
    bool alert = reason > SSL_AD_REASON_OFFSET;
    enum failure failure = failure_of(reason);

    if (of->asked && alert && failure != FAILED_VERSION && failure != FAILED_NAME) {
        tls_words_asked(ret);
    } else {
        switch (failure) {
        case FAILED_VERSION:
            err_set(ret, ERR_TLS,
                    "no TLS version in common: this side speaks 1.2 and 1.3 (tls-protocols at the "
                    "server)");
            break;
        case FAILED_CIPHER:
            err_set(ret, ERR_TLS,
                    "no cipher in common (tls-ciphers and tls-ciphersuites at the server)");
            break;
        case FAILED_NAME:
            err_set(ret, ERR_TLS, "the server knows no host '%.64s' (tls.server_name)", of->name);
            break;
        case FAILED_OWN:
            say_own_refused(of, ssl, reason, ret);
            break;
        case FAILED_OTHER:
            err_set(ret, ERR_TLS, alert ? "the server ended TLS: %.100s" : "TLS failed: %.100s",
                    alert   ? alert_words(reason)
                    : error ? ERR_reason_error_string(error)
                            : "of unknown cause");
            break;
        }
    }
    ERR_clear_error();
}

void tls_words_plain(const char *data, size_t len, struct err *ret)
{
    char words[64];
    size_t n = min_of(len, sizeof(words) - 1);

    for (size_t i = 0; i < n; i++) {
        if (data[i] == '\r' || data[i] == '\n')
            n = i;
        else
            words[i] = data[i] >= ' ' && data[i] <= '~' ? data[i] : '?';
    }
    words[n] = '\0';
    err_set(ret, ERR_TLS,
            "this port does not speak TLS (it answers '%s'): name the server's tls-port, or take "
            "tls out of the job file",
            words);
}
