/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/check_rig.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"
#include "tests/unit/fixture.h"

void check_rig_version(struct check_rig *rig, enum node_side side, const char *product,
                       unsigned version_num, unsigned redis_compat_num)
{
    struct redis_info *info = &rig->pair.seen.node[side].info;

    str_copy(info->product, sizeof(info->product), product);
    snprintf(info->version, sizeof(info->version), "%u.%u.%u", version_num / 10000,
             version_num / 100 % 100, version_num % 100);
    info->version_num = version_num;
    info->redis_compat_num = redis_compat_num;
}

static void know(struct check_rig *rig, enum node_side side)
{
    struct facts *facts = &rig->facts[side];
    struct seen_node *node = &rig->pair.seen.node[side];

    facts_init(facts);
    facts->known = facts->commands_known = facts->replication.tried = true;
    facts->databases = 16;
    facts->maxclients = 10000;
    facts->repl_timeout = 60;
    facts->ping_period = 10;
    facts->buffer_hard = INT64_C(256) << 20;
    facts->buffer_soft = INT64_C(64) << 20;
    facts->buffer_seconds = 60;
    facts->read_only = YES;
    facts->protected_mode = facts->tls_replication = facts->dual_channel = facts->sentinels = NO;
    for (size_t i = 0; i < WRITE_COMMANDS; i++)
        facts->has_command[i] = true;
    node->facts = facts;
    node->ahead_ms = 0;
    node->info.backlog_bytes = 1 << 20;
    node->info.maxclients = 10000;
    node->info.last_database = -1;
    check_rig_version(rig, side, "redis", 70200, 70200);
}

void check_rig_init(struct check_rig *rig)
{
    pair_rig_init(&rig->pair);
    rig->result = (struct check_result){.id = REASON_NONE};
    for (int side = 0; side < SIDE_MAX; side++)
        know(rig, (enum node_side)side);
    rig->pair.run.attached = rig->pair.run.synced = false;
    rig->pair.spec.cutover.reverse = true;
    rig->pair.target->role = REDIS_ROLE_MASTER;
    str_copy(rig->pair.target->replid, sizeof(rig->pair.target->replid), OTHER_HISTORY);
    rig->pair.target->link_up = false;
    rig->pair.target->keys = rig->pair.target->lasting = 0;
}

enum check_severity check_rig_judge(struct check_rig *rig, const char *code)
{
    const struct check *checks;
    size_t n;

    pair_rig_relate(&rig->pair);
    checks = check_table(&n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(reason_get(checks[i].id)->code, code) == 0) {
            check_judge(i, &rig->pair.spec, &rig->pair.run, &rig->pair.seen, &rig->result);
            return rig->result.severity;
        }
    fail_msg("no check '%s'", code);
    return CHECK_SEVERITIES;
}

void check_rig_expect(struct check_rig *rig, const char *code, enum check_severity severity,
                      const char *words)
{
    enum check_severity found = check_rig_judge(rig, code);
    char word[CHECK_REMEDY_MAX];

    if (found != severity)
        fail_msg("%s: %s instead of %s: %s", code, check_severity_name(found),
                 check_severity_name(severity), rig->result.message);
    if ((severity == CHECK_OK) != (rig->result.message[0] == '\0'))
        fail_msg("%s: %s, and says '%s'", code, check_severity_name(found), rig->result.message);
    if (severity == CHECK_OK)
        assert_string_equal(rig->result.remedy, "");
    for (const char *p = words; *p; p += strcspn(p, "|"), p += *p == '|') {
        snprintf(word, sizeof(word), "%.*s", (int)strcspn(p, "|"), p);
        if (!strstr(rig->result.message, word))
            fail_msg("%s: no '%s' in '%s'", code, word, rig->result.message);
    }
}

void check_rig_command(struct check_rig *rig, enum node_side side, const char *name, bool has,
                       bool used)
{
    for (size_t i = 0; i < WRITE_COMMANDS; i++)
        if (strcmp(write_commands[i], name) == 0) {
            rig->facts[side].has_command[i] = has;
            rig->facts[side].used_command[i] = used;
            return;
        }
    fail_msg("'%s' is in no row", name);
}
