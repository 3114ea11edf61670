/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One look at one name in the directory of job files: is there anything, is it new, what does it
 * say? */
#include <sys/stat.h>

#include "daemon/spec/jobfile.h"

/* Tells whether a file is as it was. */
struct look_key {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime, ctime;
};

enum look_result { LOOK_GONE, LOOK_SAME, LOOK_READ, LOOK_RESULT_MAX };

/*
 * Looks at dir/name. known: what was there last time, LOOK_SAME if it still is; NULL: read it in
 * any case. LOOK_READ: *ret_key and *ret are filled; whatever must not or cannot be read (FIFOs,
 * devices, links that lead out of dir, …) is a jobfile that says so. Never waits.
 */
enum look_result look_at(const char *dir, const char *name, const struct look_key *known,
                         struct look_key *ret_key, struct jobfile *ret);

/* Was it written within the last ms milliseconds? */
bool look_is_fresh(const struct look_key *key, int64_t ms);

/* A number that changes when what a reader of the jobfile sees changes. */
uint64_t look_signature(const struct jobfile *file);
