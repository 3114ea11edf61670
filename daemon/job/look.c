/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/job/look.h"

#include <errno.h>

#include "lib/base/clock.h"

static struct look_key key_of(const struct stat *st)
{
    return (struct look_key){.dev = st->st_dev,
                             .ino = st->st_ino,
                             .size = st->st_size,
                             .mtime = st->st_mtim,
                             .ctime = st->st_ctim};
}

static bool times_equal(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool keys_equal(const struct look_key *a, const struct look_key *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           times_equal(&a->mtime, &b->mtime) && times_equal(&a->ctime, &b->ctime);
}

bool look_is_fresh(const struct look_key *key, int64_t ms)
{
    int64_t age =
        clock_wall_ms() - (int64_t)key->mtime.tv_sec * 1000 - key->mtime.tv_nsec / 1000000;

    return age >= 0 && age < ms;
}

static uint64_t fnv(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t look_signature(const struct jobfile *file)
{
    cleanup(freep) char *text = diags_render(&file->diags);
    uint64_t hash = fnv(UINT64_C(0xcbf29ce484222325), text, strlen(text));

    for (unsigned i = 0; i < file->n_specs; i++) {
        hash = fnv(hash, file->specs[i]->id, sizeof(file->specs[i]->id));
        hash = fnv(hash, file->specs[i]->text, strlen(file->specs[i]->text));
    }
    return hash;
}

static bool is_inside(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    return strncmp(path, dir, n) == 0 && (path[n] == '/' || (n > 0 && dir[n - 1] == '/'));
}

/* Where a link leads; only within the directory. *ret is for free(). */
static int resolve_link(const char *path, const char *dir, char **ret, struct stat *ret_st,
                        struct err *err)
{
    cleanup(freep) char *target = realpath(path, NULL);
    cleanup(freep) char *real_dir = NULL;

    if (!target)
        return err_errno(err, errno, "a symbolic link that cannot be followed");
    real_dir = realpath(dir, NULL);
    if (!real_dir || !is_inside(target, real_dir))
        return err_set(err, ERR_INVALID, "a symbolic link that leads out of the directory");
    if (lstat(target, ret_st))
        return err_errno(err, errno, "a symbolic link that cannot be followed");
    *ret = take(target);
    return 0;
}

enum look_result look_at(const char *dir, const char *name, const struct look_key *known,
                         struct look_key *ret_key, struct jobfile *ret)
{
    cleanup(freep) char *path = xasprintf("%s/%s", dir, name);
    cleanup(freep) char *target = NULL;
    struct err err = ERR_INIT;
    struct look_key key;
    struct stat st = {0};

    if (lstat(path, &st)) {
        if (errno == ENOENT || errno == ENOTDIR)
            return LOOK_GONE;
        err_errno(&err, errno, "cannot be read");
    }
    if (S_ISLNK(st.st_mode))
        resolve_link(path, dir, &target, &st, &err);
    key = key_of(&st);
    if (known && keys_equal(&key, known))
        return LOOK_SAME;
    if (!err.code && jobfile_read_as(target ? target : path, path, ret, &err) == ERR_NOT_FOUND)
        return LOOK_GONE; /* since a moment ago */
    if (err.code)
        jobfile_refuse(path, &err, ret);
    *ret_key = key;
    return LOOK_READ;
}
