/* SPDX-License-Identifier: Apache-2.0 */
/* events: what is recorded, and with -f what comes. */
#include <inttypes.h>
#include <string.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/text.h"

#define EVENTS_MAX 1000 /* the daemon's own limit to one answer */

/* "2026-11-22 20:15:01 orders#1 warn  link_lost  message" */
static void print_line(const struct term *term, const json_t *event)
{
    cleanup(freep) char *job = member_text(term, event, "job");
    cleanup(freep) char *run = member_text(term, event, "run");
    cleanup(freep) char *level = member_cell(term, event, "level");
    cleanup(freep) char *name = member_cell(term, event, "name");
    cleanup(freep) char *message = member_text(term, event, "message");
    enum style style = style_of_level(member_string(event, "level"));
    char buf[TIME_STR_MAX] = "-";
    int64_t wall_ms;

    if (member_time(event, "time", &wall_ms))
        time_human(wall_ms, buf);
    printf("%s %s%s%s %s%-5s%s %s  %s\n", buf, job ? job : "daemon", job && run ? "#" : "",
           job && run ? run : "", style_on(term, style), level, style_off(term, style), name,
           message ? message : "");
}

static void print_wide(const struct term *term, const json_t *event)
{
    cleanup(freep) char *seq = member_cell(term, event, "seq");
    cleanup(freep) char *data = member_text(term, event, "data");

    printf("%6s ", seq);
    print_line(term, event);
    if (data && strcmp(data, "{}") != 0)
        printf("%6s   %s\n", "", data);
}

static void print_event(const struct ctl *ctl, const json_t *event)
{
    cleanup(freep) char *name = NULL;

    switch (ctl->format) {
    case FORMAT_TABLE:
    case FORMAT_MARKDOWN:
    case FORMAT_MAX:
        print_line(&ctl->term, event);
        break;
    case FORMAT_WIDE:
        print_wide(&ctl->term, event);
        break;
    case FORMAT_JSON:
        print_json_line(&ctl->term, event);
        break;
    case FORMAT_YAML:
        print_yaml(&ctl->term, event);
        break;
    case FORMAT_NAME:
        name = member_cell(&ctl->term, event, "name");
        puts(name);
        break;
    }
}

static void print_followed(const json_t *event, void *arg)
{
    print_event(arg, event);
}

/* Until the user ends it, or the daemon stays away. */
static enum exit_code follow_events(struct ctl *ctl, const struct follow_options *options)
{
    struct follow *follow = follow_new(ctl->client, options);
    enum exit_code code = EXIT_DONE;
    struct err why;
    bool told = false;

    for (;;) {
        enum wake wake = follow_wait(follow, FOLLOW_RETRY_MS);
        uint64_t lost_ms = follow_lost_ms(follow, &why);

        if (wake == WAKE_END || fflush(stdout) || ferror(stdout))
            break; /* main() reports an output that does not take any more */
        if (lost_ms > FOLLOW_GIVE_UP_MS) {
            code = fail_request(ctl, &why);
            break;
        }
        if (lost_ms > 0 && !told)
            fprintf(stderr, "connection to the daemon lost; trying again for %d s\n",
                    FOLLOW_GIVE_UP_MS / 1000);
        else if (lost_ms == 0 && told)
            fprintf(stderr, "connected again\n");
        told = lost_ms > 0;
    }
    follow_free(follow);
    return code;
}

static char *events_path(const struct ctl *ctl, bool has_after, uint64_t after, uint64_t limit)
{
    cleanup(freep) char *job = ctl->n_args ? client_path("&job=", ctl->arg[0], "") : xstrdup("");

    if (has_after)
        return xasprintf("/v1/events?limit=%" PRIu64 "%s&after=%" PRIu64, limit, job, after);
    return xasprintf("/v1/events?limit=%" PRIu64 "%s", limit, job);
}

static void print_recorded(const struct ctl *ctl, const json_t *answer)
{
    const json_t *events = json_object_get(answer, "events");
    json_t *event;
    size_t i;

    if (!ctl->opt[OPT_FOLLOW] && print_document(&ctl->term, ctl->format, answer))
        return;
    json_array_foreach (events, i, event)
        print_event(ctl, event);
}

/* The number of the last recorded event. */
static bool last_seq(const json_t *answer, uint64_t *ret)
{
    const json_t *events = json_object_get(answer, "events");
    double seq;

    if (json_array_size(events) == 0 ||
        !member_number(json_array_get(events, json_array_size(events) - 1), "seq", &seq))
        return false;
    *ret = (uint64_t)seq;
    return true;
}

/* A job without events may be a misspelt one. */
static bool job_exists(const struct ctl *ctl, struct err *err)
{
    json_t *job;

    if (get_job(ctl, &job, err))
        return false;
    json_decref(job);
    return true;
}

enum exit_code cmd_events(struct ctl *ctl)
{
    struct follow_options options = {
        .job = ctl->n_args ? ctl->arg[0] : NULL,
        .has_after = true,
        .catch_end = true,
        .on_event = print_followed,
        .arg = ctl,
    };
    cleanup(freep) char *path = NULL;
    uint64_t limit = 100;
    json_t *answer;
    struct err err;

    if (args_number(ctl, OPT_LIMIT, 1, EVENTS_MAX, &limit, &err) ||
        args_number(ctl, OPT_AFTER, 0, INT64_MAX, &options.after, &err))
        return fail_usage(ctl, "%s", err.msg);
    path = events_path(ctl, ctl->opt[OPT_AFTER] != NULL, options.after, limit);
    if (client_get(ctl->client, path, &answer, &err))
        return fail_request(ctl, &err);
    if (json_array_size(json_object_get(answer, "events")) == 0 && ctl->n_args > 0 &&
        !job_exists(ctl, &err)) {
        json_decref(answer);
        return fail_request(ctl, &err);
    }
    print_recorded(ctl, answer);
    (void)last_seq(answer, &options.after);
    json_decref(answer);
    if (!ctl->opt[OPT_FOLLOW])
        return EXIT_DONE;
    return follow_events(ctl, &options);
}
