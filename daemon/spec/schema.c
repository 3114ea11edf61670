/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of job files, and the checks that concern one key or one map. Rows flagged LATER are
 * known so that they can be refused by name; they have no field in struct spec.
 */
#include "daemon/spec/schema.h"

#include <stdio.h>

#include "daemon/spec/spec.h"

#define SECOND UINT64_C(1000)
#define HOUR (3600 * SECOND)
#define TIB (UINT64_C(1) << 40)

/* --- checks --- */

/* At most one source for the password, and one where there is a user name. */
static void check_auth(const struct schema_row *row, const struct yaml_node *map, const void *field,
                       struct diags *diags)
{
    static const char *const sources[] = {"password_file", "credential", "password"};
    const struct yaml_node *user = yaml_node_get(map, "username"), *first = NULL;

    (void)row;
    (void)field;
    for (size_t i = 0; i < array_len(sources); i++) {
        const struct yaml_node *node = yaml_node_get(map, sources[i]);

        if (node && first)
            diags_error(diags, "two-passwords", &node->key->at, "keep one of them",
                        "'%s' and '%s' are both given", first->key->text, node->key->text);
        else if (node)
            first = node;
    }
    if (user && !first)
        diags_error(diags, "no-password", &user->key->at,
                    "add password_file, credential or password", "a user name without a password");
}

/* check_auth() in keywords of JSON Schema. */
#define AUTH_KEYWORDS                                                                              \
    "\"allOf\": ["                                                                                 \
    "{\"not\": {\"required\": [\"password_file\", \"credential\"]}},"                              \
    "{\"not\": {\"required\": [\"password_file\", \"password\"]}},"                                \
    "{\"not\": {\"required\": [\"credential\", \"password\"]}}],"                                  \
    "\"if\": {\"required\": [\"username\"]},"                                                      \
    "\"then\": {\"anyOf\": ["                                                                      \
    "{\"required\": [\"password_file\"]},"                                                         \
    "{\"required\": [\"credential\"]},"                                                            \
    "{\"required\": [\"password\"]}]}"
#define AUTH_JSON "{" AUTH_KEYWORDS "}"

/* A log-in of its own that says nothing would quietly mean: none. */
static void check_replication_user(const struct schema_row *row, const struct yaml_node *map,
                                   const void *field, struct diags *diags)
{
    check_auth(row, map, field, diags);
    if (!map->child)
        diags_error(diags, "no-password", &map->key->at, NULL, "'%s' is empty", row->key);
}

/* A certificate is of no use without its key. */
static void check_tls(const struct schema_row *row, const struct yaml_node *map, const void *field,
                      struct diags *diags)
{
    const struct yaml_node *cert = yaml_node_get(map, "cert_file");
    const struct yaml_node *key = yaml_node_get(map, "key_file");

    (void)row;
    (void)field;
    if (cert && !key)
        diags_error(diags, "missing-key", &cert->key->at, "add key_file",
                    "'cert_file' without 'key_file'");
    else if (key && !cert)
        diags_error(diags, "missing-key", &key->key->at, "add cert_file",
                    "'key_file' without 'cert_file'");
}

#define TLS_JSON                                                                                   \
    "{\"dependentRequired\": {\"cert_file\": [\"key_file\"], \"key_file\": [\"cert_file\"]}}"

/* Sentinel's own rule. A pattern would be more: RESET takes one. */
static void check_sentinel_name(const struct schema_row *row, const struct yaml_node *value,
                                const void *field, struct diags *diags)
{
    const char *name = *(char *const *)field;
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    (void)row;
    if (name[strspn(name, allowed)])
        diags_error(diags, "bad-name", &value->at, NULL,
                    "a name of Sentinel has letters, digits, '.', '_' and '-' only");
}

/* --- log-in --- */

/* clang-format off: a row is easier to read as a row */

