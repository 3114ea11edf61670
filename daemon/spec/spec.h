/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A job as its file describes it: one YAML document, checked and with every default filled in.
 * Nothing here changes after it has been read; a new text makes a new spec.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/base.h"
#include "lib/base/err.h"
#include "lib/net/endpoint.h"
#include "lib/net/tls_settings.h"

#define SPEC_ID_MAX 40
#define SPEC_REPLICAS_MAX 8
#define SPEC_WAIVED_MAX 32
#define SPEC_SENTINELS_MAX 16

/* Where a password comes from; at most one of the three is set. */
struct spec_auth {
    char *username;      /* NULL: the server's default user */
    char *password;      /* inline */
    char *password_file; /* a path */
    char *credential;    /* a name in $CREDENTIALS_DIRECTORY */
};

struct spec_tls {
    bool enabled;
    struct tls_settings settings; /* strings owned */
};

/* How the daemon gets in where it does nothing but ask. */
struct spec_login {
    struct spec_auth auth;
    struct spec_tls tls;
};

/* The primary above a source that is a replica itself. */
struct spec_primary {
    struct endpoint endpoint; /* host "": found by following */
    struct spec_auth auth;    /* see spec_primary_auth() */
    struct spec_tls tls;      /* see spec_primary_tls() */
    bool has_tls;
};

struct spec_node {
    struct endpoint endpoint;
    struct endpoint reachable_as; /* how the other node reaches it; = endpoint where not given */
    struct spec_auth auth;        /* the daemon's own log-in */
    bool has_replication_user;
    struct spec_auth replication_user; /* what the other node logs in with, where not auth */
    struct endpoint *replicas;         /* owned; n_replicas of them */
    unsigned n_replicas;
    bool allow_flush;
    struct spec_tls tls;
    struct spec_primary primary; /* of the source only */
    bool leave_replicas;         /* of a source: its other replicas stay where they are */
};

struct spec {
    char id[SPEC_ID_MAX + 1];
    char *description; /* NULL when not given */
    char *file;        /* the path it was read from */
    unsigned document; /* 0, 1, … within the file */
    char *text;        /* the document itself: a change is a change of this. May hold a password */

    bool has_source; /* source.endpoint was given */
    struct spec_node source, target;

    bool start_auto;
    struct {
        unsigned attempts;
        uint64_t timeout_ms, backoff_initial_ms, backoff_max_ms;
    } attach;
    struct {
        uint64_t stall_timeout_ms;
        bool tune;
    } sync;
    struct {
        bool mode_auto;
        uint64_t max_lag; /* bytes */
        uint64_t pause_ms;
        unsigned attempts;
        bool reverse;
        enum spec_drain { DRAIN_AUTO, DRAIN_FALSE, DRAIN_TRUE } drain_clients;
    } cutover;
    struct {
        unsigned *waived; /* owned; as the words of the schema are numbered */
        unsigned n_waived;
    } checks;

    struct endpoint *sentinels; /* owned */
    unsigned n_sentinels;
    char *sentinel_name;             /* what they call the source; NULL: there are none */
    struct spec_login sentinel_auth; /* how we get in there */
};

void spec_free(struct spec *spec); /* NULL is fine; wipes inline passwords */
void spec_freep(struct spec **spec);

/* A copy of its own. */
struct spec *spec_dup(const struct spec *spec);

/*
 * The password auth stands for, read now (files may be rotated): *ret is a fresh string for
 * secret_free, or NULL when auth names none. ERR_NOT_FOUND, ERR_DENIED, ERR_INVALID (not a regular
 * file, empty, NUL bytes), ERR_LIMIT (over 4 KiB). One trailing newline is cut. Never blocks on a
 * FIFO or device.
 */
int spec_auth_read(const struct spec_auth *auth, char **ret, struct err *err) must_check;

/* Whether the check or watch of this code ("maxmemory") is to stop nothing. */
bool spec_waives(const struct spec *spec, const char *code);

/* The daemon's own log-in at the source's primary, and whether TLS is spoken there: as at the
 * source, where nothing is given. */
const struct spec_auth *spec_primary_auth(const struct spec *spec);
const struct spec_tls *spec_primary_tls(const struct spec *spec);

/* The log-in the *other* node uses to replicate from this one. */
const struct spec_auth *spec_replication_auth(const struct spec_node *node);

/* True when b differs from a only in what a running job may take over: description, cutover,
 * limits. */
bool spec_safe_change(const struct spec *a, const struct spec *b);
