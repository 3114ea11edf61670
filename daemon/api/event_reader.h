/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Reading events from the store for a request, which may be over before the store answers. */
#include "daemon/api/private.h"
#include "daemon/store/store.h"

/* Embedded in whoever answers the request. */
struct event_reader {
    struct store_events read;     /* its events, while on_read runs */
    struct api *api;              /* held */
    struct http_request *request; /* borrowed */
    /* read.events are there, or read.op.err says why not. Answers, or reads on. */
    void (*on_read)(struct event_reader *reader);
    /* Nobody needs it any more: frees what it is embedded in. */
    void (*over)(struct event_reader *reader);
    /* private */
    bool reading;
};

void event_reader_init(struct event_reader *reader, struct api *api, struct http_request *request,
                       void (*on_read)(struct event_reader *reader),
                       void (*over)(struct event_reader *reader));
void event_reader_start(struct event_reader *reader, const struct store_event_query *query);
