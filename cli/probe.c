/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "lib/base/base.h"
#include "lib/base/thread.h"

#define LOOKUPS 32   /* names at a time */
#define PARALLEL 256 /* connections at a time */
#define FD_SPARE 64  /* descriptors for everything else */

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- names --- */

/* Shared with the threads; whoever lets go last frees it. */
struct lookups {
    uv_mutex_t lock;
    uv_cond_t settled;
    struct lookup {
        char *host; /* owned: it may outlive the caller's */
        bool done;
        int error;
        uint64_t ms;
        struct addrinfo *result; /* owned until the caller takes it */
    } * list;
    size_t n, next, n_done;
    unsigned users;
    bool given_up;
    uint64_t start_us;
};

static void lookups_put(struct lookups *l)
{
    bool last;

    uv_mutex_lock(&l->lock);
    last = --l->users == 0;
    uv_mutex_unlock(&l->lock);
    if (!last)
        return;
    for (size_t i = 0; i < l->n; i++) {
        if (l->list[i].result)
            freeaddrinfo(l->list[i].result);
        free(l->list[i].host);
    }
    uv_cond_destroy(&l->settled);
    uv_mutex_destroy(&l->lock);
    free(l->list);
    free(l);
}

static void look_up(void *arg)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct lookups *l = arg;

    uv_mutex_lock(&l->lock);
    while (l->next < l->n && !l->given_up) {
        struct lookup *lookup = &l->list[l->next++];
        struct addrinfo *result = NULL;
        int error;

        uv_mutex_unlock(&l->lock);
        error = getaddrinfo(lookup->host, NULL, &hints, &result);
        uv_mutex_lock(&l->lock);
        lookup->done = true;
        lookup->error = error;
        lookup->ms = (now_us() - l->start_us) / 1000;
        lookup->result = error ? NULL : result;
        l->n_done++;
        uv_cond_signal(&l->settled);
    }
    uv_mutex_unlock(&l->lock);
    lookups_put(l);
}

static struct lookups *lookups_new(const struct probe_name *names, size_t n)
{
    struct lookups *l = xcalloc(1, sizeof(*l));

    uv_mutex_init(&l->lock);
    uv_cond_init(&l->settled);
    l->list = xcalloc(max_of(n, (size_t)1), sizeof(*l->list));
    l->n = n;
    l->users = 1;
    l->start_us = now_us();
    for (size_t i = 0; i < n; i++)
        l->list[i].host = xstrdup(names[i].host);
    return l;
}

/* Threads of their own, which nobody waits for: a name server that does not answer holds its thread
 * for longer than anybody wants to wait, at the end of the process, too. */
static void start_threads(struct lookups *l)
{
    unsigned n = (unsigned)min_of(l->n, (size_t)LOOKUPS);
    uv_thread_t thread;
    struct err err;

    uv_mutex_lock(&l->lock);
    for (unsigned i = 0; i < n && !thread_start(&thread, "lookup", look_up, l, &err); i++) {
        l->users++;
        pthread_detach(thread);
    }
    uv_mutex_unlock(&l->lock);
}

static void wait_for_all(struct lookups *l, uint64_t timeout_ms)
{
    uint64_t end = l->start_us + timeout_ms * 1000, now = now_us();

    while (l->users > 1 && l->n_done < l->n && now < end) {
        (void)uv_cond_timedwait(&l->settled, &l->lock, (end - now) * 1000);
        now = now_us();
    }
    l->given_up = true;
}

void probe_names(struct probe_name *names, size_t n, uint64_t timeout_ms)
{
    struct lookups *l = lookups_new(names, n);

    start_threads(l);
    uv_mutex_lock(&l->lock);
    wait_for_all(l, timeout_ms);
    for (size_t i = 0; i < n; i++) {
        names[i].error = l->list[i].done ? l->list[i].error : EAI_INPROGRESS;
        names[i].ms = l->list[i].ms;
        names[i].result = take(l->list[i].result);
    }
    uv_mutex_unlock(&l->lock);
    lookups_put(l);
}

void probe_names_free(struct probe_name *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (names[i].result)
            freeaddrinfo(names[i].result);
    }
}

/* --- ports --- */

