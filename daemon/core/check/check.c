/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/check/check.h"

#include "daemon/core/check/judge.h"
#include "lib/base/base.h"

static const struct check checks[] = {
#define CHECK(id, name, code, retry, title, what, next) {REASON_##id, title},
#define WATCH(id, code, retry, what, next)
#define FIRM CHECK
#include "daemon/spec/check_table.h"
#undef FIRM
#undef WATCH
#undef CHECK
};

static check_fn *const functions[array_len(checks)] = {
#define CHECK(id, name, code, retry, title, what, next) check_##name,
#define WATCH(id, code, retry, what, next)
#define FIRM CHECK
#include "daemon/spec/check_table.h"
#undef FIRM
#undef WATCH
#undef CHECK
};

const char *check_severity_name(enum check_severity severity)
{
    static const char *const names[CHECK_SEVERITIES] = {"ok", "notice", "warning", "error"};

    return names[severity];
}

const struct check *check_table(size_t *ret_n)
{
    *ret_n = array_len(checks);
    return checks;
}

static const struct facts *facts_of(const struct observation *seen, enum node_side side,
                                    const struct facts *unknown)
{
    return seen->node[side].facts ? seen->node[side].facts : unknown;
}

void check_reach(enum node_side side, const struct spec *spec, const struct run *run,
                 const struct observation *seen, struct check_result *ret)
{
    const struct seen_node *node = &seen->node[side];
    const struct check_case c = {.spec = spec, .run = run, .seen = seen, .ret = ret};

    *ret = (struct check_result){.id = side == SIDE_SOURCE ? REASON_SOURCE_UNREACHABLE
                                                           : REASON_TARGET_UNREACHABLE,
                                 .reason = node->why,
                                 .severity = node->reachable ? CHECK_OK : CHECK_ERROR};
    if (node->reachable)
        return;
    (void)str_copy(ret->message, sizeof(ret->message), node->err.msg);
    if (node->why == REASON_ACL_DENIED)
        judge_rights(&c, side, "'+info'");
}

void check_judge(size_t i, const struct spec *spec, const struct run *run,
                 const struct observation *seen, struct check_result *ret)
{
    struct facts unknown;
    struct check_case c = {.spec = spec,
                           .run = run,
                           .seen = seen,
                           .source = &seen->node[SIDE_SOURCE].info,
                           .target = &seen->node[SIDE_TARGET].info,
                           .writer = &seen->node[seen->writer].info,
                           .source_facts = facts_of(seen, SIDE_SOURCE, &unknown),
                           .target_facts = facts_of(seen, SIDE_TARGET, &unknown),
                           .writer_facts = facts_of(seen, seen->writer, &unknown),
                           .ret = ret};

    facts_init(&unknown);
    *ret = (struct check_result){.id = checks[i].id, .reason = checks[i].id};
    ret->severity = functions[i](&c);
    ret->waived = ret->severity == CHECK_ERROR && spec_waives(spec, reason_get(ret->id)->code);
}

bool check_blocks(const struct check_result *result)
{
    return result->severity == CHECK_ERROR && !result->waived;
}

bool check_run(const struct spec *spec, const struct run *run, const struct observation *seen,
               struct check_result *ret)
{
    bool found = false;

    for (size_t i = 0; i < array_len(checks); i++) {
        struct check_result result;
        bool curable;

        check_judge(i, spec, run, seen, &result);
        curable = reason_get(result.reason)->retry;
        if (!check_blocks(&result) || (found && curable))
            continue;
        *ret = result;
        found = true;
        if (!curable)
            break;
    }
    return !found;
}
