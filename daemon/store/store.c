/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of writes.
 *
 *   put, put, put      rows in `pending`, tickets 1 2 3; idle + check armed
 *   end of the turn    `pending` becomes the flight and goes to the thread: one transaction
 *   puts meanwhile     the next `pending`
 *   flight is back     durable = 3, on_durable(3); `pending`, if any, goes at the end of this turn
 *   flight failed      held; the same flight again after a second, `pending` waits behind it
 *
 * There is never more than one flight, so writes become durable in order.
 */
#include "daemon/store/store.h"

#include <unistd.h>

#include "daemon/event/event.h"
#include "daemon/store/private.h"
#include "daemon/store/rows.h"

/* Seconds; an fsync takes from a fraction of a millisecond to as long as a sick disk likes. */
static const double commit_bounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                       0.05,   0.1,     0.25,   0.5,   1,      2.5,   5};

#define RETRY_MS 1000
#define CLOSE_WAIT_MS 5000 /* for what is queued, and for the thread to come back from the disk */
#define THREAD_WAIT_MS 500 /* the latter's share at least */

static void close_when_empty(struct store *store);

static struct store *store_of(void *data)
{
    struct store *store = data;

    assert(store && store->magic == STORE_MAGIC);
    return store;
}

static void update_held(struct store *store, const struct err *why)
{
    bool held = store->failing || store->overfull;

    if (held == store->held)
        return;
    store->held = held;
    store->callbacks.on_held(held, why, store->callbacks.arg);
}

static void flight_free(struct flight *flight)
{
    db_batch_free(flight->batch);
    free(flight);
}

static void flight_done(struct db_work *work);

static void flight_send(struct store *store)
{
    struct flight *flight = store->flight;

    store->in_thread = true;
    db_commit_start(store->db, &flight->commit, flight->batch, flight_done);
}

/* Makes a flight of what is pending. */
static void hand_over(struct store *store)
{
    struct flight *flight;

    if (store->flight || store->shut || db_batch_rows(store->pending) == 0)
        return;
    if (store->dropped_seq > 0) {
        struct db_value value = db_int((int64_t)store->dropped_seq);

        db_batch_add(store->pending, ST_RAISE_LAST_SEQ, &value, 1);
        store->dropped_seq = 0;
    }
    flight = xcalloc(1, sizeof(*flight));
    flight->store = store;
    flight->batch = store->pending;
    flight->ticket = store->ticket;
    store->flight = flight;
    store->pending = db_batch_new();
    store->overfull = false;
    update_held(store, &ERR_INIT);
    flight_send(store);
}

static void idle_turn(uv_idle_t *idle)
{
    (void)idle; /* being active is its purpose */
}

static void turn_ends(uv_check_t *check)
{
    struct store *store = store_of(check->data);
    struct err err;

    uv_idle_stop(&store->idle);
    uv_check_stop(&store->check);
    hand_over(store);
    if (db_batch_rows(store->pending) >= STORE_QUEUE_MAX && !store->overfull) {
        store->overfull = true;
        err_set(&err, ERR_LIMIT, "state comes faster than the disk takes it: %u writes wait",
                STORE_QUEUE_MAX);
        update_held(store, &err);
    }
}

/* With a flight under way there is nothing to hand over yet, only a queue that may have become too
 * long. */
static void arm(struct store *store)
{
    if (store->shut || (store->flight && db_batch_rows(store->pending) < STORE_QUEUE_MAX))
        return;
    uv_idle_start(&store->idle, idle_turn);
    uv_check_start(&store->check, turn_ends);
}

static void retry_due(uv_timer_t *timer)
{
    struct store *store = store_of(timer->data);

    if (store->flight && !store->in_thread)
        flight_send(store);
}

static void flight_landed(struct store *store)
{
    struct flight *flight = take(store->flight);
    bool further;

    store->commits++;
    histogram_observe(&store->commit_times, (double)flight->commit.took_ns / 1e9);
    further = flight->ticket > store->durable;
    store->durable = flight->ticket;
    flight_free(flight);
    store->failing = false;
    if (further)
        store->callbacks.on_durable(store->durable, store->callbacks.arg);
    update_held(store, &ERR_INIT);
    if (db_batch_rows(store->pending) > 0)
        arm(store);
}

