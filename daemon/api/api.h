/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The daemon's interface over HTTP: what jobs there are, what happened to them, and the verbs that
 * move them. It reads the registry and asks migrations; it decides nothing.
 */
#include <uv.h>

#include "lib/base/base.h"
#include "lib/base/err.h"

struct api;
struct config_api;
struct endpoint;
struct event_bus;
struct histogram;
struct log;
struct migration_counters;
struct registry;
struct store;

/* What the daemon as a whole is doing. */
struct daemon_status {
    bool (*ready)(void *arg); /* every job of the store has been taken up again */
    bool (*held)(void *arg);  /* the store takes no writes */
    void *arg;
};

/* All borrowed, for as long as the api lives. */
struct api_deps {
    struct registry *registry;
    struct store *store;
    struct event_bus *bus;
    struct log *log;                           /* may be NULL */
    const struct migration_counters *counters; /* may be NULL */
    const struct histogram *loop_lag;          /* may be NULL */
    int64_t started_wall_ms;                   /* the process; 0: not known */
    struct daemon_status status;
};

#define API_LISTENERS_MAX 4
/* Its members may use the control socket. */
#define API_CONTROL_GROUP "ecmigrate"

struct api *api_new(uv_loop_t *loop, const struct api_deps *deps);

/*
 * Who may use the API over TCP: reads the secrets, the certificate and its key. At start, before
 * the listeners, and again whenever they may have changed: then all of it holds from the next
 * request on, or, on an error, nothing has changed. Followers and connections of those who may less
 * than before are cut off. Refused: to let everybody in where more than this machine can connect.
 */
int api_configure(struct api *api, const struct config_api *config, struct err *err) must_check;

/* Serves the control socket: fd listens, and is the api's in any case. */
int api_listen(struct api *api, int fd, struct err *err) must_check;

/* Serves a TCP port; what is not on the loopback only with keys or tokens configured. Blocks
 * shortly: before the loop runs. */
int api_listen_tcp(struct api *api, const struct endpoint *at, struct err *err) must_check;

/* Followers are let go; then closed(arg), from the loop. NULL is fine: then closed is called at
 * once. */
void api_free(struct api *api, void (*closed)(void *arg), void *arg);
