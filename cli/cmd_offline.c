/* SPDX-License-Identifier: Apache-2.0 */
/* validate, explain, fsm, schema: what the tables say, without a daemon. */
#include <string.h>
#include <unistd.h>

#include "cli/check_result.h"
#include "cli/command.h"
#include "cli/output_table.h"
#include "cli/text.h"
#include "daemon/api/view_fsm.h"
#include "daemon/core/fsm.h"
#include "daemon/core/reason.h"
#include "daemon/spec/jobfile.h"
#include "daemon/spec/schema.h"
#include "lib/base/suggest.h"
#include "lib/yaml/schema_json.h"

enum exit_code cmd_validate(struct ctl *ctl)
{
    struct term messages;
    unsigned n_bad = 0;

    term_init(&messages, STDERR_FILENO);
    for (unsigned i = 0; i < ctl->n_args; i++) {
        if (!jobfile_check(ctl->arg[i], stderr, messages.colour)) {
            n_bad++;
        } else {
            cleanup(freep) char *name =
                text_clean(ctl->arg[i], strlen(ctl->arg[i]), !ctl->term.utf8);

            printf("%s: ok\n", name);
        }
    }
    return n_bad > 0 ? EXIT_FAILED : EXIT_DONE;
}

static json_t *reason_json(enum reason reason)
{
    const struct reason_def *def = reason_get(reason);

    return json_pack("{s:s,s:b,s:s,s:s}", "code", def->code, "retry", def->retry, "meaning",
                     def->what, "next_step", def->next);
}

/* For a check: what holds when it passes, and whether there is a way around it. */
static void explain_check(const struct ctl *ctl, enum reason reason)
{
    cleanup(freep) char *waive =
        xasprintf("checks: {waive: [%s]} in the job file", reason_get(reason)->code);
    const char *title = check_title(reason);

    if (title)
        print_labelled(&ctl->term, "Passes if:", STYLE_NONE, title);
    if (title || check_can_be_waived(reason))
        print_labelled(&ctl->term, "To waive:", STYLE_NONE,
                       check_can_be_waived(reason) ? waive : "not possible");
}

/* Here, nothing stands above it. */
static char *step_alone(const char *step)
{
    static const char where[] = " that ecmigratectl check JOB shows";
    cleanup(freep) char *line = xasprintf("line%s", where);
    cleanup(freep) char *lines = xasprintf("lines%s", where);
    cleanup(freep) char *one = text_replace(step, "line above", line);

    return text_replace(one, "lines above", lines);
}

static void explain_one(const struct ctl *ctl, enum reason reason)
{
    const struct reason_def *def = reason_get(reason);
    json_t *document = reason_json(reason);

    if (ctl->format == FORMAT_NAME) {
        puts(def->code);
    } else if (!print_document(&ctl->term, ctl->format, document)) {
        cleanup(freep) char *step = step_alone(def->next);

        print_labelled(&ctl->term, "Code:", STYLE_BOLD, def->code);
        print_labelled(&ctl->term, "Meaning:", STYLE_NONE, def->what);
        print_labelled(&ctl->term, "What to do:", STYLE_NONE, step);
        explain_check(ctl, reason);
    }
    json_decref(document);
}

static void explain_all(const struct ctl *ctl)
{
    static const char *const headings[] = {"CODE", "MEANING"};
    cleanup(table_freep) struct table *rows = table_new(headings, array_len(headings));
    json_t *all = json_array(), *document = json_pack("{s:o}", "reasons", all);

    for (int r = REASON_NONE + 1; r < REASON_MAX; r++) {
        json_array_append_new(all, reason_json((enum reason)r));
        table_add(rows, STYLE_BOLD, xstrdup(reason_get((enum reason)r)->code));
        table_add(rows, STYLE_NONE, xstrdup(reason_get((enum reason)r)->what));
        if (ctl->format == FORMAT_NAME)
            puts(reason_get((enum reason)r)->code);
    }
    if (!print_document(&ctl->term, ctl->format, document) && ctl->format != FORMAT_NAME)
        table_print(rows, &ctl->term, stdout, "\n");
    json_decref(document);
}

enum exit_code cmd_explain(struct ctl *ctl)
{
    const char *codes[REASON_MAX];
    cleanup(freep) char *hint = NULL;
    enum reason reason;
    const char *near;
    struct err err;

