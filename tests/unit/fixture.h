/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What unit tests share: cmocka, an event loop that fails the test when a handle is left open, and
 * a real redis-server of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>
#include <uv.h>

struct fixture {
    uv_loop_t loop;
    void *data; /* the test's own */
};

/* cmocka set-up and tear-down: *state is a struct fixture *. */
int loop_setup(void **state);
/* Runs the loop until it is empty; prints the handles that are still open after two seconds, and
 * fails. */
int loop_teardown(void **state);

/* Runs the loop until pred(arg) is true; false when that has not happened after deadline_ms. */
bool loop_run_until(uv_loop_t *loop, bool (*pred)(void *arg), void *arg, uint64_t deadline_ms);
/* The same for the commonest predicate: until *flag is true. */
bool loop_run_until_set(uv_loop_t *loop, const bool *flag, uint64_t deadline_ms);
/* Runs the loop for a while, for what must not happen. */
void loop_run_for(uv_loop_t *loop, uint64_t ms);

/* A port of 127.0.0.1 that nobody listens on just now. */
uint16_t free_port(void);

/* Creates an empty directory and writes its path; temp_dir_remove() deletes it with all it holds.
 */
#define TEMP_DIR_MAX 64
void temp_dir_make(char path[TEMP_DIR_MAX]);
void temp_dir_remove(const char *path);

struct redis_server {
    pid_t pid; /* 0: not running */
    uint16_t port;
    char dir[TEMP_DIR_MAX];
};

/* Starts a redis-server on a free port of 127.0.0.1 and waits until it answers; args: further
 * options, ended by NULL ("--requirepass", "x", NULL), or NULL. Fails the test when it does not
 * come up. */
void redis_server_start(struct redis_server *server, const char *const *args);
/* Kills it and removes its directory; no effect when it does not run. */
void redis_server_stop(struct redis_server *server);
