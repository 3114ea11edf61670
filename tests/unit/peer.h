/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A server inside the test, on a port of 127.0.0.1 or a Unix socket, which does as it is told. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#define PEER_ANSWERS_MAX 4
#define PEER_CLIENTS_MAX 8

struct peer_script {
    const char *answers[PEER_ANSWERS_MAX]; /* to the first, second, … piece of data that comes */
    bool greet;                            /* the first answer is given on accept instead */
    bool echo;                             /* whatever comes goes back */
    bool endless; /* after the last answer: its last 1024 bytes, or all of it, again and again */
    bool hang_up; /* after the last answer: close */
    bool deaf;    /* never reads */
};

struct peer;

struct peer_client {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } u;
    struct peer *peer;
    bool live;
    unsigned answered;
};

struct peer {
    struct peer_script script;
    uint16_t port;
    unsigned accepted;
    size_t received;
    /* private */
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } u;
    struct peer_client clients[PEER_CLIENTS_MAX];
    bool closed;
};

void peer_start(struct peer *peer, uv_loop_t *loop, const struct peer_script *script);
void peer_start_unix(struct peer *peer, uv_loop_t *loop, const struct peer_script *script,
                     const char *path);
/* A deaf peer begins to read. */
void peer_listen_up(struct peer *peer);
/* Runs the loop until everything of it is closed. */
void peer_stop(struct peer *peer);
