/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/base/suggest.h"
#include "lib/base/units.h"

#define NAMES_MAX 64
#define HELP_COLUMNS 26

static const struct option options[OPT_MAX] = {
#define OPTION(id, name, letter, value, kind, help) [OPT_##id] = {name, letter, value, kind, help},
#include "cli/option_table.h"
#undef OPTION
};

static const unsigned global_options =
    OPT_BIT(SOCKET) | OPT_BIT(OUTPUT) | OPT_BIT(HELP) | OPT_BIT(VERSION);

const struct option *args_option(enum opt opt)
{
    assert(opt >= 0 && opt < OPT_MAX);
    return &options[opt];
}

unsigned args_global_options(void)
{
    return global_options;
}

/* "did you mean 'x'?", or the fallback. */
static void hint_near(char hint[128], const char *word, const char *const *names, size_t n,
                      const char *prefix, const char *fallback)
{
    const char *near = suggest(word, names, n);

    if (near)
        snprintf(hint, 128, "did you mean '%s%s'?", prefix, near);
    else
        snprintf(hint, 128, "%s", fallback);
}

static int unknown_option(const char *name, char hint[128], struct err *err)
{
    const char *names[OPT_MAX];

    for (unsigned i = 0; i < OPT_MAX; i++)
        names[i] = options[i].name;
    hint_near(hint, name, names, OPT_MAX, "--", "ecmigratectl --help lists what there is");
    return err_set(err, ERR_INVALID, "unknown option '--%.60s'", name);
}

static int unknown_command(const struct command_table *table, const char *name, char hint[128],
                           struct err *err)
{
    const char *names[NAMES_MAX];

    assert(table->n <= NAMES_MAX);
    for (unsigned i = 0; i < table->n; i++)
        names[i] = table->commands[i].name;
    hint_near(hint, name, names, table->n, "", "ecmigratectl --help lists the commands");
    return err_set(err, ERR_INVALID, "unknown command '%.60s'", name);
}

/* argv[*i] is "--name", "--name=value" or "--name" "value". */
static int parse_long(int argc, char **argv, int *i, struct ctl *ctl, char hint[128],
                      struct err *err)
{
    const char *word = argv[*i] + 2;
    size_t n = strcspn(word, "=");
    cleanup(freep) char *name = xstrndup(word, n);
    unsigned o = 0;

    while (o < OPT_MAX && strcmp(options[o].name, name) != 0)
        o++;
    if (o == OPT_MAX)
        return unknown_option(name, hint, err);
    if (!options[o].value && word[n])
        return err_set(err, ERR_INVALID, "option --%s takes no value", options[o].name);
    if (!options[o].value)
        ctl->opt[o] = "";
    else if (word[n])
        ctl->opt[o] = word + n + 1;
    else if (*i + 1 < argc)
        ctl->opt[o] = argv[++*i];
    else
        return err_set(err, ERR_INVALID, "option --%s needs a value: %s", options[o].name,
                       options[o].value);
    return 0;
}

/* argv[*i] is "-f", "-fh", "-ojson" or "-o" "json". */
static int parse_short(int argc, char **argv, int *i, struct ctl *ctl, struct err *err)
{
    for (const char *letter = argv[*i] + 1; *letter; letter++) {
        unsigned o = 0;

        while (o < OPT_MAX && options[o].letter != *letter)
            o++;
        if (o == OPT_MAX)
            return err_set(err, ERR_INVALID, "unknown option '-%.20s'", letter);
        if (!options[o].value) {
            ctl->opt[o] = "";
            continue;
        }
        if (letter[1])
            ctl->opt[o] = letter + 1;
        else if (*i + 1 < argc)
            ctl->opt[o] = argv[++*i];
        else
            return err_set(err, ERR_INVALID, "option -%c needs a value: %s", *letter,
                           options[o].value);
        return 0;
    }
    return 0;
}

static int take_word(const struct command_table *table, const char *word, struct ctl *ctl,
                     char hint[128], struct err *err)
{
    if (ctl->command) {
        if (ctl->n_args == ARGS_MAX)
            return err_set(err, ERR_LIMIT, "more than %d operands", ARGS_MAX);
        ctl->arg[ctl->n_args++] = word;
        return 0;
    }
    for (unsigned i = 0; i < table->n; i++) {
        if (strcmp(table->commands[i].name, word) == 0) {
            ctl->command = &table->commands[i];
            return 0;
        }
    }
    return unknown_command(table, word, hint, err);
}

static int check_format(struct ctl *ctl, char hint[128], struct err *err)
{
    const char *names[FORMAT_MAX];
    const char *wanted = ctl->opt[OPT_OUTPUT];

    for (unsigned i = 0; i < FORMAT_MAX; i++)
        names[i] = format_name((enum format)i);
    if (!wanted)
        return 0;
    if (!format_parse(wanted, &ctl->format)) {
        hint_near(hint, wanted, names, FORMAT_MAX, "-o ",
                  "table, wide, json, yaml, name or markdown");
        return err_set(err, ERR_INVALID, "unknown output format '%.60s'", wanted);
    }
    if (!(ctl->command->formats & 1u << ctl->format))
        return err_set(err, ERR_INVALID, "%s has no output format '%s'", ctl->command->name,
                       wanted);
    return 0;
}

