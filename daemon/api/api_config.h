/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The part of the daemon's settings that says who may use the API. Secrets themselves are read by
 * daemon/api/auth. */
#include "lib/yaml/schema.h"

#define CONFIG_ACCESS_KEYS_MAX 32
#define CONFIG_TOKENS_MAX 32

enum config_actions { ACTIONS_READ, ACTIONS_OPERATE, ACTIONS_MAX };
const char *config_actions_name(enum config_actions actions);

/* Somebody who may use the API: an access key or a token. Exactly one of file and credential is
 * set. */
struct config_user {
    char *name;       /* the key's id, the token's name */
    char *file;       /* a path */
    char *credential; /* a name in $CREDENTIALS_DIRECTORY */
    enum config_actions actions;
};

struct config_api {
    struct config_user *access_keys; /* owned, as the tokens */
    unsigned n_access_keys;
    struct config_user *tokens;
    unsigned n_tokens;
    struct {
        char *cert_file, *key_file; /* both or neither */
    } tls;
};

extern const struct schema config_api_schema; /* of struct config_api */
