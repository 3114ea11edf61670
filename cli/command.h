/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A command of ecmigratectl is a row of one table (command_table.h). Parsing, --help and the
 * handlers' inputs all come from that row; the options are rows of a second one (option_table.h).
 */
#include <stdbool.h>

#include "cli/output.h"
#include "lib/base/base.h"
#include "lib/base/err.h"

struct client;
struct command_table;

/* What the program says about how it went. Scripts rely on these numbers. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,    /* the operation failed or was refused */
    EXIT_USAGE = 2,     /* the command line is wrong */
    EXIT_NO_DAEMON = 3, /* nobody answers on the control socket */
    EXIT_NO_JOB = 4,    /* the daemon does not know this job */
    EXIT_TIMED_OUT = 5, /* what was awaited did not come in time */
};

enum opt {
#define OPTION(id, name, letter, value, kind, help) OPT_##id,
#include "cli/option_table.h"
#undef OPTION
    OPT_MAX
};
#define OPT_BIT(id) (1u << OPT_##id)
#define FORMAT_BIT(id) (1u << FORMAT_##id)
/* What most commands have. */
#define FORMATS_ALL (((1u << FORMAT_MAX) - 1) & ~FORMAT_BIT(MARKDOWN))

#define ARGS_MAX 256 /* operands of one command line */

/* What a value or an operand may be: for the completion of shells. */
enum value_kind {
    VALUE_NONE, /* there is none */
    VALUE_TEXT, /* nothing that could be guessed */
    VALUE_FILE,
    VALUE_DIR,
    VALUE_JOB,    /* what `list -o name` prints */
    VALUE_FORMAT, /* one of the command's formats */
    VALUE_WHAT,   /* state=STATE or phase=PHASE */
    VALUE_CODE,   /* a reason */
    VALUE_SHELL,
    VALUE_KIND_MAX
};

/* One command line, understood. Strings are borrowed from argv. */
struct ctl {
    const struct command_table *table;
    const struct command *command; /* NULL: none was given */
    const char *arg[ARGS_MAX];
    unsigned n_args;
    const char *opt[OPT_MAX]; /* NULL: not given; a flag that is given is "" */
    enum format format;
    struct term term;
    struct client *client; /* owned by main; NULL for commands that need no daemon */
};

enum command_flag {
    C_DAEMON = 1 << 0, /* talks to the daemon */
};

struct command {
    const char *name;
    const char *args; /* "JOB", "[JOB]", "FILE..." as --help shows them */
    enum value_kind operand;
    unsigned min_args, max_args;
    unsigned options; /* OPT_BIT()s beside the global ones */
    unsigned formats; /* FORMAT_BIT()s */
    unsigned flags;
    const char *help; /* one line */
    const char *more; /* further lines of `COMMAND --help`, or NULL */
    enum exit_code (*run)(struct ctl *ctl);
};

struct command_table {
    const struct command *commands;
    unsigned n;
};

/* Prints "error: …" and, where there is one, "hint: …" to stderr; returns the exit code that fits
 * err. hint may be NULL. */
enum exit_code fail(const struct err *err, const char *hint);
/* The same for what a request ended with: the hint is the daemon's, or says how to reach it. */
enum exit_code fail_request(const struct ctl *ctl, const struct err *err);
/* "error: …" for a command line that cannot be obeyed; points at --help. Returns EXIT_USAGE. */
enum exit_code fail_usage(const struct ctl *ctl, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The path of the control socket that the command line or the environment names; NULL: neither. */
const char *given_socket(const struct ctl *ctl);

/* Formats without a document of their own. */
bool is_for_people(const struct ctl *ctl);

/* POST /v1/jobs/JOB/VERB; the job is the first operand. body NULL: {}. */
int post_verb(const struct ctl *ctl, const char *verb, const json_t *body, json_t **ret,
              struct err *err) must_check;

/* The JOB named by the first operand. */
int get_job(const struct ctl *ctl, json_t **ret, struct err *err) must_check;

/* As get_job(); one that is not there is waited for a moment, since its file may have come just
 * now. */
int get_new_job(const struct ctl *ctl, json_t **ret, struct err *err) must_check;

/* One JOB, or the answer to a verb, in the format that was asked for; nothing for a table. */
void print_job_document(const struct ctl *ctl, const json_t *job);

#define COMMAND(name, args, operand, min, max, options, formats, flags, help, more, run)           \
    enum exit_code run(struct ctl *ctl);
#include "cli/command_table.h"
#undef COMMAND
