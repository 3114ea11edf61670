/* SPDX-License-Identifier: Apache-2.0 */
/* The list: who is in it, and what is durable of them. */
#include "daemon/node/siblings_private.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

struct siblings *siblings_new(const struct siblings_config *config)
{
    struct siblings *f = xcalloc(1, sizeof(*f));

    f->config = *config;
    for (unsigned i = 0; i < SIBLINGS_MAX; i++)
        f->work[i].all = f;
    uv_timer_init(config->loop, &f->timer);
    f->timer.data = f;
    return f;
}

static void part_closed(void *arg)
{
    struct siblings *f = arg;
    void (*freed)(void *) = f->freed;
    void *freed_arg = f->freed_arg;

    if (--f->open > 0)
        return;
    for (unsigned i = 0; i < SIBLINGS_MAX; i++) {
        probe_deinit(&f->work[i].probe);
        sibling_clear(&f->list[i]);
    }
    free(f);
    freed(freed_arg);
}

static void timer_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

void siblings_free(struct siblings *f, void (*freed)(void *arg), void *arg)
{
    f->closing = true;
    f->freed = freed;
    f->freed_arg = arg;
    f->open = 1 + SIBLINGS_MAX;
    uv_close((uv_handle_t *)&f->timer, timer_closed);
    for (unsigned i = 0; i < SIBLINGS_MAX; i++)
        probe_close(&f->work[i].probe, part_closed, f);
}

/* --- the list --- */

/* A probe that is under way has its place for itself. */
struct sibling *siblings_add(struct siblings *f, const struct endpoint *at)
{
    for (unsigned i = 0; i < SIBLINGS_MAX; i++) {
        struct sibling *one = &f->list[i];

        if (endpoint_is_set(&one->at) || probe_is_under_way(&f->work[i].probe))
            continue;
        *one = (struct sibling){.at = *at, .state = SIBLING_WAITING};
        (void)str_copy(one->job, sizeof(one->job), f->config.job);
        f->work[i].since_ms = clock_boot_ms();
        f->work[i].due_ms = f->work[i].tries = 0;
        f->work[i].ticket = 0;
        f->work[i].stored = false;
        f->work[i].listed = true;
        return one;
    }
    return NULL;
}

void siblings_drop(struct siblings *f, unsigned i)
{
    if (f->work[i].stored)
        (void)store_delete_sibling(f->config.store, f->config.job, &f->list[i].at);
    f->work[i].stored = false;
    sibling_clear(&f->list[i]);
}

void siblings_put(struct siblings *f, unsigned i, bool wait)
{
    uint64_t ticket = store_put_sibling(f->config.store, &f->list[i]);

    f->work[i].stored = true;
    if (!wait)
        return;
    f->work[i].ticket = ticket;
    f->config.owner->recorded(f);
}

void siblings_load(struct siblings *f, const struct sibling *one)
{
    struct sibling *mine = siblings_add(f, &one->at);

    if (!mine)
        return; /* as many as there are places were written */
    *mine = *one;
    for (int i = 0; i < SIBLING_SETTINGS; i++) {
        mine->changed[i].from = xstrdup(one->changed[i].from);
        mine->changed[i].to = xstrdup(one->changed[i].to);
    }
    f->work[mine - f->list].stored = true;
}

void siblings_keep(struct siblings *f)
{
    for (unsigned i = 0; i < SIBLINGS_MAX; i++)
        if (f->list[i].state == SIBLING_WAITING)
            siblings_put(f, i, false);
}

bool siblings_wait_durable(const struct siblings *f)
{
    for (unsigned i = 0; i < SIBLINGS_MAX; i++)
        if (f->work[i].ticket != 0)
            return true;
    return false;
}

bool siblings_owe(const struct siblings *f)
{
    for (unsigned i = 0; i < SIBLINGS_MAX; i++)
        if (f->list[i].state == SIBLING_MOVING || f->list[i].state == SIBLING_RETURNING)
            return true;
    return false;
}

void siblings_forget(struct siblings *f)
{
    for (unsigned i = 0; i < SIBLINGS_MAX; i++)
        siblings_drop(f, i);
}
