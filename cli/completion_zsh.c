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

static const char *action_of(enum value_kind kind)
{
    switch (kind) {
    case VALUE_FILE:
        return "_files";
    case VALUE_DIR:
        return "_files -/";
    case VALUE_JOB:
        return "_ecmigratectl_jobs";
    case VALUE_NONE:
    case VALUE_TEXT:
    case VALUE_FORMAT:
    case VALUE_WHAT:
    case VALUE_CODE:
    case VALUE_SHELL:
    case VALUE_KIND_MAX:
        break;
    }
    return " ";
}

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

    fputc(':', out);
    put_escaped(name, ":", out);
    if (words)
        fprintf(out, ":(%s)", words);
    else
        fprintf(out, ":%s", action_of(kind));
}

/* "'(-o --output)'{-o+,--output=}'[…]:FORMAT:(table json)'" */
static void put_option(const struct option *option, unsigned formats, FILE *out)
{
    const char *equals = option->value ? "=" : "";

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

static void put_options(unsigned set, unsigned formats, FILE *out)
{
    for (unsigned o = 0; o < OPT_MAX; o++) {
        if (!(set & 1u << o))
            continue;
        fputs(" \\\n            ", out);
        put_option(args_option((enum opt)o), formats, out);
    }
}

static void put_command(const struct command *command, FILE *out)
{
    fprintf(out, "    %s)\n        _arguments -s", command->name);
    put_options(command->options | args_global_options(), command->formats, out);
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

void completion_zsh(const struct command_table *table, FILE *out)
{
    fputs(head, out);
    for (unsigned i = 0; i < table->n; i++) {
        fprintf(out, "        '%s:", table->commands[i].name);
        put_escaped(table->commands[i].help, "\\", out);
        fputs("'\n", out);
    }
    fputs("    )\n\n    _arguments -C -s", out);
    put_options(args_global_options(), FORMATS_ALL, out);
    fputs(" \\\n            '1:command:->command' '*::argument:->argument' && return\n"
          "    socket=${(Q)opt_args[--socket]}\n"
          "    if [[ $state == command ]]; then\n"
          "        _describe -t commands command commands\n"
          "        return\n"
          "    fi\n"
          "    case $line[1] in\n",
          out);
    for (unsigned i = 0; i < table->n; i++)
        put_command(&table->commands[i], out);
    fputs("    esac\n}\n\n_ecmigratectl \"$@\"\n", out);
}
