/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a database file, and making one.
 *
 * A new file is built under another name and renamed when it is complete, so a file under its right
 * name is always one of ours with its tables in it, wherever the process was killed. That makes it
 * safe to refuse everything else: what lacks our mark in the header, or fails SQLite's own check,
 * is left untouched.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/db/conn_sqlite.h"

#define HEADER_BYTES 100
#define HEADER_APPLICATION_ID 68 /* offset of a big-endian 32-bit number */

static int fsync_dir_of(const char *path, struct err *err)
{
    cleanup(freep) char *copy = xstrdup(path);
    const char *dir = dirname(copy);
    cleanup(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd))
        return err_errno(err, errno, "cannot sync '%s'", dir);
    return 0;
}

static int read_int(sqlite3 *sqlite, const char *sql, int64_t *ret, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int r = sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL);

    if (r == SQLITE_OK)
        r = sqlite3_step(stmt);
    if (r != SQLITE_ROW) {
        conn_fail(sqlite, r, err);
        sqlite3_finalize(stmt);
        return (int)err->code;
    }
    *ret = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return 0;
}

/* True when the only row of sql is this text. */
static bool reads_text(sqlite3 *sqlite, const char *sql, const char *expected)
{
    sqlite3_stmt *stmt = NULL;
    bool same = sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL) == SQLITE_OK &&
                sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0) &&
                strcmp((const char *)sqlite3_column_text(stmt, 0), expected) == 0;

    sqlite3_finalize(stmt);
    return same;
}

/* Brings the tables to the newest schema, one transaction a step. */
static int migrate(sqlite3 *sqlite, const struct db_config *config, struct err *err)
{
    int64_t version = 0;

    if (read_int(sqlite, "PRAGMA user_version", &version, err))
        return (int)err->code;
    if (version < 0 || version > config->n_migrations)
        return err_set(
            err, ERR_INVALID,
            "written by a newer version of this program (schema %lld, this one knows %u): "
            "install that version again, or move the file aside",
            (long long)version, config->n_migrations);
    for (unsigned i = (unsigned)version; i < config->n_migrations; i++) {
        char bump[48];

        snprintf(bump, sizeof(bump), "PRAGMA user_version = %u; COMMIT", i + 1);
        if (conn_exec(sqlite, "BEGIN IMMEDIATE", err) ||
            conn_exec(sqlite, config->migrations[i], err) || conn_exec(sqlite, bump, err))
            return err_wrap(err, "schema %u", i + 1);
    }
    return 0;
}

static int fill_new(sqlite3 *sqlite, const struct db_config *config, struct err *err)
{
    char mark[64];

    snprintf(mark, sizeof(mark), "PRAGMA application_id = %u", config->application_id);
    if (conn_exec(sqlite, "PRAGMA synchronous = EXTRA", err) || conn_exec(sqlite, mark, err))
        return (int)err->code;
    return migrate(sqlite, config, err);
}

