/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/job_wait.h"

#include <string.h>

#include "cli/client.h"
#include "cli/follow.h"
#include "cli/output_job.h"
#include "lib/base/clock.h"
#include "lib/base/units.h"

#define POLL_MS 500

struct waiting {
    struct ctl *ctl;
    struct job_wait *wait;
    json_t *job;            /* as seen last; owned, NULL before the first look */
    char *told;             /* owned; the last line on stderr */
    uint64_t lost_since_ms; /* 0: the daemon answers */
};

bool job_has_ended(const json_t *job)
{
    const char *state = member_string(job, "state");

    return state && (strcmp(state, "available") == 0 || strcmp(state, "failed") == 0);
}

/* "migrating/syncing: reason: message" */
static char *describe(const struct term *term, const json_t *job)
{
    cleanup(freep) char *where = job_where(term, job);
    cleanup(freep) char *why = job_why(term, job);

    return xasprintf("%s%s%s", where, why ? ": " : "", why ? why : "");
}

/* A message that counts something is not news each time. */
static void tell(struct waiting *w)
{
    cleanup(freep) char *where = job_where(&w->ctl->term, w->job);
    cleanup(freep) char *code = member_cell(&w->ctl->term, w->job, "reason.code");
    cleanup(freep) char *line = describe(&w->ctl->term, w->job);
    char *key = xasprintf("%s %s", where, code);

    if (!w->told || strcmp(w->told, key) != 0)
        fprintf(stderr, "waiting for %s: now %s\n", w->wait->what, line);
    free(w->told);
    w->told = key;
}

static void take_event(const json_t *event, void *arg)
{
    struct waiting *w = arg;

    if (w->wait->on_event)
        w->wait->on_event(w->wait, event);
}

static enum exit_code timed_out(const struct waiting *w)
{
    cleanup(freep) char *line = w->job ? describe(&w->ctl->term, w->job) : xstrdup("not seen");
    char buf[UNITS_STR_MAX];
    struct err err;

    err_set(&err, ERR_TIMEOUT, "no %s within %s; the job is %.150s", w->wait->what,
            duration_format(w->wait->timeout_ms, buf), line);
    if (w->wait->timed_out)
        return fail(&err, w->wait->timed_out);
    return fail(&err, w->job ? member_string(w->job, "next_step") : NULL);
}

/* The daemon may be restarting: that is not the end, for a while. */
static bool may_come_back(struct waiting *w, const struct err *err)
{
    uint64_t now = clock_boot_ms();

    if (err->code != ERR_UNREACHABLE || !w->job)
        return false;
    if (w->lost_since_ms == 0) {
        w->lost_since_ms = now;
        fprintf(stderr, "connection to the daemon lost; trying again for %d s\n",
                FOLLOW_GIVE_UP_MS / 1000);
    }
    return now - w->lost_since_ms < FOLLOW_GIVE_UP_MS;
}

/* One look. *ret_over: the waiting is over, with the result. */
static enum exit_code look(struct waiting *w, bool *ret_over)
{
    struct err err;
    json_t *job;

    *ret_over = true;
    if (w->job ? get_job(w->ctl, &job, &err) : get_new_job(w->ctl, &job, &err)) {
        if (!may_come_back(w, &err))
            return fail_request(w->ctl, &err);
        *ret_over = false;
        return EXIT_DONE;
    }
    w->lost_since_ms = 0;
    json_decref(w->job);
    w->job = job;
    switch (w->wait->judge(w->wait, job, &err)) {
    case VERDICT_REACHED:
        return EXIT_DONE;
    case VERDICT_NEVER:
        return fail(&err, member_string(job, "next_step"));
    case VERDICT_WAIT:
        break;
    }
    tell(w);
    *ret_over = false;
    return EXIT_DONE;
}

enum exit_code job_wait(struct ctl *ctl, struct job_wait *wait, json_t **ret_job)
{
    struct waiting w = {.ctl = ctl, .wait = wait};
    struct follow_options options = {
        .job = ctl->arg[0],
        .has_after = wait->has_after,
        .after = wait->after,
        .on_event = take_event,
        .arg = &w,
    };
    struct follow *follow = follow_new(ctl->client, &options);
    uint64_t start = clock_boot_ms();
    enum exit_code code;
    bool over;

    for (;;) {
        uint64_t pause_ms = POLL_MS, spent;

        code = look(&w, &over);
        if (over)
            break;
        spent = clock_boot_ms() - start;
        if (wait->timeout_ms > 0 && spent >= wait->timeout_ms) {
            code = timed_out(&w);
            break;
        }
        if (wait->timeout_ms > 0)
            pause_ms = min_of(pause_ms, wait->timeout_ms - spent);
        (void)follow_pause(follow, pause_ms);
    }
    follow_free(follow);
    free(w.told);
    if (code == EXIT_DONE)
        *ret_job = w.job;
    else
        json_decref(w.job);
    return code;
}
