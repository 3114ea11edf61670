/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Secrets in files. No message ever holds a part of what is in the file. */
#include <stddef.h>

#include "lib/base/base.h"
#include "lib/base/err.h"

/*
 * The text in a file, read now (files may be rotated), for secret_free. One trailing newline is
 * cut. ERR_NOT_FOUND, ERR_DENIED, ERR_INVALID (not a regular file, empty, NUL bytes), ERR_LIMIT
 * (over max bytes). Never blocks on a FIFO or device.
 */
int secret_file_read(const char *path, size_t max, char **ret, struct err *err) must_check;

/* The path of a credential, for free(): systemd makes a directory of files for each service.
 * ERR_INVALID: no plain name; ERR_NOT_FOUND: there is no such directory. */
int secret_credential_path(const char *name, char **ret, struct err *err) must_check;
