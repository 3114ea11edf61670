/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/job/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/job/schema.h"

#define PASSWORD_MAX 4096

void spec_free(struct spec *spec)
{
    if (!spec)
        return;
    schema_clear(&job_schema, spec);
    free(spec->file);
    secret_free(spec->text);
    free(spec);
}

void spec_freep(struct spec **spec)
{
    spec_free(*spec);
}

struct spec *spec_dup(const struct spec *spec)
{
    struct spec *copy = xmalloc(sizeof(*copy));

    *copy = *spec;
    schema_own(&job_schema, copy);
    copy->file = xstrdup(spec->file);
    copy->text = xstrdup(spec->text);
    return copy;
}

/* The path of a credential: systemd makes a directory of files for each service. */
static int credential_path(const char *name, char **ret, struct err *err)
{
    const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");

    if (strchr(name, '/') || name[0] == '.')
        return err_set(err, ERR_INVALID, "credential '%.80s' is not a plain name", name);
    if (!dir || !*dir)
        return err_set(err, ERR_NOT_FOUND,
                       "credential '%.80s' cannot be found: $CREDENTIALS_DIRECTORY is not set; is "
                       "there a LoadCredential= in the unit?",
                       name);
    *ret = xasprintf("%s/%s", dir, name);
    return 0;
}

/* Without O_NONBLOCK a FIFO would hold us until somebody writes into it. */
static int open_regular(const char *path, int *ret_fd, struct err *err)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return err_errno(err, errno, "%s", path);
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(err, ERR_INVALID, "%.160s: not a regular file", path);
    }
    *ret_fd = fd;
    return 0;
}

static int read_password(const char *path, int fd, char **ret, struct err *err)
{
    char buf[PASSWORD_MAX + 2]; /* a newline, and one byte more to notice */
    size_t n = 0;
    ssize_t got;
    int result = 0;

    while (n < sizeof(buf) && (got = read(fd, buf + n, sizeof(buf) - n)) != 0) {
        if (got < 0 && errno != EINTR) {
            result = err_errno(err, errno, "%s", path);
            goto wipe;
        }
        n += got > 0 ? (size_t)got : 0;
    }
    if (n > 0 && buf[n - 1] == '\n')
        n--;
    if (n > PASSWORD_MAX)
        result = err_set(err, ERR_LIMIT, "%.160s: longer than %d bytes", path, PASSWORD_MAX);
    else if (n == 0)
        result = err_set(err, ERR_INVALID, "%.160s: empty", path);
    else if (memchr(buf, '\0', n))
        result = err_set(err, ERR_INVALID, "%.160s: a NUL byte is in it", path);
    else
        *ret = xstrndup(buf, n);
wipe:
    explicit_bzero(buf, sizeof(buf));
    return result;
}

int spec_auth_read(const struct spec_auth *auth, char **ret, struct err *err)
{
    cleanup(freep) char *path = NULL;
    cleanup(closep) int fd = -1;

    if (auth->password) {
        *ret = xstrdup(auth->password);
        return 0;
    }
    if (auth->password_file)
        path = xstrdup(auth->password_file);
    else if (auth->credential && credential_path(auth->credential, &path, err))
        return (int)err->code;
    if (!path) {
        *ret = NULL;
        return 0;
    }
    if (open_regular(path, &fd, err))
        return (int)err->code;
    return read_password(path, fd, ret, err);
}

const struct spec_auth *spec_replication_auth(const struct spec_node *node)
{
    return node->has_replication_user ? &node->replication_user : &node->auth;
}

bool spec_safe_change(const struct spec *a, const struct spec *b)
{
    return !schema_differs(&job_schema, a, b, SCHEMA_SAFE);
}
