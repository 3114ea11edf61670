/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tls_server.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"
#include "tests/unit/fixture.h"

/* --- certificates --- */

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(ext);
    X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
}

/* issuer NULL: by itself. */
static X509 *make_certificate(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key)
{
    static long serial = 1;
    X509 *cert = X509_new();

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    if (issuer)
        add_extension(cert, NID_subject_alt_name, "IP:127.0.0.1,DNS:server.example");
    else
        add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(cert, issuer ? issuer_key : key, EVP_sha256()) > 0);
    return cert;
}

static void write_pem(const char *path, const X509 *cert, EVP_PKEY *key)
{
    char hidden[112];
    FILE *out;

    snprintf(hidden, sizeof(hidden), "%s.new", path);
    out = fopen(hidden, "we");
    assert_non_null(out);
    if (cert)
        PEM_write_X509(out, (X509 *)(uintptr_t)cert);
    if (key)
        PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    fclose(out);
    assert_int_equal(rename(hidden, path), 0);
}

static EVP_PKEY *read_key(const char *path)
{
    FILE *in = fopen(path, "re");
    EVP_PKEY *key = PEM_read_PrivateKey(in, NULL, NULL, NULL);

    assert_non_null(key);
    fclose(in);
    return key;
}

static X509 *read_certificate(const char *path)
{
    FILE *in = fopen(path, "re");
    X509 *cert = PEM_read_X509(in, NULL, NULL, NULL);

    assert_non_null(cert);
    fclose(in);
    return cert;
}

/* The authority's key lies beside its certificate. */
static void issue(const char *ca, const char *name, const char *cert_path, const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *ca_key;
    X509 *issuer = read_certificate(ca), *cert;
    char path[112];

    snprintf(path, sizeof(path), "%s.key", ca);
    ca_key = read_key(path);
    cert = make_certificate(key, name, issuer, ca_key);
    write_pem(cert_path, cert, NULL);
    write_pem(key_path, NULL, key);
    X509_free(cert);
    X509_free(issuer);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

static void make_authority(const char *ca, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make_certificate(key, name, NULL, NULL);
    char path[112];

    snprintf(path, sizeof(path), "%s.key", ca);
    write_pem(ca, cert, NULL);
    write_pem(path, NULL, key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void tls_names_make(struct tls_names *names, const char *dir)
{
    snprintf(names->ca, sizeof(names->ca), "%s/ca.pem", dir);
    snprintf(names->other_ca, sizeof(names->other_ca), "%s/other.pem", dir);
    snprintf(names->cert, sizeof(names->cert), "%s/server.pem", dir);
    snprintf(names->key, sizeof(names->key), "%s/server.key", dir);
    snprintf(names->client_cert, sizeof(names->client_cert), "%s/client.pem", dir);
    snprintf(names->client_key, sizeof(names->client_key), "%s/client.key", dir);
    make_authority(names->ca, "Test Authority");
    make_authority(names->other_ca, "Other Authority");
    issue(names->ca, "client", names->client_cert, names->client_key);
    tls_names_renew(names);
}

void tls_names_renew(const struct tls_names *names)
{
    issue(names->ca, "server", names->cert, names->key);
}

/* --- the server --- */

static void client_closed(uv_handle_t *handle)
{
    struct tls_client *client = container_of(handle, struct tls_client, tcp);

    SSL_free(take(client->ssl));
    client->live = false;
}

static void client_close(struct tls_client *client)
{
    if (!uv_is_closing((uv_handle_t *)&client->tcp))
        uv_close((uv_handle_t *)&client->tcp, client_closed);
}

struct send {
    uv_write_t req;
    char data[];
};

static void sent(uv_write_t *req, int status)
{
    (void)status;
    free(container_of(req, struct send, req));
}

/* Sends what the SSL has to say, as far as the cut. */
static void client_flush(struct tls_client *client)
{
    struct tls_server *server = client->server;
    size_t left = server->script.cut - client->sent;
    char *data;
    long len = BIO_get_mem_data(SSL_get_wbio(client->ssl), &data);
    size_t n = min_of((size_t)len, left);
    struct send *send = xmalloc(sizeof(*send) + n);
    uv_buf_t buf = uv_buf_init(send->data, (unsigned)n);

    memcpy(send->data, data, n);
    (void)BIO_reset(SSL_get_wbio(client->ssl));
    client->sent += n;
    server->sent = client->sent;
    uv_write(&send->req, (uv_stream_t *)&client->tcp, &buf, 1, sent);
    if (n == left)
        client_close(client);
}

static void shaken(struct tls_client *client)
{
    struct tls_server *server = client->server;

    client->shaken = true;
    server->shaken++;
    server->resumed += (unsigned)SSL_session_reused(client->ssl);
    client_flush(client);
    if (server->script.hang_up)
        client_close(client);
    if (server->script.deaf)
        uv_read_stop((uv_stream_t *)&client->tcp);
}

static void client_pump(struct tls_client *client)
{
    char data[16384];
    int n;

    if (!client->shaken && SSL_accept(client->ssl) == 1)
        shaken(client);
    while (client->shaken && (n = SSL_read(client->ssl, data, sizeof(data))) > 0) {
        client->server->received += (size_t)n;
        SSL_write(client->ssl, data, n);
    }
    if (SSL_get_shutdown(client->ssl) & SSL_RECEIVED_SHUTDOWN)
        client->server->notified++;
    if (!uv_is_closing((uv_handle_t *)&client->tcp))
        client_flush(client);
}

static void alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    *buf = uv_buf_init(xmalloc(suggested), (unsigned)suggested);
}

static void client_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct tls_client *client = container_of(stream, struct tls_client, tcp);

    if (n > 0) {
        BIO_write(SSL_get_rbio(client->ssl), buf->base, (int)n);
        client_pump(client);
    } else if (n < 0) {
        client_close(client);
    }
    free(buf->base);
}

static void accepted(uv_stream_t *listener, int status)
{
    struct tls_server *server = container_of(listener, struct tls_server, listener);
    struct tls_client *client = server->clients;

    assert_int_equal(status, 0);
    while (client->live)
        client++;
    assert_true(client < server->clients + TLS_CLIENTS_MAX);
    *client = (struct tls_client){.server = server, .live = true, .ssl = SSL_new(server->ctx)};
    SSL_set_bio(client->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(client->ssl);
    server->accepted++;
    server->received = server->sent = 0;
    uv_tcp_init(listener->loop, &client->tcp);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&client->tcp), 0);
    uv_read_start((uv_stream_t *)&client->tcp, alloc, client_read);
    if (server->script.cut == 0)
        client_close(client);
}

