/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/migration/env.h"

#include "daemon/migration/migration_private.h"
#include "lib/base/clock.h"

#define HEARTBEAT_MS 500
/* A turn that came this much late, or a wall clock that moved this much more than time did. */
#define TILT_TRIGGER_MS 2000
#define TILT_MS 5000
#define ROUNDS_MAX 8

static void drain(struct migration_env *env)
{
    for (int round = 0; round < ROUNDS_MAX && !list_empty(&env->ready); round++) {
        struct list now;

        /* What is poked from here on belongs to the next round. */
        now = env->ready;
        now.next->prev = now.prev->next = &now;
        list_init(&env->ready);
        while (!list_empty(&now)) {
            struct migration *m = container_of(now.next, struct migration, ready);

            list_remove(&m->ready);
            migration_decide(m);
        }
    }
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void on_prepare(uv_prepare_t *handle)
{
    struct migration_env *env = container_of(handle, struct migration_env, drain);

    drain(env);
    if (list_empty(&env->ready))
        uv_idle_stop(&env->again);
    else
        uv_idle_start(&env->again, on_idle);
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct migration_env *env = container_of(timer, struct migration_env, heartbeat);
    uint64_t boot = clock_boot_ms();
    int64_t wall = clock_wall_ms();
    int64_t gap = (int64_t)(boot - env->beat_boot_ms);
    int64_t step = wall - env->beat_wall_ms - gap;
    bool stalled = gap > HEARTBEAT_MS + TILT_TRIGGER_MS;

    if (stalled || step > TILT_TRIGGER_MS || step < -TILT_TRIGGER_MS) {
        struct event_context context = {0};

        env->tilt_until_ms = boot + TILT_MS;
        if (stalled)
            event_emit(env->bus, EVENT_TILT, &context, NULL,
                       "the daemon stood still for %lld ms; looking on for %d ms before acting",
                       (long long)gap, TILT_MS);
        else
            event_emit(env->bus, EVENT_TILT, &context, NULL,
                       "the clock stepped by %lld ms; looking on for %d ms before acting",
                       (long long)step, TILT_MS);
    }
    env->beat_boot_ms = boot;
    env->beat_wall_ms = wall;
}

void migration_env_init(struct migration_env *env, uv_loop_t *loop, struct log *log,
                        struct store *store, struct event_bus *bus, unsigned max_syncs,
                        unsigned max_syncs_per_host)
{
    *env = (struct migration_env){.loop = loop, .log = log, .store = store, .bus = bus};
    slots_init(&env->slots, max_syncs, max_syncs_per_host);
    list_init(&env->ready);
    list_init(&env->waiting);
    uv_prepare_init(loop, &env->drain);
    uv_prepare_start(&env->drain, on_prepare);
    uv_idle_init(loop, &env->again);
    uv_timer_init(loop, &env->heartbeat);
    env->beat_boot_ms = clock_boot_ms();
    env->beat_wall_ms = clock_wall_ms();
    uv_timer_start(&env->heartbeat, on_heartbeat, HEARTBEAT_MS, HEARTBEAT_MS);
}

static void handle_closed(uv_handle_t *handle)
{
    struct migration_env *env = handle->data;

    if (--env->closing == 0)
        env->closed(env->closed_arg);
}

void migration_env_deinit(struct migration_env *env, void (*closed)(void *arg), void *arg)
{
    uv_handle_t *handles[] = {(uv_handle_t *)&env->drain, (uv_handle_t *)&env->again,
                              (uv_handle_t *)&env->heartbeat};

    assert(list_empty(&env->ready) && list_empty(&env->waiting));
    env->closed = closed;
    env->closed_arg = arg;
    env->closing = array_len(handles);
    for (size_t i = 0; i < array_len(handles); i++) {
        handles[i]->data = env;
        uv_close(handles[i], handle_closed);
    }
}

void migration_env_durable(struct migration_env *env, uint64_t ticket)
{
    struct list now;

    if (list_empty(&env->waiting))
        return;
    now = env->waiting;
    now.next->prev = now.prev->next = &now;
    list_init(&env->waiting);
    while (!list_empty(&now)) {
        struct migration *m = container_of(now.next, struct migration, waiting);

        list_remove(&m->waiting);
        migration_durable(m, ticket);
    }
}

bool migration_env_tilt(const struct migration_env *env)
{
    return clock_boot_ms() < env->tilt_until_ms;
}
