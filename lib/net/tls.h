/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * TLS on a connection: a row of struct conn_ops, and what it keeps of one peer.
 *
 *   tls_peer_new -> conn_set_transport(conn, &conn_tls, peer) -> conn_connect … -> tls_peer_free
 *
 * A peer outlives its connections, one at a time, and remembers the latest session, so that the
 * next connection costs less. Reasons of an end are those of conn, and ERR_TLS.
 */
#include "lib/net/conn.h"
#include "lib/net/tls_settings.h"

struct tls_contexts;
struct tls_peer;

extern const struct conn_ops conn_tls;

/* host: the name to expect where settings have none. All is copied but contexts. */
struct tls_peer *tls_peer_new(struct tls_contexts *contexts, const struct tls_settings *settings,
                              const char *host);
/* Its connection must have ended, or be closing. NULL is fine. */
void tls_peer_free(struct tls_peer *peer);

bool tls_peer_has(const struct tls_peer *peer, const struct tls_settings *settings);
/* Of the connection, which is open: whether it went on with an earlier session; when the peer's
 * certificate ends, as seconds since 1970 (0: not known). */
bool tls_peer_resumed(const struct tls_peer *peer);
int64_t tls_peer_ends_at(const struct tls_peer *peer);
