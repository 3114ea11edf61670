/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL between two memory BIOs: what the stream brings goes into one, what comes out of the
 * other goes to the stream.
 *
 *   start -> wait for the context -> ready: ClientHello -> received … -> opened -> received, write
 * …
 *
 * Fails in four ways: the files cannot be used (ready), the peer's certificate is not accepted
 * (verify; the sentence is made there), OpenSSL or an alert of the peer says no (failed), the
 * stream ends (ended). A server that speaks TLS 1.3 says only after our side of the handshake that
 * it wants a certificate: that comes with the first read.
 */
#include "lib/net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/base/base.h"
#include "lib/net/tls_context.h"
#include "lib/net/tls_words.h"

#define RECORD_MAX ((size_t)16384)
#define BUFFER_KEPT 1024u /* a BIO's buffer that is larger is let go of when it is empty */
#define RECORD_FIRST 0x14 /* types of records; what begins otherwise is no TLS */
#define RECORD_LAST 0x17

struct tls_peer {
    struct tls_contexts *contexts; /* borrowed */
    struct tls_settings settings;  /* strings owned */
    char *name;                    /* owned; the one to expect */
    unsigned char *session;        /* owned; the latest, as bytes; NULL: none */
    size_t session_len;
    uint64_t session_made; /* with the context of that number */

    /* of the connection under way */
    struct conn *conn; /* borrowed */
    struct tls_wait wait;
    uint64_t made;      /* the number of its context */
    SSL *ssl;           /* owned; NULL: none yet */
    BIO *in, *out;      /* borrowed from ssl */
    bool asked;         /* for a certificate, and we have none */
    bool answered;      /* something has come */
    bool served;        /* … that was data */
    bool broken;        /* nothing more can be said */
    struct err refused; /* why the peer's certificate was not accepted */
};

static struct tls_circumstances circumstances(const struct tls_peer *peer)
{
    return (struct tls_circumstances){
        .settings = &peer->settings, .name = peer->name, .asked = peer->asked};
}

/* --- what OpenSSL tells --- */

static int verify(int accepted, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_peer *peer = SSL_get_app_data(ssl);
    const struct tls_circumstances of = circumstances(peer);

    if (!accepted && peer->refused.code == ERR_NONE)
        tls_words_certificate(&of, store, &peer->refused);
    return accepted;
}

static int asked_for_certificate(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
    struct tls_peer *peer = SSL_get_app_data(ssl);

    (void)cert;
    (void)key;
    peer->asked = true;
    return 0;
}

static void forget_session(struct tls_peer *peer)
{
    if (peer->session)
        OPENSSL_clear_free(take(peer->session), peer->session_len);
    peer->session_len = 0;
}

/* As bytes: the object itself would keep the peer's certificates, parsed. */
static int new_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_peer *peer = SSL_get_app_data(ssl);
    int len;

    forget_session(peer);
    len = SSL_SESSION_is_resumable(session) ? i2d_SSL_SESSION(session, &peer->session) : 0;
    peer->session_len = len > 0 ? (size_t)len : 0;
    peer->session_made = peer->made;
    return 0; /* it stays OpenSSL's */
}

/* --- to and fro --- */

/* False: the connection has ended. */
static bool flush(struct tls_peer *peer)
{
    char *data;
    long len = BIO_get_mem_data(peer->out, &data);

    if (len <= 0)
        return true;
    conn_transport_write(peer->conn, data, (size_t)len);
    if (!peer->ssl)
        return false;
    (void)BIO_reset(peer->out);
    return true;
}

static BIO *new_bio(void)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (!bio)
        abort();
    BIO_set_mem_eof_return(bio, -1);
    return bio;
}

static bool is_large(BIO *bio)
{
    BUF_MEM *buffer = NULL;

    BIO_get_mem_ptr(bio, &buffer);
    return BIO_pending(bio) == 0 && buffer->max > BUFFER_KEPT;
}

/* A connection at rest holds no more than it must. */
static void rest(struct tls_peer *peer)
{
    if (is_large(peer->in))
        SSL_set0_rbio(peer->ssl, peer->in = new_bio());
    if (is_large(peer->out))
        SSL_set0_wbio(peer->ssl, peer->out = new_bio());
}

