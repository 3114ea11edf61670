/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A raw HTTP client for tests of the server: bytes out, bytes in, in the same thread as the loop.
 */
#include <uv.h>

#include "tests/unit/fixture.h"

struct http_client {
    int fd;   /* -1: not connected */
    char *in; /* all that came in, terminated */
    size_t len, size;
    bool eof; /* the server has closed */
};

#define CLIENT_MS 5000

void client_connect(struct http_client *c, const char *path); /* a Unix socket; does not block */
void client_close(struct http_client *c);
/* Sends as much as the socket takes, and returns how much that is; -1: the server has closed. */
ssize_t client_send(struct http_client *c, const void *data, size_t len);
void client_send_text(struct http_client *c, const char *text);
/* Takes what has come in; true when there was something new, an end included. */
bool client_pump(struct http_client *c);

/* Runs the loop until text has come in, a whole answer has, or the server has closed. */
bool client_wait_text(struct http_client *c, uv_loop_t *loop, const char *text);
bool client_wait_answer(struct http_client *c, uv_loop_t *loop);
bool client_wait_eof(struct http_client *c, uv_loop_t *loop);

/* Of the (first) answer; client_next() forgets it. */
int client_status(const struct http_client *c);
const char *client_header(const struct http_client *c, const char *name, char *buf, size_t size);
char *client_body(const struct http_client *c); /* decoded when it is chunked; to be freed */
void client_next(struct http_client *c);
/* One request on a connection of its own; returns the status and, in *ret_body, the body. */
int client_ask(uv_loop_t *loop, const char *path, const char *request, char **ret_body);
