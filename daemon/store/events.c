/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading events while the daemon runs.
 *
 * The read has memory of its own, which the thread fills. When the operation ends first (canceled,
 * or the disk does not answer in time) the two are parted, and the read is thrown away when it
 * comes back.
 */
#include "daemon/event/event.h"
#include "daemon/store/private.h"
#include "daemon/store/rows.h"

#define EVENTS_MAX 1000
#define DEADLINE_MS 10000

struct event_read {
    struct db_read read;
    struct store_events *q; /* NULL: nobody waits any more */
    char job[SPEC_ID_MAX + 1];
    char *names; /* owned; NULL: all */
    bool tail;
    struct event *events; /* owned */
    unsigned n, limit;
};

static void free_events(struct event *events, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        event_clear(&events[i]);
    free(events);
}

static void read_free(struct event_read *r)
{
    free_events(r->events, r->n);
    free(r->names);
    free(r);
}

static int take_row(const struct db_row *row, void *arg, struct err *err)
{
    struct event_read *r = arg;

    (void)err;
    assert(r->n < r->limit);
    event_of_row(row, &r->events[r->n++]);
    return 0;
}

static void part(struct op *op)
{
    struct store_events *q = container_of(op, struct store_events, op);
    struct event_read *r = q->work;

    if (r)
        r->q = NULL;
    q->work = NULL;
}

static const struct op_type store_events_type = {.name = "read events", .teardown = part};

static void read_done(struct db_work *work)
{
    struct event_read *r = container_of(work, struct event_read, read.work);
    struct store_events *q = r->q;

    if (q && work->err.code == ERR_NONE) {
        if (r->tail) {
            for (unsigned i = 0, j = r->n; i + 1 < j; i++) {
                struct event swap = r->events[i];

                r->events[i] = r->events[--j];
                r->events[j] = swap;
            }
        }
        q->events = take(r->events);
        q->n = r->n;
        r->n = 0;
    }
    if (q)
        op_finish(&q->op, &work->err);
    read_free(r);
}

static struct event_read *read_new(const struct store_event_query *query)
{
    static const enum statement statements[2][2] = {{ST_EVENTS, ST_EVENTS_TAIL},
                                                    {ST_EVENTS_JOB, ST_EVENTS_JOB_TAIL}};
    struct event_read *r = xcalloc(1, sizeof(*r));
    struct db_value *params = r->read.params;
    int64_t until_ms = query->until_ms ? query->until_ms : INT64_MAX;

    r->tail = query->tail;
    r->limit = max_of(1u, min_of(query->limit, (unsigned)EVENTS_MAX));
    r->events = xcalloc(r->limit, sizeof(*r->events));
    r->names = xstrdup(query->names);
    r->read.statement = statements[query->job != NULL][query->tail];
    params[r->read.n_params++] = db_int((int64_t)min_of(query->after, (uint64_t)INT64_MAX));
    params[r->read.n_params++] = db_int(r->limit);
    params[r->read.n_params++] = db_int(query->since_ms);
    params[r->read.n_params++] = db_int(until_ms);
    params[r->read.n_params++] = db_text(r->names);
    if (query->job) {
        /* A name too long for a job is nobody's, like the empty one. */
        if (!str_copy(r->job, sizeof(r->job), query->job))
            r->job[0] = '\0';
        params[r->read.n_params++] = db_text(r->job);
    }
    r->read.on_row = take_row;
    r->read.arg = r;
    return r;
}

void store_events_start(struct store_events *q, struct store *store,
                        const struct store_event_query *query, op_done_fn *done)
{
    struct event_read *r = read_new(query);
    struct err err;

    op_init(&q->op, &store_events_type, store->loop, DEADLINE_MS, done);
    q->events = NULL;
    q->n = 0;
    q->work = r;
    r->q = q;
    if (store->db) {
        db_read_start(store->db, &r->read, read_done);
        return;
    }
    err_set(&err, ERR_CANCELED, "the store is closed");
    op_finish(&q->op, &err);
    read_free(r);
}

void store_events_clear(struct store_events *q)
{
    free_events(q->events, q->n);
    q->events = NULL;
    q->n = 0;
}
