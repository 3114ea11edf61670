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

    if (words)
        fprintf(out, " -a '%s'", words);
    else if (completion_fish.kinds[kind])
        fputs(completion_fish.kinds[kind], out);
}

static void begin(const struct command_table *table, FILE *out)
{
    (void)table;
    fputs(head, out);
    for (unsigned o = 0; o < OPT_MAX; o++) {
        const struct option *option = args_option((enum opt)o);

        if (option->value && option->letter)
            fprintf(out, " -%c", option->letter);
        if (option->value)
            fprintf(out, " --%s", option->name);
    }
    fputs(middle, out);
}

static void begin_command(const struct command *command, FILE *out)
{
    if (!command)
        return;
    fprintf(out, "\ncomplete -c ecmigratectl -n __ecmigratectl_first -a %s -d ", command->name);
    put_quoted(command->help, out);
    fputc('\n', out);
}

/* A global option is offered once, for all commands; but formats differ from command to command. */
static void put_option(const struct command *command, enum opt opt, unsigned formats, bool first,
                       FILE *out)
{
    const struct option *option = args_option(opt);
    bool format = option->kind == VALUE_FORMAT;

    (void)first;
    if (command && !format && (args_global_options() & 1u << opt))
        return;
    fputs("complete -c ecmigratectl", out);
    if (command)
        fprintf(out, " -n '__ecmigratectl_on %s'", command->name);
    else if (format)
        fputs(" -n '__ecmigratectl_first'", out);
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

static void end_command(const struct command *command, FILE *out)
{
    if (!command || command->max_args == 0)
        return;
    fprintf(out, "complete -c ecmigratectl -n '__ecmigratectl_on %s %u'", command->name,
            command->max_args);
    put_value(command->operand, 0, out);
    fputc('\n', out);
}

static void end(const struct command_table *table, FILE *out)
{
    (void)table;
    (void)out;
}

const struct completion completion_fish = {
    .shell = "fish",
    .kinds = {[VALUE_FILE] = " -F",
              [VALUE_DIR] = " -a '(__fish_complete_directories)'",
              [VALUE_JOB] = " -a '(__ecmigratectl_jobs)'"},
    .begin = begin,
    .begin_command = begin_command,
    .option = put_option,
    .end_command = end_command,
    .end = end,
};
