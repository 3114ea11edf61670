/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Listing a directory bit by bit, and knowing whether a path still is that directory. */
#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>

struct dir_list {
    /* private */
    DIR *stream; /* NULL: no listing under way */
    dev_t dev;
    ino_t ino; /* 0: not known */
};

/* 0, or an errno. */
int dir_list_open(struct dir_list *list, const char *path);
bool dir_list_active(const struct dir_list *list);
/* The next name, borrowed until the next call; NULL: that was the last, and the listing is over. */
const char *dir_list_next(struct dir_list *list);
void dir_list_close(struct dir_list *list);
/* Is path the directory that was listed last? */
bool dir_list_is(const struct dir_list *list, const char *path);
/* It no longer is, whatever its number says: another directory may get the same one. */
void dir_list_forget(struct dir_list *list);
