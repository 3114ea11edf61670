/* SPDX-License-Identifier: Apache-2.0 */
/* A migration's life. */
#include "daemon/migration/private.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

static void slot_granted(struct slot *slot)
{
    migration_poke(container_of(slot, struct migration, slot));
}

static void check_granted(struct slot *slot)
{
    migration_poke(container_of(slot, struct migration, checks.slot));
}

struct migration *migration_new(struct migration_env *env, struct spec *spec, const struct run *run)
{
    struct migration *m = xcalloc(1, sizeof(*m));

    m->env = env;
    if (run)
        m->run = *run;
    else
        m->run.since_wall_ms = clock_wall_ms();
    if (!run && spec->has_source)
        m->run.source = spec->source.endpoint;
    list_push(&env->migrations, &m->link);
    slot_init(&m->slot, slot_granted);
    slot_init(&m->checks.slot, check_granted);
    turn_init(&m->turn, migration_take_turn);
    list_init(&m->wait.link);
    m->wait.reached = migration_reached;
    pair_init(&m->pair, &(struct pair_config){.loop = env->loop,
                                              .store = env->store,
                                              .job = spec->id,
                                              .name = "ecmigrate",
                                              .instance = env->instance,
                                              .contexts = env->contexts,
                                              .run = &m->run,
                                              .owner = &migration_pair_owner});
    migration_set_spec(m, spec);
    uv_timer_init(env->loop, &m->timer);
    m->timer.data = m;
    return m;
}

void migration_load_setting(struct migration *m, const struct setting *setting)
{
    if (!settings_load(&m->pair.settings, setting))
        log_error(
            m->env->log,
            "job '%s': more settings are recorded than a job can have, so that '%s' of the %s "
            "will not be restored; do it by hand when the job has ended",
            m->spec->id, setting->name, side_name(setting->side));
}

void migration_load_connection(struct migration *m, const struct connection *connection)
{
    pair_load_connection(&m->pair, connection);
}

void migration_load_sibling(struct migration *m, const struct sibling *sibling)
{
    pair_load_sibling(&m->pair, sibling);
}

void migration_forget_settings(struct migration *m)
{
    pair_forget(&m->pair);
}

void migration_begin(struct migration *m)
{
    bool resumed = m->run.number > 0;

    if (!(phase_get(m->run.phase)->flags & F_ENDED)) {
        m->run.epoch++;
        (void)migration_keep(m, &m->run);
    }
    migration_enter(m, m->run.phase, resumed);
}

static void part_closed(void *arg)
{
    struct migration *m = arg;
    void (*freed)(void *) = m->freed;
    void *freed_arg = m->freed_arg;

    if (--m->closing > 0)
        return;
    check_report_free(m->checks.latest);
    spec_free(m->spec);
    spec_free(m->next_spec);
    free(m);
    freed(freed_arg);
}

static void timer_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

void migration_free(struct migration *m, void (*freed)(void *arg), void *arg)
{
    m->forgotten = true;
    m->freed = freed;
    m->freed_arg = arg;
    turn_cancel(&m->turn);
    list_remove(&m->wait.link);
    list_remove(&m->link);
    slots_release(&m->env->slots, &m->slot);
    slots_release(&m->env->checks_ahead, &m->checks.slot);
    m->closing = 3;
    uv_close((uv_handle_t *)&m->timer, timer_closed);
    pair_close(&m->pair, part_closed, m);
    precheck_free(take(m->checks.running), part_closed, m);
}
