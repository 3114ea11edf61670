/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of settings[] that names its argument is a command line option, too: jobs_dir: DIR in the
 * file is --jobs-dir DIR there. commands[] holds what makes sense on the command line only.
 */
#include "daemon/config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/suggest.h"
#include "lib/yaml/reader.h"

#define OPTION_NAME_MAX 40
#define OPTIONS_MAX 24

/* --- the table --- */

static const char *const log_target_words[] = {"auto", "journal", "stderr", NULL};
static const char *const log_format_words[] = {"text", "json", NULL};
static const char *const log_level_words[] = {"debug", "info", "warn", "error", NULL};

/* clang-format off: a row is easier to read as a row */
static const struct schema_row settings[] = {
    {.key = "jobs_dir",
     .type = SCHEMA_STRING,
     .min = 1,
     .max = 3800,
     .preset = "/etc/ecmigrate.d",
     .argument = "DIR",
     SCHEMA_FIELD(struct config, jobs_dir),
     .doc = "Directory of job files."},
    {.key = "state_dir",
     .type = SCHEMA_STRING,
     .min = 1,
     .max = 3800,
     .preset = "/var/lib/ecmigrate",
     .argument = "DIR",
     SCHEMA_FIELD(struct config, state_dir),
     .doc = "Directory of durable state."},
    /* A socket's path has at most 107 bytes. */
    {.key = "runtime_dir",
     .type = SCHEMA_STRING,
     .min = 1,
     .max = 94,
     .preset = "/run/ecmigrate",
     .argument = "DIR",
     SCHEMA_FIELD(struct config, runtime_dir),
     .doc = "Directory of the control socket."},
    {.key = "log_target",
     .type = SCHEMA_ENUM,
     .words = log_target_words,
     .preset = "auto",
     .argument = "journal|stderr",
     SCHEMA_FIELD(struct config, log_target),
     .doc = "Where logs go; auto: to the journal when started by systemd, else to stderr."},
    {.key = "log_format",
     .type = SCHEMA_ENUM,
     .words = log_format_words,
     .preset = "text",
     .argument = "text|json",
     SCHEMA_FIELD(struct config, log_format),
     .doc = "How log lines on stderr look."},
    {.key = "log_level",
     .type = SCHEMA_ENUM,
     .words = log_level_words,
     .preset = "info",
     .flags = SCHEMA_RELOAD,
     .argument = "LEVEL",
     SCHEMA_FIELD(struct config, log_level),
     .doc = "The least important level that is logged: debug, info, warn or error."},
    {.key = "max_parallel_syncs",
     .type = SCHEMA_INT,
     .min = 1,
     .max = 1000,
     .preset = "4",
     .flags = SCHEMA_RELOAD,
     SCHEMA_FIELD(struct config, max_parallel_syncs),
     .doc = "How many full synchronisations may run at a time."},
    {.key = "max_parallel_syncs_per_host",
     .type = SCHEMA_INT,
     .min = 1,
     .max = 1000,
     .preset = "1",
     .flags = SCHEMA_RELOAD,
     SCHEMA_FIELD(struct config, max_parallel_syncs_per_host),
     .doc = "… from one source host."},
    {.key = "listen",
     .type = SCHEMA_ENDPOINT,
     .argument = "HOST:PORT",
     SCHEMA_FIELD(struct config, listen),
     .doc = "Serve HTTP there, too."},
    {.key = "api",
     .type = SCHEMA_MAP,
     .sub = &config_api_schema,
     .flags = SCHEMA_RELOAD,
     SCHEMA_FIELD(struct config, api),
     .doc = "Who may use HTTP at `listen`, and how."},
    {.key = "sinks", .type = SCHEMA_MAP, .flags = SCHEMA_LATER, .doc = "Who is told of events."},
};

const struct schema config_schema = {"the daemon's config", settings, array_len(settings)};

/* None of them has a field; handle_command() knows what to do. */
static const struct schema_row commands[] = {
    {.key = "config",
     .argument = "FILE",
     .doc = "Read settings from this file; default: " CONFIG_DEFAULT_PATH ", if there is one."},
    {.key = "check", .doc = "Check the job files named behind, and leave: FILE..."},
    {.key = "help", .doc = "Print this, and leave."},
    {.key = "version", .doc = "Print the version, and leave."},
};

/* clang-format on */

static void option_name(const struct schema_row *row, char ret[OPTION_NAME_MAX])
{
    str_copy(ret, OPTION_NAME_MAX, row->key);
    for (char *p = ret; *p; p++) {
        if (*p == '_')
            *p = '-';
    }
}

