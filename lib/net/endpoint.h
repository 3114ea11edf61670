/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* host:port, as operators write it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/base.h"
#include "lib/base/err.h"

#define ENDPOINT_STR_MAX 264
#define ENDPOINT_LABEL_MAX 96

struct endpoint {
    char host[254]; /* a name, an IPv4 or an IPv6 address without brackets; "" when there is none */
    uint16_t port;
};

/* Parses "host:port", "1.2.3.4:port" or "[::1]:port". The message does not repeat the whole text.
 */
int endpoint_parse(const char *text, struct endpoint *ret, struct err *err) must_check;

/* Writes "host:port", with brackets where the host is an IPv6 address; returns buf. */
const char *endpoint_format(const struct endpoint *ep, char buf[ENDPOINT_STR_MAX]);

/* The same for a message: a long host name is cut in its middle, so that the sentence after it
 * fits. */
const char *endpoint_label(const struct endpoint *ep, char buf[ENDPOINT_LABEL_MAX]);

bool endpoint_is_set(const struct endpoint *ep);
bool endpoint_equal(const struct endpoint *a,
                    const struct endpoint *b); /* host without regard to case */
