/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A source, an empty target and what is known of both, for the tests of daemon/core/check that
 * spoil one thing of it. */
#include "daemon/core/check/check.h"
#include "tests/unit/pair_rig.h"

struct check_rig {
    struct pair_rig pair;
    struct facts facts[SIDE_MAX];
    struct check_result result; /* of the last check that was judged */
};

/* Two redis 7.2.0 of which all is known and none is wrong. */
void check_rig_init(struct check_rig *rig);
/* Judges one check; the relations are worked out anew. */
enum check_severity check_rig_judge(struct check_rig *rig, const char *code);
/* It has this severity, and each of these words, "|" between them, is in its message. */
void check_rig_expect(struct check_rig *rig, const char *code, enum check_severity severity,
                      const char *words);
/* A write command that a node knows, or not, and has been called there, or not. */
void check_rig_command(struct check_rig *rig, enum node_side side, const char *name, bool has,
                       bool used);
void check_rig_version(struct check_rig *rig, enum node_side side, const char *product,
                       unsigned version_num, unsigned redis_compat_num);
