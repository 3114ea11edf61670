/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Jobs as people read them: a row of a table, a block, a line. A job is the API's JOB. */
#include "cli/output.h"

struct table;

/* `list`: JOB STATE PHASE SINCE PROGRESS LAG REASON, and more when wide. */
struct table *job_table_new(bool wide);
void job_table_add(struct table *table, const struct term *term, bool wide, const json_t *job);

/* `watch`: the same with a bar, rate and ETA. */
struct table *job_live_table_new(bool wide);
void job_live_table_add(struct table *table, const struct term *term, bool wide, const json_t *job);

/* `status`: everything, with why it waits and what ends that; wide: with what the checks found. */
void job_print(const struct term *term, const json_t *job, bool wide);

/* Fresh strings. The first is "migrating/syncing", the second "source-lost: the source …" or NULL,
 * the third "62.5 %, 640.0 MiB of 1.0 GiB, 80.0 MiB/s, 5s left" or NULL. */
char *job_where(const struct term *term, const json_t *job);
char *job_why(const struct term *term, const json_t *job);
/* "to switch over, at …, by …": an order that stands; fresh, or NULL. */
char *job_request(const struct term *term, const json_t *job);
char *job_progress(const json_t *job);
