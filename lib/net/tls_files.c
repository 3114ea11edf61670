/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/net/tls_files.h"

#include <openssl/err.h>

#include "lib/base/secret_file.h"
#include "lib/net/pem.h"

static void ctx_freep(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

static SSL_CTX *new_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx)
        abort();
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    /* A connection at rest holds no buffers. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    return ctx;
}

static int read_text(const char *path, char **ret, struct err *err)
{
    if (secret_file_read(path, PEM_TEXT_MAX, ret, err))
        err->code = ERR_TLS;
    return (int)err->code;
}

static int read_certificates(const char *key, const char *path, STACK_OF(X509) * *ret,
                             struct err *err)
{
    char shown[PEM_PATH_MAX];
    char *text = NULL;

    if (read_text(path, &text, err))
        return err_wrap(err, "%s", key);
    *ret = pem_read_chain(text);
    free(text);
    if (!*ret)
        return err_set(err, ERR_TLS, "%s: %s: this is no certificate in PEM, or not only that", key,
                       pem_path(path, shown));
    return 0;
}

static int load_authorities(SSL_CTX *ctx, const char *path, struct err *err)
{
    STACK_OF(X509) *chain = NULL;

    if (!path) {
        if (SSL_CTX_set_default_verify_paths(ctx) != 1)
            return err_set(err, ERR_TLS, "the system's certificate authorities cannot be used");
        return 0;
    }
    if (read_certificates("ca_file", path, &chain, err))
        return (int)err->code;
    for (int i = 0; i < sk_X509_num(chain); i++)
        (void)X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), sk_X509_value(chain, i));
    sk_X509_pop_free(chain, X509_free);
    return 0;
}

static int use_certificate(SSL_CTX *ctx, const char *path, struct err *err)
{
    STACK_OF(X509) *chain = NULL;
    char shown[PEM_PATH_MAX];
    bool used;

    if (read_certificates("cert_file", path, &chain, err))
        return (int)err->code;
    used = SSL_CTX_use_certificate(ctx, sk_X509_value(chain, 0)) == 1;
    for (int i = 1; used && i < sk_X509_num(chain); i++)
        used = SSL_CTX_add1_chain_cert(ctx, sk_X509_value(chain, i)) == 1;
    sk_X509_pop_free(chain, X509_free);
    if (!used)
        return err_set(err, ERR_TLS, "cert_file: %s: %.80s", pem_path(path, shown),
                       ERR_reason_error_string(ERR_peek_last_error()));
    return 0;
}

static int use_key(SSL_CTX *ctx, const struct tls_settings *settings, struct err *err)
{
    const char *path = settings->key_file;
    char a[PEM_PATH_MAX], b[PEM_PATH_MAX];
    char *text = NULL;
    EVP_PKEY *key;
    bool fits;

    if (read_text(path, &text, err))
        return err_wrap(err, "key_file");
    key = pem_read_key(text);
    secret_free(text);
    if (!key)
        return err_set(err, ERR_TLS,
                       "key_file: %s: this is no private key in PEM, or it needs a passphrase",
                       pem_path(path, a));
    fits = SSL_CTX_use_PrivateKey(ctx, key) == 1;
    EVP_PKEY_free(key);
    if (!fits)
        return err_set(err, ERR_TLS,
                       "%s (key_file) is not the key of the certificate in %s (cert_file)",
                       pem_path(path, a), pem_path(settings->cert_file, b));
    return 0;
}

int tls_files_load(const struct tls_settings *settings, SSL_CTX **ret, struct err *err)
{
    cleanup(ctx_freep) SSL_CTX *ctx = new_context();
    bool own = settings->cert_file && settings->key_file;

    ERR_clear_error();
    if (load_authorities(ctx, settings->ca_file, err) ||
        (own && (use_certificate(ctx, settings->cert_file, err) || use_key(ctx, settings, err)))) {
        ERR_clear_error();
        return (int)err->code;
    }
    ERR_clear_error();
    *ret = take(ctx);
    return 0;
}