/* prefix: how to get from the struct whose rows these are to its struct spec_auth. */
#define AUTH_ROWS(of, prefix)                                                                      \
    {.key = "username",                                                                            \
     .type = SCHEMA_STRING,                                                                        \
     .min = 1,                                                                                     \
     .max = 256,                                                                                   \
     SCHEMA_FIELD(of, prefix username),                                                            \
     .doc = "User to log in as; default: the default user."},                                      \
        {.key = "password_file",                                                                   \
         .type = SCHEMA_STRING,                                                                    \
         .min = 1,                                                                                 \
         .max = 4095,                                                                              \
         SCHEMA_FIELD(of, prefix password_file),                                                   \
         .check = schema_check_path,                                                               \
         .doc = "Absolute path of a file that holds the password."},                               \
        {.key = "credential",                                                                      \
         .type = SCHEMA_STRING,                                                                    \
         .min = 1,                                                                                 \
         .max = 255,                                                                               \
         SCHEMA_FIELD(of, prefix credential),                                                      \
         .doc = "Name of a file in $CREDENTIALS_DIRECTORY that holds the password."},              \
    {                                                                                              \
        .key = "password", .type = SCHEMA_STRING, .min = 1, .max = 4096, .flags = SCHEMA_SECRET,   \
        SCHEMA_FIELD(of, prefix password),                                                         \
        .doc = "The password itself; the file must then be readable by its owner only."            \
    }

static const struct schema_row auth_rows[] = {
    AUTH_ROWS(struct spec_auth, ),
};

static const struct schema auth_schema = {"a log-in", auth_rows, array_len(auth_rows)};

/* --- nodes --- */

static const char *const tls_verify_words[] = {"full", "ca", "none", NULL}; /* enum tls_verify */

#define TLS_FILE_ROW(name, text)                                                                   \
    {                                                                                              \
        .key = #name, .type = SCHEMA_STRING, .min = 1, .max = 4095,                                \
        SCHEMA_FIELD(struct spec_tls, settings.name), .check = schema_check_path, .doc = text      \
    }

static const struct schema_row tls_rows[] = {
    {.key = "enabled",
     .type = SCHEMA_BOOL,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_FIELD(struct spec_tls, enabled),
     .doc = "Speak TLS to the node; false: the other keys do not count."},
    TLS_FILE_ROW(ca_file, "File, in PEM, of the authorities to trust; default: the system's."),
    TLS_FILE_ROW(cert_file, "File, in PEM, of the certificate to show to the node, and its chain."),
    TLS_FILE_ROW(key_file, "File, in PEM, of that certificate's private key, without passphrase."),
    {.key = "server_name",
     .type = SCHEMA_STRING,
     .min = 1,
     .max = 253,
     SCHEMA_FIELD(struct spec_tls, settings.server_name),
     .doc = "Name to expect in the node's certificate; default: the endpoint's host."},
    {.key = "verify",
     .type = SCHEMA_ENUM,
     .words = tls_verify_words,
     .preset = "full",
     SCHEMA_FIELD(struct spec_tls, settings.verify),
     .doc = "What to verify of the node's certificate: its authority and its name, the authority "
            "alone, or nothing."},
};

static const struct schema tls_schema = {"tls", tls_rows, array_len(tls_rows)};

#define REACHABLE_ROWS                                                                             \
    {.key = "reachable_as",                                                                        \
     .type = SCHEMA_ENDPOINT,                                                                      \
     SCHEMA_FIELD(struct spec_node, reachable_as),                                                 \
     .doc = "How the other node reaches this one, where that differs; default: endpoint."},        \
        AUTH_ROWS(struct spec_node, auth.),                                                        \
        {.key = "tls",                                                                             \
         .type = SCHEMA_MAP,                                                                       \
         .sub = &tls_schema,                                                                       \
         SCHEMA_FIELD(struct spec_node, tls),                                                      \
         .check = check_tls,                                                                       \
         .check_json = TLS_JSON,                                                                   \
         .doc = "Encryption of the connections to the node."},                                     \
    {                                                                                              \
        .key = "replication_user", .type = SCHEMA_MAP, .sub = &auth_schema,                        \
        SCHEMA_FIELD(struct spec_node, replication_user), .check = check_replication_user,         \
        .check_json = "{\"minProperties\": 1, " AUTH_KEYWORDS "}",                                 \
        .given = offsetof(struct spec_node, has_replication_user),                                 \
        .doc = "What the other node logs in with to replicate; default: the log-in above."         \
    }