void tls_server_start(struct tls_server *server, uv_loop_t *loop, const struct tls_names *names,
                      const struct tls_script *script)
{
    struct sockaddr_in addr;
    int len = sizeof(addr);

    *server = (struct tls_server){.script = *script, .ctx = SSL_CTX_new(TLS_server_method())};
    if (script->version)
        SSL_CTX_set_max_proto_version(server->ctx, script->version);
    SSL_CTX_set_session_id_context(server->ctx, (const unsigned char *)"test", 4);
    assert_int_equal(SSL_CTX_use_certificate_file(server->ctx, names->cert, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(server->ctx, names->key, SSL_FILETYPE_PEM), 1);
    SSL_CTX_load_verify_file(server->ctx, names->ca);
    if (script->wants_cert)
        SSL_CTX_set_verify(server->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    uv_ip4_addr("127.0.0.1", 0, &addr);
    uv_tcp_init(loop, &server->listener);
    uv_tcp_bind(&server->listener, (struct sockaddr *)&addr, 0);
    assert_int_equal(uv_listen((uv_stream_t *)&server->listener, 16, accepted), 0);
    uv_tcp_getsockname(&server->listener, (struct sockaddr *)&addr, &len);
    server->port = ntohs(addr.sin_port);
}

static void listener_closed(uv_handle_t *handle)
{
    container_of(handle, struct tls_server, listener)->closed = true;
}

static bool is_over(void *arg)
{
    const struct tls_server *server = arg;
    bool over = server->closed;

    for (int i = 0; i < TLS_CLIENTS_MAX; i++)
        over = over && !server->clients[i].live;
    return over;
}

void tls_server_stop(struct tls_server *server)
{
    uv_loop_t *loop = server->listener.loop;

    uv_close((uv_handle_t *)&server->listener, listener_closed);
    for (int i = 0; i < TLS_CLIENTS_MAX; i++)
        if (server->clients[i].live)
            client_close(&server->clients[i]);
    assert_true(loop_run_until(loop, is_over, server, 5000));
    SSL_CTX_free(server->ctx);
}
