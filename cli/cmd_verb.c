/* SPDX-License-Identifier: Apache-2.0 */
/* start, complete, cancel, abort, retry: orders to the daemon. */
#include <string.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/job_wait.h"
#include "cli/output_job.h"
#include "cli/output_table.h"
#include "cli/text.h"

struct wait_complete {
    struct job_wait wait;
    const struct term *term;
    char *retreat; /* owned; why the last attempt to switch over was given up; NULL: none was */
};

int post_verb(const struct ctl *ctl, const char *verb, const json_t *body, json_t **ret,
              struct err *err)
{
    cleanup(freep) char *suffix = xasprintf("/%s", verb);
    cleanup(freep) char *path = client_path("/v1/jobs/", ctl->arg[0], suffix);

    return client_post(ctl->client, path, body, ret, err);
}

bool is_for_people(const struct ctl *ctl)
{
    return ctl->format == FORMAT_TABLE || ctl->format == FORMAT_WIDE;
}

/* "orders: complete accepted; now migrating/replicating: waiting-complete: …" */
static void print_accepted(const struct ctl *ctl, const json_t *job)
{
    cleanup(freep) char *id = member_cell(&ctl->term, job, "id");
    cleanup(freep) char *where = job_where(&ctl->term, job);
    cleanup(freep) char *why = job_why(&ctl->term, job);

    if (is_for_people(ctl))
        printf("%s: %s accepted; now %s%s%s\n", id, ctl->command->name, where, why ? ": " : "",
               why ? why : "");
    else
        print_job_document(ctl, job);
}

static enum exit_code order(struct ctl *ctl, json_t *body)
{
    struct err err;
    json_t *job;
    int r = post_verb(ctl, ctl->command->name, body, &job, &err);

    json_decref(body);
    if (r)
        return fail_request(ctl, &err);
    print_accepted(ctl, job);
    json_decref(job);
    return EXIT_DONE;
}

enum exit_code cmd_start(struct ctl *ctl)
{
    const char *source = ctl->opt[OPT_SOURCE];
    json_t *body = source ? json_pack("{s:s}", "source", source) : json_object();

    if (!body)
        return fail_usage(ctl, "--source is not UTF-8");
    if (ctl->opt[OPT_AGAIN])
        json_object_set_new(body, "again", json_true());
    return order(ctl, body);
}

enum exit_code cmd_order(struct ctl *ctl)
{
    return order(ctl, NULL);
}

static void print_blockers(const struct ctl *ctl, const json_t *blockers)
{
    json_t *blocker;
    size_t i;

    json_array_foreach (blockers, i, blocker) {
        cleanup(freep) char *code = member_cell(&ctl->term, blocker, "code");
        cleanup(freep) char *message = member_text(&ctl->term, blocker, "message");
        cleanup(freep) char *next = member_text(&ctl->term, blocker, "next_step");

        printf("  %s: %s\n", code, message ? message : "");
        if (next)
            printf("    %s\n", next);
    }
}

static void print_plan(const struct ctl *ctl, const json_t *plan)
{
    json_t *steps = json_object_get(plan, "steps"), *step;
    bool ready = json_is_true(json_object_get(plan, "ready"));
    size_t i;

    printf("%s: %s\n", ctl->arg[0],
           ready ? "ready to switch over" : "not ready to switch over; held back by");
    print_blockers(ctl, json_object_get(plan, "blockers"));
    if (json_array_size(json_object_get(plan, "passed_over")) > 0)
        puts("--force would pass over:");
    print_blockers(ctl, json_object_get(plan, "passed_over"));
    if (json_array_size(steps) > 0)
        puts("complete would:");
    json_array_foreach (steps, i, step) {
        cleanup(freep) char *text =
            json_is_string(step)
                ? text_clean(json_string_value(step), json_string_length(step), !ctl->term.utf8)
                : member_cell(&ctl->term, step, "message");

        printf("  %zu. %s\n", i + 1, text);
    }
}

static enum exit_code dry_run(struct ctl *ctl, const json_t *body)
{
    struct err err;
    json_t *plan;
    bool ready;

    if (post_verb(ctl, "complete", body, &plan, &err))
        return fail_request(ctl, &err);
    ready = json_is_true(json_object_get(plan, "ready"));
    if (ctl->format == FORMAT_NAME)
        puts(ready ? "ready" : "not-ready");
    else if (!print_document(&ctl->term, ctl->format, plan))
        print_plan(ctl, plan);
    json_decref(plan);
    return ready ? EXIT_DONE : EXIT_FAILED;
}

static void see_event(struct job_wait *wait, const json_t *event)
{
    struct wait_complete *w = container_of(wait, struct wait_complete, wait);
    const char *name = member_string(event, "name");

    if (!name || (strcmp(name, "cutover_aborted") != 0 && strcmp(name, "cutover_withdrawn") != 0))
        return;
    free(w->retreat);
    w->retreat = member_cell(w->term, event, "message");
    if (strcmp(name, "cutover_aborted") == 0)
        fprintf(stderr, "an attempt to switch over was given up: %s\n", w->retreat);
}

/* After the last attempt, or once it is withdrawn, the job replicates and waits for a new order. */
static bool was_given_up(const struct wait_complete *w, const json_t *job)
{
    const char *phase = member_string(job, "phase");

    return w->retreat && phase && strcmp(phase, "replicating") == 0 &&
           !json_is_object(member(job, "cutover.requested"));
}

