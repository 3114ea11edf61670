/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/api_config.h"

#include <ctype.h>

#define KEY_ID_MAX 128
#define TOKEN_NAME_MAX 64

static const char *const actions_words[] = {"read", "operate", NULL};

const char *config_actions_name(enum config_actions actions)
{
    assert(actions >= 0 && actions < ACTIONS_MAX);
    return actions_words[actions];
}

/* --- checks --- */

/* Names stand in log lines and headers. */
static void check_characters(const struct schema_row *row, const struct yaml_node *value,
                             const char *text, const char *more, struct diags *diags)
{
    for (; *text; text++) {
        if (isascii(*text) && (isalnum(*text) || strchr(more, *text)))
            continue;
        diags_error(diags, "bad-name", &value->at, NULL,
                    "'%s' may hold letters, digits and any of %s only", row->key, more);
        return;
    }
}

static void check_key_id(const struct schema_row *row, const struct yaml_node *value,
                         const void *field, struct diags *diags)
{
    check_characters(row, value, *(char *const *)field, "_", diags);
}

static void check_token_name(const struct schema_row *row, const struct yaml_node *value,
                             const void *field, struct diags *diags)
{
    check_characters(row, value, *(char *const *)field, "._-", diags);
}

/* Two users of one name could not be told apart. */
static void check_name_is_new(const struct yaml_node *list, const struct yaml_node *item,
                              const char *key, struct diags *diags)
{
    const struct yaml_node *name = yaml_node_get(item, key);

    if (!name || name->kind != NODE_SCALAR)
        return;
    for (const struct yaml_node *c = list->child; c != item; c = c->next) {
        const struct yaml_node *other = yaml_node_get(c, key);

        if (!other || other->kind != NODE_SCALAR || strcmp(other->text, name->text) != 0)
            continue;
        diags_error(diags, "duplicate-name", &name->at, NULL, "'%s' is there already, in line %u",
                    yaml_node_word(name), other->at.line);
        return;
    }
}

/* Perhaps the secret itself stands there, under a key that we do not know. */
static void hide_others(const struct yaml_node *item, const char *name_key, const char *file_key,
                        struct diags *diags)
{
    const char *const known[] = {name_key, file_key, "credential", "actions"};

    for (const struct yaml_node *c = item->child; c; c = c->next) {
        size_t i = 0;

        while (i < array_len(known) && strcmp(c->key->text, known[i]) != 0)
            i++;
        if (i == array_len(known))
            diags_hide(diags, c->at.offset, c->at.length);
    }
}

static void check_source(const struct yaml_node *item, const char *file_key, struct diags *diags)
{
    const struct yaml_node *file = yaml_node_get(item, file_key);
    const struct yaml_node *credential = yaml_node_get(item, "credential");

    if (file && credential)
        diags_error(diags, "two-secrets", &credential->key->at, "keep one of them",
                    "'%s' and 'credential' are both given", file_key);
    else if (!file && !credential)
        diags_error(diags, "no-secret", &item->at,
                    "the secret itself does not belong into this file", "add '%s' or 'credential'",
                    file_key);
}

static void check_users(const struct yaml_node *list, const char *name_key, const char *file_key,
                        struct diags *diags)
{
    for (const struct yaml_node *c = list->child; c; c = c->next) {
        if (c->broken || c->kind != NODE_MAP)
            continue;
        check_name_is_new(list, c, name_key, diags);
        hide_others(c, name_key, file_key, diags);
        check_source(c, file_key, diags);
    }
}

static void check_access_keys(const struct schema_row *row, const struct yaml_node *list,
                              const void *field, struct diags *diags)
{
    (void)row;
    (void)field;
    check_users(list, "id", "secret_file", diags);
}

static void check_tokens(const struct schema_row *row, const struct yaml_node *list,
                         const void *field, struct diags *diags)
{
    (void)row;
    (void)field;
    check_users(list, "name", "token_file", diags);
}

static void check_tls(const struct schema_row *row, const struct yaml_node *map, const void *field,
                      struct diags *diags)
{
    const struct yaml_node *cert = yaml_node_get(map, "cert_file");
    const struct yaml_node *key = yaml_node_get(map, "key_file");
    bool has_cert = cert && !yaml_node_is_null(cert), has_key = key && !yaml_node_is_null(key);

    (void)row;
    (void)field;
    if (has_cert && !has_key)
        diags_error(diags, "no-key", &cert->key->at, "add key_file",
                    "a certificate without its private key");
    else if (has_key && !has_cert)
        diags_error(diags, "no-certificate", &key->key->at, "add cert_file",
                    "a private key without its certificate");
}

