/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The files that TLS needs, as OpenSSL's context. */
#include <openssl/ssl.h>

#include "lib/base/base.h"
#include "lib/base/err.h"
#include "lib/net/tls_settings.h"

/* Reads and parses, now; it may take a few milliseconds. ERR_TLS: the sentence names the file. The
 * server_name and verify are each connection's own. */
int tls_files_load(const struct tls_settings *settings, SSL_CTX **ret, struct err *err) must_check;
