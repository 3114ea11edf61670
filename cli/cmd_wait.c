/* SPDX-License-Identifier: Apache-2.0 */
/* wait: until a job is in a state or a phase. */
#include <string.h>

#include "cli/args.h"
#include "cli/job_wait.h"
#include "cli/output_job.h"
#include "daemon/core/fsm.h"
#include "lib/base/suggest.h"

struct wait_for {
    struct job_wait wait;
    const struct term *term;
    const char *member; /* "state" or "phase" */
    const char *value;
};

static enum verdict judge(struct job_wait *wait, const json_t *job, struct err *why)
{
    struct wait_for *w = container_of(wait, struct wait_for, wait);
    const char *now = member_string(job, w->member);
    cleanup(freep) char *where = NULL, *reason = NULL;

    if (now && strcmp(now, w->value) == 0)
        return VERDICT_REACHED;
    if (!job_has_ended(job))
        return VERDICT_WAIT;
    where = job_where(w->term, job);
    reason = job_why(w->term, job);
    err_set(why, ERR_REPLY, "the job is %s and does not get to %s by itself%s%s", where, wait->what,
            reason ? ": " : "", reason ? reason : "");
    return VERDICT_NEVER;
}

/* Is there such a state or phase? Else names of it go to the message. */
static int check_value(const struct wait_for *w, struct err *err)
{
    bool is_state = strcmp(w->member, "state") == 0;
    unsigned n = is_state ? (unsigned)STATE_MAX : (unsigned)PHASE_MAX;
    const char *names[(unsigned)STATE_MAX + (unsigned)PHASE_MAX], *near;

    for (unsigned i = 0; i < n; i++) {
        names[i] =
            is_state ? public_state_name((enum public_state)i) : phase_get((enum phase)i)->name;
        if (strcmp(names[i], w->value) == 0)
            return 0;
    }
    near = suggest(w->value, names, n);
    if (near)
        return err_set(err, ERR_INVALID, "there is no %s '%.40s'; did you mean '%s'?", w->member,
                       w->value, near);
    return err_set(err, ERR_INVALID, "there is no %s '%.40s'; ecmigratectl fsm shows them",
                   w->member, w->value);
}

static int parse_for(const char *text, struct wait_for *ret, struct err *err)
{
    if (!text)
        return err_set(err, ERR_INVALID, "wait needs --for state=STATE or --for phase=PHASE");
    if (strncmp(text, "state=", 6) == 0)
        ret->member = "state";
    else if (strncmp(text, "phase=", 6) == 0)
        ret->member = "phase";
    else
        return err_set(err, ERR_INVALID, "--for: '%.60s' is neither state=STATE nor phase=PHASE",
                       text);
    ret->value = text + 6;
    return check_value(ret, err);
}

enum exit_code cmd_wait(struct ctl *ctl)
{
    struct wait_for w = {.wait = {.judge = judge}, .term = &ctl->term};
    cleanup(freep) char *what = NULL, *where = NULL;
    enum exit_code code;
    struct err err;
    json_t *job;

    if (parse_for(ctl->opt[OPT_FOR], &w, &err) ||
        args_duration(ctl, OPT_TIMEOUT, &w.wait.timeout_ms, &err))
        return fail_usage(ctl, "%s", err.msg);
    what = xasprintf("%s %s", w.member, w.value);
    w.wait.what = what;
    code = job_wait(ctl, &w.wait, &job);
    if (code != EXIT_DONE)
        return code;
    where = job_where(&ctl->term, job);
    if (ctl->format == FORMAT_TABLE || ctl->format == FORMAT_WIDE)
        printf("%s: %s\n", ctl->arg[0], where);
    else
        print_job_document(ctl, job);
    json_decref(job);
    return EXIT_DONE;
}
