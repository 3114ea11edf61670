/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A small SQL database in a file, behind one connection that one thread of its own holds. Names no
 * SQLite type.
 *
 * The file belongs to this process alone while it is open (WAL, synchronous=FULL, exclusive lock):
 * when a commit is done, it is on the disk. Work is done in the order in which it was started;
 * completions come through the loop.
 *
 *   db_open()            blocks: checks or makes the file, migrates its tables, prepares the
 * statements db_read_wait()       blocks: for boot db_attach()          from here on the loop is
 * involved db_commit_start()    a batch of rows, one transaction     -> done db_read_start() rows
 * to a function, in the thread    -> done db_close()           cancels what has not begun -> closed
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "lib/base/base.h"
#include "lib/base/err.h"
#include "lib/base/list.h"

#define DB_STATEMENTS_MAX 32
#define DB_VALUES_MAX 48 /* parameters of a statement */
#define DB_QUEUE_MAX 256 /* with so many works waiting, reads are refused */

struct conn;
struct db;
struct db_batch;
struct db_row;

enum db_type { DB_NULL, DB_INT, DB_TEXT };

struct db_value {
    enum db_type type;
    int64_t integer;
    const char *text;
};

static inline struct db_value db_int(int64_t integer)
{
    return (struct db_value){.type = DB_INT, .integer = integer};
}

/* NULL is the SQL NULL. */
static inline struct db_value db_text(const char *text)
{
    return (struct db_value){.type = text ? DB_TEXT : DB_NULL, .text = text};
}

/* What kind of database it is; all of it must outlive the db. */
struct db_config {
    uint32_t application_id;       /* in the file's header: tells ours from others' */
    const char *const *migrations; /* SQL; the n-th leads from schema n to schema n + 1 */
    unsigned n_migrations;
    const char *const *statements; /* SQL; a statement's number is its place here */
    unsigned n_statements;
};

/*
 * Opens path, or makes it (complete, or not at all) where it does not exist. ERR_INVALID: what is
 * there is damaged, not ours, or of a newer schema; the message says what to do and nothing has
 * been written to it.
 */
int db_open(const char *path, const struct db_config *config, struct db **ret,
            struct err *err) must_check;
int db_attach(struct db *db, uv_loop_t *loop, struct err *err) must_check;
/* For a db that has never been attached; blocks. NULL is fine. */
void db_free(struct db *db);
/*
 * Lets the work under way finish, cancels the rest, closes the file, frees db and calls closed(arg)
 * from the loop. When the thread has not come back from the disk after wait_ms it is left behind,
 * with the work it holds: that one is never reported, and its memory must stay.
 */
void db_close(struct db *db, uint64_t wait_ms, void (*closed)(void *arg), void *arg);

/* Rows to be written together. */
struct db_batch *db_batch_new(void);
void db_batch_free(
    struct db_batch *batch); /* wipes the values, which may be secrets; NULL is fine */
/* Copies the values. */
void db_batch_add(struct db_batch *batch, unsigned statement, const struct db_value *values,
                  unsigned n);
size_t db_batch_rows(const struct db_batch *batch);

/*
 * Something for the thread to do; embedded first in the two below. It is no struct op: an operation
 * under way in the disk cannot be taken back, so there is no deadline here. Who waits has one.
 */
struct db_work {
    struct err err; /* the result */
    /* private */
    struct list link;
    int (*run)(struct conn *conn, struct db_work *work, struct err *err);
    void (*done)(struct db_work *work);
    bool over;
};

struct db_commit {
    struct db_work work;
    struct db_batch *batch; /* borrowed until done; may be committed again when it failed */
    uint64_t took_ns;       /* in done: how long the thread worked at it */
};
/* All of the batch is durable, or nothing of it has happened and work.err says why. */
void db_commit_start(struct db *db, struct db_commit *commit, struct db_batch *batch,
                     void (*done)(struct db_work *work));

struct db_read {
    struct db_work work;
    unsigned statement;
    struct db_value params[DB_VALUES_MAX]; /* texts are borrowed until done */
    unsigned n_params;
    /* Called in the thread, for each row; anything but 0 ends the read with that error. */
    int (*on_row)(const struct db_row *row, void *arg, struct err *err);
    void *arg;
};
/* The caller has filled in everything but work. ERR_BUSY, in done, when too many wait already. */
void db_read_start(struct db *db, struct db_read *read, void (*done)(struct db_work *work));
int db_read_wait(struct db *db, struct db_read *read, struct err *err) must_check;

/* Columns of the row, from 0. */
int64_t db_row_int(const struct db_row *row, unsigned column);
const char *db_row_text(const struct db_row *row,
                        unsigned column); /* borrowed; NULL is the SQL NULL */
