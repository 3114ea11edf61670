/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/metrics/requests.h"

#include <string.h>

void request_counts_add(struct request_counts *counts, const char *action, unsigned code)
{
    struct request_count *row = counts->rows, *end = row + counts->n;

    while (row < end && (row->code != code || strcmp(row->action, action) != 0))
        row++;
    if (row == end && counts->n == REQUEST_ROWS_MAX) {
        counts->others++;
        return;
    }
    if (row == end) {
        *row = (struct request_count){.action = action, .code = code};
        counts->n++;
    }
    row->n++;
}
