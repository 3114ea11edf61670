/* SPDX-License-Identifier: Apache-2.0 */
/* From a path to specs: opened with care, read, parsed, checked across keys and documents. */
#include "daemon/spec/jobfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/spec/schema.h"
#include "lib/base/secret_file.h"
#include "lib/base/units.h"
#include "lib/net/tls_settings.h"
#include "lib/yaml/reader.h"

#define MODE_REMEMBERED 0 /* instead of a file's mode: there is no file */
#define NAME_HINT "lower-case letters, digits and hyphens, a letter first, at most 40"

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n > m && strcmp(s + n - m, end) == 0;
}

bool jobfile_is_name(const char *name)
{
    if (name[0] == '.' || strstr(name, ".dpkg-"))
        return false;
    return ends_with(name, ".yaml") || ends_with(name, ".yml");
}

bool jobfile_ok(const struct jobfile *file)
{
    return !diags_failed(&file->diags);
}

void jobfile_clear(struct jobfile *file)
{
    for (unsigned i = 0; i < file->n_specs; i++)
        spec_free(file->specs[i]);
    free(file->specs);
    free(file->path);
    diags_clear(&file->diags);
    *file = (struct jobfile){.n_specs = 0};
}

void jobfile_refuse(const char *path, const struct err *why, struct jobfile *ret)
{
    const char *code = why->code == ERR_INVALID ? "not-regular"
                       : why->code == ERR_LIMIT ? "too-large"
                                                : "unreadable";

    *ret = (struct jobfile){.path = xstrdup(path)};
    diags_init(&ret->diags, path);
    diags_error(&ret->diags, code, &SPAN_FILE, NULL, "%s", why->msg);
    diags_finish(&ret->diags, "", 0);
}

/* --- one document --- */

/* The id that follows from the file's name. */
static void take_default_id(struct spec *spec, const struct yaml_document *doc, unsigned index,
                            struct diags *diags)
{
    struct span start = {.line = doc->root->at.line, .col = 1, .offset = doc->root->at.offset};
    const struct schema_row *row = schema_find(&job_schema, "replication_group");
    const char *slash = strrchr(spec->file, '/'), *base = slash ? slash + 1 : spec->file;
    const char *dot = strrchr(base, '.');
    cleanup(freep) char *name = NULL;
    struct err err;

    start.col = doc->root->at.col;
    if (index > 0) {
        diags_error(diags, "missing-key", &start, "only the first can go by the file's name",
                    "each further job in a file needs 'replication_group'");
        return;
    }
    name = xstrndup(base, dot ? (size_t)(dot - base) : strlen(base));
    if (schema_set(row, name, spec, &err))
        diags_error(diags, "bad-name", &start, "set replication_group: " NAME_HINT,
                    "the file's name cannot serve as the name of the job: %s", err.msg);
}

static void check_backoff(const struct spec *spec, const struct yaml_node *root,
                          struct diags *diags)
{
    const struct yaml_node *attach = yaml_node_get(root, "attach");
    const struct yaml_node *max = yaml_node_get(attach, "backoff_max");
    char a[UNITS_STR_MAX], b[UNITS_STR_MAX];

    if (spec->attach.backoff_max_ms >= spec->attach.backoff_initial_ms || !attach)
        return;
    if (!max)
        max = yaml_node_get(attach, "backoff_initial");
    if (max)
        diags_error(diags, "out-of-range", &max->at, NULL,
                    "backoff_max, %s, is shorter than backoff_initial, %s",
                    duration_format(spec->attach.backoff_max_ms, a),
                    duration_format(spec->attach.backoff_initial_ms, b));
}

static void check_endpoints(const struct spec *spec, const struct yaml_node *root,
                            struct diags *diags)
{
    const struct yaml_node *target = yaml_node_get(yaml_node_get(root, "target"), "endpoint");

    if (target && spec->has_source && endpoint_is_set(&spec->target.endpoint) &&
        endpoint_equal(&spec->source.endpoint, &spec->target.endpoint))
        diags_error(diags, "same-endpoint", &target->at, NULL, "source and target are the same");
}

/* One is of no use without the other. */
static void check_sentinels(const struct yaml_node *root, struct diags *diags)
{
    const struct yaml_node *list = yaml_node_get(root, "sentinels");
    const struct yaml_node *name = yaml_node_get(root, "sentinel_name");
    const struct yaml_node *auth = yaml_node_get(root, "sentinel_auth");

    if (list && list->child && !name)
        diags_error(diags, "missing-key", &list->key->at,
                    "add sentinel_name: what they call the source",
                    "'sentinels' without 'sentinel_name'");
    if ((name || auth) && !(list && list->child))
        diags_error(diags, "missing-key", &(name ? name : auth)->key->at,
                    "add sentinels: [host:port, ...]", "'%s' without 'sentinels'",
                    name ? "sentinel_name" : "sentinel_auth");
}

