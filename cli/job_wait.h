/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Waiting for a job to get somewhere, looking at it at each of its events and twice a second. While
 * it waits it says on stderr where the job is and why, whenever that changes.
 */
#include <jansson.h>
#include <stdint.h>

#include "cli/command.h"

enum verdict {
    VERDICT_WAIT,
    VERDICT_REACHED,
    VERDICT_NEVER, /* it cannot come any more; *why says so */
};

struct job_wait {
    const char *what;      /* "phase completed": for messages */
    uint64_t timeout_ms;   /* 0: no limit */
    const char *timed_out; /* what to know when the time is over; NULL: the job's next step */
    enum verdict (*judge)(struct job_wait *wait, const json_t *job, struct err *why);
    void (*on_event)(struct job_wait *wait, const json_t *event); /* NULL: nobody looks */
    bool has_after;
    uint64_t after; /* on_event: of events with higher numbers */
};

/* EXIT_DONE with a new reference in *ret_job; else everything has been said. */
enum exit_code job_wait(struct ctl *ctl, struct job_wait *wait, json_t **ret_job);

/* True for a job that gets no further without a word from outside. */
bool job_has_ended(const json_t *job);