static enum verdict judge(struct job_wait *wait, const json_t *job, struct err *why)
{
    struct wait_complete *w = container_of(wait, struct wait_complete, wait);
    const char *state = member_string(job, "state");
    cleanup(freep) char *where = NULL, *reason = NULL;

    if (state && strcmp(state, "available") == 0)
        return VERDICT_REACHED;
    if (was_given_up(w, job)) {
        err_set(why, ERR_REPLY, "the switch-over was given up, writes go on at the source: %s",
                w->retreat);
        return VERDICT_NEVER;
    }
    if (!job_has_ended(job))
        return VERDICT_WAIT;
    where = job_where(w->term, job);
    reason = job_why(w->term, job);
    err_set(why, ERR_REPLY, "the job did not complete, it is %s: %s", where,
            reason ? reason : "no reason given");
    return VERDICT_NEVER;
}

static void print_completed(const struct ctl *ctl, const json_t *job)
{
    cleanup(freep) char *id = member_cell(&ctl->term, job, "id");
    cleanup(freep) char *phase = member_cell(&ctl->term, job, "phase");
    cleanup(freep) char *offset = member_cell(&ctl->term, job, "cutover.offset");
    cleanup(freep) char *source = member_text(&ctl->term, job, "source.offset");
    cleanup(freep) char *target = member_text(&ctl->term, job, "target.offset");
    char buf[TIME_STR_MAX] = "-";
    int64_t wall_ms;
    double gap, told;

    if (member_time(job, "cutover.at", &wall_ms))
        time_human(wall_ms, buf);
    printf("%s: %s at %s\n", id, phase, buf);
    if (member_number(job, "cutover.write_gap_ms", &gap))
        printf("write gap: %.3f ms\n", gap);
    if (member_number(job, "cutover.clients_told_ms", &told))
        printf("clients told: all Sentinels name the target, after %.3f s\n", told / 1000.0);
    printf("offset: %s at the switch", offset);
    if (source && target) /* else they have not been looked at since */
        printf("; now source %s, target %s", source, target);
    putchar('\n');
}

/* Events after this number are those of the order that is about to be given. */
static int newest_event(const struct ctl *ctl, uint64_t *ret, struct err *err)
{
    cleanup(freep) char *path = client_path("/v1/events?limit=1&job=", ctl->arg[0], "");
    json_t *answer, *events;
    double seq = 0;

    if (client_get(ctl->client, path, &answer, err))
        return (int)err->code;
    events = json_object_get(answer, "events");
    (void)member_number(json_array_get(events, 0), "seq", &seq);
    *ret = (uint64_t)seq;
    json_decref(answer);
    return 0;
}

static enum exit_code complete_and_wait(struct ctl *ctl, const json_t *body, uint64_t timeout_ms)
{
    struct wait_complete w = {
        .wait = {.what = "phase completed",
                 .timeout_ms = timeout_ms,
                 .judge = judge,
                 .on_event = see_event,
                 .has_after = true},
        .term = &ctl->term,
    };
    cleanup(freep) char *stands = xasprintf(
        "the order stands: the switch-over begins as soon as nothing holds it back%s. To withdraw "
        "it: ecmigratectl cancel %s",
        ctl->opt[OPT_WITHIN] ? ", until its time is over" : "", ctl->arg[0]);
    enum exit_code code;
    struct err err;
    json_t *job;

    w.wait.timed_out = stands;
    if (newest_event(ctl, &w.wait.after, &err) || post_verb(ctl, "complete", body, &job, &err))
        return fail_request(ctl, &err);
    json_decref(job);
    code = job_wait(ctl, &w.wait, &job);
    free(w.retreat);
    if (code != EXIT_DONE)
        return code;
    if (is_for_people(ctl))
        print_completed(ctl, job);
    else
        print_job_document(ctl, job);
    json_decref(job);
    return EXIT_DONE;
}

enum exit_code cmd_complete(struct ctl *ctl)
{
    enum exit_code code;
    uint64_t timeout_ms = 0, within_ms = 0;
    struct err err;
    json_t *body;

    if (ctl->opt[OPT_TIMEOUT] && !ctl->opt[OPT_WAIT])
        return fail_usage(ctl, "--timeout is for --wait");
    if (ctl->opt[OPT_DRY_RUN] && ctl->opt[OPT_WAIT])
        return fail_usage(ctl, "--dry-run changes nothing, so there is nothing to --wait for");
    if (args_duration(ctl, OPT_TIMEOUT, &timeout_ms, &err) ||
        args_duration(ctl, OPT_WITHIN, &within_ms, &err))
        return fail_usage(ctl, "%s", err.msg);
    body = json_object();
    if (ctl->opt[OPT_FORCE])
        json_object_set_new(body, "force", json_true());
    if (within_ms > 0)
        json_object_set_new(body, "within_seconds",
                            json_integer((json_int_t)((within_ms + 999) / 1000)));
    if (!ctl->opt[OPT_WAIT] && !ctl->opt[OPT_DRY_RUN])
        return order(ctl, body);
    if (ctl->opt[OPT_DRY_RUN]) {
        json_object_set_new(body, "dry_run", json_true());
        code = dry_run(ctl, body);
    } else {
        code = complete_and_wait(ctl, body, timeout_ms);
    }
    json_decref(body);
    return code;
}
