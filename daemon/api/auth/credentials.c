/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/auth/credentials.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/base/secret_file.h"

#define SECRET_MAX 512

struct credentials {
    struct credential keys[CONFIG_ACCESS_KEYS_MAX];
    unsigned n_keys;
    struct credential tokens[CONFIG_TOKENS_MAX];
    unsigned n_tokens;
};

static void hash_text(const char *text, unsigned char ret[32])
{
    if (EVP_Digest(text, strlen(text), ret, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* no memory, or no SHA-256 */
}

/* --- loading --- */

/* Anything else cannot have been meant, and would be hard to see: a carriage return, a blank. */
static bool is_visible(const char *text)
{
    for (; *text; text++) {
        if (*text <= ' ' || *text >= 0x7f)
            return false;
    }
    return true;
}

/* NULL: see err. */
static char *read_secret(const struct config_user *user, struct err *err)
{
    cleanup(freep) char *path = NULL;
    char *text = NULL;

    if (user->file)
        path = xstrdup(user->file);
    else if (secret_credential_path(user->credential, &path, err))
        return NULL;
    if (secret_file_read(path, SECRET_MAX, &text, err) || is_visible(text))
        return text;
    secret_free(text);
    err_set(err, ERR_INVALID,
            "%.120s: there are other characters in it than visible ASCII, or more than one line",
            path);
    return NULL;
}

static int load_key(const struct config_user *user, struct credential *ret, struct err *err)
{
    char *secret = read_secret(user, err);

    if (!secret)
        return err_wrap(err, "access key '%.40s'", user->name);
    *ret = (struct credential){.name = xstrdup(user->name),
                               .secret = secret,
                               .may_operate = user->actions == ACTIONS_OPERATE};
    return 0;
}

static int load_token(const struct config_user *user, struct credential *ret, struct err *err)
{
    char *token = read_secret(user, err);
    size_t len;

    if (!token)
        return err_wrap(err, "token '%s'", user->name);
    len = strlen(token);
    *ret = (struct credential){.name = xstrdup(user->name),
                               .may_operate = user->actions == ACTIONS_OPERATE};
    hash_text(token, ret->hash);
    secret_free(token);
    if (len >= TOKEN_LENGTH_MIN)
        return 0;
    return err_set(
        err, ERR_INVALID,
        "token '%s': %.80s: a token has at least %d characters, as in: openssl rand -hex "
        "32",
        user->name, user->file ? user->file : user->credential, TOKEN_LENGTH_MIN);
}

/* Two tokens that are the same would leave open whose rights count. */
static int check_differ(const struct credentials *set, struct err *err)
{
    for (unsigned i = 0; i < set->n_tokens; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (memcmp(set->tokens[i].hash, set->tokens[j].hash, sizeof(set->tokens[i].hash)) == 0)
                return err_set(err, ERR_INVALID, "tokens '%s' and '%s' are the same",
                               set->tokens[j].name, set->tokens[i].name);
        }
    }
    return 0;
}

static int load_all(const struct config_api *config, struct credentials *set, struct err *err)
{
    for (unsigned i = 0; i < config->n_access_keys; i++) {
        if (load_key(&config->access_keys[i], &set->keys[set->n_keys], err))
            return (int)err->code;
        set->n_keys++;
    }
    for (unsigned i = 0; i < config->n_tokens; i++) {
        int r = load_token(&config->tokens[i], &set->tokens[set->n_tokens], err);

        set->n_tokens += set->tokens[set->n_tokens].name != NULL; /* also one that is too short */
        if (r)
            return r;
    }
    return check_differ(set, err);
}

int credentials_load(const struct config_api *config, struct credentials **ret, struct err *err)
{
    struct credentials *set = xcalloc(1, sizeof(*set));

    if (load_all(config, set, err)) {
        credentials_free(set);
        return (int)err->code;
    }
    *ret = set;
    return 0;
}

static void clear(struct credential *credential)
{
    free(credential->name);
    secret_free(credential->secret);
    explicit_bzero(credential->hash, sizeof(credential->hash));
}

void credentials_free(struct credentials *set)
{
    if (!set)
        return;
    for (unsigned i = 0; i < set->n_keys; i++)
        clear(&set->keys[i]);
    for (unsigned i = 0; i < set->n_tokens; i++)
        clear(&set->tokens[i]);
    free(set);
}

/* --- looking up --- */

const struct credential *credentials_key(const struct credentials *set, const char *id)
{
    for (unsigned i = 0; set && i < set->n_keys; i++) {
        if (strcmp(set->keys[i].name, id) == 0)
            return &set->keys[i];
    }
    return NULL;
}

/* Looks at all of them, and at all of each, so that the time it takes tells nothing. */
static const struct credential *find_hash(const struct credentials *set,
                                          const unsigned char hash[32])
{
    const struct credential *found = NULL;

    for (unsigned i = 0; set && i < set->n_tokens; i++) {
        if (CRYPTO_memcmp(set->tokens[i].hash, hash, sizeof(set->tokens[i].hash)) == 0)
            found = &set->tokens[i];
    }
    return found;
}

const struct credential *credentials_token(const struct credentials *set, const char *token)
{
    unsigned char hash[32];

    if (credentials_n_tokens(set) == 0)
        return NULL;
    hash_text(token, hash);
    return find_hash(set, hash);
}

unsigned credentials_n_keys(const struct credentials *set)
{
    return set ? set->n_keys : 0;
}

unsigned credentials_n_tokens(const struct credentials *set)
{
    return set ? set->n_tokens : 0;
}

bool credentials_none(const struct credentials *set)
{
    return credentials_n_keys(set) + credentials_n_tokens(set) == 0;
}

static bool includes(const struct credential *next, const struct credential *old)
{
    return next && (next->may_operate || !old->may_operate);
}

bool credentials_keep(const struct credentials *old, const struct credentials *next)
{
    if (credentials_none(old) || credentials_none(next))
        return credentials_none(next);
    for (unsigned i = 0; i < old->n_keys; i++) {
        const struct credential *key = credentials_key(next, old->keys[i].name);

        if (!includes(key, &old->keys[i]) || strcmp(key->secret, old->keys[i].secret) != 0)
            return false;
    }
    for (unsigned i = 0; i < old->n_tokens; i++) {
        if (!includes(find_hash(next, old->tokens[i].hash), &old->tokens[i]))
            return false;
    }
    return true;
}