/* --- tables --- */

/* clang-format off: a row is easier to read as a row */

#define SECRET_ROWS                                                                                \
    {.key = "credential",                                                                          \
     .type = SCHEMA_STRING,                                                                        \
     .min = 1,                                                                                     \
     .max = 255,                                                                                   \
     SCHEMA_FIELD(struct config_user, credential),                                                 \
     .doc = "Name of a file in $CREDENTIALS_DIRECTORY that holds it."},                            \
    {                                                                                              \
        .key = "actions", .type = SCHEMA_ENUM, .words = actions_words, .preset = "read",           \
        SCHEMA_FIELD(struct config_user, actions),                                                 \
        .doc = "What may be done with it: look (read), or everything (operate)."                   \
    }

static const struct schema_row access_key_rows[] = {
    {.key = "id",
     .type = SCHEMA_STRING,
     .min = 1,
     .max = KEY_ID_MAX,
     .flags = SCHEMA_REQUIRED,
     .check = check_key_id,
     SCHEMA_FIELD(struct config_user, name),
     .doc = "Id of the access key: letters, digits and underscores."},
    {.key = "secret_file",
     .type = SCHEMA_STRING,
     .min = 1,
     .max = 4095,
     .check = schema_check_path,
     SCHEMA_FIELD(struct config_user, file),
     .doc = "Absolute path of a file that holds the secret access key."},
    SECRET_ROWS,
};

static const struct schema_row token_rows[] = {
    {.key = "name",
     .type = SCHEMA_STRING,
     .min = 1,
     .max = TOKEN_NAME_MAX,
     .flags = SCHEMA_REQUIRED,
     .check = check_token_name,
     SCHEMA_FIELD(struct config_user, name),
     .doc = "What the log calls its bearer."},
    {.key = "token_file",
     .type = SCHEMA_STRING,
     .min = 1,
     .max = 4095,
     .check = schema_check_path,
     SCHEMA_FIELD(struct config_user, file),
     .doc = "Absolute path of a file that holds the token, of 16 characters at least."},
    SECRET_ROWS,
};

static const struct schema_row tls_rows[] = {
    {.key = "cert_file",
     .type = SCHEMA_STRING,
     .min = 1,
     .max = 4095,
     .flags = SCHEMA_NULLABLE,
     .check = schema_check_path,
     SCHEMA_FIELD(struct config_api, tls.cert_file),
     .doc = "Absolute path of the certificate, with its chain behind it, in PEM; default: no TLS."},
    {.key = "key_file",
     .type = SCHEMA_STRING,
     .min = 1,
     .max = 4095,
     .flags = SCHEMA_NULLABLE,
     .check = schema_check_path,
     SCHEMA_FIELD(struct config_api, tls.key_file),
     .doc = "Absolute path of the certificate's private key, in PEM."},
};

static const struct schema access_key_schema = {"an access key", access_key_rows,
                                                array_len(access_key_rows)};
static const struct schema token_schema = {"a token", token_rows, array_len(token_rows)};
static const struct schema tls_schema = {"tls", tls_rows, array_len(tls_rows)};

/* The fields of tls are found from the start of struct config_api, as it has no field of its own.
 */
static const struct schema_row api_rows[] = {
    {.key = "access_keys",
     .type = SCHEMA_LIST,
     .item = SCHEMA_MAP,
     .sub = &access_key_schema,
     .item_size = sizeof(struct config_user),
     .max = CONFIG_ACCESS_KEYS_MAX,
     .offset = offsetof(struct config_api, access_keys),
     .count = offsetof(struct config_api, n_access_keys),
     .check = check_access_keys,
     .doc = "Who may use the ElastiCache API: AWS access keys."},
    {.key = "tokens",
     .type = SCHEMA_LIST,
     .item = SCHEMA_MAP,
     .sub = &token_schema,
     .item_size = sizeof(struct config_user),
     .max = CONFIG_TOKENS_MAX,
     .offset = offsetof(struct config_api, tokens),
     .count = offsetof(struct config_api, n_tokens),
     .check = check_tokens,
     .doc = "Who may use /v1, /metrics and the console: bearer tokens."},
    {.key = "tls",
     .type = SCHEMA_MAP,
     .sub = &tls_schema,
     .flags = SCHEMA_NULLABLE,
     .check = check_tls,
     .doc = "Encryption of what goes over `listen`."},
};

/* clang-format on */

const struct schema config_api_schema = {"api", api_rows, array_len(api_rows)};
