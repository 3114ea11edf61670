/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection at work: commits and reads. Opening is in open.c.
 */
#include <errno.h>
#include <stdio.h>

#include "lib/db/conn_sqlite.h"

struct db_row {
    sqlite3_stmt *stmt;
};

static enum err_code code_of(int result, int errnum)
{
    if (errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG)
        return ERR_NO_SPACE;
    switch (result & 0xff) {
    case SQLITE_FULL:
        return ERR_NO_SPACE;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        return ERR_DENIED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_INVALID;
    default:
        return ERR_IO;
    }
}

/* What the system said when a write of result failed; 0 when that is not known. */
static int errno_of(sqlite3 *sqlite, int result)
{
    int errnum = sqlite ? sqlite3_system_errno(sqlite) : 0;
    sqlite3_file *wal = NULL;

    if (errnum != 0 || !sqlite || (result & 0xff) != SQLITE_IOERR)
        return errnum;
    /* What happens while a commit writes the log is kept with that file only. */
    sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    if (wal && wal->pMethods)
        wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &errnum);
    return errnum;
}

int conn_fail(sqlite3 *sqlite, int result, struct err *err)
{
    int errnum = errno_of(sqlite, result);
    bool io = (result & 0xff) == SQLITE_IOERR || (result & 0xff) == SQLITE_CANTOPEN;

    if (code_of(result, 0) == ERR_INVALID)
        return err_set(err, ERR_INVALID,
                       "damaged (%s): move it aside, with its -wal file, to begin anew "
                       "(jobs are then taken up as new)",
                       sqlite3_errstr(result));
    /* sqlite3_errstr() knows nothing of the statement, so no value can get into the text. */
    if (io && errnum > 0)
        return err_set(err, code_of(result, errnum), "%s: %s", sqlite3_errstr(result),
                       strerror(errnum));
    return err_set(err, code_of(result, 0), "%s", sqlite3_errstr(result));
}

int conn_exec(sqlite3 *sqlite, const char *sql, struct err *err)
{
    int r = sqlite3_exec(sqlite, sql, NULL, NULL, NULL);

    return r == SQLITE_OK ? 0 : conn_fail(sqlite, r, err);
}

static void bind_values(sqlite3_stmt *stmt, const struct db_value *values, unsigned n)
{
    assert(sqlite3_bind_parameter_count(stmt) == (int)n);
    for (unsigned i = 0; i < n; i++) {
        int r = SQLITE_ERROR;

        switch (values[i].type) {
        case DB_NULL:
            r = sqlite3_bind_null(stmt, (int)i + 1);
            break;
        case DB_INT:
            r = sqlite3_bind_int64(stmt, (int)i + 1, values[i].integer);
            break;
        case DB_TEXT:
            r = sqlite3_bind_text(stmt, (int)i + 1, values[i].text, -1, SQLITE_STATIC);
            break;
        }
        assert(r == SQLITE_OK);
    }
}

static void unbind_values(sqlite3_stmt *stmt)
{
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
}

static int write_rows(struct conn *conn, const struct db_batch *batch, struct err *err)
{
    for (const struct batch_row *row = batch_first(batch); row; row = row->next) {
        sqlite3_stmt *stmt = conn->statements[row->statement];
        int r;

        assert(row->statement < conn->n_statements);
        bind_values(stmt, row->values, row->n);
        r = sqlite3_step(stmt);
        if (r != SQLITE_DONE)
            conn_fail(conn->sqlite, r, err);
        unbind_values(stmt);
        if (r != SQLITE_DONE)
            return (int)err->code;
    }
    return 0;
}

/* A file that was moved or deleted under us still takes writes; nobody would ever find them. */
static int check_in_place(struct conn *conn, struct err *err)
{
    int moved = 0;

    sqlite3_file_control(conn->sqlite, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved)
        return err_set(err, ERR_NOT_FOUND, "the file was moved or deleted while in use");
    return 0;
}

static int commit_batch(struct conn *conn, const struct db_batch *batch, struct err *err)
{
    if (check_in_place(conn, err) || conn_exec(conn->sqlite, "BEGIN IMMEDIATE", err) ||
        write_rows(conn, batch, err) || conn_exec(conn->sqlite, "COMMIT", err)) {
        /* Some errors have rolled back already. */
        if (!sqlite3_get_autocommit(conn->sqlite))
            sqlite3_exec(conn->sqlite, "ROLLBACK", NULL, NULL, NULL);
        return err_wrap(err, "%s", conn->path);
    }
    return 0;
}

int conn_commit(struct conn *conn, struct db_work *work, struct err *err)
{
    struct db_commit *commit = container_of(work, struct db_commit, work);
    uint64_t begin = uv_hrtime();
    int r = commit_batch(conn, commit->batch, err);

    commit->took_ns = uv_hrtime() - begin;
    return r;
}

int conn_read(struct conn *conn, struct db_work *work, struct err *err)
{
    struct db_read *read = container_of(work, struct db_read, work);
    sqlite3_stmt *stmt = conn->statements[read->statement];
    struct db_row row = {.stmt = stmt};
    int r;

    assert(read->statement < conn->n_statements);
    bind_values(stmt, read->params, read->n_params);
    while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (read->on_row(&row, read->arg, err))
            break;
    }
    if (r != SQLITE_ROW && r != SQLITE_DONE)
        conn_fail(conn->sqlite, r, err);
    unbind_values(stmt);
    return r == SQLITE_DONE ? 0 : err_wrap(err, "%s", conn->path);
}

int64_t db_row_int(const struct db_row *row, unsigned column)
{
    return sqlite3_column_int64(row->stmt, (int)column);
}

const char *db_row_text(const struct db_row *row, unsigned column)
{
    return (const char *)sqlite3_column_text(row->stmt, (int)column);
}
