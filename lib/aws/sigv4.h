/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Verifies the signatures that AWS clients put into the Authorization header of a request (AWS
 * Signature Version 4): that it was made with a certain secret, not long ago, and not altered
 * since.
 *
 *   sigv4_parse()   what the header says, the key's id above all
 *   sigv4_verify()  is it true? with the secret of that key
 *
 * Pure: no I/O, no clock. Everything in a request may come from anybody. Signatures in the query
 * (presigned requests), bodies in signed chunks and unsigned bodies are not taken.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/base/base.h"
#include "lib/base/err.h"

#define SIGV4_KEY_ID_MAX 128
#define SIGV4_SCOPE_MAX 64            /* region, service */
#define SIGV4_SIGNED_HEADERS_MAX 2048 /* characters */
#define SIGV4_QUERY_MAX 64            /* pairs */
#define SIGV4_SKEW_S 900              /* how far a request's date may be from now */
#define SIGV4_HASH_LEN 32

struct sigv4_pair {
    const char *name, *value;
};

/* All borrowed. */
struct sigv4_request {
    const char *method;
    const char *path;               /* as it was sent: not decoded; without the query */
    const struct sigv4_pair *query; /* decoded */
    size_t n_query;
    const struct sigv4_pair *headers; /* in the order in which they came */
    size_t n_headers;
    const void *body;
    size_t body_len;
};

enum sigv4_result {
    SIGV4_OK,
    SIGV4_MISSING,   /* there is no Authorization header */
    SIGV4_MALFORMED, /* it is not as it should be, or not complete */
    SIGV4_NO_DATE,   /* the request has no date that can be understood */
    SIGV4_SCOPE,     /* the signature is for another service, or for another day than the request */
    SIGV4_EXPIRED,   /* the date is too far from now */
    SIGV4_BODY,      /* the body is not the one that x-amz-content-sha256 tells of */
    SIGV4_MISMATCH,  /* made with another secret, or for another request */
    SIGV4_RESULT_MAX
};

/* An Authorization header. */
struct sigv4 {
    char key_id[SIGV4_KEY_ID_MAX + 1]; /* visible ASCII characters */
    char date[8 + 1];                  /* "20150830" */
    char region[SIGV4_SCOPE_MAX + 1], service[SIGV4_SCOPE_MAX + 1];
    char signed_headers[SIGV4_SIGNED_HEADERS_MAX + 1]; /* "host;x-amz-date": sorted, lower case */
    unsigned char signature[SIGV4_HASH_LEN];
};

/* Both give a sentence for whoever sent the request when the result is not SIGV4_OK; it quotes
 * nothing of the request but names and dates. */
enum sigv4_result sigv4_parse(const struct sigv4_request *request, struct sigv4 *ret,
                              struct err *err) must_check;
/* service: the one that is expected. now_s: since the epoch. */
enum sigv4_result sigv4_verify(const struct sigv4 *sigv4, const struct sigv4_request *request,
                               const char *secret, const char *service, int64_t now_s,
                               struct err *err) must_check;
