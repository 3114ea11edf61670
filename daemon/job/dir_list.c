/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/job/dir_list.h"

#include <errno.h>

#include "lib/base/base.h"

int dir_list_open(struct dir_list *list, const char *path)
{
    struct stat st;

    list->stream = opendir(path);
    if (!list->stream) {
        dir_list_forget(list);
        return errno;
    }
    if (fstat(dirfd(list->stream), &st))
        st.st_ino = 0;
    list->dev = st.st_dev;
    list->ino = st.st_ino;
    return 0;
}

bool dir_list_active(const struct dir_list *list)
{
    return list->stream != NULL;
}

const char *dir_list_next(struct dir_list *list)
{
    const struct dirent *d = readdir(list->stream);

    if (d)
        return d->d_name;
    dir_list_close(list);
    return NULL;
}

void dir_list_close(struct dir_list *list)
{
    if (list->stream)
        closedir(take(list->stream));
}

bool dir_list_is(const struct dir_list *list, const char *path)
{
    struct stat st;

    return list->ino != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
           st.st_dev == list->dev && st.st_ino == list->ino;
}

void dir_list_forget(struct dir_list *list)
{
    list->ino = 0;
}
