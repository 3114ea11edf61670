/* SPDX-License-Identifier: Apache-2.0 */
/* One daemon a state directory: a lock that the kernel lets go of with the process, however that
 * ends. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/private.h"

static int make_dir(const char *dir, struct err *err)
{
    struct stat st;

    if (mkdir(dir, 0700) == 0)
        return 0;
    if (errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND,
                       "state directory '%s' cannot be made: the directory above it does not exist",
                       dir);
    if (errno != EEXIST && (errno != EROFS || access(dir, F_OK)))
        return err_errno(err, errno, "state directory '%s' cannot be made", dir);
    if (stat(dir, &st))
        return err_errno(err, errno, "state directory '%s'", dir);
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_INVALID, "state directory '%s' is not a directory", dir);
    return 0;
}

/* Says who has the lock, as far as the file tells. */
static int busy(const char *dir, int fd, struct err *err)
{
    char text[16] = "";
    long pid = 0;

    if (pread(fd, text, sizeof(text) - 1, 0) > 0)
        pid = strtol(text, NULL, 10);
    if (pid > 0)
        return err_set(err, ERR_BUSY,
                       "state directory '%s' is in use by another ecmigrated (pid %ld)", dir, pid);
    return err_set(err, ERR_BUSY, "state directory '%s' is in use by another ecmigrated", dir);
}

static int take_lock(const char *dir, int fd, struct err *err)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    if (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno == EWOULDBLOCK)
            return busy(dir, fd, err);
        return err_errno(err, errno, "state directory '%s' cannot be locked", dir);
    }
    /* The number only helps the message of whoever comes second; on a full disk it is left out. */
    if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) != n && ftruncate(fd, 0))
        return err_errno(err, errno, "state directory '%s' cannot be written to", dir);
    return 0;
}

int store_lock(const char *dir, int *ret_fd, struct err *err)
{
    cleanup(freep) char *path = xasprintf("%s/lock", dir);
    int fd;

    if (make_dir(dir, err))
        return (int)err->code;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return err_errno(err, errno, "state directory '%s' cannot be written to", dir);
    if (take_lock(dir, fd, err)) {
        close(fd);
        return (int)err->code;
    }
    *ret_fd = fd;
    return 0;
}
