/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/job/dir_watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/base/base.h"

#define READS_PER_TURN 16
#define EVENTS                                                                                     \
    (IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO |            \
     IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

void dir_watch_init(struct dir_watch *watch)
{
    *watch = (struct dir_watch){.fd = -1, .wd = -1};
}

static void handle_event(struct dir_watch *watch, const struct inotify_event *event)
{
    enum dir_change change = DIR_FINISHED;

    if (event->mask & IN_Q_OVERFLOW) {
        watch->on_change(watch, DIR_LOST, NULL);
        return;
    }
    if (event->wd != watch->wd)
        return;
    if (event->mask & IN_IGNORED)
        watch->wd = -1;
    if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
        watch->on_change(watch, DIR_REPLACED, NULL);
        return;
    }
    if (event->len == 0)
        return;
    if (event->mask & (IN_CREATE | IN_MODIFY))
        change = DIR_WRITTEN;
    else if (event->mask & IN_ATTRIB)
        change = DIR_TOUCHED;
    watch->on_change(watch, change, event->name);
}

static void events_ready(uv_poll_t *poll, int status, int events)
{
    struct dir_watch *watch = container_of(poll, struct dir_watch, poll);
    char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));

    (void)events;
    if (status < 0) {
        watch->on_change(watch, DIR_LOST, NULL);
        return;
    }
    for (unsigned i = 0; i < READS_PER_TURN; i++) {
        ssize_t n = read(watch->fd, buf, sizeof(buf));

        for (const char *p = buf; n > 0 && p < buf + n;) {
            const struct inotify_event *event = (const void *)p;

            handle_event(watch, event);
            p += sizeof(*event) + event->len;
        }
        if (n <= 0 || watch->stopped)
            return;
    }
}

void dir_watch_start(struct dir_watch *watch, uv_loop_t *loop,
                     void (*on_change)(struct dir_watch *watch, enum dir_change change,
                                       const char *name))
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    watch->on_change = on_change;
    if (fd >= 0 && uv_poll_init(loop, &watch->poll, fd)) {
        close(fd);
        fd = -1;
    }
    if (fd < 0)
        return;
    watch->fd = fd;
    uv_poll_start(&watch->poll, UV_READABLE, events_ready);
}

bool dir_watch_add(struct dir_watch *watch, const char *dir)
{
    if (watch->wd >= 0)
        return true;
    if (watch->fd < 0)
        return false;
    watch->wd = inotify_add_watch(watch->fd, dir, EVENTS);
    return watch->wd >= 0 || (errno != ENOSPC && errno != ENOMEM);
}

void dir_watch_remove(struct dir_watch *watch)
{
    if (watch->wd >= 0)
        inotify_rm_watch(watch->fd, watch->wd);
    watch->wd = -1;
}

bool dir_watch_active(const struct dir_watch *watch)
{
    return watch->wd >= 0;
}

static void poll_closed(uv_handle_t *handle)
{
    struct dir_watch *watch = container_of((uv_poll_t *)handle, struct dir_watch, poll);

    close(watch->fd);
    watch->fd = -1;
    watch->closed(watch);
}

void dir_watch_close(struct dir_watch *watch, void (*closed)(struct dir_watch *watch))
{
    watch->stopped = true;
    watch->closed = closed;
    if (watch->fd >= 0)
        uv_close((uv_handle_t *)&watch->poll, poll_closed);
    else
        closed(watch);
}