static const struct schema_row login_rows[] = {
    AUTH_ROWS(struct spec_login, auth.),
    {.key = "tls",
     .type = SCHEMA_MAP,
     .sub = &tls_schema,
     SCHEMA_FIELD(struct spec_login, tls),
     .check = check_tls,
     .doc = "Encryption of the connections there."},
};

static const struct schema login_schema = {"a log-in", login_rows, array_len(login_rows)};

static const struct schema_row primary_rows[] = {
    {.key = "endpoint",
     .type = SCHEMA_ENDPOINT,
     SCHEMA_FIELD(struct spec_primary, endpoint),
     .doc = "Where the daemon reaches it; default: found by following the source."},
    AUTH_ROWS(struct spec_primary, auth.),
    {.key = "tls",
     .type = SCHEMA_MAP,
     .sub = &tls_schema,
     SCHEMA_FIELD(struct spec_primary, tls),
     .given = offsetof(struct spec_primary, has_tls),
     .check = check_tls,
     .doc = "Encryption of the connections to it; default: as to the source."},
};

static const struct schema primary_schema = {"primary", primary_rows, array_len(primary_rows)};

static const char *const follow_words[] = {"follow", "leave", NULL};

static const struct schema_row source_rows[] = {
    {.key = "endpoint",
     .type = SCHEMA_ENDPOINT,
     SCHEMA_FIELD(struct spec_node, endpoint),
     .doc = "The node to migrate from, a primary or a replica; default: named by start."},
    REACHABLE_ROWS,
    {.key = "primary",
     .type = SCHEMA_MAP,
     .sub = &primary_schema,
     SCHEMA_FIELD(struct spec_node, primary),
     .check = check_auth,
     .check_json = AUTH_JSON,
     .doc = "The primary above a source that is a replica; its log-in, by default the source's."},
    {.key = "replicas",
     .type = SCHEMA_ENUM,
     .words = follow_words,
     .preset = "follow",
     .flags = SCHEMA_SAFE,
     SCHEMA_FIELD(struct spec_node, leave_replicas),
     .doc =
         "Point the source's other replicas to the target after the switch-over, or leave them."},
};

static const struct schema_row target_rows[] = {
    {.key = "endpoint",
     .type = SCHEMA_ENDPOINT,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_FIELD(struct spec_node, endpoint),
     .doc = "The primary to migrate to."},
    REACHABLE_ROWS,
    {.key = "replicas",
     .type = SCHEMA_LIST,
     .item = SCHEMA_ENDPOINT,
     .item_size = sizeof(struct endpoint),
     .max = SPEC_REPLICAS_MAX,
     .offset = offsetof(struct spec_node, replicas),
     .count = offsetof(struct spec_node, n_replicas),
     .doc = "Replicas of the target; default: those it names."},
    {.key = "allow_flush",
     .type = SCHEMA_BOOL,
     .preset = "false",
     SCHEMA_FIELD(struct spec_node, allow_flush),
     .doc = "Migrate even if the target holds keys, which are lost."},
};

/* clang-format on */

static const struct schema source_schema = {"source", source_rows, array_len(source_rows)};
static const struct schema target_schema = {"target", target_rows, array_len(target_rows)};

/* --- what a job does --- */

/* clang-format off */

static const struct schema_row attach_rows[] = {
    {.key = "attempts", .type = SCHEMA_INT, .preset = "5", .min = 1, .max = 100,
     .flags = SCHEMA_SAFE, SCHEMA_FIELD(struct spec, attach.attempts),
     .doc = "How often to try before the job fails."},
    {.key = "timeout", .type = SCHEMA_DURATION, .preset = "30s", .min = SECOND, .max = HOUR,
     .flags = SCHEMA_SAFE, SCHEMA_FIELD(struct spec, attach.timeout_ms),
     .doc = "How long an attempt may take until the target is seen to follow."},
    {.key = "backoff_initial", .type = SCHEMA_DURATION, .preset = "1s", .min = 10, .max = HOUR,
     .flags = SCHEMA_SAFE, SCHEMA_FIELD(struct spec, attach.backoff_initial_ms),
     .doc = "Longest wait before the second attempt; it doubles with each."},
    {.key = "backoff_max", .type = SCHEMA_DURATION, .preset = "30s", .min = 10, .max = 24 * HOUR,
     .flags = SCHEMA_SAFE, SCHEMA_FIELD(struct spec, attach.backoff_max_ms),
     .doc = "Longest wait between two attempts."},
};

