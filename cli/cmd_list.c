/* SPDX-License-Identifier: Apache-2.0 */
/* list, status */
#include <time.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/output_job.h"
#include "cli/output_table.h"
#include "cli/text.h"
#include "lib/base/clock.h"

#define NEW_JOB_MS 1000 /* in which a file that was just written is taken up */
#define RELOOK_MS 50

int get_job(const struct ctl *ctl, json_t **ret, struct err *err)
{
    cleanup(freep) char *path = client_path("/v1/jobs/", ctl->arg[0], "");

    return client_get(ctl->client, path, ret, err);
}

int get_new_job(const struct ctl *ctl, json_t **ret, struct err *err)
{
    const struct timespec pause = {.tv_nsec = RELOOK_MS * 1000 * 1000};
    uint64_t end = clock_boot_ms() + NEW_JOB_MS;

    while (get_job(ctl, ret, err)) {
        if (err->code != ERR_NOT_FOUND || clock_boot_ms() >= end)
            return (int)err->code;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

static void print_name(const struct ctl *ctl, const json_t *job)
{
    cleanup(freep) char *id = member_text(&ctl->term, job, "id");

    if (id)
        puts(id);
}

void print_job_document(const struct ctl *ctl, const json_t *job)
{
    if (ctl->format == FORMAT_NAME)
        print_name(ctl, job);
    else
        (void)print_document(&ctl->term, ctl->format, job);
}

enum exit_code cmd_list(struct ctl *ctl)
{
    bool wide = ctl->format == FORMAT_WIDE;
    json_t *answer, *jobs, *job;
    struct table *rows;
    struct err err;
    size_t i;

    if (client_get(ctl->client, "/v1/jobs", &answer, &err))
        return fail_request(ctl, &err);
    jobs = json_object_get(answer, "jobs");
    if (ctl->format == FORMAT_NAME) {
        json_array_foreach (jobs, i, job)
            print_name(ctl, job);
    } else if (!print_document(&ctl->term, ctl->format, answer)) {
        rows = job_table_new(wide);
        json_array_foreach (jobs, i, job)
            job_table_add(rows, &ctl->term, wide, job);
        table_print(rows, &ctl->term, stdout, "\n");
        table_free(rows);
        if (json_array_size(jobs) == 0)
            fprintf(stderr, "no jobs; a job is a file in the daemon's jobs directory "
                            "(/etc/ecmigrate.d)\n");
    }
    json_decref(answer);
    return EXIT_DONE;
}

enum exit_code cmd_status(struct ctl *ctl)
{
    struct err err;
    json_t *job;

    if (get_job(ctl, &job, &err))
        return fail_request(ctl, &err);
    if (ctl->format == FORMAT_TABLE || ctl->format == FORMAT_WIDE)
        job_print(&ctl->term, job, ctl->format == FORMAT_WIDE);
    else
        print_job_document(ctl, job);
    json_decref(job);
    return EXIT_DONE;
}
