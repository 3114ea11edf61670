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

static const char *kind_name(enum value_kind kind)
{
    switch (kind) {
    case VALUE_FILE:
        return "file";
    case VALUE_DIR:
        return "dir";
    case VALUE_JOB:
        return "job";
    case VALUE_NONE:
    case VALUE_TEXT:
    case VALUE_FORMAT:
    case VALUE_WHAT:
    case VALUE_CODE:
    case VALUE_SHELL:
    case VALUE_KIND_MAX:
        break;
    }
    return "none";
}

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

static void put_options(unsigned set, FILE *out)
{
    const char *blank = "";

    fputs("options='", out);
    for (unsigned o = 0; o < OPT_MAX; o++) {
        const struct option *option = args_option((enum opt)o);

        if (!(set & 1u << o))
            continue;
        if (option->letter)
            fprintf(out, "%s-%c", blank, option->letter);
        fprintf(out, "%s--%s", option->letter ? " " : blank, option->name);
        blank = " ";
    }
    fputs("'\n", out);
}

static void put_command(const struct command *command, FILE *out)
{
    cleanup(freep) char *formats = completion_words(VALUE_FORMAT, command->formats);
    cleanup(freep) char *words = completion_words(command->operand, 0);

    fprintf(out, "    %s)\n        ", command->name);
    put_options(command->options | args_global_options(), out);
    fprintf(out, "        formats='%s'\n        operand=%s\n        max=%u\n", formats,
            words ? "words" : kind_name(command->operand), command->max_args);
    if (words)
        fprintf(out, "        list='%s'\n", words);
    fputs("        ;;\n", out);
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
            fprintf(out, ") kind=%s ;;\n", kind_name(option->kind));
    }
    fputs("        esac\n"
          "    elif ((operands >= max)); then\n"
          "        list=''\n"
          "    else\n"
          "        kind=$operand\n"
          "    fi\n",
          out);
}

void completion_bash(const struct command_table *table, FILE *out)
{
    cleanup(freep) char *formats = completion_words(VALUE_FORMAT, FORMATS_ALL);

    fputs(head, out);
    put_pending(out);
    fputs("\n    case $command in\n", out);
    for (unsigned i = 0; i < table->n; i++)
        put_command(&table->commands[i], out);
    fputs("    *)\n        ", out);
    put_options(args_global_options(), out);
    fprintf(out, "        formats='%s'\n        ;;\n    esac\n", formats);
    fputs(middle, out);
    fputs("        list='", out);
    for (unsigned i = 0; i < table->n; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", table->commands[i].name);
    fputs("'\n", out);
    put_values(out);
    fputs(tail, out);
}
