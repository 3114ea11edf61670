/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

/* Nothing that comes from outside is expanded by the shell: compgen -W would do that. */
static const char head[] =
    "# bash completion of ecmigratectl; made by: ecmigratectl completion bash\n"
    "\n"
    "_ecmigratectl() {\n"
    "    local cur word kind='' list='' prefix='' command='' pending='' socket=''\n"
    "    local options formats operand=none max=0 only_operands='' i n=0 operands=0\n"
    "    local -a words=()\n"
    "\n"
    "    # Bash cuts words at \"=\": put them together again.\n"
    "    for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if ((n > 0)) && [[ $word == = || ${COMP_WORDS[i - 1]} == = ]]; then\n"
    "            words[n - 1]+=$word\n"
    "        else\n"
    "            words[n++]=$word\n"
    "        fi\n"
    "    done\n"
    "    cur=${words[n - 1]}\n"
    "    for ((i = 0; i < n - 1; i++)); do\n"
    "        word=${words[i]}\n"
    "        if [[ -n $pending ]]; then\n"
    "            [[ $pending == --socket ]] && socket=$word\n"
    "            pending=''\n"
    "        elif [[ -z $only_operands && $word == -?* ]]; then\n"
    "            case $word in\n"
    "            --) only_operands=1 ;;\n"
    "            --socket=*) socket=${word#*=} ;;\n";

static const char middle[] =
    "\n"
    "    if [[ -z $pending && -z $only_operands && $cur == --*=* ]]; then\n"
    "        pending=${cur%%=*}\n"
    "        prefix=$pending=\n"
    "        cur=${cur#*=}\n"
    "    fi\n"
    "    if [[ -z $pending && -z $only_operands && $cur == -* ]]; then\n"
    "        list=$options\n"
    "    elif [[ -z $pending && -z $command ]]; then\n";

static const char tail[] =
    "\n"
    "    COMPREPLY=()\n"
    "    case $kind in\n"
    "    file | dir)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -A \"${kind/dir/directory}\" -- \"$cur\")\n"
    "        ;;\n"
    "    job)\n"
    "        list=$(timeout " COMPLETION_TIMEOUT_S
    " ecmigratectl ${socket:+--socket \"$socket\"} list -o name 2>/dev/null)\n"
    "        ;;\n"
    "    esac\n"
    "    read -r -d '' -a words <<<\"$list\"\n"
    "    for word in \"${words[@]}\"; do\n"
    "        [[ $word == \"$cur\"* ]] && COMPREPLY+=(\"$word\")\n"
    "    done\n"
    "\n"
    "    # Readline replaces what stands behind the last of its word breaks.\n"
    "    if [[ $COMP_WORDBREAKS != *=* ]]; then\n"
    "        COMPREPLY=(\"${COMPREPLY[@]/#/$prefix}\")\n"
    "    elif [[ $cur == *=* ]]; then\n"
    "        COMPREPLY=(\"${COMPREPLY[@]#\"${cur%=*}=\"}\")\n"
    "    fi\n"
    "    return 0\n"
    "}\n"
    "\n"
    "complete -F _ecmigratectl ecmigratectl\n";

/* "-o | --output" */
static void put_names(const struct option *option, FILE *out)
{
    if (option->letter)
        fprintf(out, "-%c | ", option->letter);
    fprintf(out, "--%s", option->name);
}

/* "            -o | --output | --socket) pending=$word ;;" */
static void put_pending(FILE *out)
{
    const char *bar = "            ";

    for (unsigned o = 0; o < OPT_MAX; o++) {
        if (!args_option((enum opt)o)->value)
            continue;
        fputs(bar, out);
        put_names(args_option((enum opt)o), out);
        bar = " | ";
    }
    fputs(") pending=$word ;;\n"
          "            esac\n"
          "        elif [[ -z $command ]]; then\n"
          "            command=$word\n"
          "        else\n"
          "            ((operands++))\n"
          "        fi\n"
          "    done\n",
          out);
}

/* What the value of $pending may be. */
static void put_values(FILE *out)
{
    fputs("    elif [[ -n $pending ]]; then\n"
          "        list=''\n"
          "        case $pending in\n",
          out);
    for (unsigned o = 0; o < OPT_MAX; o++) {
        const struct option *option = args_option((enum opt)o);
        cleanup(freep) char *words = completion_words(option->kind, 0);

        if (!option->value || option->kind == VALUE_TEXT)
            continue;
        fputs("        ", out);
        put_names(option, out);
        if (option->kind == VALUE_FORMAT)
            fputs(") list=$formats ;;\n", out);
        else if (words)
            fprintf(out, ") list='%s' ;;\n", words);
        else
            fprintf(out, ") kind=%s ;;\n", completion_bash.kinds[option->kind]);
    }
    fputs("        esac\n"
          "    elif ((operands >= max)); then\n"
          "        list=''\n"
          "    else\n"
          "        kind=$operand\n"
          "    fi\n",
          out);
}

static void begin(const struct command_table *table, FILE *out)
{
    (void)table;
    fputs(head, out);
    put_pending(out);
    fputs("\n    case $command in\n", out);
}

static void begin_command(const struct command *command, FILE *out)
{
    fprintf(out, "    %s)\n        options='", command ? command->name : "*");
}

static void put_option(const struct command *command, enum opt opt, unsigned formats, bool first,
                       FILE *out)
{
    const struct option *option = args_option(opt);

    (void)command;
    (void)formats;
    if (option->letter)
        fprintf(out, "%s-%c", first ? "" : " ", option->letter);
    fprintf(out, "%s--%s", first && !option->letter ? "" : " ", option->name);
}

static void end_command(const struct command *command, FILE *out)
{
    unsigned of = command ? command->formats : FORMATS_ALL;
    enum value_kind operand = command ? command->operand : VALUE_NONE;
    cleanup(freep) char *formats = completion_words(VALUE_FORMAT, of);
    cleanup(freep) char *words = completion_words(operand, 0);
    const char *kind = completion_bash.kinds[operand];

    fprintf(out, "'\n        formats='%s'\n", formats);
    if (command)
        fprintf(out, "        operand=%s\n        max=%u\n",
                words  ? "words"
                : kind ? kind
                       : "none",
                command->max_args);
    if (words)
        fprintf(out, "        list='%s'\n", words);
    fputs("        ;;\n", out);
}

static void end(const struct command_table *table, FILE *out)
{
    fputs("    esac\n", out);
    fputs(middle, out);
    fputs("        list='", out);
    for (unsigned i = 0; i < table->n; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", table->commands[i].name);
    fputs("'\n", out);
    put_values(out);
    fputs(tail, out);
}

const struct completion completion_bash = {
    .shell = "bash",
    .global_last = true,
    .kinds = {[VALUE_FILE] = "file", [VALUE_DIR] = "dir", [VALUE_JOB] = "job"},
    .begin = begin,
    .begin_command = begin_command,
    .option = put_option,
    .end_command = end_command,
    .end = end,
};
