/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Requests to the daemon over its control socket, one at a time, each with a deadline.
 *
 * A request that does not work out fails with a code that says who is to blame:
 *   ERR_UNREACHABLE  nobody answers on the socket        ERR_DENIED     we may not use the socket
 *   ERR_NOT_FOUND    no such job                         ERR_REPLY      the daemon refuses
 *   ERR_PROTOCOL     what answers does not speak our API
 */
#include <curl/curl.h>
#include <jansson.h>

#include "lib/base/base.h"
#include "lib/base/err.h"

#define CLIENT_TIMEOUT_MS 10000       /* one request, unless it is set otherwise */
#define CLIENT_ANSWER_MAX (64u << 20) /* bytes of one answer */

struct client;

int client_new(const char *socket_path, struct client **ret, struct err *err) must_check;
void client_free(struct client *client);

void client_set_timeout(struct client *client, unsigned timeout_ms);

const char *client_socket(const struct client *client);

/* GET and POST; *ret is a new reference to an object. body NULL: {}. */
int client_get(struct client *client, const char *path, json_t **ret, struct err *err) must_check;
int client_post(struct client *client, const char *path, const json_t *body, json_t **ret,
                struct err *err) must_check;

/* What to do about the last failure, or NULL. */
const char *client_hint(const struct client *client);

/* "<prefix><job><suffix>" with job made fit for a URL. A fresh string. */
char *client_path(const char *prefix, const char *job, const char *suffix);

/* For those who run a transfer of their own (the event stream): a handle that goes to path, and
 * what its end means. body is what came with an answer that is none of 200 and 202. */
CURL *client_handle(const struct client *client, const char *path);
int client_failure(struct client *client, CURL *handle, CURLcode code, const char *body,
                   size_t size, struct err *err);
