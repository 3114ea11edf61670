/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The SQLite side of lib/db: everything here runs in the database's thread. */
#include "lib/db/db.h"

int conn_open(const char *path, const struct db_config *config, struct conn **ret,
              struct err *err) must_check;
void conn_close(struct conn *conn); /* NULL is fine */
int conn_commit(struct conn *conn, struct db_work *work, struct err *err) must_check;
int conn_read(struct conn *conn, struct db_work *work, struct err *err) must_check;

/* One row of a batch; its texts lie behind the values. */
struct batch_row {
    struct batch_row *next;
    size_t size; /* of the whole allocation */
    unsigned statement, n;
    struct db_value values[];
};
const struct batch_row *batch_first(const struct db_batch *batch);
