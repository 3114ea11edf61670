/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/base.h"

#define PARALLEL 256 /* connections at a time */
#define FD_SPARE 64  /* descriptors for everything else */

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- names --- */

/* Takes over what has come; returns how many names are still being asked for. */
static size_t collect(struct probe_name *names, struct gaicb *requests, struct gaicb **waiting,
                      size_t n, uint64_t start_us)
{
    size_t left = 0;

    for (size_t i = 0; i < n; i++) {
        int error;

        if (!waiting[i])
            continue;
        error = gai_error(&requests[i]);
        if (error == EAI_INPROGRESS) {
            left++;
            continue;
        }
        names[i].error = error;
        names[i].ms = (now_us() - start_us) / 1000;
        names[i].result = requests[i].ar_result;
        waiting[i] = NULL;
    }
    return left;
}

void probe_names(struct probe_name *names, size_t n, uint64_t timeout_ms)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct gaicb *requests = xcalloc(n, sizeof(*requests)), **waiting = xcalloc(n, sizeof(void *));
    uint64_t start = now_us(), end = start + timeout_ms * 1000, now;
    size_t left = n;

    for (size_t i = 0; i < n; i++) {
        names[i].error = EAI_INPROGRESS;
        requests[i].ar_name = xstrdup(names[i].host); /* it may outlive names */
        requests[i].ar_request = &hints;
        waiting[i] = &requests[i];
    }
    if (n > 0 && getaddrinfo_a(GAI_NOWAIT, waiting, (int)n, NULL) == EAI_AGAIN)
        end = start; /* nothing has been asked for */
    while (left > 0 && (now = now_us()) < end) {
        struct timespec pause = {.tv_sec = (time_t)((end - now) / 1000000),
                                 .tv_nsec = (long)((end - now) % 1000000) * 1000};

        (void)gai_suspend((const struct gaicb *const *)waiting, (int)n, &pause);
        left = collect(names, requests, waiting, n, start);
    }
    for (size_t i = 0; i < n && left == 0; i++)
        free((char *)(uintptr_t)requests[i].ar_name);
    if (left == 0)
        free(requests); /* else a thread of the C library still writes there */
    free(waiting);
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