/* An inline password makes the whole file a secret; its group may be the daemon's. */
static void check_inline(const struct yaml_node *password, mode_t mode, struct diags *diags)
{
    cleanup(freep) char *hint = NULL;

    if (!password || !(mode & S_IRWXO))
        return;
    hint = xasprintf("chmod o-rwx %s, or use password_file or credential", diags->file);
    diags_error(diags, "readable-by-others", &password->key->at, hint,
                "a file with a password in it must not be readable by others; its mode is %04o",
                (unsigned)mode & 07777);
}

/* The password may change later; that it can be read now says that nothing has been mistyped. */
static void check_readable(const struct yaml_node *value, const struct spec_auth *auth,
                           const char *code, struct diags *diags)
{
    char *password = NULL;
    struct err err;

    if (!value || (!auth->password_file && !auth->credential))
        return;
    if (spec_auth_read(auth, &password, &err))
        diags_error(diags, code, &value->at, NULL, "%s", err.msg);
    else
        secret_free(password);
}

/* Whether they are what they should be shows at the first connection. */
static void check_tls_files(const struct yaml_node *map, const struct spec_tls *tls,
                            struct diags *diags)
{
    const struct {
        const char *key, *path;
    } files[] = {{"ca_file", tls->settings.ca_file},
                 {"cert_file", tls->settings.cert_file},
                 {"key_file", tls->settings.key_file}};
    char *text = NULL;
    struct err err;

    for (size_t i = 0; i < array_len(files) && tls->enabled; i++) {
        const struct yaml_node *value = yaml_node_get(map, files[i].key);

        if (!value || !files[i].path || files[i].path[0] != '/')
            continue;
        if (secret_file_read(files[i].path, PEM_TEXT_MAX, &text, &err))
            diags_error(diags, "tls-file", &value->at, NULL, "%s", err.msg);
        else
            secret_free(take(text));
    }
}

static void check_login(const struct yaml_node *map, const struct spec_auth *auth, mode_t mode,
                        struct diags *diags)
{
    struct spec_auth file = {.password_file = auth->password_file};
    struct spec_auth credential = {.credential = auth->credential};

    check_inline(yaml_node_get(map, "password"), mode, diags);
    if (file.password_file && file.password_file[0] == '/')
        check_readable(yaml_node_get(map, "password_file"), &file, "password-file", diags);
    check_readable(yaml_node_get(map, "credential"), &credential, "credential", diags);
}

static void check_logins(const struct spec *spec, const struct yaml_node *root, mode_t mode,
                         struct diags *diags)
{
    const struct yaml_node *source = yaml_node_get(root, "source");
    const struct yaml_node *target = yaml_node_get(root, "target");
    const struct yaml_node *primary = yaml_node_get(source, "primary");
    const struct yaml_node *sentinel = yaml_node_get(root, "sentinel_auth");

    if (mode == MODE_REMEMBERED)
        return;
    check_tls_files(yaml_node_get(source, "tls"), &spec->source.tls, diags);
    check_tls_files(yaml_node_get(target, "tls"), &spec->target.tls, diags);
    check_tls_files(yaml_node_get(primary, "tls"), &spec->source.primary.tls, diags);
    check_tls_files(yaml_node_get(sentinel, "tls"), &spec->sentinel_auth.tls, diags);
    check_login(primary, &spec->source.primary.auth, mode, diags);
    check_login(source, &spec->source.auth, mode, diags);
    check_login(yaml_node_get(source, "replication_user"), &spec->source.replication_user, mode,
                diags);
    check_login(target, &spec->target.auth, mode, diags);
    check_login(yaml_node_get(target, "replication_user"), &spec->target.replication_user, mode,
                diags);
    check_login(sentinel, &spec->sentinel_auth.auth, mode, diags);
}

static void default_reachable(struct spec_node *node)
{
    if (!endpoint_is_set(&node->reachable_as))
        node->reachable_as = node->endpoint;
}

static struct spec *read_document(const char *path, const char *text,
                                  const struct yaml_document *doc, unsigned index, mode_t mode,
                                  struct diags *diags)
{
    struct spec *spec = xcalloc(1, sizeof(*spec));
    struct span start = doc->root->at;

    start.length = 0;
    spec->file = xstrdup(path);
    spec->document = index;
    spec->text = xstrndup(text + doc->start, doc->end - doc->start);
    schema_defaults(&job_schema, spec);
    schema_read(&job_schema, doc->root, &start, spec, diags);
    spec->has_source = endpoint_is_set(&spec->source.endpoint);
    default_reachable(&spec->source);
    default_reachable(&spec->target);
    if (doc->root->kind != NODE_MAP)
        return spec;
    if (!yaml_node_get(doc->root, "replication_group"))
        take_default_id(spec, doc, index, diags);
    check_backoff(spec, doc->root, diags);
    check_endpoints(spec, doc->root, diags);
    check_sentinels(doc->root, diags);
    check_logins(spec, doc->root, mode, diags);
    return spec;
}

