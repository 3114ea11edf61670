/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/listen.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128
#define GROUP_BUFFER 16384

/* Hands a descriptor over: closep() finds nothing to close. */
static int take_fd(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

/* Makes room at addr->sun_path: removes a socket that nobody answers on. */
static int clear_path(const struct sockaddr_un *addr, struct err *err)
{
    const char *path = addr->sun_path;
    cleanup(closep) int fd = -1;
    struct stat st;

    if (lstat(path, &st))
        return errno == ENOENT ? 0 : err_errno(err, errno, "socket '%s'", path);
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, ERR_EXISTS, "'%s' is in the way: it is no socket", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(err, errno, "socket");
    /* A listener whose backlog is full answers EAGAIN: it is alive too. */
    if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN)
        return err_set(err, ERR_BUSY, "another process answers on socket '%s'", path);
    if (errno != ECONNREFUSED && errno != ENOENT)
        return err_errno(err, errno, "socket '%s'", path);
    if (unlink(path) && errno != ENOENT)
        return err_errno(err, errno, "cannot remove the old socket '%s'", path);
    return 0;
}

/* A group that does not exist, or that we may not give files to, is no reason to do without a
 * socket. */
static int give_to_group(const char *path, const char *name, struct err *err)
{
    cleanup(freep) char *text = xmalloc(GROUP_BUFFER);
    struct group group, *found = NULL;

    if (getgrnam_r(name, &group, text, GROUP_BUFFER, &found) || !found)
        return 0;
    if (lchown(path, (uid_t)-1, group.gr_gid) && errno != EPERM)
        return err_errno(err, errno, "cannot give socket '%s' to group '%s'", path, name);
    return 0;
}

int http_listen_unix(const char *path, mode_t mode, const char *group, int *ret_fd, struct err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    cleanup(closep) int fd = -1;

    if (!str_copy(addr.sun_path, sizeof(addr.sun_path), path))
        return err_set(err, ERR_LIMIT, "socket path is longer than %zu bytes: '%.80s…'",
                       sizeof(addr.sun_path) - 1, path);
    if (clear_path(&addr, err))
        return err->code;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(err, errno, "socket");
    /* bind() gives the file the mode of the socket: nobody else gets in before the group is right.
     */
    if (fchmod(fd, S_IRUSR | S_IWUSR) || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
        return err_errno(err, errno, "cannot create socket '%s'", path);
    if (group && give_to_group(path, group, err))
        return err->code;
    if (chmod(path, mode) || listen(fd, BACKLOG))
        return err_errno(err, errno, "cannot listen on socket '%s'", path);
    *ret_fd = take_fd(&fd);
    return 0;
}

static int bind_first(const struct addrinfo *ai, const char *text, int *ret_fd, struct err *err)
{
    cleanup(closep) int fd = -1;
    int on = 1;

    fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
    if (fd < 0)
        return err_errno(err, errno, "socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, BACKLOG)) {
        if (errno == EADDRINUSE)
            return err_set(err, ERR_BUSY, "cannot listen on '%s': another process does", text);
        return err_errno(err, errno, "cannot listen on '%s'", text);
    }
    *ret_fd = take_fd(&fd);
    return 0;
}

int http_listen_tcp(const struct endpoint *endpoint, int *ret_fd, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    char text[ENDPOINT_STR_MAX], port[8];
    int failed;

    endpoint_format(endpoint, text);
    snprintf(port, sizeof(port), "%u", endpoint->port);
    failed = getaddrinfo(endpoint->host, port, &hints, &list);
    if (failed)
        return err_set(err, ERR_RESOLVE, "cannot listen on '%s': %s", text, gai_strerror(failed));
    failed = bind_first(list, text, ret_fd, err);
    freeaddrinfo(list);
    return failed;
}