struct slot {
    struct probe_port *port; /* NULL: free */
    const struct addrinfo *address;
    uint64_t start_us;
};

struct probing {
    struct slot slots[PARALLEL];
    struct pollfd fds[PARALLEL];
    unsigned n_slots, n_busy;
    struct probe_port *ports;
    size_t n_ports, next;
    uint64_t each_us;
};

static void release(struct probing *p, unsigned i)
{
    close(p->fds[i].fd);
    p->fds[i].fd = -1;
}

static void settle(struct probing *p, unsigned i, int error)
{
    struct slot *slot = &p->slots[i];

    slot->port->error = error;
    slot->port->us = now_us() - slot->start_us;
    slot->port = NULL;
    p->n_busy--;
}

/* Begins to connect to the slot's address, or to the first after it with which one can begin. */
static void begin(struct probing *p, unsigned i, int error)
{
    struct slot *slot = &p->slots[i];

    for (; slot->address; slot->address = slot->address->ai_next) {
        struct sockaddr_storage to = {0};
        int fd;

        memcpy(&to, slot->address->ai_addr, min_of((size_t)slot->address->ai_addrlen, sizeof(to)));
        if (to.ss_family == AF_INET6)
            ((struct sockaddr_in6 *)&to)->sin6_port = htons(slot->port->port);
        else
            ((struct sockaddr_in *)&to)->sin_port = htons(slot->port->port);
        fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && (connect(fd, (struct sockaddr *)&to, slot->address->ai_addrlen) == 0 ||
                        errno == EINPROGRESS)) {
            p->fds[i] = (struct pollfd){.fd = fd, .events = POLLOUT};
            slot->start_us = now_us();
            return;
        }
        error = errno;
        if (fd >= 0)
            close(fd);
    }
    settle(p, i, error);
}

static void fill(struct probing *p)
{
    for (unsigned i = 0; i < p->n_slots && p->next < p->n_ports; i++) {
        if (p->slots[i].port)
            continue;
        p->slots[i] = (struct slot){.port = &p->ports[p->next], .start_us = now_us()};
        p->slots[i].address = p->ports[p->next++].addresses;
        p->n_busy++;
        begin(p, i, EADDRNOTAVAIL);
    }
}

/* The connection is there, or has failed, or takes too long. */
static void look(struct probing *p, unsigned i)
{
    struct slot *slot = &p->slots[i];
    socklen_t len = sizeof(int);
    int error = ETIMEDOUT;

    if (!slot->port || p->fds[i].fd < 0)
        return;
    if (p->fds[i].revents)
        getsockopt(p->fds[i].fd, SOL_SOCKET, SO_ERROR, &error, &len);
    else if (now_us() - slot->start_us < p->each_us)
        return;
    release(p, i);
    if (error == 0) {
        settle(p, i, 0);
        return;
    }
    slot->address = slot->address->ai_next;
    begin(p, i, error);
}

static unsigned slots_allowed(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur == RLIM_INFINITY)
        return PARALLEL;
    if (files.rlim_cur < FD_SPARE + 1)
        return 1;
    return (unsigned)min_of((rlim_t)PARALLEL, files.rlim_cur - FD_SPARE);
}

void probe_ports(struct probe_port *ports, size_t n, uint64_t each_ms, uint64_t all_ms)
{
    struct probing *p = xcalloc(1, sizeof(*p));
    uint64_t end = now_us() + all_ms * 1000;

    *p = (struct probing){
        .n_slots = slots_allowed(), .ports = ports, .n_ports = n, .each_us = each_ms * 1000};
    for (unsigned i = 0; i < PARALLEL; i++)
        p->fds[i].fd = -1;
    for (size_t i = 0; i < n; i++)
        ports[i].error = ECANCELED;
    while (now_us() < end) {
        fill(p);
        if (p->n_busy == 0 && p->next == n)
            break;
        (void)poll(p->fds, p->n_slots, 20);
        for (unsigned i = 0; i < p->n_slots; i++)
            look(p, i);
    }
    for (unsigned i = 0; i < p->n_slots; i++) {
        if (p->fds[i].fd >= 0)
            release(p, i);
    }
    free(p);
}