static int make_draft(const char *path, const struct db_config *config, struct err *err)
{
    sqlite3 *sqlite = NULL;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int r;

    if (fd < 0)
        return err_errno(err, errno, "cannot be created");
    close(fd);
    r = sqlite3_open_v2(path, &sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    r = r == SQLITE_OK ? fill_new(sqlite, config, err) : conn_fail(sqlite, r, err);
    sqlite3_close(sqlite);
    return r;
}

/* What belonged to a database that is gone would be mixed into the new one. */
static int refuse_leftovers(const char *path, struct err *err)
{
    static const char *const tails[] = {"-wal", "-journal"};

    for (size_t i = 0; i < array_len(tails); i++) {
        cleanup(freep) char *left = xasprintf("%s%s", path, tails[i]);

        if (access(left, F_OK) == 0)
            return err_set(err, ERR_INVALID,
                           "gone, but '%s' is there: put the file back, or move "
                           "that one aside to begin anew",
                           basename(left));
    }
    return 0;
}

static int create(const char *path, const struct db_config *config, struct err *err)
{
    cleanup(freep) char *draft = xasprintf("%s.new", path);
    cleanup(freep) char *journal = xasprintf("%s-journal", draft);

    if (refuse_leftovers(path, err))
        return (int)err->code;
    unlink(journal);
    unlink(draft);
    if (make_draft(draft, config, err)) {
        unlink(journal);
        unlink(draft);
        return err_wrap(err, "while it was made");
    }
    if (rename(draft, path))
        return err_errno(err, errno, "cannot be put in its place");
    return fsync_dir_of(path, err);
}

/* Looks at the header without SQLite, which would already write to a foreign file. */
static int check_header(const char *path, uint32_t application_id, struct err *err)
{
    static const char magic[] = "SQLite format 3"; /* its NUL belongs to it */
    static const char advice[] = "move it aside to begin anew (jobs are then taken up as new)";
    cleanup(closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    unsigned char header[HEADER_BYTES];
    uint32_t id;
    struct stat st;

    if (fd < 0 || fstat(fd, &st))
        return err_errno(err, errno, "cannot be opened");
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INVALID, "not a regular file: %s", advice);
    if (pread(fd, header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
        memcmp(header, magic, sizeof(magic)) != 0)
        return err_set(err, ERR_INVALID, "damaged, or not a database: %s", advice);
    memcpy(&id, header + HEADER_APPLICATION_ID, sizeof(id));
    if (be32toh(id) != application_id)
        return err_set(err, ERR_INVALID, "the database of another program: %s", advice);
    if ((st.st_mode & 077) && fchmod(fd, 0600))
        return err_errno(err, errno, "readable by others, and that cannot be changed");
    return 0;
}

static int check_contents(sqlite3 *sqlite, const struct db_config *config, struct err *err)
{
    int64_t version = 0;

    if (!reads_text(sqlite, "PRAGMA quick_check(1)", "ok")) {
        int r = sqlite3_extended_errcode(sqlite);

        /* Without an error there was a row, with what is wrong. */
        if (r == SQLITE_OK || r == SQLITE_ROW || r == SQLITE_DONE)
            r = SQLITE_CORRUPT;
        return conn_fail(sqlite, r, err);
    }
    if (read_int(sqlite, "PRAGMA user_version", &version, err))
        return (int)err->code;
    if (version > config->n_migrations)
        return migrate(sqlite, config, err); /* says so */
    return 0;
}

static int set_up(struct conn *conn, const struct db_config *config, struct err *err)
{
    sqlite3 *sqlite = conn->sqlite;

    sqlite3_extended_result_codes(sqlite, 1);
    sqlite3_db_config(sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* Until it has been found good, not even closing may change the file. */
    sqlite3_db_config(sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (sqlite3_db_readonly(sqlite, "main"))
        return err_set(err, ERR_DENIED, "cannot be written to");
    /* The exclusive lock comes first: with it the WAL needs no shared memory. */
    if (conn_exec(sqlite,
                  "PRAGMA locking_mode = EXCLUSIVE; PRAGMA mmap_size = 0; "
                  "PRAGMA cache_size = -256; PRAGMA temp_store = MEMORY; "
                  "PRAGMA trusted_schema = OFF",
                  err) ||
        check_contents(sqlite, config, err))
        return (int)err->code;
    if (!reads_text(sqlite, "PRAGMA journal_mode = WAL", "wal"))
        return conn_fail(sqlite, sqlite3_extended_errcode(sqlite), err);
    if (conn_exec(sqlite, "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 8388608", err) ||
        migrate(sqlite, config, err))
        return (int)err->code;
    for (unsigned i = 0; i < config->n_statements; i++) {
        int r = sqlite3_prepare_v3(sqlite, config->statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                                   &conn->statements[i], NULL);

        if (r != SQLITE_OK)
            return err_set(err, ERR_INVALID, "statement %u: %s", i, sqlite3_errmsg(sqlite));
    }
    conn->n_statements = config->n_statements;
    sqlite3_db_config(sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return 0;
}

static int open_existing(struct conn *conn, const struct db_config *config, struct err *err)
{
    int r;

    if (check_header(conn->path, config->application_id, err))
        return (int)err->code;
    r = sqlite3_open_v2(conn->path, &conn->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL);
    if (r != SQLITE_OK)
        return conn_fail(conn->sqlite, r, err);
    return set_up(conn, config, err);
}

int conn_open(const char *path, const struct db_config *config, struct conn **ret, struct err *err)
{
    struct conn *conn = xcalloc(1, sizeof(*conn));
    struct stat st;

    conn->path = xstrdup(path);
    if ((lstat(path, &st) && errno == ENOENT && create(path, config, err)) ||
        open_existing(conn, config, err)) {
        conn_close(conn);
        return err_wrap(err, "'%s'", path);
    }
    *ret = conn;
    return 0;
}

void conn_close(struct conn *conn)
{
    if (!conn)
        return;
    for (unsigned i = 0; i < array_len(conn->statements); i++)
        sqlite3_finalize(conn->statements[i]);
    sqlite3_close(conn->sqlite);
    free(conn->path);
    free(conn);
}
