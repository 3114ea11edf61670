/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/db/conn.h"

struct db_batch {
    struct batch_row *first, **end;
    size_t rows;
};

struct db_batch *db_batch_new(void)
{
    struct db_batch *batch = xcalloc(1, sizeof(*batch));

    batch->end = &batch->first;
    return batch;
}

void db_batch_free(struct db_batch *batch)
{
    if (!batch)
        return;
    while (batch->first) {
        struct batch_row *row = batch->first;

        batch->first = row->next;
        explicit_bzero(row, row->size);
        free(row);
    }
    free(batch);
}

void db_batch_add(struct db_batch *batch, unsigned statement, const struct db_value *values,
                  unsigned n)
{
    size_t size = sizeof(struct batch_row) + n * sizeof(values[0]);
    struct batch_row *row;
    char *text;

    assert(n <= DB_VALUES_MAX);
    for (unsigned i = 0; i < n; i++)
        size += values[i].type == DB_TEXT ? strlen(values[i].text) + 1 : 0;
    row = xmalloc(size);
    *row = (struct batch_row){.size = size, .statement = statement, .n = n};
    text = (char *)&row->values[n];
    for (unsigned i = 0; i < n; i++) {
        row->values[i] = values[i];
        if (values[i].type != DB_TEXT)
            continue;
        row->values[i].text = text;
        text = stpcpy(text, values[i].text) + 1;
    }
    *batch->end = row;
    batch->end = &row->next;
    batch->rows++;
}

size_t db_batch_rows(const struct db_batch *batch)
{
    return batch->rows;
}

const struct batch_row *batch_first(const struct db_batch *batch)
{
    return batch->first;
}
