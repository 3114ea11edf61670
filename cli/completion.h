/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Scripts that complete the command line in a shell, made from the tables of commands and options.
 */
#include <stdio.h>

#include "cli/args.h"

/* How long a shell waits for the daemon's list of jobs. */
#define COMPLETION_TIMEOUT_S "2"

/* How a shell wants it: one walk over the tables calls these. command NULL: the command line before
 * its command. */
struct completion {
    const char *shell;
    bool global_last; /* the options before a command come after those of the commands */
    /* What completes a value that is no list of words; NULL: nothing does. */
    const char *kinds[VALUE_KIND_MAX];
    void (*begin)(const struct command_table *table, FILE *out);
    void (*begin_command)(const struct command *command, FILE *out);
    /* formats: what the value of an option of that kind may be. first: of this command. */
    void (*option)(const struct command *command, enum opt opt, unsigned formats, bool first,
                   FILE *out);
    void (*end_command)(const struct command *command, FILE *out);
    void (*end)(const struct command_table *table, FILE *out);
};

extern const struct completion completion_bash, completion_zsh, completion_fish;

/* The values of a kind, with blanks between them, or NULL when they cannot be known beforehand; a
 * fresh string. formats: FORMAT_BIT()s. */
char *completion_words(enum value_kind kind, unsigned formats);
