/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/base.h"

#define DRAIN_MS 2000
#define SERVER_ARGS_MAX 64
#define SERVER_START_MS 10000

/* --- the loop --- */

int loop_setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));

    assert_int_equal(uv_loop_init(&f->loop), 0);
    *state = f;
    return 0;
}

static bool loop_is_empty(void *arg)
{
    return !uv_loop_alive(arg);
}

/* uv_loop_alive() does not count unreferenced handles; uv_loop_close() does. */
int loop_teardown(void **state)
{
    struct fixture *f = *state;
    uint64_t end = uv_hrtime() / 1000000 + DRAIN_MS;
    int failed;

    while (!loop_is_empty(&f->loop) && uv_hrtime() / 1000000 < end) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        poll(NULL, 0, 1);
    }
    failed = uv_loop_close(&f->loop);
    if (failed) {
        fprintf(stderr, "handles left open ([R]eferenced, [A]ctive):\n");
        uv_print_all_handles(&f->loop, stderr);
        return -1;
    }
    free(f);
    *state = NULL;
    return 0;
}

static void tick(uv_timer_t *timer)
{
    (void)timer; /* waking the loop is all it is for */
}

static void tick_closed(uv_handle_t *handle)
{
    *(bool *)handle->data = true;
}

bool loop_run_until(uv_loop_t *loop, bool (*pred)(void *arg), void *arg, uint64_t deadline_ms)
{
    uint64_t end = uv_hrtime() / 1000000 + deadline_ms;
    bool closed = false, met;
    uv_timer_t timer;

    uv_timer_init(loop, &timer);
    timer.data = &closed;
    uv_timer_start(&timer, tick, 2, 2);
    while (!(met = pred(arg)) && uv_hrtime() / 1000000 < end)
        uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, tick_closed);
    while (!closed)
        uv_run(loop, UV_RUN_NOWAIT);
    return met;
}

static bool flag_is_set(void *arg)
{
    return *(const bool *)arg;
}

bool loop_run_until_set(uv_loop_t *loop, const bool *flag, uint64_t deadline_ms)
{
    return loop_run_until(loop, flag_is_set, (void *)(uintptr_t)flag, deadline_ms);
}

void loop_run_for(uv_loop_t *loop, uint64_t ms)
{
    bool never = false;

    loop_run_until_set(loop, &never, ms);
}

/* --- ports and directories --- */

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return addr;
}

uint16_t free_port(void)
{
    struct sockaddr_in addr = loopback(0);
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    close(fd);
    return ntohs(addr.sin_port);
}

void temp_dir_make(char path[TEMP_DIR_MAX])
{
    snprintf(path, TEMP_DIR_MAX, "/tmp/ecmigrate-unit-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void temp_dir_remove(const char *path)
{
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- redis-server --- */

static void server_exec(const struct redis_server *server, const char *const *args)
{
    char port[8];
    const char *argv[SERVER_ARGS_MAX] = {"redis-server",
                                         "--port",
                                         port,
                                         "--bind",
                                         "127.0.0.1",
                                         "--dir",
                                         server->dir,
                                         "--save",
                                         "",
                                         "--repl-diskless-sync-delay",
                                         "0",
                                         "--logfile",
                                         "redis.log"};
    size_t n = 0;

    snprintf(port, sizeof(port), "%u", server->port);
    while (argv[n])
        n++;
    for (; args && *args && n + 1 < SERVER_ARGS_MAX; args++)
        argv[n++] = *args;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* True when something answers on the port: an error ("NOAUTH …") is an answer too. */
static bool server_answers(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    struct timeval limit = {.tv_sec = 1};
    char answer[8];
    bool ok;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ok = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
         write(fd, "PING\r\n", 6) == 6 && read(fd, answer, sizeof(answer)) > 0;
    close(fd);
    return ok;
}

/* False when it ended before it answered: somebody took the port in the meantime, or a bad option.
 */
static bool server_try(struct redis_server *server, const char *const *args)
{
    uint64_t end = uv_hrtime() / 1000000 + SERVER_START_MS;

    server->port = free_port();
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        server_exec(server, args);
    while (uv_hrtime() / 1000000 < end) {
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            break;
        if (server_answers(server->port))
            return true;
        poll(NULL, 0, 5);
    }
    return false;
}

void redis_server_start(struct redis_server *server, const char *const *args)
{
    temp_dir_make(server->dir);
    for (int i = 0; i < 3; i++) {
        if (server_try(server, args))
            return;
    }
    server->pid = 0;
    fail_msg("redis-server does not come up; see %s/redis.log", server->dir);
}

void redis_server_stop(struct redis_server *server)
{
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
    temp_dir_remove(server->dir);
}
