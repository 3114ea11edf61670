/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Scripts that complete the command line in a shell, made from the tables of commands and options.
 */
#include <stdio.h>

#include "cli/args.h"

/* How long a shell waits for the daemon's list of jobs. */
#define COMPLETION_TIMEOUT_S "2"

void completion_bash(const struct command_table *table, FILE *out);
void completion_zsh(const struct command_table *table, FILE *out);
void completion_fish(const struct command_table *table, FILE *out);

/* The values of a kind, with blanks between them, or NULL when they cannot be known beforehand; a
 * fresh string. formats: FORMAT_BIT()s. */
char *completion_words(enum value_kind kind, unsigned formats);

/* The shells, ended by NULL. */
extern const char *const completion_shells[];
