/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A server that speaks TLS inside the test, which breaks off where it is told to; and certificates
 * for both ends. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>
#include <uv.h>

#include "lib/net/tls_settings.h"

#define TLS_CLIENTS_MAX 8

struct tls_names {
    char ca[96], other_ca[96], cert[96], key[96], client_cert[96], client_key[96];
};

/* Makes certificates in dir: the server's is for 127.0.0.1 and "server.example". */
void tls_names_make(struct tls_names *names, const char *dir);
/* The server's certificate and key, made anew: the files are replaced. */
void tls_names_renew(const struct tls_names *names);

struct tls_script {
    size_t cut;      /* bytes after which it closes, without a word; SIZE_MAX: none */
    int version;     /* TLS1_2_VERSION; 0: any */
    bool wants_cert; /* of the client */
    bool hang_up;    /* closes once the handshake is over, without close_notify */
    bool deaf;       /* reads no more then */
};

struct tls_server;

struct tls_client {
    uv_tcp_t tcp;
    struct tls_server *server;
    SSL *ssl;
    bool live, shaken;
    size_t sent;
};

struct tls_server {
    struct tls_script script;
    uint16_t port;
    unsigned accepted, shaken, resumed, notified; /* … by close_notify */
    size_t received, sent; /* of the latest connection: data, and all bytes */
    /* private */
    SSL_CTX *ctx;
    uv_tcp_t listener;
    struct tls_client clients[TLS_CLIENTS_MAX];
    bool closed;
};

/* It echoes. */
void tls_server_start(struct tls_server *server, uv_loop_t *loop, const struct tls_names *names,
                      const struct tls_script *script);
void tls_server_stop(struct tls_server *server);
