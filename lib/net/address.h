/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The two addresses of a socket. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define ADDRESS_STR_MAX INET6_ADDRSTRLEN

/* Whether the socket's own address is one that nobody but this machine can reach. */
bool address_is_loopback(int fd);
/* The IP address at the other end, as text; false: nobody is there. */
bool address_of_peer(int fd, char buf[ADDRESS_STR_MAX]);