static const struct schema_row sync_rows[] = {
    {.key = "stall_timeout", .type = SCHEMA_DURATION, .preset = "120s", .min = SECOND,
     .max = 24 * HOUR, .flags = SCHEMA_SAFE, SCHEMA_FIELD(struct spec, sync.stall_timeout_ms),
     .doc = "How long a synchronisation may stand still before the attempt has failed."},
    {.key = "tune", .type = SCHEMA_BOOL, .preset = "true", SCHEMA_FIELD(struct spec, sync.tune),
     .doc = "Change settings of both nodes that make a synchronisation faster, and restore them."},
};

static const char *const drain_words[] = {"auto", "false", "true", NULL}; /* enum spec_drain */
static const char *const mode_words[] = {"manual", "auto", NULL};

static const struct schema_row cutover_rows[] = {
    {.key = "mode", .type = SCHEMA_ENUM, .words = mode_words, .preset = "manual",
     .flags = SCHEMA_SAFE, SCHEMA_FIELD(struct spec, cutover.mode_auto),
     .doc = "Switch over when told to, or as soon as the target has caught up."},
    {.key = "max_lag", .type = SCHEMA_SIZE, .preset = "1MiB", .min = 0, .max = TIB,
     .flags = SCHEMA_SAFE, SCHEMA_FIELD(struct spec, cutover.max_lag),
     .doc = "Largest replication lag at which a switch-over may begin."},
    {.key = "pause", .type = SCHEMA_DURATION, .preset = "5s", .min = 100, .max = 60 * SECOND,
     .flags = SCHEMA_SAFE, SCHEMA_FIELD(struct spec, cutover.pause_ms),
     .doc = "Longest time for which the source's writes may be paused."},
    {.key = "attempts", .type = SCHEMA_INT, .preset = "5", .min = 1, .max = 100,
     .flags = SCHEMA_SAFE, SCHEMA_FIELD(struct spec, cutover.attempts),
     .doc = "How often to try before waiting for another word."},
    {.key = "reverse", .type = SCHEMA_BOOL, .preset = "true", .flags = SCHEMA_SAFE,
     SCHEMA_FIELD(struct spec, cutover.reverse),
     .doc = "Let the old source follow the new primary, as the way back."},
    {.key = "drain_clients", .type = SCHEMA_ENUM, .words = drain_words, .preset = "auto",
     .flags = SCHEMA_SAFE, SCHEMA_FIELD(struct spec, cutover.drain_clients),
     .doc = "Close the clients' connections to the old source; auto: where scripts are in use."},
};

static const char *const verify_words[] = {"none", "counts", "sample", "full", NULL};

static const struct schema_row verify_rows[] = {
    {.key = "mode", .type = SCHEMA_ENUM, .words = verify_words, .preset = "none",
     .flags = SCHEMA_LATER, .doc = "How thoroughly to compare the contents of both nodes."},
    {.key = "sample", .type = SCHEMA_INT, .preset = "10000", .min = 1, .flags = SCHEMA_LATER,
     .doc = "How many keys to compare in mode sample."},
};

static const char *const check_words[] = {
#define CHECK(id, name, code, retry, title, what, next) code,
#define WATCH(id, code, retry, what, next) code,
#define FIRM(id, name, code, retry, title, what, next)
#include "daemon/spec/check_table.h"
#undef FIRM
#undef WATCH
#undef CHECK
    NULL,
};

static const struct schema_row checks_rows[] = {
    {.key = "waive", .type = SCHEMA_LIST, .item = SCHEMA_ENUM, .item_size = sizeof(unsigned),
     .max = SPEC_WAIVED_MAX, .words = check_words, .flags = SCHEMA_SAFE,
     .offset = offsetof(struct spec, checks.waived),
     .count = offsetof(struct spec, checks.n_waived),
     .doc = "Checks that may warn instead of block, and watches that hold no switch-over back."},
};

