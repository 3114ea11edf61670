/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/migration/env.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/base.h"
#include "lib/net/tls_context.h"

#define CHECKS_AHEAD_MAX 16 /* a thousand jobs may wait */

void migration_env_init(struct migration_env *env, uv_loop_t *loop, struct log *log,
                        struct store *store, struct event_bus *bus, unsigned max_syncs,
                        unsigned max_syncs_per_host)
{
    *env = (struct migration_env){.loop = loop, .log = log, .store = store, .bus = bus};
    slots_init(&env->slots, max_syncs, max_syncs_per_host);
    slots_init(&env->checks_ahead, CHECKS_AHEAD_MAX, CHECKS_AHEAD_MAX);
    list_init(&env->waiting);
    list_init(&env->migrations);
    snprintf(env->instance, sizeof(env->instance), "%08" PRIx32, store_instance(store));
    turns_init(&env->turns, loop);
    tilt_init(&env->tilt, loop, bus);
    env->contexts = tls_contexts_new(loop);
}

static void part_closed(void *arg)
{
    struct migration_env *env = arg;

    if (--env->closing == 0)
        env->closed(env->closed_arg);
}

void migration_env_deinit(struct migration_env *env, void (*closed)(void *arg), void *arg)
{
    assert(list_empty(&env->waiting) && list_empty(&env->migrations));
    free(env->switched.items);
    tls_contexts_free(take(env->contexts));
    env->closed = closed;
    env->closed_arg = arg;
    env->closing = 2;
    turns_deinit(&env->turns, part_closed, env);
    tilt_deinit(&env->tilt, part_closed, env);
}

/* The one of these two nodes; a new one is of no time. */
static struct switched *pair_of(struct migration_env *env, const struct switched *switched)
{
    unsigned i = 0;

    while (i < env->switched.n && !switched_same_pair(&env->switched.items[i], switched))
        i++;
    if (i == env->switched.n) {
        env->switched.items =
            xrealloc(env->switched.items, ++env->switched.n, sizeof(env->switched.items[0]));
        env->switched.items[i] = (struct switched){.at_wall_ms = 0};
    }
    return &env->switched.items[i];
}

void migration_env_suppose_switched(struct migration_env *env, const struct switched *switched)
{
    struct switched *known = pair_of(env, switched);

    if (switched->at_wall_ms >= known->at_wall_ms)
        *known = *switched;
}

void migration_env_load_switched(struct migration_env *env, const struct switched *switched)
{
    *pair_of(env, switched) = *switched;
}

/* Whatever the clock says: it may have been set back since the last one. */
void migration_env_switched(struct migration_env *env, const struct switched *switched)
{
    *pair_of(env, switched) = *switched;
    (void)store_put_switched(env->store, switched);
}

int64_t migration_env_took_over_ms(const struct migration_env *env, const struct endpoint *source,
                                   const struct endpoint *target)
{
    for (unsigned i = 0; i < env->switched.n; i++)
        if (endpoint_equal(&env->switched.items[i].source, source) &&
            endpoint_equal(&env->switched.items[i].target, target))
            return env->switched.items[i].at_wall_ms;
    return 0;
}

void migration_env_wait(struct migration_env *env, struct store_wait *wait)
{
    list_remove(&wait->link);
    list_push(&env->waiting, &wait->link);
}

void migration_env_durable(struct migration_env *env, uint64_t ticket)
{
    struct list now;

    list_move(&now, &env->waiting);
    while (!list_empty(&now)) {
        struct store_wait *wait = container_of(now.next, struct store_wait, link);

        list_remove(&wait->link);
        wait->reached(wait, ticket);
    }
}