/* --- one file --- */

static void check_ids(const struct jobfile *file, const struct yaml_documents *docs,
                      struct diags *diags)
{
    for (unsigned i = 1; i < file->n_specs; i++) {
        const struct yaml_node *name = yaml_node_get(docs->items[i].root, "replication_group");

        for (unsigned k = 0; name && *file->specs[i]->id && k < i; k++) {
            if (strcmp(file->specs[i]->id, file->specs[k]->id) != 0)
                continue;
            diags_error(diags, "duplicate-job", &name->at, NULL,
                        "another job of this file is called '%s'", file->specs[i]->id);
            break;
        }
    }
}

static void drop_specs(struct jobfile *file)
{
    while (file->n_specs > 0)
        spec_free(file->specs[--file->n_specs]);
}

static void parse(const char *path, const char *text, size_t len, mode_t mode, struct jobfile *ret)
{
    struct yaml_documents *docs = xcalloc(1, sizeof(*docs));

    *ret = (struct jobfile){.path = xstrdup(path)};
    diags_init(&ret->diags, path);
    yaml_read(text, len, docs, &ret->diags);
    if (docs->n == 0 && jobfile_ok(ret))
        diags_error(&ret->diags, "empty", &SPAN_FILE, "a job needs at least a target",
                    "there is no job in this file");
    ret->specs = xcalloc(docs->n, sizeof(struct spec *));
    for (; ret->n_specs < docs->n; ret->n_specs++)
        ret->specs[ret->n_specs] =
            read_document(path, text, &docs->items[ret->n_specs], ret->n_specs, mode, &ret->diags);
    check_ids(ret, docs, &ret->diags);
    diags_finish(&ret->diags, text, len);
    if (!jobfile_ok(ret))
        drop_specs(ret);
    yaml_documents_clear(docs);
    free(docs);
}

void jobfile_parse(const char *path, const char *text, size_t len, struct jobfile *ret)
{
    parse(path, text, len, MODE_REMEMBERED, ret);
}

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode)    ? "a directory"
           : S_ISLNK(mode)  ? "a symbolic link"
           : S_ISFIFO(mode) ? "a FIFO"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

static int check_file(const struct stat *st, struct err *err)
{
    if (!S_ISREG(st->st_mode))
        return err_set(err, ERR_INVALID, "%s, not a regular file", kind_of(st->st_mode));
    if ((uint64_t)st->st_size > YAML_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "larger than %zu KiB", YAML_BYTES_MAX / 1024);
    return 0;
}

/* Looks before it opens, because opening a device may already do something, and again afterwards.
 */
static int open_file(const char *path, int *ret_fd, struct stat *ret_st, struct err *err)
{
    struct stat st;
    int fd;

    if (lstat(path, &st))
        return err_errno(err, errno, "cannot be read");
    if (check_file(&st, err))
        return (int)err->code;
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "cannot be read");
    if (fstat(fd, &st) ? err_errno(err, errno, "cannot be read") : check_file(&st, err)) {
        close(fd);
        return (int)err->code;
    }
    *ret_st = st;
    *ret_fd = fd;
    return 0;
}

/* It may have grown since it was looked at: the limit counts here, too. */
static int read_text(int fd, char *buf, size_t *ret_len, struct err *err)
{
    size_t n = 0;

    while (n <= YAML_BYTES_MAX) {
        ssize_t got = read(fd, buf + n, YAML_BYTES_MAX + 1 - n);

        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return err_errno(err, errno, "cannot be read");
        n += got > 0 ? (size_t)got : 0;
    }
    if (n > YAML_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "larger than %zu KiB", YAML_BYTES_MAX / 1024);
    *ret_len = n;
    return 0;
}

int jobfile_read_as(const char *path, const char *name, struct jobfile *ret, struct err *err)
{
    cleanup(closep) int fd = -1;
    struct stat st = {0};
    size_t len = 0;
    char *text;
    int result;

    if (open_file(path, &fd, &st, err))
        return (int)err->code;
    text = xmalloc(YAML_BYTES_MAX + 1);
    result = read_text(fd, text, &len, err);
    if (!result)
        parse(name, text, len, st.st_mode, ret);
    explicit_bzero(text, len);
    free(text);
    return result;
}

int jobfile_read(const char *path, struct jobfile *ret, struct err *err)
{
    return jobfile_read_as(path, path, ret, err);
}

bool jobfile_check(const char *path, FILE *out, bool color)
{
    struct jobfile file = {.n_specs = 0};
    struct err err;
    bool ok;

    if (jobfile_read(path, &file, &err))
        jobfile_refuse(path, &err, &file);
    diags_print(&file.diags, out, color);
    ok = jobfile_ok(&file);
    jobfile_clear(&file);
    return ok;
}