/* The rows that are options, in the order of the help text; returns how many. */
static unsigned list_options(const struct schema_row *ret[OPTIONS_MAX])
{
    unsigned n = 0;

    for (size_t i = 0; i < array_len(settings); i++) {
        if (settings[i].argument)
            ret[n++] = &settings[i];
    }
    for (size_t i = 0; i < array_len(commands); i++)
        ret[n++] = &commands[i];
    assert(n <= OPTIONS_MAX);
    return n;
}

void config_print_help(FILE *out)
{
    const struct schema_row *rows[OPTIONS_MAX];
    unsigned n = list_options(rows);
    char name[OPTION_NAME_MAX], left[80];

    fprintf(out, "usage: ecmigrated [OPTION...]\n"
                 "       ecmigrated --check FILE...\n\n"
                 "Migrates Redis and Valkey data sets as its job files say.\n\n");
    for (unsigned i = 0; i < n; i++) {
        option_name(rows[i], name);
        snprintf(left, sizeof(left), "--%s%s%s", name, rows[i]->argument ? " " : "",
                 rows[i]->argument ? rows[i]->argument : "");
        fprintf(out, "  %-28s  %s", left, rows[i]->doc);
        if (rows[i]->preset)
            fprintf(out, " [%s]", rows[i]->preset);
        fprintf(out, "%s\n", rows[i]->flags & SCHEMA_LATER ? " (not supported yet)" : "");
    }
    fprintf(out,
            "\nEach option that is a setting may stand in the config file, as in jobs_dir: DIR.\n");
}

/* --- the command line --- */

struct arguments {
    struct config_command *ret;
    struct config given; /* owned; what the options say */
    bool is_given[array_len(settings)];
    bool config_named;
};

static void argument_error(struct config_command *ret, const char *code, const char *hint,
                           const char *message)
{
    diags_error(&ret->arguments, code, &SPAN_FILE, hint, "%s", message);
}

static void handle_setting(struct arguments *a, size_t index, const char *value)
{
    const struct schema_row *row = &settings[index];
    cleanup(freep) char *message = NULL;
    char name[OPTION_NAME_MAX];
    struct err err;

    option_name(row, name);
    if (row->flags & SCHEMA_LATER) {
        message = xasprintf("--%s is not supported yet", name);
        argument_error(a->ret, "not-supported", NULL, message);
    } else if (schema_set(row, value, &a->given, &err)) {
        message = xasprintf("--%s: %s", name, err.msg);
        argument_error(a->ret, schema_type_code(row->type), NULL, message);
    } else {
        a->is_given[index] = true;
    }
}

static void handle_command(struct arguments *a, const char *key, const char *value)
{
    if (strcmp(key, "config") == 0) {
        free(a->ret->config_file);
        a->ret->config_file = xstrdup(value);
        a->config_named = true;
    } else if (strcmp(key, "check") == 0) {
        a->ret->action = CONFIG_CHECK;
    } else if (strcmp(key, "help") == 0) {
        a->ret->action = CONFIG_HELP;
    } else {
        a->ret->action = CONFIG_VERSION;
    }
}

static void report_bad_option(struct arguments *a, const char *word, bool no_value)
{
    const struct schema_row *rows[OPTIONS_MAX];
    char names[OPTIONS_MAX][OPTION_NAME_MAX];
    const char *words[OPTIONS_MAX], *nearest;
    unsigned n = list_options(rows);
    cleanup(freep) char *bare = xstrndup(word, strcspn(word, "="));
    cleanup(freep) char *hint = NULL;

    for (unsigned i = 0; i < n; i++) {
        option_name(rows[i], names[i]);
        words[i] = names[i];
    }
    if (no_value) {
        diags_error(&a->ret->arguments, "no-value", &SPAN_FILE, NULL, "'%.60s' needs a value",
                    bare);
        return;
    }
    nearest = suggest(bare + strspn(bare, "-"), words, n);
    hint = nearest ? xasprintf("did you mean '--%s'?", nearest) : xstrdup("see --help");
    diags_error(&a->ret->arguments, "unknown-option", &SPAN_FILE, hint, "unknown option '%.60s'",
                bare);
}

static void take_operands(struct config_command *ret, int argc, char **argv)
{
    for (int i = optind; i < argc; i++) {
        if (ret->action != CONFIG_CHECK) {
            diags_error(&ret->arguments, "unknown-argument", &SPAN_FILE,
                        "to check job files, write --check before them",
                        "'%.60s' is not expected here", argv[i]);
            continue;
        }
        ret->check_files =
            xrealloc(ret->check_files, ret->n_check_files + 1, sizeof(*ret->check_files));
        ret->check_files[ret->n_check_files++] = argv[i];
    }
    if (ret->action == CONFIG_CHECK && ret->n_check_files == 0)
        argument_error(ret, "no-value", NULL, "'--check' needs at least one file");
}

