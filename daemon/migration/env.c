/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/migration/env.h"

#include "lib/base/base.h"

void migration_env_init(struct migration_env *env, uv_loop_t *loop, struct log *log,
                        struct store *store, struct event_bus *bus, unsigned max_syncs,
                        unsigned max_syncs_per_host)
{
    *env = (struct migration_env){.loop = loop, .log = log, .store = store, .bus = bus};
    slots_init(&env->slots, max_syncs, max_syncs_per_host);
    list_init(&env->waiting);
    turns_init(&env->turns, loop);
    tilt_init(&env->tilt, loop, bus);
}

static void part_closed(void *arg)
{
    struct migration_env *env = arg;

    if (--env->closing == 0)
        env->closed(env->closed_arg);
}

void migration_env_deinit(struct migration_env *env, void (*closed)(void *arg), void *arg)
{
    assert(list_empty(&env->waiting));
    env->closed = closed;
    env->closed_arg = arg;
    env->closing = 2;
    turns_deinit(&env->turns, part_closed, env);
    tilt_deinit(&env->tilt, part_closed, env);
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
