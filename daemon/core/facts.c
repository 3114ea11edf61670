/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/facts.h"

#include <string.h>

const char *const write_commands[WRITE_COMMANDS] = {
#define WRITE_COMMAND(name) name,
#include "daemon/core/write_command_table.h"
#undef WRITE_COMMAND
};

static const struct {
    const char *acl, *command;
} rights[RIGHT_MAX] = {
#define RIGHT(id, acl, command, need_source, need_target) [RIGHT_##id] = {acl, command},
#include "daemon/core/right_table.h"
#undef RIGHT
};

void facts_init(struct facts *facts)
{
    *facts = (struct facts){.databases = -1,
                            .tls_port = -1,
                            .maxclients = -1,
                            .clock_us = -1,
                            .repl_timeout = -1,
                            .ping_period = -1,
                            .buffer_hard = -1,
                            .buffer_soft = -1,
                            .buffer_seconds = -1};
}

bool facts_are_watched(const struct facts *facts)
{
    return facts->sentinel[0] || facts->sentinels == YES;
}

bool facts_have_command(const struct facts *facts, const char *name)
{
    for (int i = 0; i < WRITE_COMMANDS; i++)
        if (strcmp(write_commands[i], name) == 0)
            return facts->has_command[i];
    return false;
}

const char *right_acl(enum right right)
{
    return rights[right].acl;
}

const char *right_command(enum right right)
{
    return rights[right].command;
}
