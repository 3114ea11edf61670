/* SPDX-License-Identifier: Apache-2.0 */
/* What is read back at the start. Rows are gathered in the thread and handed out in the caller's.
 */
#include "daemon/store/private.h"
#include "daemon/store/rows.h"

/* A kind of rows. */
struct kind {
    enum statement statement;
    size_t size; /* of what a row becomes */
    int (*of_row)(const struct db_row *row, void *item, struct err *err);
    void (*clear)(void *item); /* frees what it owns; NULL: nothing */
};

struct gathered {
    const struct kind *kind;
    char *items;
    size_t n, room;
};

static int gather(const struct db_row *row, void *arg, struct err *err)
{
    struct gathered *g = arg;

    if (g->n == g->room) {
        g->room = g->room ? g->room * 2 : 16;
        g->items = xrealloc(g->items, g->room, g->kind->size);
    }
    if (g->kind->of_row(row, g->items + g->n * g->kind->size, err))
        return (int)err->code;
    g->n++;
    return 0;
}

static int each(struct store *store, const struct kind *kind, void (*fn)(void *item, void *arg),
                void *arg, struct err *err)
{
    struct gathered g = {.kind = kind};
    struct db_read read = {.statement = kind->statement, .on_row = gather, .arg = &g};
    int r = db_read_wait(store->db, &read, err);

    for (size_t i = 0; i < g.n; i++) {
        void *item = g.items + i * kind->size;

        if (r == 0)
            fn(item, arg);
        if (kind->clear)
            kind->clear(item);
    }
    free(g.items);
    return r;
}

static void clear_sibling(void *item)
{
    sibling_clear(item);
}

static void clear_job(void *item)
{
    struct store_job *job = item;

    free(job->file);
    secret_free(job->spec_text);
}

static void clear_setting(void *item)
{
    struct setting *setting = item;

    secret_free(setting->old_value);
    secret_free(setting->new_value);
}

/* store_each_<name>() of rows that become a type. */
#define EACH(name, type, statement, clear)                                                         \
    static int name##_of(const struct db_row *row, void *item, struct err *err)                    \
    {                                                                                              \
        return name##_of_row(row, item, err);                                                      \
    }                                                                                              \
    struct name##_reader {                                                                         \
        void (*fn)(const type *, void *);                                                          \
        void *arg;                                                                                 \
    };                                                                                             \
    static void name##_read(void *item, void *arg)                                                 \
    {                                                                                              \
        const struct name##_reader *reader = arg;                                                  \
                                                                                                   \
        reader->fn(item, reader->arg);                                                             \
    }                                                                                              \
    int store_each_##name(struct store *store, void (*fn)(const type *, void *), void *arg,        \
                          struct err *err)                                                         \
    {                                                                                              \
        static const struct kind kind = {statement, sizeof(type), name##_of, clear};               \
        struct name##_reader reader = {fn, arg};                                                   \
                                                                                                   \
        return each(store, &kind, name##_read, &reader, err);                                      \
    }

EACH(job, struct store_job, ST_JOBS, clear_job)
EACH(setting, struct setting, ST_SETTINGS, clear_setting)
EACH(connection, struct connection, ST_CONNECTIONS, NULL)
EACH(switched, struct switched, ST_SWITCHED, NULL)
EACH(sibling, struct sibling, ST_SIBLINGS, clear_sibling)