static void read_arguments(struct arguments *a, int argc, char **argv)
{
    const struct schema_row *rows[OPTIONS_MAX];
    struct option options[OPTIONS_MAX + 1] = {{0}};
    char names[OPTIONS_MAX][OPTION_NAME_MAX];
    unsigned n = list_options(rows);
    int index, c;

    for (unsigned i = 0; i < n; i++) {
        option_name(rows[i], names[i]);
        options[i].name = names[i];
        options[i].has_arg = rows[i]->argument ? required_argument : no_argument;
    }
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":", options, &index)) != -1) {
        if (c) {
            char letter[] = {'-', (char)optopt, '\0'};

            report_bad_option(a, optopt ? letter : argv[optind - 1], c == ':');
            continue;
        }
        if (rows[index] >= settings && rows[index] < settings + array_len(settings))
            handle_setting(a, (size_t)(rows[index] - settings), optarg);
        else
            handle_command(a, rows[index]->key, optarg);
    }
    take_operands(a->ret, argc, argv);
}

/* --- the file --- */

static int read_whole(const char *path, char **ret, size_t *ret_len, struct err *err)
{
    cleanup(closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    cleanup(freep) char *text = NULL;
    struct stat st;
    size_t n = 0;
    ssize_t got;

    if (fd < 0 || fstat(fd, &st))
        return err_errno(err, errno, "cannot be read");
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INVALID, "not a regular file");
    text = xmalloc(YAML_BYTES_MAX + 1);
    while (n <= YAML_BYTES_MAX && (got = read(fd, text + n, YAML_BYTES_MAX + 1 - n)) != 0) {
        if (got < 0 && errno != EINTR)
            return err_errno(err, errno, "cannot be read");
        n += got > 0 ? (size_t)got : 0;
    }
    *ret = take(text);
    *ret_len = n;
    return 0;
}

static void parse_file(struct config_command *ret, const char *text, size_t len)
{
    struct yaml_documents *docs = xcalloc(1, sizeof(*docs));

    yaml_read(text, len, docs, &ret->file);
    if (docs->n > 1)
        diags_error(&ret->file, "too-many-documents", &docs->items[1].root->at, NULL,
                    "the config file holds one document");
    /* An empty file is one that leaves everything at its default. */
    if (docs->n > 0)
        schema_read(&config_schema, docs->items[0].root, &docs->items[0].root->at, &ret->config,
                    &ret->file);
    diags_finish(&ret->file, text, len);
    yaml_documents_clear(docs);
    free(docs);
}

static void read_config_file(struct config_command *ret, bool named)
{
    cleanup(freep) char *text = NULL;
    struct err err;
    size_t len = 0;

    if (!read_whole(ret->config_file, &text, &len, &err)) {
        parse_file(ret, text, len);
    } else if (named || err.code != ERR_NOT_FOUND) {
        diags_error(&ret->file, "unreadable", &SPAN_FILE, NULL, "%s", err.msg);
        diags_finish(&ret->file, "", 0);
    }
}

/* --- both --- */

/* Moves what the options say over what the file says. */
static void merge(struct arguments *a)
{
    for (size_t i = 0; i < array_len(settings); i++) {
        void *to = (char *)&a->ret->config + settings[i].offset;
        void *from = (char *)&a->given + settings[i].offset;

        if (!a->is_given[i])
            continue;
        if (settings[i].type == SCHEMA_STRING) {
            free(*(char **)to);
            *(char **)to = take(*(char **)from);
        } else {
            memcpy(to, from, settings[i].size);
        }
    }
}

bool config_load(int argc, char **argv, struct config_command *ret)
{
    struct arguments a = {.ret = ret};

    *ret = (struct config_command){.config_file = xstrdup(CONFIG_DEFAULT_PATH)};
    diags_init(&ret->arguments, "ecmigrated");
    schema_defaults(&config_schema, &ret->config);
    read_arguments(&a, argc, argv);
    diags_finish(&ret->arguments, "", 0);
    diags_init(&ret->file, ret->config_file);
    if (ret->action == CONFIG_RUN)
        read_config_file(ret, a.config_named);
    merge(&a);
    config_clear(&a.given);
    return !diags_failed(&ret->arguments) && !diags_failed(&ret->file);
}

void config_clear(struct config *config)
{
    schema_clear(&config_schema, config);
}

void config_command_clear(struct config_command *command)
{
    config_clear(&command->config);
    free(command->config_file);
    free(command->check_files);
    diags_clear(&command->arguments);
    diags_clear(&command->file);
    *command = (struct config_command){.action = CONFIG_RUN};
}

void config_print_errors(const struct config_command *command, FILE *out, bool color)
{
    diags_print(&command->arguments, out, color);
    diags_print(&command->file, out, color);
}

const char *config_needs_restart(const struct config *now, const struct config *next)
{
    const struct schema_row *row = schema_differs(&config_schema, now, next, SCHEMA_RELOAD);

    return row ? row->key : NULL;
}
