/* SPDX-License-Identifier: Apache-2.0 */
/* check: the daemon's checks of a job, without starting it. */
#include <string.h>

#include "cli/args.h"
#include "cli/job_wait.h"
#include "cli/output_table.h"
#include "cli/text.h"
#include "daemon/core/reason.h"

#define DEFAULT_TIMEOUT_MS 60000

struct check_wait {
    struct job_wait wait;
    char *before; /* owned; when the checks were last through, before the order; NULL: never */
    bool seen;    /* there has been a report since the order */
};

static enum verdict judge(struct job_wait *wait, const json_t *job, struct err *why)
{
    struct check_wait *w = container_of(wait, struct check_wait, wait);
    const char *at = member_string(job, "checks.at");

    if (json_is_object(member(job, "checks"))) {
        w->seen = true;
    } else if (w->seen) {
        err_set(why, ERR_REPLY,
                "the checks are gone: the daemon was restarted, or the job file "
                "changed");
        return VERDICT_NEVER;
    }
    if (!at || json_is_true(member(job, "checks.running")))
        return VERDICT_WAIT;
    return w->before && strcmp(w->before, at) == 0 ? VERDICT_WAIT : VERDICT_REACHED;
}

static const char *symbol(const struct term *term, bool passed)
{
    if (!term->utf8)
        return passed ? "+" : "!";
    return passed ? "\u2713" : "\u2717";
}

/* What the reason's row says, for a job that has no run to repeat. */
static char *what_next(const struct ctl *ctl, enum reason reason)
{
    static const char again[] = "retry JOB";
    const char *next = reason_get(reason)->next, *at = strstr(next, again);

    if (!at)
        return xstrdup(next);
    return xasprintf("%.*scheck %s%s", (int)(at - next), next, ctl->arg[0], at + strlen(again));
}

static void print_result(const struct ctl *ctl, const json_t *result)
{
    const struct term *term = &ctl->term;
    bool passed = json_is_true(member(result, "passed"));
    enum style style = passed ? STYLE_GOOD : STYLE_BAD;
    const char *id = member_string(result, "id");
    enum reason reason = id && !passed ? reason_parse(id) : REASON_NONE;
    cleanup(freep) char *name = member_cell(term, result, "id");
    cleanup(freep) char *title = member_text(term, result, "title");
    cleanup(freep) char *message = member_text(term, result, "message");

    printf("  %s%s %s%s  ", style_on(term, style), symbol(term, passed),
           passed ? "passed" : "FAILED", style_off(term, style));
    if (passed)
        puts(title ? title : name);
    else
        printf("%s: %s\n", name, message ? message : "");
    if (reason != REASON_NONE) {
        cleanup(freep) char *next = what_next(ctl, reason);

        print_labelled(term, "", STYLE_NONE, next);
    }
}

static void print_results(const struct ctl *ctl, const json_t *checks, bool passed)
{
    const json_t *results = member(checks, "results");
    cleanup(freep) char *source = member_text(&ctl->term, checks, "source");
    size_t n_failed = 0, i;
    json_t *result;

    json_array_foreach (results, i, result)
        n_failed += !json_is_true(member(result, "passed"));
    printf("%s%s%s: ", ctl->arg[0], source ? " from " : "", source ? source : "");
    if (passed)
        printf("all %zu checks passed\n", json_array_size(results));
    else
        printf("%zu of %zu checks failed\n", n_failed, json_array_size(results));
    json_array_foreach (results, i, result)
        print_result(ctl, result);
}

static int order_checks(struct ctl *ctl, struct check_wait *w, struct err *err)
{
    const char *source = ctl->opt[OPT_SOURCE];
    json_t *body = source ? json_pack("{s:s}", "source", source) : json_object(), *job = NULL;
    int r = body ? get_new_job(ctl, &job, err) : err_set(err, ERR_INVALID, "--source is not UTF-8");

    if (r == 0) {
        w->before = xstrdup(member_string(job, "checks.at"));
        json_decref(job);
        r = post_verb(ctl, "check", body, &job, err);
    }
    if (r == 0)
        json_decref(job);
    json_decref(body);
    return r;
}

enum exit_code cmd_check(struct ctl *ctl)
{
    struct check_wait w = {
        .wait = {.what = "the checks", .timeout_ms = DEFAULT_TIMEOUT_MS, .judge = judge}};
    const json_t *checks;
    enum exit_code code;
    struct err err;
    json_t *job;
    bool passed;

    if (args_duration(ctl, OPT_TIMEOUT, &w.wait.timeout_ms, &err))
        return fail_usage(ctl, "%s", err.msg);
    code = order_checks(ctl, &w, &err) ? fail_request(ctl, &err) : job_wait(ctl, &w.wait, &job);
    free(w.before);
    if (code != EXIT_DONE)
        return code;
    checks = member(job, "checks");
    passed = json_is_true(member(checks, "passed"));
    if (ctl->format == FORMAT_NAME)
        puts(passed ? "passed" : "failed");
    else if (!print_document(&ctl->term, ctl->format, checks))
        print_results(ctl, checks, passed);
    json_decref(job);
    return passed ? EXIT_DONE : EXIT_FAILED;
}
