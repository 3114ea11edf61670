/* SPDX-License-Identifier: Apache-2.0 */
/* ecmigratectl: asks the daemon, tells it what to do, waits for it. */
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/text.h"

#ifndef ECMIGRATE_VERSION
#define ECMIGRATE_VERSION "unknown"
#endif

#define DEFAULT_SOCKET "/run/ecmigrate/control.sock"

static const struct command commands[] = {
#define COMMAND(name, args, operand, min, max, options, formats, flags, help, more, run)           \
    {#name, args, operand, min, max, options, formats, flags, help, more, run},
#include "cli/command_table.h"
#undef COMMAND
};

static const struct command_table table = {commands, array_len(commands)};

/* Messages hold what the user typed, or what came from outside. stderr may be a terminal. */
static void print_clean(const char *label, const char *text)
{
    bool ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    cleanup(freep) char *clean = text_clean(text, strlen(text), ascii);

    fflush(stdout);
    fprintf(stderr, "%s: %s\n", label, clean);
}

static enum exit_code exit_code_of(const struct err *err)
{
    if (err->code == ERR_UNREACHABLE || err->code == ERR_DENIED)
        return EXIT_NO_DAEMON;
    if (err->code == ERR_NOT_FOUND)
        return EXIT_NO_JOB;
    if (err->code == ERR_TIMEOUT)
        return EXIT_TIMED_OUT;
    return EXIT_FAILED;
}

enum exit_code fail(const struct err *err, const char *hint)
{
    print_clean("error", err->msg);
    if (hint && *hint)
        print_clean("hint", hint);
    return exit_code_of(err);
}

enum exit_code fail_request(const struct ctl *ctl, const struct err *err)
{
    return fail(err, client_hint(ctl->client));
}

enum exit_code fail_usage(const struct ctl *ctl, const char *fmt, ...)
{
    struct err err;
    va_list ap;

    va_start(ap, fmt);
    err_vset(&err, ERR_INVALID, fmt, ap);
    va_end(ap);
    print_clean("error", err.msg);
    fprintf(stderr, "hint: ecmigratectl %s --help\n", ctl->command->name);
    return EXIT_USAGE;
}

const char *given_socket(const struct ctl *ctl)
{
    const char *env = getenv("ECMIGRATE_SOCKET");

    if (ctl->opt[OPT_SOCKET])
        return ctl->opt[OPT_SOCKET];
    return env && *env ? env : NULL;
}

static enum exit_code run(struct ctl *ctl)
{
    const char *path = given_socket(ctl);
    enum exit_code code;
    struct err err;

    if ((ctl->command->flags & C_DAEMON) &&
        client_new(path ? path : DEFAULT_SOCKET, &ctl->client, &err))
        return fail_usage(ctl, "%s", err.msg);
    code = ctl->command->run(ctl);
    client_free(ctl->client);
    return code;
}

int main(int argc, char **argv)
{
    struct ctl ctl = {.format = FORMAT_TABLE};
    enum exit_code code = EXIT_DONE;
    char hint[128];
    struct err err;

    setlocale(LC_CTYPE, "");
    term_init(&ctl.term, STDOUT_FILENO);
    if (args_parse(&table, argc, argv, &ctl, hint, &err)) {
        (void)fail(&err, hint);
        return EXIT_USAGE;
    }
    if (ctl.opt[OPT_HELP])
        args_help(&table, ctl.command, stdout);
    else if (ctl.opt[OPT_VERSION])
        printf("ecmigratectl %s\n", ECMIGRATE_VERSION);
    else
        code = run(&ctl);
    if (!output_flush() && code == EXIT_DONE)
        code = EXIT_FAILED;
    return (int)code;
}
