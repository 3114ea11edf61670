/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* For the checks themselves: what they are given, and the ways to say how they come out. */
#include "daemon/core/check/check.h"

struct check_case {
    const struct spec *spec;
    const struct run *run;
    const struct observation *seen;
    const struct redis_info *source, *target; /* in seen */
    const struct redis_info *writer;          /* the source, or the primary above it */
    const struct facts *source_facts, *target_facts,
        *writer_facts; /* nothing is known in them, where nobody asked */
    struct check_result *ret;
};

typedef enum check_severity check_fn(const struct check_case *c);
#define CHECK(id, name, code, retry, title, what, next) check_fn check_##name;
#define WATCH(id, code, retry, what, next)
#define FIRM CHECK
#include "daemon/spec/check_table.h"
#undef FIRM
#undef WATCH
#undef CHECK

/* How it comes out, in words. Returns severity. */
enum check_severity judge(const struct check_case *c, enum check_severity severity, const char *fmt,
                          ...) __attribute__((format(printf, 3, 4)));
/* What was looked at. */
void judge_value(const struct check_case *c, enum node_side side, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A line to paste: redis-cli with the address of that node, and behind it what is given. */
void judge_remedy(const struct check_case *c, enum node_side side, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* As a shell takes it: most texts as they are. */
const char *judge_word(const char *text, char word[CHECK_REMEDY_MAX]);
/* The source's replicas but the target. In around.c. */
unsigned judge_other_replicas(const struct check_case *c);
/* The facts of one side. */
const struct facts *judge_facts(const struct check_case *c, enum node_side side);
/* The line that gives the daemon's user rights at a node: "'+info' '+scan'". In rights.c. */
void judge_rights(const struct check_case *c, enum node_side side, const char *rights);