static void flight_done(struct db_work *work)
{
    struct flight *flight = container_of(work, struct flight, commit.work);
    struct store *store = store_of(flight->store);

    store->in_thread = false;
    if (work->err.code == ERR_NONE) {
        flight_landed(store);
    } else if (!store->shut) {
        store->failing = true;
        update_held(store, &work->err);
        uv_timer_start(&store->retry, retry_due, RETRY_MS, 0);
    }
    if (store->closing)
        close_when_empty(store);
}

void store_add(struct store *store, enum statement statement, const struct db_value *values,
               unsigned n)
{
    assert(store->magic == STORE_MAGIC);
    db_batch_add(store->pending, statement, values, n);
    arm(store);
}

uint64_t store_put_job(struct store *store, const struct store_job *job)
{
    struct db_value values[JOB_COLUMNS_N];

    row_of_job(job, values);
    store_add(store, ST_PUT_JOB, values, array_len(values));
    return ++store->ticket;
}

uint64_t store_delete_job(struct store *store, const char *id)
{
    struct db_value value = db_text(id);

    store_add(store, ST_DELETE_CONNECTIONS, &value, 1);
    store_add(store, ST_DELETE_SIBLINGS, &value, 1);
    store_add(store, ST_DELETE_JOB, &value, 1);
    return ++store->ticket;
}

uint64_t store_put_setting(struct store *store, const struct setting *setting)
{
    struct db_value values[SETTING_COLUMNS_N];

    row_of_setting(setting, values);
    store_add(store, ST_PUT_SETTING, values, array_len(values));
    return ++store->ticket;
}

uint64_t store_delete_setting(struct store *store, const char *job, enum node_side side,
                              const char *name)
{
    struct db_value values[] = {db_text(job), db_text(side_name(side)), db_text(name)};

    store_add(store, ST_DELETE_SETTING, values, array_len(values));
    return ++store->ticket;
}

uint64_t store_put_connection(struct store *store, const struct connection *connection)
{
    struct db_value values[CONNECTION_COLUMNS_N];

    row_of_connection(connection, values);
    store_add(store, ST_PUT_CONNECTION, values, array_len(values));
    return ++store->ticket;
}

uint64_t store_put_switched(struct store *store, const struct switched *switched)
{
    char source[ENDPOINT_STR_MAX], target[ENDPOINT_STR_MAX];
    struct db_value values[] = {db_text(endpoint_format(&switched->source, source)),
                                db_text(endpoint_format(&switched->target, target)),
                                db_int(switched->at_wall_ms)};
    struct db_value opposite[] = {values[1], values[0]};

    store_add(store, ST_DELETE_SWITCHED, opposite, array_len(opposite));
    store_add(store, ST_PUT_SWITCHED, values, array_len(values));
    return ++store->ticket;
}

uint64_t store_put_sibling(struct store *store, const struct sibling *sibling)
{
    struct db_value values[SIBLING_COLUMNS_N];
    struct sibling_texts texts;

    row_of_sibling(sibling, &texts, values);
    store_add(store, ST_PUT_SIBLING, values, array_len(values));
    return ++store->ticket;
}

uint64_t store_delete_sibling(struct store *store, const char *job, const struct endpoint *at)
{
    char text[ENDPOINT_STR_MAX];
    struct db_value values[] = {db_text(job), db_text(endpoint_format(at, text))};

    store_add(store, ST_DELETE_SIBLING, values, array_len(values));
    return ++store->ticket;
}

uint64_t store_put_event(struct store *store, const struct event *event)
{
    cleanup(freep) char *data = json_dumps(event->data, JSON_COMPACT);
    struct db_value values[EVENT_COLUMNS_N];
    struct db_value oldest = db_int((int64_t)event->seq - STORE_EVENTS_KEPT);

    if (db_batch_rows(store->pending) >= STORE_QUEUE_MAX) {
        store->dropped++;
        store->dropped_seq = event->seq;
        return ++store->ticket;
    }
    row_of_event(event, data ? data : "{}", values);
    store_add(store, ST_PUT_EVENT, values, array_len(values));
    if (event->seq % STORE_PRUNE_EVERY == 0)
        store_add(store, ST_PRUNE_EVENTS, &oldest, 1);
    return ++store->ticket;
}

uint64_t store_durable(const struct store *store)
{
    return store->durable;
}

bool store_held(const struct store *store)
{
    return store->held;
}

uint64_t store_last_event_seq(const struct store *store)
{
    return store->last_seq;
}

uint32_t store_instance(const struct store *store)
{
    return store->instance;
}

uint64_t store_commits(const struct store *store)
{
    return store->commits;
}

const struct histogram *store_commit_times(const struct store *store)
{
    return &store->commit_times;
}

