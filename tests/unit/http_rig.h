/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* An HTTP server on a Unix socket, with handlers of all kinds; http_client is its client. */
#include "lib/http/server.h"
#include "tests/unit/fixture.h"
#include "tests/unit/http_client.h"

#define HTTP_RIG_PARTS 3000 /* of 1000 bytes: what /long answers */

struct http_rig {
    uv_loop_t *loop;
    char dir[TEMP_DIR_MAX];
    char path[TEMP_DIR_MAX + 8];
    struct http_server *server; /* NULL: not running */
    bool closed;

    struct http_request *waiting; /* of /later */
    unsigned released;
    struct http_stream *stream; /* the last one */
    unsigned streams_closed, drained;
    unsigned part; /* of /long */
};

/* limits: NULL for the usual ones. For a cmocka test with loop_setup() and http_rig_teardown(). */
struct http_rig *http_rig_start(void **state, const struct http_limits *limits);
void http_rig_stop(struct http_rig *rig); /* http_rig_teardown() does it otherwise */
int http_rig_teardown(void **state);

/* With these, clients are cut within a second. */
struct http_limits http_rig_short_limits(void);
/* For loop_run_until(). */
bool http_rig_no_connections(void *arg);

/* Sends request; expects the status, and text in the body. */
void expect_answer(struct http_rig *rig, const char *request, int status, const char *text);
/* The server still answers. */
void expect_alive(struct http_rig *rig);
/* Connects c and begins a stream. */
void http_rig_follow(struct http_rig *rig, struct http_client *c);
