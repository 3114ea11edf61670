/* SPDX-License-Identifier: Apache-2.0 */
/* What is read back at the start. Rows are gathered in the thread and handed out in the caller's.
 */
#include "daemon/store/private.h"
#include "daemon/store/rows.h"

struct gathered {
    void *items;
    size_t n, room;
};

static void *next_item(struct gathered *g, size_t size)
{
    if (g->n == g->room) {
        g->room = g->room ? g->room * 2 : 16;
        g->items = xrealloc(g->items, g->room, size);
    }
    return (char *)g->items + g->n * size;
}

static int gather_job(const struct db_row *row, void *arg, struct err *err)
{
    struct gathered *g = arg;

    if (job_of_row(row, next_item(g, sizeof(struct store_job)), err))
        return (int)err->code;
    g->n++;
    return 0;
}

static int gather_setting(const struct db_row *row, void *arg, struct err *err)
{
    struct gathered *g = arg;

    if (setting_of_row(row, next_item(g, sizeof(struct setting)), err))
        return (int)err->code;
    g->n++;
    return 0;
}

int store_each_job(struct store *store, void (*fn)(const struct store_job *, void *), void *arg,
                   struct err *err)
{
    struct gathered g = {.items = NULL};
    struct db_read read = {.statement = ST_JOBS, .on_row = gather_job, .arg = &g};
    int r = db_read_wait(store->db, &read, err);
    struct store_job *jobs = g.items;

    for (size_t i = 0; i < g.n; i++) {
        if (r == 0)
            fn(&jobs[i], arg);
        free(jobs[i].file);
        secret_free(jobs[i].spec_text);
    }
    free(jobs);
    return r;
}

int store_each_setting(struct store *store, void (*fn)(const struct setting *, void *), void *arg,
                       struct err *err)
{
    struct gathered g = {.items = NULL};
    struct db_read read = {.statement = ST_SETTINGS, .on_row = gather_setting, .arg = &g};
    int r = db_read_wait(store->db, &read, err);
    struct setting *settings = g.items;

    for (size_t i = 0; i < g.n; i++) {
        if (r == 0)
            fn(&settings[i], arg);
        secret_free(settings[i].old_value);
        secret_free(settings[i].new_value);
    }
    free(settings);
    return r;
}
