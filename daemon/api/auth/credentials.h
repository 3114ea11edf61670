/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The access keys and tokens that are configured, with their secrets. A set never changes; a reload
 * makes a new one. Where a set is borrowed, NULL is an empty one. */
#include "daemon/api/api_config.h"
#include "lib/base/base.h"
#include "lib/base/err.h"

#define TOKEN_LENGTH_MIN 16

struct credential {
    char *name;             /* the key's id, the token's name */
    char *secret;           /* access keys */
    unsigned char hash[32]; /* tokens: SHA-256 of it */
    bool may_operate;
};

struct credentials;

/* Reads all secrets. An error names the key or token and its file, and nothing of what is in it. */
int credentials_load(const struct config_api *config, struct credentials **ret,
                     struct err *err) must_check;
void credentials_free(struct credentials *set); /* wipes; NULL is fine */

/* NULL: there is no such. */
const struct credential *credentials_key(const struct credentials *set, const char *id);
const struct credential *credentials_token(const struct credentials *set, const char *token);

unsigned credentials_n_keys(const struct credentials *set);
unsigned credentials_n_tokens(const struct credentials *set);
bool credentials_none(const struct credentials *set);

/* True when whoever was let in by the old set is by the next as well, and may do the same. None at
 * all lets everybody in. */
bool credentials_keep(const struct credentials *old, const struct credentials *next);