static void failed(struct tls_peer *peer)
{
    const struct tls_circumstances of = circumstances(peer);
    struct conn *conn = peer->conn;
    struct err err = peer->refused;

    peer->broken = true;
    if (err.code == ERR_NONE)
        tls_words_failure(&of, peer->ssl, &err);
    ERR_clear_error();
    /* An alert tells the peer. */
    if (flush(peer))
        conn_endf(conn, err.code, "%s", err.msg);
}

/* True: the handshake is over and the connection open. */
static bool shake(struct tls_peer *peer)
{
    int r;

    ERR_clear_error();
    r = SSL_do_handshake(peer->ssl);
    if (r != 1 && SSL_get_error(peer->ssl, r) != SSL_ERROR_WANT_READ) {
        failed(peer);
        return false;
    }
    if (!flush(peer) || r != 1)
        return false;
    conn_transport_opened(peer->conn);
    return peer->ssl != NULL;
}

static void read_all(struct tls_peer *peer)
{
    struct conn *conn = peer->conn;
    char data[RECORD_MAX];
    int n;

    for (;;) {
        ERR_clear_error();
        n = SSL_read(peer->ssl, data, sizeof(data));
        if (n <= 0)
            break;
        peer->served = true;
        conn_transport_data(conn, data, (size_t)n);
        if (!peer->ssl)
            return;
    }
    switch (SSL_get_error(peer->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        if (flush(peer))
            rest(peer);
        break;
    case SSL_ERROR_ZERO_RETURN:
        conn_tls.ended(conn, ERR_CLOSED, "the peer closed the connection");
        break;
    default:
        failed(peer);
        break;
    }
}

static void tls_received(struct conn *conn, const char *data, size_t len)
{
    struct tls_peer *peer = conn->transport;
    unsigned char first = (unsigned char)data[0];
    struct err err;

    if (!peer->ssl || (!peer->answered && (first < RECORD_FIRST || first > RECORD_LAST))) {
        tls_words_plain(data, len, &err);
        peer->broken = true;
        conn_endf(conn, err.code, "%s", err.msg);
        return;
    }
    peer->answered = true;
    if (BIO_write(peer->in, data, (int)len) != (int)len)
        abort();
    if (SSL_is_init_finished(peer->ssl) || shake(peer))
        read_all(peer);
}

static void tls_write(struct conn *conn, const char *data, size_t len)
{
    struct tls_peer *peer = conn->transport;
    size_t n;

    if (len > CONN_WRITE_QUEUE_MAX) {
        conn_endf(conn, ERR_LIMIT, "%zu bytes are too many to be sent at once", len);
        return;
    }
    for (; len > 0; data += n, len -= n) {
        n = min_of(len, RECORD_MAX);
        ERR_clear_error();
        if (SSL_write(peer->ssl, data, (int)n) != (int)n) {
            failed(peer);
            return;
        }
        if (!flush(peer))
            return;
    }
    rest(peer);
}

/* --- begin and end --- */

static bool is_address(const char *name)
{
    unsigned char addr[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, name, addr) == 1 || inet_pton(AF_INET6, name, addr) == 1;
}

static void expect_name(struct tls_peer *peer)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(peer->ssl);
    bool full = peer->settings.verify == TLS_VERIFY_FULL;
    bool set = true;

    if (!is_address(peer->name)) {
        set = SSL_set_tlsext_host_name(peer->ssl, peer->name) == 1;
        X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (full && set)
            set = X509_VERIFY_PARAM_set1_host(param, peer->name, 0) == 1;
    } else if (full) {
        set = X509_VERIFY_PARAM_set1_ip_asc(param, peer->name) == 1;
    }
    if (!set) /* a name that cannot be expected is not in any certificate */
        err_set(&peer->refused, ERR_TLS, "'%.64s' is no name of a server", peer->name);
}

/* One of other files would bring back what those files did not accept. */
static void resume(struct tls_peer *peer)
{
    const unsigned char *data = peer->session;
    SSL_SESSION *session;

    if (!data || peer->session_made != peer->made)
        return;
    session = d2i_SSL_SESSION(NULL, &data, (long)peer->session_len);
    if (session)
        SSL_set_session(peer->ssl, session);
    SSL_SESSION_free(session);
    ERR_clear_error();
}

