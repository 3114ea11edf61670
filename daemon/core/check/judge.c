/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/check/judge.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/base.h"

enum check_severity judge(const struct check_case *c, enum check_severity severity, const char *fmt,
                          ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->ret->message, sizeof(c->ret->message), fmt, ap);
    va_end(ap);
    return severity;
}

void judge_value(const struct check_case *c, enum node_side side, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->ret->value[side], sizeof(c->ret->value[side]), fmt, ap);
    va_end(ap);
}

/* Half a line is worse than none: it is left out when there is no room. */
void judge_remedy(const struct check_case *c, enum node_side side, const char *fmt, ...)
{
    const struct endpoint *const endpoints[SIDE_MAX] = {[SIDE_SOURCE] = &c->run->source,
                                                        [SIDE_TARGET] = &c->spec->target.endpoint,
                                                        [SIDE_PRIMARY] = &c->seen->primary};
    const struct endpoint *at = endpoints[side];
    size_t used = strlen(c->ret->remedy), room = sizeof(c->ret->remedy) - used;
    char line[CHECK_REMEDY_MAX];
    va_list ap;
    int n;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    n = snprintf(c->ret->remedy + used, room, "%sredis-cli -h %s -p %u %s", used ? "\n" : "",
                 at->host, at->port, line);
    if (n < 0 || (size_t)n >= room)
        c->ret->remedy[used] = '\0';
}

const struct facts *judge_facts(const struct check_case *c, enum node_side side)
{
    return side == SIDE_TARGET   ? c->target_facts
           : side == SIDE_SOURCE ? c->source_facts
                                 : c->writer_facts;
}
