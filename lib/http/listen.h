/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Listening sockets for a server. Both block shortly and are called before the loop runs. */
#include <sys/types.h>

#include "lib/base/base.h"
#include "lib/base/err.h"
#include "lib/net/endpoint.h"

/*
 * Listens on a Unix socket. One that is there already is replaced when nobody answers on it; else
 * ERR_BUSY. ERR_EXISTS: the path is something else. At no time does the socket allow more than
 * mode; it belongs to group, where group (NULL: none) exists and we may give it away.
 */
int http_listen_unix(const char *path, mode_t mode, const char *group, int *ret_fd,
                     struct err *err) must_check;

/* Listens on a TCP port, of the first address host resolves to. ERR_BUSY: the port is taken. */
int http_listen_tcp(const struct endpoint *endpoint, int *ret_fd, struct err *err) must_check;