static void ready(struct tls_wait *wait, SSL_CTX *ctx, uint64_t made, const struct err *err)
{
    struct tls_peer *peer = container_of(wait, struct tls_peer, wait);
    struct conn *conn = peer->conn;

    if (!ctx) {
        conn_endf(conn, err->code, "tls: %s", err->msg);
        return;
    }
    peer->made = made;
    peer->ssl = SSL_new(ctx);
    peer->in = new_bio();
    peer->out = new_bio();
    if (!peer->ssl)
        abort();
    SSL_set_bio(peer->ssl, peer->in, peer->out);
    SSL_set_app_data(peer->ssl, peer);
    SSL_set_verify(peer->ssl,
                   peer->settings.verify == TLS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                   peer->settings.verify == TLS_VERIFY_NONE ? NULL : verify);
    SSL_CTX_sess_set_new_cb(ctx, new_session);
    SSL_CTX_set_client_cert_cb(ctx, asked_for_certificate);
    SSL_set_connect_state(peer->ssl);
    expect_name(peer);
    resume(peer);
    if (peer->refused.code != ERR_NONE)
        failed(peer);
    else
        (void)shake(peer);
}

static void tls_start(struct conn *conn)
{
    struct tls_peer *peer = conn->transport;

    peer->conn = conn;
    peer->asked = peer->answered = peer->served = peer->broken = false;
    peer->refused = ERR_INIT;
    tls_contexts_get(peer->contexts, &peer->settings, &peer->wait);
}

static void tls_ended(struct conn *conn, enum err_code code, const char *what)
{
    struct tls_peer *peer = conn->transport;
    bool starting = conn_state(conn) == CONN_STARTING;
    struct err err;

    peer->broken = true;
    if (peer->asked && !peer->served && code == ERR_CLOSED) {
        tls_words_asked(&err);
        conn_endf(conn, err.code, "%s", err.msg);
    } else if (starting && code == ERR_TIMEOUT) {
        conn_endf(conn, code, "%s%s", what,
                  peer->answered ? "" : "; nothing came back: does this port speak TLS?");
    } else if (starting) {
        conn_endf(conn, code, "%s during the TLS handshake%s", what,
                  peer->answered ? "" : "; does this port speak TLS?");
    } else {
        conn_endf(conn, code, "%s", what);
    }
}

static void tls_close(struct conn *conn)
{
    struct tls_peer *peer = conn->transport;
    SSL *ssl = take(peer->ssl);
    char *data;
    long len;

    tls_wait_cancel(&peer->wait);
    if (!ssl)
        return;
    ERR_clear_error();
    if (!peer->broken && SSL_is_init_finished(ssl)) {
        SSL_shutdown(ssl);
        len = BIO_get_mem_data(peer->out, &data);
        if (len > 0)
            conn_transport_last(conn, data, (size_t)len);
    }
    ERR_clear_error();
    peer->in = peer->out = NULL;
    SSL_free(ssl);
}

const struct conn_ops conn_tls = {
    .name = "TLS",
    .start = tls_start,
    .received = tls_received,
    .write = tls_write,
    .ended = tls_ended,
    .close = tls_close,
};

/* --- a peer --- */

struct tls_peer *tls_peer_new(struct tls_contexts *contexts, const struct tls_settings *settings,
                              const char *host)
{
    struct tls_peer *peer = xcalloc(1, sizeof(*peer));

    peer->contexts = contexts;
    tls_settings_copy(&peer->settings, settings);
    peer->name = xstrdup(settings->server_name ? settings->server_name : host);
    tls_wait_init(&peer->wait, ready);
    return peer;
}

void tls_peer_free(struct tls_peer *peer)
{
    if (!peer)
        return;
    assert(!peer->ssl);
    tls_wait_cancel(&peer->wait);
    forget_session(peer);
    tls_settings_clear(&peer->settings);
    free(peer->name);
    free(peer);
}

bool tls_peer_has(const struct tls_peer *peer, const struct tls_settings *settings)
{
    return tls_settings_equal(&peer->settings, settings);
}

bool tls_peer_resumed(const struct tls_peer *peer)
{
    return peer->ssl && SSL_session_reused(peer->ssl);
}

int64_t tls_peer_ends_at(const struct tls_peer *peer)
{
    X509 *cert = peer->ssl ? SSL_get0_peer_certificate(peer->ssl) : NULL;
    struct tm tm;

    if (!cert || !ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm))
        return 0;
    return (int64_t)timegm(&tm);
}
