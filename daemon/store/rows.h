/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Between our structs and the rows of schema.c: one order of columns for both ways. */
#include "daemon/store/store.h"
#include "lib/db/db.h"

#define JOB_COLUMNS_N 44
#define SETTING_COLUMNS_N 6
#define CONNECTION_COLUMNS_N 4
#define EVENT_COLUMNS_N 8
#define SIBLING_COLUMNS_N (5 + 2 * SIBLING_SETTINGS)

/* The texts that a sibling's row borrows, and its struct does not have. */
struct sibling_texts {
    char at[ENDPOINT_STR_MAX], was[ENDPOINT_STR_MAX];
};

/* The values borrow from the struct. */
void row_of_job(const struct store_job *job, struct db_value ret[JOB_COLUMNS_N]);
void row_of_setting(const struct setting *setting, struct db_value ret[SETTING_COLUMNS_N]);
void row_of_connection(const struct connection *c, struct db_value ret[CONNECTION_COLUMNS_N]);
void row_of_sibling(const struct sibling *f, struct sibling_texts *texts,
                    struct db_value ret[SIBLING_COLUMNS_N]);
/* data: the event's data as text. */
void row_of_event(const struct event *event, const char *data,
                  struct db_value ret[EVENT_COLUMNS_N]);

/* *ret owns what it points to. ERR_INVALID names the row and the column. */
int job_of_row(const struct db_row *row, struct store_job *ret, struct err *err) must_check;
int setting_of_row(const struct db_row *row, struct setting *ret, struct err *err) must_check;
int connection_of_row(const struct db_row *row, struct connection *ret, struct err *err) must_check;
int switched_of_row(const struct db_row *row, struct switched *ret, struct err *err) must_check;
int sibling_of_row(const struct db_row *row, struct sibling *ret, struct err *err) must_check;
void event_of_row(const struct db_row *row, struct event *ret);
