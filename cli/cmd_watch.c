/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: the jobs, live. On a terminal a table redrawn in place; elsewhere, and as JSON or YAML,
 * one line or document for each change.
 */
#include <signal.h>
#include <string.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/job_wait.h"
#include "cli/output_job.h"
#include "cli/output_table.h"
#include "cli/screen.h"
#include "cli/text.h"
#include "lib/base/clock.h"

#define POLL_MS 500
#define FRAME_REST 3 /* lines of a frame that are not jobs */

struct watch {
    struct ctl *ctl;
    bool on_screen;
    struct screen screen;
    json_t *jobs;           /* array, as seen last; owned, NULL before the first look */
    json_t *told;           /* id -> what the last line about that job was about; owned */
    uint64_t lost_since_ms; /* 0: the daemon answers */
};

static int look(const struct watch *w, json_t **ret_jobs, struct err *err)
{
    json_t *answer, *jobs;

    if (w->ctl->n_args > 0) {
        if (w->jobs ? get_job(w->ctl, &answer, err) : get_new_job(w->ctl, &answer, err))
            return (int)err->code;
        *ret_jobs = json_pack("[o]", answer);
        return 0;
    }
    if (client_get(w->ctl->client, "/v1/jobs", &answer, err))
        return (int)err->code;
    jobs = json_object_get(answer, "jobs");
    *ret_jobs = json_is_array(jobs) ? json_incref(jobs) : json_array();
    json_decref(answer);
    return 0;
}

static void put_one(const struct watch *w, FILE *out)
{
    const struct term *term = &w->ctl->term;
    const json_t *job = json_array_get(w->jobs, 0);
    cleanup(freep) char *why = job_why(term, job);
    cleanup(freep) char *next = member_text(term, job, "next_step");
    cleanup(freep) char *asked = job_request(term, job);

    if (asked)
        put_labelled(term, out, SCREEN_EOL, "Asked:", STYLE_NONE, asked);
    if (why)
        put_labelled(term, out, SCREEN_EOL, "Why:", STYLE_NONE, why);
    if (next)
        put_labelled(term, out, SCREEN_EOL, "Next:", STYLE_NONE, next);
}

/* Takes text over. */
static void note(const struct watch *w, FILE *out, char *text)
{
    put_line(&w->ctl->term, out, SCREEN_EOL, text);
    free(text);
}

/* How long a daemon that went away is still waited for. */
static unsigned left_s(const struct watch *w)
{
    uint64_t lost_ms = clock_boot_ms() - w->lost_since_ms;

    return (unsigned)((FOLLOW_GIVE_UP_MS - min_of(lost_ms, (uint64_t)FOLLOW_GIVE_UP_MS)) / 1000);
}

static void draw(struct watch *w)
{
    const struct term *term = &w->ctl->term;
    bool wide = w->ctl->format == FORMAT_WIDE;
    cleanup(table_freep) struct table *rows = job_live_table_new(wide);
    cleanup(freep) char *frame = NULL;
    size_t n = json_array_size(w->jobs), size, i;
    size_t max = term->height > FRAME_REST + 1 ? term->height - FRAME_REST - 1 : 1;
    FILE *out = open_memstream(&frame, &size);
    json_t *job;

    if (!out)
        abort();
    json_array_foreach (w->jobs, i, job) {
        if (i < max)
            job_live_table_add(rows, term, wide, job);
    }
    table_print(rows, term, out, SCREEN_EOL);
    if (n > max)
        note(w, out, xasprintf("and %zu more jobs: ecmigratectl list", n - max));
    if (w->lost_since_ms > 0)
        note(w, out, xasprintf("connection to the daemon lost; trying again for %u s", left_s(w)));
    else if (n == 0)
        note(w, out, xstrdup("no jobs"));
    if (w->ctl->n_args > 0)
        put_one(w, out);
    fclose(out);
    screen_draw(&w->screen, frame);
}

/* What makes a line worth printing; figures that always move count by whole percents. */
static char *change_key(const struct watch *w, const json_t *job)
{
    static const char *const paths[] = {"state",
                                        "phase",
                                        "run",
                                        "attempt.number",
                                        "reason.code",
                                        "link.up",
                                        "cutover.requested.at"};
    char *key = xstrdup("");
    double percent = -1;

    for (size_t i = 0; i < array_len(paths); i++) {
        cleanup(freep) char *value = member_cell(&w->ctl->term, job, paths[i]);
        char *longer = xasprintf("%s%s ", key, value);

        free(key);
        key = longer;
    }
    (void)member_number(job, "progress.percent", &percent);
    {
        char *longer = xasprintf("%s%.0f", key, percent);

        free(key);
        return longer;
    }
}

