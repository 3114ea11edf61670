/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What events.c and follow.c share. */
#include "daemon/api/private.h"
#include "daemon/store/store.h"

#define EVENTS_LIMIT_MAX 1000

struct events_query {
    bool has_job, has_after, has_limit;
    char job[SPEC_ID_MAX + 1];
    uint64_t after;
    unsigned limit;
    bool follow; /* the client accepts an event stream */
};

/* Answers with a stream: the history that was asked for, then what happens, each event once. */
void follow_start(struct api *api, struct http_request *request, const struct events_query *query);
