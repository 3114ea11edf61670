/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the kernel tells of one directory (inotify). */
#include <stdbool.h>
#include <uv.h>

enum dir_change {
    DIR_TOUCHED,  /* something about this name, or what it stands for, has changed */
    DIR_WRITTEN,  /* … and somebody still writes into it, as far as one can tell */
    DIR_FINISHED, /* … and is done with it; it may be gone */
    DIR_LOST,     /* events got lost: the directory has to be scanned. No name */
    DIR_REPLACED, /* the directory itself is gone or was moved away. No name */
};

struct dir_watch {
    /* private */
    int fd, wd; /* -1: none */
    uv_poll_t poll;
    void (*on_change)(struct dir_watch *watch, enum dir_change change, const char *name);
    void (*closed)(struct dir_watch *watch);
    bool stopped;
};

void dir_watch_init(struct dir_watch *watch);
/* on_change is called from the loop. Where inotify is not to be had, dir_watch_add() says so. */
void dir_watch_start(struct dir_watch *watch, uv_loop_t *loop,
                     void (*on_change)(struct dir_watch *watch, enum dir_change change,
                                       const char *name));
/* Watches dir, if nothing is watched. False: the kernel refuses. That dir is missing is no refusal:
 * then nothing is watched. */
bool dir_watch_add(struct dir_watch *watch, const char *dir);
void dir_watch_remove(struct dir_watch *watch);
bool dir_watch_active(const struct dir_watch *watch);
/* Calls nobody any more; closed comes from the loop, or at once where there is nothing to close. */
void dir_watch_close(struct dir_watch *watch, void (*closed)(struct dir_watch *watch));
