/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int secret_credential_path(const char *name, char **ret, struct err *err)
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

/* Fills buf; a file that is larger fills it whole. */
static int read_some(const char *path, int fd, char *buf, size_t size, size_t *ret_len,
                     struct err *err)
{
    size_t n = 0;
    ssize_t got;

    while (n < size && (got = read(fd, buf + n, size - n)) != 0) {
        if (got < 0 && errno != EINTR)
            return err_errno(err, errno, "%s", path);
        n += got > 0 ? (size_t)got : 0;
    }
    *ret_len = n;
    return 0;
}

static int check_text(const char *path, const char *text, size_t len, size_t max, struct err *err)
{
    if (len > max)
        return err_set(err, ERR_LIMIT, "%.160s: longer than %zu bytes", path, max);
    if (len == 0)
        return err_set(err, ERR_INVALID, "%.160s: empty", path);
    if (memchr(text, '\0', len))
        return err_set(err, ERR_INVALID, "%.160s: a NUL byte is in it", path);
    return 0;
}

int secret_file_read(const char *path, size_t max, char **ret, struct err *err)
{
    size_t size = max + 2, len = 0; /* a newline, and one byte more to notice */
    cleanup(closep) int fd = -1;
    char *buf;
    int r;

    if (open_regular(path, &fd, err))
        return (int)err->code;
    buf = xmalloc(size);
    r = read_some(path, fd, buf, size, &len, err);
    if (!r) {
        if (len > 0 && buf[len - 1] == '\n')
            len--;
        r = check_text(path, buf, len, max, err);
    }
    if (!r)
        *ret = xstrndup(buf, len);
    explicit_bzero(buf, size);
    free(buf);
    return r;
}
