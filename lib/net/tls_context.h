/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What connections over TLS have in common: authorities to trust, a certificate and a key, read
 * from files and kept once for all who name the same files.
 *
 * A file that has changed is read anew for the next connection; existing ones go on with what they
 * have. Reading and parsing is done in a thread.
 */
#include <openssl/ssl.h>
#include <uv.h>

#include "lib/base/err.h"
#include "lib/base/list.h"
#include "lib/net/tls_settings.h"

struct tls_contexts;

/* Somebody who waits for a context; embedded in whoever that is. */
struct tls_wait {
    struct list link;
    /* ctx is borrowed until the loop turns; NULL: err says why. made: its number; another one is
     * of other files. */
    void (*ready)(struct tls_wait *wait, SSL_CTX *ctx, uint64_t made, const struct err *err);
};

struct tls_contexts *tls_contexts_new(uv_loop_t *loop);
/* Nobody may wait. What is being read frees itself when it comes. NULL is fine. */
void tls_contexts_free(struct tls_contexts *contexts);
/* Everything is read anew when it is needed next. */
void tls_contexts_forget(struct tls_contexts *contexts);

/* The one of these files: ready() is called at once, or from the loop. */
void tls_contexts_get(struct tls_contexts *contexts, const struct tls_settings *settings,
                      struct tls_wait *wait);
void tls_wait_init(struct tls_wait *wait, void (*ready)(struct tls_wait *wait, SSL_CTX *ctx,
                                                        uint64_t made, const struct err *err));
void tls_wait_cancel(struct tls_wait *wait); /* ready() does not come any more */