static void print_line(const struct watch *w, const json_t *job)
{
    const struct term *term = &w->ctl->term;
    cleanup(freep) char *id = member_cell(term, job, "id");
    cleanup(freep) char *where = job_where(term, job);
    cleanup(freep) char *why = job_why(term, job);
    cleanup(freep) char *progress = job_progress(job);
    cleanup(freep) char *asked = job_request(term, job);
    char buf[TIME_STR_MAX];

    if (w->ctl->format == FORMAT_JSON) {
        print_json_line(term, job);
    } else if (!print_document(term, w->ctl->format, job)) {
        printf("%s %s %s%s%s%s%s%s%s\n", time_human(clock_wall_ms(), buf), id, where,
               progress ? "  " : "", progress ? progress : "", why ? "  " : "", why ? why : "",
               asked ? "  asked " : "", asked ? asked : "");
    }
}

static void print_gone(const struct watch *w, const char *id)
{
    char buf[TIME_STR_MAX];
    cleanup(freep) char *clean = text_clean(id, strlen(id), !w->ctl->term.utf8);

    if (w->ctl->format == FORMAT_TABLE || w->ctl->format == FORMAT_WIDE)
        printf("%s %s is gone\n", time_human(clock_wall_ms(), buf), clean);
}

static void print_changes(struct watch *w)
{
    json_t *now = json_object(), *job, *key;
    const char *id;
    size_t i;

    json_array_foreach (w->jobs, i, job) {
        cleanup(freep) char *text = change_key(w, job);
        const char *before;

        id = member_string(job, "id");
        if (!id)
            continue;
        before = json_string_value(json_object_get(w->told, id));
        if (!before || strcmp(before, text) != 0)
            print_line(w, job);
        json_object_set_new(now, id, json_string(text));
    }
    json_object_foreach (w->told, id, key) {
        if (!json_object_get(now, id))
            print_gone(w, id);
    }
    json_decref(w->told);
    w->told = now;
    fflush(stdout);
}

/* True when the daemon did not answer, but may still do so. */
static bool may_come_back(struct watch *w, const struct err *err)
{
    uint64_t now = clock_boot_ms();

    if (err->code != ERR_UNREACHABLE || !w->jobs)
        return false;
    if (w->lost_since_ms == 0) {
        w->lost_since_ms = now;
        if (!w->on_screen)
            fprintf(stderr, "connection to the daemon lost; trying again for %d s\n",
                    FOLLOW_GIVE_UP_MS / 1000);
    }
    return now - w->lost_since_ms < FOLLOW_GIVE_UP_MS;
}

/* Looks and shows. True: go on; else *ret is how it ended. */
static bool refresh(struct watch *w, enum exit_code *ret)
{
    const char *state;
    struct err err;
    json_t *jobs = NULL;

    if (look(w, &jobs, &err)) {
        if (!may_come_back(w, &err)) {
            screen_leave(&w->screen);
            *ret = fail_request(w->ctl, &err);
            return false;
        }
    } else {
        if (w->lost_since_ms > 0 && !w->on_screen)
            fprintf(stderr, "connected again\n");
        w->lost_since_ms = 0;
        json_decref(w->jobs);
        w->jobs = jobs;
    }
    if (w->on_screen)
        draw(w);
    else
        print_changes(w);
    if (ferror(stdout))
        return false; /* main() says so */
    if (w->ctl->n_args == 0 || w->lost_since_ms > 0 || !job_has_ended(json_array_get(w->jobs, 0)))
        return true;
    state = member_string(json_array_get(w->jobs, 0), "state");
    *ret = strcmp(state, "available") == 0 ? EXIT_DONE : EXIT_FAILED;
    return false;
}

static enum exit_code watch_jobs(struct watch *w)
{
    struct follow_options options = {
        .job = w->ctl->n_args ? w->ctl->arg[0] : NULL,
        .catch_end = true,
        .catch_screen = w->on_screen,
    };
    struct follow *follow = follow_new(w->ctl->client, &options);
    enum exit_code code = EXIT_DONE;
    enum wake wake = WAKE_TIME;

    while (wake != WAKE_END && refresh(w, &code)) {
        wake = follow_pause(follow, POLL_MS);
        if (wake == WAKE_SUSPEND) {
            screen_leave(&w->screen);
            raise(SIGSTOP);
        }
        if (wake == WAKE_RESIZE || wake == WAKE_SUSPEND)
            screen_resize(&w->screen);
    }
    follow_free(follow);
    return code;
}

enum exit_code cmd_watch(struct ctl *ctl)
{
    bool table = ctl->format == FORMAT_TABLE || ctl->format == FORMAT_WIDE;
    struct watch w = {.ctl = ctl, .on_screen = table && ctl->term.redraw, .told = json_object()};
    enum exit_code code;

    screen_init(&w.screen, &ctl->term);
    code = watch_jobs(&w);
    screen_leave(&w.screen);
    json_decref(w.jobs);
    json_decref(w.told);
    return code;
}
