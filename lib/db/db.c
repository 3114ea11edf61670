/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread and its queue.
 *
 *   caller (loop)                 thread
 *   queue  --- lock, wake --->    takes the first work, runs it without the lock
 *   done() <-- uv_async ------    finished list
 *
 * Closing: stop is set; the thread finishes the work it has, closes the file, sets ended and
 * signals. If it does not within the time given it is abandoned: db and the work it holds are left
 * to the end of the process, which is near, because the thread may still touch both.
 */
#include "lib/db/db.h"

#include <pthread.h>

#include "lib/base/thread.h"
#include "lib/db/conn.h"

#define DB_MAGIC 0x64625f5fu

struct db {
    unsigned magic;
    struct conn *conn; /* the thread's */
    uv_thread_t thread;
    uv_mutex_t lock;
    uv_cond_t wake, idle; /* for the thread; for who blocks */
    uv_async_t async;
    uv_timer_t patience; /* how long closing waits */
    bool attached;
    unsigned handles; /* still to close */
    void (*closed)(void *arg);
    void *closed_arg;

    /* under the lock */
    struct list queue, finished;
    unsigned n_queued;
    bool stop, ended, abandoned;
};

/* What opens the file, in the thread. */
struct opening {
    struct db_work work;
    struct db *db;
    const char *path;
    const struct db_config *config;
};

static int run_open(struct conn *conn, struct db_work *work, struct err *err)
{
    struct opening *o = container_of(work, struct opening, work);

    (void)conn;
    return conn_open(o->path, o->config, &o->db->conn, err);
}

static struct db_work *pop(struct list *list)
{
    struct db_work *work = container_of(list->next, struct db_work, link);

    list_remove(&work->link);
    return work;
}

static void thread_main(void *arg)
{
    struct db *db = arg;

    uv_mutex_lock(&db->lock);
    for (;;) {
        struct db_work *work;

        while (!db->stop && list_empty(&db->queue))
            uv_cond_wait(&db->wake, &db->lock);
        if (db->stop)
            break;
        work = pop(&db->queue);
        db->n_queued--;
        uv_mutex_unlock(&db->lock);
        work->err = ERR_INIT;
        if (work->run(db->conn, work, &work->err))
            assert(work->err.code != ERR_NONE);
        uv_mutex_lock(&db->lock);
        if (db->abandoned)
            break;
        if (work->done) {
            list_push(&db->finished, &work->link);
            uv_async_send(&db->async);
        } else {
            work->over = true;
            uv_cond_signal(&db->idle);
        }
    }
    uv_mutex_unlock(&db->lock);
    conn_close(db->conn);
    uv_mutex_lock(&db->lock);
    db->ended = true;
    if (db->attached && !db->abandoned)
        uv_async_send(&db->async);
    uv_mutex_unlock(&db->lock);
}

static void start(struct db *db, struct db_work *work,
                  int (*run)(struct conn *conn, struct db_work *work, struct err *err),
                  void (*done)(struct db_work *work))
{
    work->run = run;
    work->done = done;
    work->over = false;
    work->err = ERR_INIT;
    list_init(&work->link);
    uv_mutex_lock(&db->lock);
    if (db->stop || (run == conn_read && db->n_queued >= DB_QUEUE_MAX)) {
        err_set(&work->err, db->stop ? ERR_CANCELED : ERR_BUSY,
                db->stop ? "the database is being closed"
                         : "too many requests wait for the database");
        work->over = true;
        if (done) {
            list_push(&db->finished, &work->link);
            uv_async_send(&db->async);
        }
    } else {
        list_push(&db->queue, &work->link);
        db->n_queued++;
        uv_cond_signal(&db->wake);
    }
    uv_mutex_unlock(&db->lock);
}

static int run_wait(struct db *db, struct db_work *work,
                    int (*run)(struct conn *conn, struct db_work *work, struct err *err),
                    struct err *err)
{
    start(db, work, run, NULL);
    uv_mutex_lock(&db->lock);
    while (!work->over)
        uv_cond_wait(&db->idle, &db->lock);
    uv_mutex_unlock(&db->lock);
    if (work->err.code)
        *err = work->err;
    return (int)work->err.code;
}

static void destroy(struct db *db)
{
    uv_cond_destroy(&db->idle);
    uv_cond_destroy(&db->wake);
    uv_mutex_destroy(&db->lock);
    db->magic = 0;
    free(db);
}