/* Do options and operands suit the command? */
static int check_command(struct ctl *ctl, char hint[128], struct err *err)
{
    const struct command *command = ctl->command;

    if (!command)
        return err_set(err, ERR_INVALID, "no command");
    for (unsigned o = 0; o < OPT_MAX; o++) {
        if (ctl->opt[o] && !((command->options | global_options) & 1u << o))
            return err_set(err, ERR_INVALID, "%s has no option --%s", command->name,
                           options[o].name);
    }
    if (ctl->n_args < command->min_args)
        return err_set(err, ERR_INVALID, "%s needs %s", command->name, command->args);
    if (ctl->n_args > command->max_args)
        return err_set(err, ERR_INVALID, "%s: unexpected '%.60s'", command->name,
                       ctl->arg[command->max_args]);
    for (unsigned i = 0; i < ctl->n_args; i++) {
        if (!*ctl->arg[i])
            return err_set(err, ERR_INVALID, "%s: an operand is empty", command->name);
    }
    return check_format(ctl, hint, err);
}

int args_parse(const struct command_table *table, int argc, char **argv, struct ctl *ctl,
               char hint[128], struct err *err)
{
    bool operands = false;
    int r = 0;

    hint[0] = '\0';
    ctl->table = table;
    for (int i = 1; i < argc && r == 0; i++) {
        if (!operands && strcmp(argv[i], "--") == 0)
            operands = true;
        else if (!operands && strncmp(argv[i], "--", 2) == 0)
            r = parse_long(argc, argv, &i, ctl, hint, err);
        else if (!operands && argv[i][0] == '-' && argv[i][1])
            r = parse_short(argc, argv, &i, ctl, err);
        else
            r = take_word(table, argv[i], ctl, hint, err);
    }
    if (r == 0 && !ctl->opt[OPT_HELP] && !ctl->opt[OPT_VERSION])
        r = check_command(ctl, hint, err);
    if (r && !*hint)
        snprintf(hint, 128, "ecmigratectl %s%s--help", ctl->command ? ctl->command->name : "",
                 ctl->command ? " " : "");
    return r;
}

static void print_options(unsigned set, FILE *out)
{
    for (unsigned o = 0; o < OPT_MAX; o++) {
        const struct option *option = &options[o];
        char left[64];

        if (!(set & 1u << o))
            continue;
        snprintf(left, sizeof(left), "%c%c%s--%s%s%s", option->letter ? '-' : ' ',
                 option->letter ? option->letter : ' ', option->letter ? ", " : "  ", option->name,
                 option->value ? " " : "", option->value ? option->value : "");
        fprintf(out, "  %-*s %s\n", HELP_COLUMNS, left, option->help);
    }
}

static void print_command_help(const struct command *command, FILE *out)
{
    const char *comma = "";

    fprintf(out, "ecmigratectl %s%s%s%s: %s\n", command->name, *command->args ? " " : "",
            command->args, command->options ? " [OPTIONS]" : "", command->help);
    if (command->more)
        fprintf(out, "\n%s\n", command->more);
    if (command->options) {
        fprintf(out, "\nOptions:\n");
        print_options(command->options, out);
    }
    fprintf(out, "\nOutput formats (-o): ");
    for (unsigned f = 0; f < FORMAT_MAX; f++) {
        if (!(command->formats & 1u << f))
            continue;
        fprintf(out, "%s%s", comma, format_name((enum format)f));
        comma = ", ";
    }
    fprintf(out, "\n\nGlobal options:\n");
    print_options(global_options, out);
}

void args_help(const struct command_table *table, const struct command *command, FILE *out)
{
    if (command) {
        print_command_help(command, out);
        return;
    }
    fprintf(out, "Usage: ecmigratectl [OPTIONS] COMMAND [ARGUMENTS]\n\nCommands:\n");
    for (unsigned i = 0; i < table->n; i++) {
        char left[64];

        snprintf(left, sizeof(left), "%s %s", table->commands[i].name, table->commands[i].args);
        fprintf(out, "  %-*s %s\n", HELP_COLUMNS, left, table->commands[i].help);
    }
    fprintf(out, "\nOptions (ecmigratectl COMMAND --help shows those of a command):\n");
    print_options(global_options, out);
    fprintf(out,
            "\nExit status: 0 done; 1 failed or refused; 2 wrong usage; 3 no daemon; 4 no such "
            "job; 5 timed out.\n");
}

int args_duration(const struct ctl *ctl, enum opt opt, uint64_t *ret_ms, struct err *err)
{
    if (!ctl->opt[opt])
        return 0;
    if (duration_parse(ctl->opt[opt], ret_ms, err))
        return err_wrap(err, "--%s", options[opt].name);
    return 0;
}

int args_number(const struct ctl *ctl, enum opt opt, uint64_t low, uint64_t high, uint64_t *ret,
                struct err *err)
{
    const char *text = ctl->opt[opt];
    unsigned long long n;
    char *end;

    if (!text)
        return 0;
    errno = 0;
    n = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno || n < low || n > high)
        return err_set(err, ERR_INVALID, "--%s: '%.40s' is no number in %" PRIu64 "..%" PRIu64,
                       options[opt].name, text, low, high);
    *ret = n;
    return 0;
}
