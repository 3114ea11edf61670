/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The command line: from the table of commands to one struct ctl, and to --help. */
#include <stdio.h>

#include "cli/command.h"

/* An option is a row of one table. */
struct option {
    const char *name;  /* without "--" */
    char letter;       /* 0: none */
    const char *value; /* what its value is called; NULL: a flag */
    enum value_kind kind;
    const char *help;
};
const struct option *args_option(enum opt opt);
unsigned args_global_options(void); /* OPT_BIT()s that every command has */

/* Fills everything in ctl but term and client. On failure *hint is what to do, in static memory or
 * in the buffer it was given. With --help and --version operands are not counted. */
int args_parse(const struct command_table *table, int argc, char **argv, struct ctl *ctl,
               char hint[128], struct err *err) must_check;

/* --help; of one command when ctl->command is set. */
void args_help(const struct command_table *table, const struct command *command, FILE *out);

/* --timeout and the like, where given; else *ret stays as it is. */
int args_duration(const struct ctl *ctl, enum opt opt, uint64_t *ret_ms,
                  struct err *err) must_check;
/* A whole number in low..high. */
int args_number(const struct ctl *ctl, enum opt opt, uint64_t low, uint64_t high, uint64_t *ret,
                struct err *err) must_check;
