/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <uv.h>

#include "lib/base/err.h"

/*
 * Starts a thread with a small stack and with signals blocked: they are for the thread of the loop.
 * It also makes errors of what would be deaths, such as writing to a closed pipe or past
 * RLIMIT_FSIZE. name: at most 15 bytes, shown by ps and debuggers.
 */
int thread_start(uv_thread_t *ret, const char *name, void (*fn)(void *), void *arg, struct err *err)
    __attribute__((warn_unused_result));
