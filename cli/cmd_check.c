/* SPDX-License-Identifier: Apache-2.0 */
/* check: the daemon's checks of a job, without starting it. */
#include <string.h>

#include "cli/args.h"
#include "cli/job_wait.h"
#include "cli/output_check.h"

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

static void print_checks(const struct ctl *ctl, const json_t *job)
{
    const json_t *checks = member(job, "checks");

    if (ctl->format == FORMAT_NAME)
        puts(json_is_true(member(checks, "passed")) ? "passed" : "failed");
    else if (ctl->format == FORMAT_MARKDOWN)
        checks_print_markdown(&ctl->term, job);
    else if (!print_document(&ctl->term, ctl->format, checks))
        checks_print(&ctl->term, job, ctl->format == FORMAT_WIDE);
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
    print_checks(ctl, job);
    passed = json_is_true(member(job, "checks.passed"));
    json_decref(job);
    return passed ? EXIT_DONE : EXIT_FAILED;
}
