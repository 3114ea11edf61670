/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A job file: one spec for each YAML document in it, or everything that is wrong with it. */
#include "daemon/spec/spec.h"
#include "lib/yaml/diag.h"

struct jobfile {
    char *path;          /* owned */
    struct spec **specs; /* owned; none unless the whole file is right */
    unsigned n_specs;
    struct diags diags;
};

/* ".yaml" or ".yml", not hidden, not somebody's backup. */
bool jobfile_is_name(const char *name);

/*
 * Reads a file. Fails when it cannot be read or must not be: no such file, no permission, no
 * regular file (a symbolic link included), too large. Otherwise 0, and *ret says whether the
 * contents are right. Never waits on a FIFO or a device.
 */
int jobfile_read(const char *path, struct jobfile *ret, struct err *err) must_check;

/* The same for a file that goes by another name than the one it is opened by. */
int jobfile_read_as(const char *path, const char *name, struct jobfile *ret,
                    struct err *err) must_check;

/*
 * Parses a text that need not be in a file any more: who may read the file, and whether the
 * passwords it refers to can be read now, is not looked at.
 */
void jobfile_parse(const char *path, const char *text, size_t len, struct jobfile *ret);

/* Makes a jobfile whose only contents is why the file was refused. */
void jobfile_refuse(const char *path, const struct err *why, struct jobfile *ret);

/* Is it right, so that its specs may be used? */
bool jobfile_ok(const struct jobfile *file);

void jobfile_clear(struct jobfile *file);

/* Reads a file and prints what is wrong with it; true when nothing is. */
bool jobfile_check(const char *path, FILE *out, bool color);
