/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/reason.h"

#include <assert.h>
#include <string.h>

static const struct reason_def reasons[REASON_MAX] = {
    [REASON_NONE] = {"", true, "", ""},
#define REASON(id, code, retry, what, next) [REASON_##id] = {code, retry, what, next},
#define WATCH REASON
#define CHECK(id, name, code, retry, title, what, next) [REASON_##id] = {code, retry, what, next},
#include "daemon/core/reason_table.h"
#define FIRM CHECK
#include "daemon/spec/check_table.h"
#undef FIRM
#undef CHECK
#undef WATCH
#undef REASON
};

const struct reason_def *reason_get(enum reason reason)
{
    assert(reason >= REASON_NONE && reason < REASON_MAX);
    return &reasons[reason];
}

enum reason reason_parse(const char *code)
{
    for (int r = REASON_NONE + 1; r < REASON_MAX; r++)
        if (strcmp(reasons[r].code, code) == 0)
            return (enum reason)r;
    return REASON_NONE;
}
