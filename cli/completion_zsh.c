/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

#include <string.h>

static const char head[] = "#compdef ecmigratectl\n"
                           "# Made by: ecmigratectl completion zsh\n"
                           "\n"
                           "_ecmigratectl_jobs() {\n"
                           "    local at=${(Q)opt_args[--socket]:-$socket} expl\n"
                           "    local -a jobs=(${(f)\"$(timeout " COMPLETION_TIMEOUT_S
                           " ecmigratectl ${at:+--socket=$at} list -o name 2>/dev/null)\"})\n"
                           "\n"
                           "    _wanted jobs expl job compadd -a jobs\n"
                           "}\n"
                           "\n"
                           "_ecmigratectl() {\n"
                           "    local context state state_descr line socket\n"
                           "    local -A opt_args\n"
                           "    local -a commands=(\n";

/* Inside single quotes; marks: characters that need a backslash. */
static void put_escaped(const char *text, const char *marks, FILE *out)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fprintf(out, "%s%c", strchr(marks, *text) ? "\\" : "", *text);
    }
}

/* ":FORMAT:(table json)" */
static void put_value(const char *name, enum value_kind kind, unsigned formats, FILE *out)
{
    cleanup(freep) char *words = completion_words(kind, formats);
    const char *action = completion_zsh.kinds[kind];

    fputc(':', out);
    put_escaped(name, ":", out);
    if (words)
        fprintf(out, ":(%s)", words);
    else
        fprintf(out, ":%s", action ? action : " ");
}

/* "'(-o --output)'{-o+,--output=}'[…]:FORMAT:(table json)'" */
static void put_option(const struct command *command, enum opt opt, unsigned formats, bool first,
                       FILE *out)
{
    const struct option *option = args_option(opt);
    const char *equals = option->value ? "=" : "";

    (void)command;
    (void)first;
    fputs(" \\\n            ", out);
    if (option->letter)
        fprintf(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", option->letter, option->name, option->letter,
                option->value ? "+" : "", option->name, equals);
    else
        fprintf(out, "'--%s%s[", option->name, equals);
    put_escaped(option->help, "[]:\\", out);
    fputc(']', out);
    if (option->value)
        put_value(option->value, option->kind, formats, out);
    fputc('\'', out);
}

static void begin(const struct command_table *table, FILE *out)
{
    fputs(head, out);
    for (unsigned i = 0; i < table->n; i++) {
        fprintf(out, "        '%s:", table->commands[i].name);
        put_escaped(table->commands[i].help, "\\", out);
        fputs("'\n", out);
    }
    fputs("    )\n\n", out);
}

static void begin_command(const struct command *command, FILE *out)
{
    if (command)
        fprintf(out, "    %s)\n        _arguments -s", command->name);
    else
        fputs("    _arguments -C -s", out);
}

static void end_command(const struct command *command, FILE *out)
{
    if (!command) {
        fputs(" \\\n            '1:command:->command' '*::argument:->argument' && return\n"
              "    socket=${(Q)opt_args[--socket]}\n"
              "    if [[ $state == command ]]; then\n"
              "        _describe -t commands command commands\n"
              "        return\n"
              "    fi\n"
              "    case $line[1] in\n",
              out);
        return;
    }
    if (command->max_args > 0) {
        fprintf(out, " \\\n            '%s",
                command->max_args > 1    ? "*"
                : command->min_args == 0 ? "1:"
                                         : "1");
        put_value(command->args, command->operand, 0, out);
        fputc('\'', out);
    }
    fputs("\n        ;;\n", out);
}

static void end(const struct command_table *table, FILE *out)
{
    (void)table;
    fputs("    esac\n}\n\n_ecmigratectl \"$@\"\n", out);
}

const struct completion completion_zsh = {
    .shell = "zsh",
    .kinds =
        {[VALUE_FILE] = "_files", [VALUE_DIR] = "_files -/", [VALUE_JOB] = "_ecmigratectl_jobs"},
    .begin = begin,
    .begin_command = begin_command,
    .option = put_option,
    .end_command = end_command,
    .end = end,
};