    if (ctl->n_args == 0) {
        explain_all(ctl);
        return EXIT_DONE;
    }
    reason = reason_parse(ctl->arg[0]);
    if (reason != REASON_NONE) {
        explain_one(ctl, reason);
        return EXIT_DONE;
    }
    for (int r = REASON_NONE + 1; r < REASON_MAX; r++)
        codes[r - 1] = reason_get((enum reason)r)->code;
    near = suggest(ctl->arg[0], codes, REASON_MAX - 1);
    hint = near ? xasprintf("did you mean '%s'?", near)
                : xstrdup("ecmigratectl explain lists all reason codes");
    err_set(&err, ERR_INVALID, "unknown reason code '%.60s'", ctl->arg[0]);
    return fail(&err, hint);
}

/* A label of the graph; the tables hold quotes at most. */
static void print_dot_string(const char *s)
{
    putchar('"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            putchar('\\');
        putchar(*s);
    }
    putchar('"');
}

static void print_dot(void)
{
    size_t n;
    const struct edge *edges = fsm_edges(&n);

    puts("digraph ecmigrate {\n    node [shape=box, style=rounded];");
    for (int s = 0; s < STATE_MAX; s++) {
        const char *state = public_state_name((enum public_state)s);

        printf("    subgraph cluster_%s {\n        label=\"%s\";\n", state, state);
        for (int p = 0; p < PHASE_MAX; p++) {
            const struct phase_def *phase = phase_get((enum phase)p);

            if (phase->state != (enum public_state)s)
                continue;
            printf("        %s [tooltip=", phase->name);
            print_dot_string(phase->meaning);
            puts("];");
        }
        puts("    }");
    }
    for (size_t i = 0; i < n; i++) {
        cleanup(freep) char *label =
            xasprintf("%s: %s", fsm_event_name(edges[i].event), edges[i].why);

        printf("    %s -> %s [label=", phase_get(edges[i].from)->name,
               phase_get(edges[i].to)->name);
        print_dot_string(label);
        puts("];");
    }
    puts("}");
}

static void print_fsm_tables(const struct ctl *ctl)
{
    static const char *const phase_headings[] = {"PHASE", "STATE", "MEANING", "WHAT ENDS IT"};
    static const char *const edge_headings[] = {"FROM", "ON", "TO", "BECAUSE"};
    cleanup(table_freep) struct table *phases =
        table_new(phase_headings, array_len(phase_headings));
    cleanup(table_freep) struct table *ways = table_new(edge_headings, array_len(edge_headings));
    size_t n;
    const struct edge *edges = fsm_edges(&n);

    for (int p = 0; p < PHASE_MAX; p++) {
        const struct phase_def *phase = phase_get((enum phase)p);

        table_add(phases, STYLE_BOLD, xstrdup(phase->name));
        table_add(phases, STYLE_NONE, xstrdup(public_state_name(phase->state)));
        table_add(phases, STYLE_NONE, xstrdup(phase->meaning));
        table_add(phases, STYLE_NONE, xstrdup(phase->next_step));
    }
    for (size_t i = 0; i < n; i++) {
        table_add(ways, STYLE_BOLD, xstrdup(phase_get(edges[i].from)->name));
        table_add(ways, STYLE_NONE, xstrdup(fsm_event_name(edges[i].event)));
        table_add(ways, STYLE_BOLD, xstrdup(phase_get(edges[i].to)->name));
        table_add(ways, STYLE_NONE, xstrdup(edges[i].why));
    }
    table_print(phases, &ctl->term, stdout, "\n");
    putchar('\n');
    table_print(ways, &ctl->term, stdout, "\n");
}

enum exit_code cmd_fsm(struct ctl *ctl)
{
    json_t *document;

    if (ctl->opt[OPT_DOT] && ctl->opt[OPT_OUTPUT])
        return fail_usage(ctl, "--dot is a format of its own: not together with --output");
    if (ctl->opt[OPT_DOT]) {
        print_dot();
        return EXIT_DONE;
    }
    if (ctl->format == FORMAT_NAME) {
        for (int p = 0; p < PHASE_MAX; p++)
            puts(phase_get((enum phase)p)->name);
        return EXIT_DONE;
    }
    document = view_fsm();
    if (!print_document(&ctl->term, ctl->format, document))
        print_fsm_tables(ctl);
    json_decref(document);
    return EXIT_DONE;
}

/* A table would be the same JSON: that is what a file of it holds. */
enum exit_code cmd_schema(struct ctl *ctl)
{
    json_t *document = schema_json(&job_schema, "urn:ecmigrate:job", "Job file of ecmigrate");

    if (!print_document(&ctl->term, ctl->format, document))
        print_json(&ctl->term, document);
    json_decref(document);
    return EXIT_DONE;
}