uint64_t store_events_dropped(const struct store *store)
{
    return store->dropped;
}

static int read_numbers(const struct db_row *row, void *arg, struct err *err)
{
    struct store *store = arg;

    (void)err;
    store->last_seq = (uint64_t)db_row_int(row, 0);
    store->instance = (uint32_t)db_row_int(row, 1);
    return 0;
}

/* A state that is new gets a number by chance, which is kept with the first commit. */
static void number_instance(struct store *store, uint32_t random)
{
    struct db_value value;

    if (store->instance != 0)
        return;
    store->instance = random | 1;
    value = db_int(store->instance);
    db_batch_add(store->pending, ST_PUT_INSTANCE, &value, 1);
}

static int open_db(struct store *store, const char *dir, struct err *err)
{
    cleanup(freep) char *path = xasprintf("%s/%s", dir, STORE_FILE);
    struct db_read read = {.statement = ST_NUMBERS, .on_row = read_numbers, .arg = store};
    struct db *db;

    if (db_open(path, &schema_config, &db, err))
        return (int)err->code;
    /* Attaching comes last: before it, going back leaves nothing in the loop. */
    if (db_read_wait(db, &read, err) || db_attach(db, store->loop, err)) {
        db_free(db);
        return (int)err->code;
    }
    store->db = db;
    return 0;
}

int store_open(uv_loop_t *loop, const char *dir, const struct store_callbacks *callbacks,
               struct store **ret, struct err *err)
{
    struct store *store;
    uint32_t random;
    int r = uv_random(NULL, NULL, &random, sizeof(random), 0, NULL);

    if (r < 0) /* two states of one id would not know each other for strangers */
        return err_set(err, ERR_IO, "no random numbers to be had: %s", uv_strerror(r));
    store = xcalloc(1, sizeof(*store));
    store->magic = STORE_MAGIC;
    store->loop = loop;
    store->callbacks = *callbacks;
    store->lock_fd = -1;
    histogram_init(&store->commit_times, commit_bounds, array_len(commit_bounds));
    if (store_lock(dir, &store->lock_fd, err) || open_db(store, dir, err)) {
        closep(&store->lock_fd);
        free(store);
        return (int)err->code;
    }
    store->pending = db_batch_new();
    uv_idle_init(loop, &store->idle);
    uv_check_init(loop, &store->check);
    uv_timer_init(loop, &store->retry);
    uv_timer_init(loop, &store->patience);
    store->check.data = store;
    store->retry.data = store;
    store->patience.data = store;
    store->idle.data = store;
    number_instance(store, random);
    *ret = store;
    return 0;
}

/* One of what was open is closed; with the last one the store goes. */
static void closed_one(struct store *store)
{
    void (*closed)(void *) = store->closed;
    void *arg = store->closed_arg;

    if (--store->open > 0)
        return;
    /* A flight that is still in the thread is left to it. */
    if (store->flight && !store->in_thread)
        flight_free(store->flight);
    db_batch_free(store->pending);
    closep(&store->lock_fd);
    store->magic = 0;
    free(store);
    closed(arg);
}

static void handle_closed(uv_handle_t *handle)
{
    closed_one(store_of(handle->data));
}

static void db_closed(void *arg)
{
    struct store *store = store_of(arg);

    store->db = NULL;
    closed_one(store);
}

static void shut(struct store *store)
{
    uv_handle_t *handles[] = {(uv_handle_t *)&store->idle, (uv_handle_t *)&store->check,
                              (uv_handle_t *)&store->retry, (uv_handle_t *)&store->patience};
    uint64_t left = uv_timer_get_due_in(&store->patience);

    if (store->shut)
        return;
    store->shut = true;
    store->open = array_len(handles) + 1;
    for (size_t i = 0; i < array_len(handles); i++)
        uv_close(handles[i], handle_closed);
    db_close(store->db, max_of(left, (uint64_t)THREAD_WAIT_MS), db_closed, store);
}

static void close_when_empty(struct store *store)
{
    hand_over(store);
    if (!store->flight)
        shut(store);
}

static void out_of_patience(uv_timer_t *timer)
{
    shut(store_of(timer->data));
}

void store_close(struct store *store, void (*closed)(void *arg), void *arg)
{
    assert(store->magic == STORE_MAGIC && !store->closing);
    store->closing = true;
    store->closed = closed;
    store->closed_arg = arg;
    uv_timer_start(&store->patience, out_of_patience, CLOSE_WAIT_MS, 0);
    close_when_empty(store);
}
