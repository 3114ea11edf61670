/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/event_reader.h"

static void put(struct event_reader *reader)
{
    struct api *api = reader->api;

    if (reader->reading || reader->request)
        return;
    store_events_clear(&reader->read);
    reader->over(reader);
    api_release(api);
}

static void released(void *arg)
{
    struct event_reader *reader = arg;

    reader->request = NULL;
    if (reader->reading)
        op_cancel(&reader->read.op);
    put(reader);
}

static void done(struct op *op)
{
    struct event_reader *reader = container_of(op, struct event_reader, read.op);

    reader->reading = false;
    if (!reader->request) {
        put(reader);
        return;
    }
    reader->on_read(reader);
    if (!reader->reading) /* the answer may take its time to leave */
        store_events_clear(&reader->read);
}

void event_reader_init(struct event_reader *reader, struct api *api, struct http_request *request,
                       void (*on_read)(struct event_reader *reader),
                       void (*over)(struct event_reader *reader))
{
    reader->api = api;
    reader->request = request;
    reader->on_read = on_read;
    reader->over = over;
    api_hold(api);
    http_request_on_release(request, released, reader);
}

void event_reader_start(struct event_reader *reader, const struct store_event_query *query)
{
    store_events_clear(&reader->read);
    reader->reading = true;
    store_events_start(&reader->read, reader->api->deps.store, query, done);
}
