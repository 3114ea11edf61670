/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

static const char head[] =
    "# fish completion of ecmigratectl; made by: ecmigratectl completion fish\n"
    "\n"
    "# The command and its operands, as far as they have been typed.\n"
    "function __ecmigratectl_words\n"
    "    set -l pending\n"
    "    set -l tokens (commandline -opc)\n"
    "    set -e tokens[1]\n"
    "    for token in $tokens\n"
    "        if set -q pending[1]\n"
    "            set -e pending[1]\n"
    "            continue\n"
    "        end\n"
    "        switch $token\n"
    "            case";

static const char middle[] =
    "\n"
    "                set pending $token\n"
    "            case '-*'\n"
    "            case '*'\n"
    "                echo -- $token\n"
    "        end\n"
    "    end\n"
    "end\n"
    "\n"
    "function __ecmigratectl_first\n"
    "    test (count (__ecmigratectl_words)) -eq 0\n"
    "end\n"
    "\n"
    "# COMMAND [N]: that is the command, and one of its first N operands is being typed.\n"
    "function __ecmigratectl_on\n"
    "    set -l words (__ecmigratectl_words)\n"
    "    test \"$words[1]\" = $argv[1]; or return 1\n"
    "    not set -q argv[2]; or test (count $words) -le $argv[2]\n"
    "end\n"
    "\n"
    "function __ecmigratectl_jobs\n"
    "    set -l tokens (commandline -opc)\n"
    "    set -l socket (string match -r -- '^--socket=.*' $tokens)\n"
    "    set -l i (contains -i -- --socket $tokens)\n"
    "    and set socket --socket=$tokens[(math $i + 1)]\n"
    "    timeout " COMPLETION_TIMEOUT_S " ecmigratectl $socket list -o name 2>/dev/null\n"
    "end\n"
    "\n"
    "complete -c ecmigratectl -f\n";

static void put_quoted(const char *text, FILE *out)
{
    fputc('\'', out);
    for (; *text; text++)
        fprintf(out, "%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
    fputc('\'', out);
}

/* What completes a value: arguments of `complete`. */
static void put_value(enum value_kind kind, unsigned formats, FILE *out)
{
    cleanup(freep) char *words = completion_words(kind, formats);

    if (words) {
        fprintf(out, " -a '%s'", words);
        return;
    }
    switch (kind) {
    case VALUE_FILE:
        fputs(" -F", out);
        break;
    case VALUE_DIR:
        fputs(" -a '(__fish_complete_directories)'", out);
        break;
    case VALUE_JOB:
        fputs(" -a '(__ecmigratectl_jobs)'", out);
        break;
    case VALUE_NONE:
    case VALUE_TEXT:
    case VALUE_FORMAT:
    case VALUE_WHAT:
    case VALUE_CODE:
    case VALUE_SHELL:
    case VALUE_KIND_MAX:
        break;
    }
}

/* condition NULL: always. */
static void put_option(const struct option *option, const char *condition, const char *argument,
                       unsigned formats, FILE *out)
{
    fputs("complete -c ecmigratectl", out);
    if (condition)
        fprintf(out, " -n '%s%s%s'", condition, argument ? " " : "", argument ? argument : "");
    if (option->letter)
        fprintf(out, " -s %c", option->letter);
    fprintf(out, " -l %s", option->name);
    if (option->value)
        fputs(option->kind == VALUE_FILE ? " -r" : " -x", out);
    put_value(option->kind, formats, out);
    fputs(" -d ", out);
    put_quoted(option->help, out);
    fputc('\n', out);
}

static void put_command(const struct command *command, FILE *out)
{
    fprintf(out, "\ncomplete -c ecmigratectl -n __ecmigratectl_first -a %s -d ", command->name);
    put_quoted(command->help, out);
    fputc('\n', out);
    put_option(args_option(OPT_OUTPUT), "__ecmigratectl_on", command->name, command->formats, out);
    for (unsigned o = 0; o < OPT_MAX; o++) {
        if (command->options & 1u << o)
            put_option(args_option((enum opt)o), "__ecmigratectl_on", command->name, 0, out);
    }
    if (command->max_args == 0)
        return;
    fprintf(out, "complete -c ecmigratectl -n '__ecmigratectl_on %s %u'", command->name,
            command->max_args);
    put_value(command->operand, 0, out);
    fputc('\n', out);
}

void completion_fish(const struct command_table *table, FILE *out)
{
    fputs(head, out);
    for (unsigned o = 0; o < OPT_MAX; o++) {
        const struct option *option = args_option((enum opt)o);

        if (option->value && option->letter)
            fprintf(out, " -%c", option->letter);
        if (option->value)
            fprintf(out, " --%s", option->name);
    }
    fputs(middle, out);
    for (unsigned o = 0; o < OPT_MAX; o++) {
        if (o != OPT_OUTPUT && (args_global_options() & 1u << o))
            put_option(args_option((enum opt)o), NULL, NULL, 0, out);
    }
    put_option(args_option(OPT_OUTPUT), "__ecmigratectl_first", NULL, FORMATS_ALL, out);
    for (unsigned i = 0; i < table->n; i++)
        put_command(&table->commands[i], out);
}
