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

struct api *api_new(uv_loop_t *loop, const struct api_deps *deps);

/* Serves what comes in on fd, a listening socket; fd is the api's in any case. */
int api_listen(struct api *api, int fd, struct err *err) must_check;

/* Followers are let go; then closed(arg), from the loop. NULL is fine: then closed is called at
 * once. */
void api_free(struct api *api, void (*closed)(void *arg), void *arg);
