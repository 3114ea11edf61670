/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Waiting for something to happen: an event of the daemon, a signal, or time going by.
 *
 * The event stream is kept open by itself. When it breaks (the daemon restarts) it is opened again,
 * from the event after the last one seen; the caller decides for how long that is worth trying.
 */
#include <jansson.h>
#include <stdint.h>

#include "cli/client.h"

#define FOLLOW_GIVE_UP_MS 30000 /* how long commands wait for a daemon that went away */
#define FOLLOW_RETRY_MS 500
#define FOLLOW_GATHER_MS 50 /* events that come together cause one look */

struct follow;

enum wake {
    WAKE_TIME,    /* the time is over */
    WAKE_EVENT,   /* events came, and have been handed to on_event */
    WAKE_STREAM,  /* the stream was lost, or is back */
    WAKE_RESIZE,  /* the terminal has another size */
    WAKE_SUSPEND, /* the user wants us to stop for a while */
    WAKE_END,     /* the user wants us to end */
};

struct follow_options {
    const char *job; /* NULL: all */
    bool has_after;
    uint64_t after;    /* events with higher numbers */
    bool catch_end;    /* report SIGINT, SIGTERM, SIGHUP and SIGQUIT as WAKE_END */
    bool catch_screen; /* report SIGWINCH and SIGTSTP too */
    void (*on_event)(const json_t *event, void *arg); /* NULL: nobody looks */
    void *arg;
};

struct follow *follow_new(struct client *client, const struct follow_options *options);
void follow_free(struct follow *follow); /* signals do again what they did before */

enum wake follow_wait(struct follow *follow, uint64_t timeout_ms);

/* Between two looks at the jobs: WAKE_TIME after interval_ms, or soon after an event came; or what
 * a signal asks for. The state of the stream does not matter. */
enum wake follow_pause(struct follow *follow, uint64_t interval_ms);

/* For how long the stream has been down; 0: it is up, or was never tried. *ret_why: the reason. */
uint64_t follow_lost_ms(const struct follow *follow, struct err *ret_why);
