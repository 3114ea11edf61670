/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Many names looked up, and many addresses connected to, at a time and within a time. */
#include <netdb.h>
#include <stddef.h>
#include <stdint.h>

struct probe_name {
    const char *host;        /* borrowed */
    int error;               /* 0, an EAI_… value, or EAI_INPROGRESS: no answer in time */
    uint64_t ms;             /* how long it took */
    struct addrinfo *result; /* owned */
};

void probe_names(struct probe_name *names, size_t n, uint64_t timeout_ms);
void probe_names_free(struct probe_name *names, size_t n);

struct probe_port {
    const struct addrinfo *addresses; /* borrowed; tried one after the other */
    uint16_t port;
    int error;   /* 0: connected; else of the last address: an errno, ETIMEDOUT: no answer,
                    ECANCELED: not tried, all time was over */
    uint64_t us; /* how long connecting took */
};

void probe_ports(struct probe_port *ports, size_t n, uint64_t each_ms, uint64_t all_ms);
