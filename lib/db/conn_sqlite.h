/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What conn.c and open.c share. */
#include <sqlite3.h>

#include "lib/db/conn.h"

struct conn {
    sqlite3 *sqlite;
    char *path;
    unsigned n_statements;
    sqlite3_stmt *statements[DB_STATEMENTS_MAX];
};

/* Turns a result of SQLite into an error; never repeats a value. */
int conn_fail(sqlite3 *sqlite, int result, struct err *err);
int conn_exec(sqlite3 *sqlite, const char *sql, struct err *err) must_check;