bool spec_waives(const struct spec *spec, const char *code)
{
    for (unsigned i = 0; i < spec->checks.n_waived; i++)
        if (strcmp(check_words[spec->checks.waived[i]], code) == 0)
            return true;
    return false;
}

/* clang-format on */

static const struct schema attach_schema = {"attach", attach_rows, array_len(attach_rows)};
static const struct schema sync_schema = {"sync", sync_rows, array_len(sync_rows)};
static const struct schema cutover_schema = {"cutover", cutover_rows, array_len(cutover_rows)};
static const struct schema verify_schema = {"verify", verify_rows, array_len(verify_rows)};
static const struct schema checks_schema = {"checks", checks_rows, array_len(checks_rows)};

/* clang-format off */

/* The maps from attach on are structs without a name inside struct spec: their rows count from its
 * start. */
static const struct schema_row job_rows[] = {
    {.key = "replication_group", .type = SCHEMA_NAME, SCHEMA_FIELD(struct spec, id),
     .doc = "Name of the group and of the job; default: the file's name without its extension."},
    {.key = "description", .type = SCHEMA_STRING, .max = 1024, .flags = SCHEMA_SAFE,
     SCHEMA_FIELD(struct spec, description), .doc = "Whatever helps people."},
    {.key = "source", .type = SCHEMA_MAP, .sub = &source_schema, .check = check_auth,
     .check_json = AUTH_JSON,
     SCHEMA_FIELD(struct spec, source), .doc = "Where the data is now; default: named by start."},
    {.key = "target", .type = SCHEMA_MAP, .sub = &target_schema, .check = check_auth,
     .check_json = AUTH_JSON,
     .flags = SCHEMA_REQUIRED, SCHEMA_FIELD(struct spec, target), .doc = "Where the data goes."},
    {.key = "start", .type = SCHEMA_ENUM, .words = mode_words, .preset = "auto",
     SCHEMA_FIELD(struct spec, start_auto), .doc = "Start when the file is seen, or when told to."},
    {.key = "attach", .type = SCHEMA_MAP, .sub = &attach_schema,
     .doc = "Limits on making the target follow the source."},
    {.key = "sync", .type = SCHEMA_MAP, .sub = &sync_schema, .doc = "The full synchronisation."},
    {.key = "cutover", .type = SCHEMA_MAP, .sub = &cutover_schema, .doc = "The switch-over."},
    {.key = "verify", .type = SCHEMA_MAP, .sub = &verify_schema, .flags = SCHEMA_LATER,
     .doc = "Comparison of the contents."},
    {.key = "checks", .type = SCHEMA_MAP, .sub = &checks_schema,
     .doc = "The checks before a migration."},
    {.key = "sentinels", .type = SCHEMA_LIST, .item = SCHEMA_ENDPOINT,
     .item_size = sizeof(struct endpoint), .max = SPEC_SENTINELS_MAX, .flags = SCHEMA_SAFE,
     .offset = offsetof(struct spec, sentinels), .count = offsetof(struct spec, n_sentinels),
     .doc = "Sentinels that watch the source, and are to send clients to the target."},
    {.key = "sentinel_name", .type = SCHEMA_STRING, .min = 1, .max = 120, .flags = SCHEMA_SAFE,
     SCHEMA_FIELD(struct spec, sentinel_name), .check = check_sentinel_name,
     .check_json = "{\"pattern\": \"^[A-Za-z0-9._-]+$\"}",
     .doc = "The name under which they watch it."},
    {.key = "sentinel_auth", .type = SCHEMA_MAP, .sub = &login_schema, .flags = SCHEMA_SAFE,
     SCHEMA_FIELD(struct spec, sentinel_auth), .check = check_replication_user,
     .check_json = "{\"minProperties\": 1, " AUTH_KEYWORDS "}",
     .doc = "What the daemon logs in with at the Sentinels, and tls there; default: nothing."},
    {.key = "notify", .type = SCHEMA_LIST, .item = SCHEMA_NAME, .flags = SCHEMA_LATER,
     .doc = "Sinks of the daemon's config that hear of this job."},
};

/* clang-format on */

const struct schema job_schema = {"a job", job_rows, array_len(job_rows)};
