/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: the table of checks, and what they have found, for people and for programs.
 *
 * Everything is bounded in time: requests to the daemon, look-ups, connections. With many jobs a
 * check sums up what is well, and a table shows the first few of what is not.
 */
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/text.h"

#define SHOWN_MAX 10        /* findings of one check and one result in a table */
#define CONFIG_ARGUMENTS 10 /* room for what is passed to the reader of the daemon's config */

static const struct check_row {
    const char *name;
    void (*run)(struct doctor *d);
} rows[] = {
    {"config", doctor_configuration},
    {"daemon", doctor_daemon},
    {"ready", doctor_ready},
    {"unit", doctor_unit},
    {"journal", doctor_journal},
    {"descriptors", doctor_descriptors},
    {"directories", doctor_directories},
    {"disk", doctor_disk},
    {"job-files", doctor_job_files},
    {"credentials", doctor_credentials},
    {"clock", doctor_clock},
    {"nodes", doctor_nodes},
    {"tls", doctor_tls},
};

static const struct {
    const char *name;
    enum style style;
} results[RESULT_MAX] = {
    [RESULT_OK] = {"ok", STYLE_GOOD},
    [RESULT_WARN] = {"warn", STYLE_WARN},
    [RESULT_FAIL] = {"fail", STYLE_BAD},
    [RESULT_SKIP] = {"skip", STYLE_DIM},
};

void doctor_say(struct doctor *d, enum result result, const char *subject, const char *next,
                const char *fmt, ...)
{
    cleanup(freep) char *raw = NULL, *message = NULL, *about = NULL, *todo = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&raw, fmt, ap) < 0)
        abort();
    va_end(ap);
    /* A path need not be UTF-8, and JSON is. */
    message = text_clean(raw, strlen(raw), false);
    about = subject ? text_clean(subject, strlen(subject), false) : NULL;
    todo = next ? text_clean(next, strlen(next), false) : NULL;
    d->n[result]++;
    json_array_append_new(d->findings, json_pack("{s:s, s:s, s:s?, s:s, s:s?}", "check", d->check,
                                                 "result", results[result].name, "subject", about,
                                                 "message", message, "next_step", todo));
}

const struct config *doctor_config(const struct doctor *d)
{
    return &d->command.config;
}

/* The daemon's own reader reads the daemon's config: options over the file over defaults. */
/* What the daemon, which knows the addresses, refuses to start with; names are left to it. */
static bool is_exposed(const struct config *config)
{
    const char *host = config->listen.host;
    bool any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    bool other = strspn(host, "0123456789.") == strlen(host) && strncmp(host, "127.", 4) != 0;

    return endpoint_is_set(&config->listen) && (any || other) && config->api.n_access_keys == 0 &&
           config->api.n_tokens == 0;
}

void doctor_configuration(struct doctor *d)
{
    static const struct {
        enum opt opt;
        const char *name;
    } passed[] = {
        {OPT_CONFIG, "--config"}, {OPT_JOBS_DIR, "--jobs-dir"}, {OPT_STATE_DIR, "--state-dir"}};
    char *argv[CONFIG_ARGUMENTS] = {xstrdup("ecmigrated")}, *text = NULL;
    int argc = 1;
    size_t size;
    FILE *out;

    for (size_t i = 0; i < array_len(passed); i++) {
        if (!d->ctl->opt[passed[i].opt])
            continue;
        argv[argc++] = xstrdup(passed[i].name);
        argv[argc++] = xstrdup(d->ctl->opt[passed[i].opt]);
    }
    if (config_load(argc, argv, &d->command)) {
        doctor_say(d, RESULT_OK, d->command.config_file, NULL, "%s%s, jobs in %s, state in %s",
                   d->command.config_file,
                   access(d->command.config_file, F_OK) ? " (there is none: defaults)" : "",
                   doctor_config(d)->jobs_dir, doctor_config(d)->state_dir);
        if (is_exposed(doctor_config(d)))
            doctor_say(
                d, RESULT_FAIL, d->command.config_file,
                "Configure some, or listen on 127.0.0.1: the daemon does not start like this.",
                "`listen` is open to other machines, and there are neither access_keys nor "
                "tokens under `api`");
    } else {
        out = open_memstream(&text, &size);
        if (!out)
            abort();
        config_print_errors(&d->command, out, false);
        fclose(out);
        text[strcspn(text, "\n")] = '\0';
        doctor_say(d, RESULT_FAIL, d->command.config_file,
                   "Correct the file; a daemon that is started with it refuses it, too.", "%s",
                   text);
        free(text);
    }
    for (int i = 0; i < argc; i++)
        free(argv[i]);
}

static void print_finding(const struct term *term, const json_t *finding)
{
    const char *name = member_string(finding, "result");
    cleanup(freep) char *message = member_text(term, finding, "message");
    cleanup(freep) char *next = member_text(term, finding, "next_step");
    enum style style = STYLE_NONE;

    for (int r = 0; r < RESULT_MAX; r++) {
        if (strcmp(results[r].name, name) == 0)
            style = results[r].style;
    }
    printf("%s%-4s%s  %-11s  %s\n", style_on(term, style), name, style_off(term, style),
           member_string(finding, "check"), message);
    if (next)
        printf("%-19s%s\n", "", next);
}

static void print_table(const struct doctor *d)
{
    size_t shown = 0, hidden = 0, i, n = json_array_size(d->findings);
    const char *check = "", *result = "";
    const json_t *finding;

    for (i = 0; i <= n; i++) {
        bool same;

        finding = json_array_get(d->findings, i);
        same = finding && strcmp(check, member_string(finding, "check")) == 0 &&
               strcmp(result, member_string(finding, "result")) == 0;
        if (same && shown == SHOWN_MAX) {
            hidden++;
            continue;
        }
        if (hidden > 0)
            printf("%-4s  %-11s  and %zu more: ecmigratectl doctor -o json\n", result, check,
                   hidden);
        if (!finding)
            break;
        check = member_string(finding, "check");
        result = member_string(finding, "result");
        shown = same ? shown + 1 : 1;
        hidden = 0;
        print_finding(&d->ctl->term, finding);
    }
    printf("%u ok, %u warned of, %u failed, %u skipped\n", d->n[RESULT_OK], d->n[RESULT_WARN],
           d->n[RESULT_FAIL], d->n[RESULT_SKIP]);
}

static void doctor_deinit(struct doctor *d)
{
    for (unsigned i = 0; i < d->n_files; i++)
        jobfile_clear(&d->files[i]);
    free(d->files);
    json_decref(d->jobs);
    json_decref(d->findings);
    client_free(d->client);
    free(d->socket_path);
    free(d->credentials_dir);
    config_command_clear(&d->command);
}

enum exit_code cmd_doctor(struct ctl *ctl)
{
    struct doctor d = {.ctl = ctl, .findings = json_array()};
    json_t *counts = json_object(), *document;
    bool failed;

    for (size_t i = 0; i < array_len(rows); i++) {
        d.check = rows[i].name;
        rows[i].run(&d);
    }
    failed = d.n[RESULT_FAIL] > 0;
    for (int r = 0; r < RESULT_MAX; r++)
        json_object_set_new(counts, results[r].name, json_integer(d.n[r]));
    document =
        json_pack("{s:b, s:o, s:O}", "ok", !failed, "counts", counts, "findings", d.findings);
    if (!print_document(&ctl->term, ctl->format, document))
        print_table(&d);
    json_decref(document);
    doctor_deinit(&d);
    return failed ? EXIT_FAILED : EXIT_DONE;
}
