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
    free_events(r->events, r->n);
    free(r);
}

void store_events_start(struct store_events *q, struct store *store, const char *job,
                        uint64_t after, unsigned limit, bool tail, op_done_fn *done)
{
    static const enum statement statements[2][2] = {{ST_EVENTS, ST_EVENTS_TAIL},
                                                    {ST_EVENTS_JOB, ST_EVENTS_JOB_TAIL}};
    struct event_read *r = xcalloc(1, sizeof(*r));
    struct err err;

    op_init(&q->op, &store_events_type, store->loop, DEADLINE_MS, done);
    q->events = NULL;
    q->n = 0;
    q->work = r;
    r->q = q;
    r->tail = tail;
    r->limit = max_of(1u, min_of(limit, (unsigned)EVENTS_MAX));
    r->events = xcalloc(r->limit, sizeof(*r->events));
    r->read.statement = statements[job != NULL][tail];
    r->read.params[r->read.n_params++] = db_int((int64_t)min_of(after, (uint64_t)INT64_MAX));
    r->read.params[r->read.n_params++] = db_int(r->limit);
    if (job) {
        /* A name too long for a job is nobody's, like the empty one. */
        if (!str_copy(r->job, sizeof(r->job), job))
            r->job[0] = '\0';
        r->read.params[r->read.n_params++] = db_text(r->job);
    }
    r->read.on_row = take_row;
    r->read.arg = r;
    if (store->db) {
        db_read_start(store->db, &r->read, read_done);
        return;
    }
    err_set(&err, ERR_CANCELED, "the store is closed");
    op_finish(&q->op, &err);
    free_events(r->events, 0);
    free(r);
}

void store_events_clear(struct store_events *q)
{
    free_events(q->events, q->n);
    q->events = NULL;
    q->n = 0;
}
