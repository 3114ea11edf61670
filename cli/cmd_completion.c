/* SPDX-License-Identifier: Apache-2.0 */
/* completion: a script for a shell. What the scripts have in common. */
#include <string.h>

#include "cli/completion.h"
#include "daemon/core/fsm.h"
#include "daemon/core/reason.h"

static const struct completion *const shells[] = {&completion_bash, &completion_zsh,
                                                  &completion_fish};

/* Puts "prefix word" at the end of *words. */
static void add_word(char **words, const char *prefix, const char *word)
{
    char *longer = xasprintf("%s%s%s%s", *words, **words ? " " : "", prefix, word);

    free(*words);
    *words = longer;
}

static void add_formats(char **words, unsigned formats)
{
    for (unsigned f = 0; f < FORMAT_MAX; f++) {
        if (formats & 1u << f)
            add_word(words, "", format_name((enum format)f));
    }
}

static void add_whats(char **words)
{
    for (int s = 0; s < STATE_MAX; s++)
        add_word(words, "state=", public_state_name((enum public_state)s));
    for (int p = 0; p < PHASE_MAX; p++)
        add_word(words, "phase=", phase_get((enum phase)p)->name);
}

char *completion_words(enum value_kind kind, unsigned formats)
{
    char *words = xstrdup("");

    switch (kind) {
    case VALUE_FORMAT:
        add_formats(&words, formats);
        return words;
    case VALUE_WHAT:
        add_whats(&words);
        return words;
    case VALUE_CODE:
        for (int r = REASON_NONE + 1; r < REASON_MAX; r++)
            add_word(&words, "", reason_get((enum reason)r)->code);
        return words;
    case VALUE_SHELL:
        for (size_t i = 0; i < array_len(shells); i++)
            add_word(&words, "", shells[i]->shell);
        return words;
    case VALUE_NONE:
    case VALUE_TEXT:
    case VALUE_FILE:
    case VALUE_DIR:
    case VALUE_JOB:
    case VALUE_KIND_MAX:
        break;
    }
    free(words);
    return NULL;
}

static void walk_command(const struct completion *shell, const struct command *command, FILE *out)
{
    unsigned options = (command ? command->options : 0) | args_global_options();
    unsigned formats = command ? command->formats : FORMATS_ALL;
    bool first = true;

    shell->begin_command(command, out);
    for (unsigned o = 0; o < OPT_MAX; o++) {
        if (!(options & 1u << o))
            continue;
        shell->option(command, (enum opt)o, formats, first, out);
        first = false;
    }
    shell->end_command(command, out);
}

static void walk(const struct completion *shell, const struct command_table *table, FILE *out)
{
    shell->begin(table, out);
    if (!shell->global_last)
        walk_command(shell, NULL, out);
    for (unsigned i = 0; i < table->n; i++)
        walk_command(shell, &table->commands[i], out);
    if (shell->global_last)
        walk_command(shell, NULL, out);
    shell->end(table, out);
}

enum exit_code cmd_completion(struct ctl *ctl)
{
    for (size_t i = 0; i < array_len(shells); i++) {
        if (strcmp(ctl->arg[0], shells[i]->shell) == 0) {
            walk(shells[i], ctl->table, stdout);
            return EXIT_DONE;
        }
    }
    return fail_usage(ctl, "no completion for '%.40s'; there is one for bash, zsh and fish",
                      ctl->arg[0]);
}