int db_open(const char *path, const struct db_config *config, struct db **ret, struct err *err)
{
    struct db *db = xcalloc(1, sizeof(*db));
    struct opening opening = {.db = db, .path = path, .config = config};

    assert(config->n_statements <= DB_STATEMENTS_MAX);
    db->magic = DB_MAGIC;
    list_init(&db->queue);
    list_init(&db->finished);
    if (uv_mutex_init(&db->lock) || uv_cond_init(&db->wake) || uv_cond_init(&db->idle))
        abort();
    if (thread_start(&db->thread, "db", thread_main, db, err)) {
        destroy(db);
        return (int)err->code;
    }
    if (run_wait(db, &opening.work, run_open, err)) {
        db_free(db);
        return (int)err->code;
    }
    *ret = db;
    return 0;
}

void db_free(struct db *db)
{
    if (!db)
        return;
    assert(!db->attached);
    uv_mutex_lock(&db->lock);
    db->stop = true;
    uv_cond_signal(&db->wake);
    uv_mutex_unlock(&db->lock);
    uv_thread_join(&db->thread);
    destroy(db);
}

static struct db *db_of(void *data)
{
    struct db *db = data;

    assert(db && db->magic == DB_MAGIC);
    return db;
}

static void handle_closed(uv_handle_t *handle)
{
    struct db *db = db_of(handle->data);
    void (*closed)(void *) = db->closed;
    void *arg = db->closed_arg;

    if (--db->handles > 0)
        return;
    if (!db->abandoned)
        destroy(db);
    closed(arg);
}

static void close_handles(struct db *db)
{
    db->handles = 2;
    uv_close((uv_handle_t *)&db->async, handle_closed);
    uv_close((uv_handle_t *)&db->patience, handle_closed);
}

/* Calls done() for what has finished by now; done() may start more. */
static void deliver(struct db *db)
{
    struct list finished;

    list_init(&finished);
    uv_mutex_lock(&db->lock);
    while (!list_empty(&db->finished))
        list_push(&finished, &pop(&db->finished)->link);
    uv_mutex_unlock(&db->lock);
    while (!list_empty(&finished)) {
        struct db_work *work = pop(&finished);

        work->done(work);
    }
}

static void signalled(uv_async_t *async)
{
    struct db *db = db_of(async->data);
    bool ended, empty;

    deliver(db);
    uv_mutex_lock(&db->lock);
    ended = db->ended;
    empty = list_empty(&db->finished);
    uv_mutex_unlock(&db->lock);
    if (!ended || uv_is_closing((uv_handle_t *)async))
        return;
    if (!empty) { /* started by a done() just now, and refused */
        uv_async_send(async);
        return;
    }
    uv_thread_join(&db->thread);
    close_handles(db);
}

int db_attach(struct db *db, uv_loop_t *loop, struct err *err)
{
    int r = uv_async_init(loop, &db->async, signalled);

    if (r)
        return err_errno(err, -r, "cannot watch the database's thread");
    uv_timer_init(loop, &db->patience);
    db->async.data = db;
    db->patience.data = db;
    db->attached = true;
    return 0;
}

/* Time is up and the thread has not come back. */
static void give_up(uv_timer_t *timer)
{
    struct db *db = db_of(timer->data);
    bool ended;

    uv_mutex_lock(&db->lock);
    ended = db->ended;
    db->abandoned = !ended;
    uv_mutex_unlock(&db->lock);
    if (ended)
        return; /* its signal is on the way */
    pthread_detach(db->thread);
    deliver(db);
    close_handles(db);
}

void db_close(struct db *db, uint64_t wait_ms, void (*closed)(void *arg), void *arg)
{
    struct err canceled;

    assert(db->magic == DB_MAGIC && db->attached && !db->closed);
    db->closed = closed;
    db->closed_arg = arg;
    err_set(&canceled, ERR_CANCELED, "the database is being closed");
    uv_mutex_lock(&db->lock);
    db->stop = true;
    while (!list_empty(&db->queue)) {
        struct db_work *work = pop(&db->queue);

        work->err = canceled;
        list_push(&db->finished, &work->link);
    }
    db->n_queued = 0;
    uv_cond_signal(&db->wake);
    uv_mutex_unlock(&db->lock);
    uv_async_send(&db->async);
    uv_timer_start(&db->patience, give_up, wait_ms, 0);
}

void db_commit_start(struct db *db, struct db_commit *commit, struct db_batch *batch,
                     void (*done)(struct db_work *work))
{
    assert(db->attached);
    commit->batch = batch;
    start(db, &commit->work, conn_commit, done);
}

void db_read_start(struct db *db, struct db_read *read, void (*done)(struct db_work *work))
{
    assert(db->attached);
    start(db, &read->work, conn_read, done);
}

int db_read_wait(struct db *db, struct db_read *read, struct err *err)
{
    return run_wait(db, &read->work, conn_read, err);
}
