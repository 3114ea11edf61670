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

/* clang-format off: a row is easier to read as a row */
static const struct command commands[] = {
    {"list", "", VALUE_NONE, 0, 0, 0, FORMATS_ALL, C_DAEMON, "all jobs, one line each", NULL,
     cmd_list},
    {"status", "JOB", VALUE_JOB, 1, 1, 0, FORMATS_ALL, C_DAEMON,
     "one job in full: what it does, why it waits, what ends that", NULL, cmd_status},
    {"watch", "[JOB]", VALUE_JOB, 0, 1, 0, FORMATS_ALL & ~FORMAT_BIT(NAME), C_DAEMON,
     "the same, live, with progress, rate and time left",
     "On a terminal a table that is redrawn in place, elsewhere one line for each change.\n"
     "With JOB it ends when that job has ended: status 0 when it is available, 1 when it failed.\n"
     "Ctrl-C ends it.",
     cmd_watch},
    {"events", "[JOB]", VALUE_JOB, 0, 1, OPT_BIT(FOLLOW) | OPT_BIT(AFTER) | OPT_BIT(LIMIT),
     FORMATS_ALL, C_DAEMON, "what has happened",
     "With -f and -o json one object a line. A daemon that restarts is waited for, for 30 s.",
     cmd_events},
    {"check", "JOB", VALUE_JOB, 1, 1, OPT_BIT(SOURCE) | OPT_BIT(TIMEOUT), FORMATS_ALL, C_DAEMON,
     "look whether a migration could start; changes nothing",
     "Each check with what it found; the status is 1 when one of them failed.", cmd_check},
    {"start", "JOB", VALUE_JOB, 1, 1, OPT_BIT(SOURCE), FORMATS_ALL, C_DAEMON,
     "start an idle or failed job", NULL, cmd_start},
    {"complete", "JOB", VALUE_JOB, 1, 1,
     OPT_BIT(FORCE) | OPT_BIT(DRY_RUN) | OPT_BIT(WAIT) | OPT_BIT(TIMEOUT), FORMATS_ALL, C_DAEMON,
     "switch the writable primary over to the target",
     "Without --wait it returns as soon as the daemon has taken the order.\n"
     "With --dry-run the status is 1 when something would hold the switch-over back.",
     cmd_complete},
    {"abort", "JOB", VALUE_JOB, 1, 1, 0, FORMATS_ALL, C_DAEMON,
     "give a migration up and roll it back", NULL, cmd_abort},
    {"retry", "JOB", VALUE_JOB, 1, 1, 0, FORMATS_ALL, C_DAEMON, "begin a new run of a failed job",
     NULL, cmd_retry},
    {"wait", "JOB", VALUE_JOB, 1, 1, OPT_BIT(FOR) | OPT_BIT(TIMEOUT), FORMATS_ALL, C_DAEMON,
     "wait until a job is in a state or phase",
     "Ends with 1 at once when the job has ended otherwise, with 5 when the time is over.",
     cmd_wait},
    {"doctor", "", VALUE_NONE, 0, 0, OPT_BIT(CONFIG) | OPT_BIT(JOBS_DIR) | OPT_BIT(STATE_DIR),
     FORMAT_BIT(TABLE) | FORMAT_BIT(JSON) | FORMAT_BIT(YAML), 0,
     "look over the daemon, its surroundings and every node",
     "Works without a daemon, too. The status is 1 when something is found to be wrong.\n"
     "Directories are those of the daemon's config file; options win.",
     cmd_doctor},
    {"validate", "FILE...", VALUE_FILE, 1, ARGS_MAX, 0, FORMAT_BIT(TABLE), 0,
     "check job files; needs no daemon", NULL, cmd_validate},
    {"explain", "[CODE]", VALUE_CODE, 0, 1, 0, FORMATS_ALL & ~FORMAT_BIT(WIDE), 0,
     "what a reason code means and what to do; all codes without one", NULL, cmd_explain},
    {"fsm", "", VALUE_NONE, 0, 0, OPT_BIT(DOT), FORMATS_ALL & ~FORMAT_BIT(WIDE), 0,
     "the phases of a job and the ways between them", NULL, cmd_fsm},
    {"schema", "", VALUE_NONE, 0, 0, 0, FORMAT_BIT(TABLE) | FORMAT_BIT(JSON) | FORMAT_BIT(YAML), 0,
     "the JSON Schema of job files, for editors", "It is JSON unless -o yaml asks for YAML.",
     cmd_schema},
    {"completion", "SHELL", VALUE_SHELL, 1, 1, 0, FORMAT_BIT(TABLE), 0,
     "a script that completes these commands: bash, zsh or fish",
     "bash: source <(ecmigratectl completion bash)", cmd_completion},
};
/* clang-format on */

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
