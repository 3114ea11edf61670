/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reasons: why a job failed, waits or cannot go on. Two tables, of which one is that of the checks;
 * messages, `ecmigratectl explain`, the API and the manual read them. Codes are lower-case words
 * with hyphens, and stable.
 */
#include <stdbool.h>

enum reason {
    REASON_NONE,
#define REASON(id, code, retry, what, next) REASON_##id,
#define WATCH REASON
#define CHECK(id, name, code, retry, title, what, next) REASON_##id,
#include "daemon/core/reason_table.h"
#define FIRM CHECK
#include "daemon/spec/check_table.h"
#undef FIRM
#undef CHECK
#undef WATCH
#undef REASON
    REASON_MAX
};

struct reason_def {
    const char *code; /* "source-unreachable" */
    bool retry;       /* another attempt may cure it */
    const char *what; /* one or two sentences: what it means */
    const char *next; /* what the operator does about it */
};

/* The row of a reason; REASON_NONE has code "". */
const struct reason_def *reason_get(enum reason reason);
/* REASON_NONE when there is no such code. */
enum reason reason_parse(const char *code);
