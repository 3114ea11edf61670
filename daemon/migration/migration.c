/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one writer. A migration decides when it is poked, at most once per round of the loop:
 *
 *   nothing under way -> observe -> [a verb waits]     -> edge
 *                                -> decide -> [event]  -> edge: durable first, then entered
 *                                          -> [action] -> begun; its end pokes
 *                                          -> [wait]   -> look again after poll_ms
 *
 * While an edge is being made durable, or an action is under way, nothing else happens.
 */
#include <stdio.h>

#include "daemon/migration/migration_private.h"
#include "lib/base/clock.h"

/* Before an action that was refused, or did not show, is tried again; and when the run is over. */
#define AGAIN_MS 200
#define AGAIN_ENDED_MS 5000

/* How old "all of INFO" may be, by what depends on it. */
static uint64_t all_info_ms(const struct migration *m)
{
    if (m->run.phase == PHASE_CHECKING || (m->run.want_cutover && !m->seen.fresh))
        return 0;
    return m->run.phase == PHASE_SYNCING || m->run.want_cutover ? 250 : 5000;
}

static void look(struct migration *m)
{
    if (!(phase_get(m->run.phase)->flags & F_OBSERVE))
        return;
    for (int side = 0; side < SIDE_MAX; side++)
        node_look(&m->node[side], all_info_ms(m));
}

static void on_timer(uv_timer_t *timer)
{
    struct migration *m = timer->data;

    look(m);
    migration_poke(m); /* time itself may decide, also when no node answers */
}

void migration_poke(struct migration *m)
{
    if (m->forgotten)
        return;
    list_remove(&m->ready);
    list_push(&m->env->ready, &m->ready);
}

void migration_wait_durable(struct migration *m)
{
    list_remove(&m->waiting);
    if (!m->forgotten)
        list_push(&m->env->waiting, &m->waiting);
}

/* What the store keeps. */
static uint64_t put(struct migration *m, const struct run *run)
{
    struct store_job job = {
        .file = m->spec->file,
        .spec_text = m->spec->text,
        .run = *run,
    };

    (void)str_copy(job.id, sizeof(job.id), m->spec->id);
    return store_put_job(m->env->store, &job);
}

static void slot_granted(struct slot *slot)
{
    migration_poke(container_of(slot, struct migration, slot));
}

static void keep_slot(struct migration *m)
{
    const struct phase_def *phase = phase_get(m->run.phase);

    if (!(phase->flags & F_SLOT))
        slots_release(&m->env->slots, &m->slot);
    else if (!m->slot.held)
        slots_seize(&m->env->slots, &m->slot, m->run.source.host);
}

static void want_slot(struct migration *m)
{
    /* The second: a clock that was set back must not stretch the pause. */
    bool over = m->run.next_attempt_wall_ms <= clock_wall_ms() ||
                clock_boot_ms() - m->phase_at_ms >= m->spec->attach.backoff_max_ms;
    bool due = m->run.phase == PHASE_QUEUED || (m->run.phase == PHASE_BACKOFF && over);

    if (due && endpoint_is_set(&m->run.source))
        slots_want(&m->env->slots, &m->slot, m->run.source.host);
}

/* The new run is with another node: what is remembered of the old one is not true of it. */
static void disown(struct migration *m, enum node_side side, const struct endpoint *was,
                   const struct endpoint *is)
{
    if (!endpoint_is_set(was) || endpoint_equal(was, is))
        return;
    settings_disown(m, side);
    if (side == SIDE_TARGET && m->run.attached)
        log_warn(m->env->log, "job '%s': the former target '%s:%u' may still follow the source",
                 m->spec->id, was->host, was->port);
    if (side == SIDE_TARGET)
        m->run.attached = false;
}

/* A newer text waits for a run that has not begun. */
static void take_next_spec(struct migration *m)
{
    if (!m->next_spec)
        return;
    disown(m, SIDE_TARGET, &m->spec->target.endpoint, &m->next_spec->target.endpoint);
    for (int side = 0; side < SIDE_MAX; side++)
        node_disconnect(&m->node[side]);
    spec_free(m->spec);
    m->spec = take(m->next_spec);
    if (m->spec->has_source) {
        disown(m, SIDE_SOURCE, &m->run.source, &m->spec->source.endpoint);
        m->run.source = m->spec->source.endpoint;
    }
}

/* What a new run begins with, or will: the newest text, and the source that was named. A retry
 * repeats the run: with the source it had, whoever named that. */
static void begin_run(struct migration *m, struct run *next, enum fsm_event event)
{
    bool repeats = event == EV_RETRY && !m->next_spec && endpoint_is_set(&m->run.source);

    take_next_spec(m);
    next->attached = m->run.attached;
    next->source = m->run.source;
    if (m->options.has_source)
        next->source = m->options.source;
    else if (m->spec->has_source && !repeats)
        next->source = m->spec->source.endpoint;
    disown(m, SIDE_SOURCE, &m->run.source, &next->source);
}

/* The run's own checks, for the record. */
static void keep_report(struct migration *m)
{
    check_report_free(m->checked);
    m->checked = check_report_of(m->spec, &m->run, &m->seen, clock_wall_ms());
}

static void count(struct migration *m, const struct edge *edge, const struct run *next)
{
    struct migration_counters *counters = &m->env->counters;

    counters->transitions[edge->from][edge->to]++;
    if (edge->to == PHASE_BACKOFF)
        counters->retries[next->reason]++;
}

static void enter(struct migration *m, enum phase from, bool resumed)
{
    migration_observe_enter(m, from, resumed);
    keep_slot(m);
    switch (m->run.phase) {
    case PHASE_CHECKING:
        migration_probe(m);
        node_expect(&m->node[SIDE_SOURCE]);
        node_expect(&m->node[SIDE_TARGET]);
        break;
    case PHASE_ATTACHING:
    case PHASE_ROLLING_BACK:
        node_expect(&m->node[SIDE_SOURCE]);
        node_expect(&m->node[SIDE_TARGET]);
        break;
    case PHASE_FAILED:
        /* A text that came while the run was on is its successor's; an aborted job waits for a
         * word. */
        if (m->next_spec && !m->run.aborted && m->posted == EV_NONE)
            m->posted = EV_RESPEC;
        break;
    case PHASE_IDLE:
    case PHASE_QUEUED:
    case PHASE_BACKOFF:
    case PHASE_SYNCING:
    case PHASE_REPLICATING:
    case PHASE_FREEZING:
    case PHASE_SWITCHING:
    case PHASE_COMPLETED:
    case PHASE_HALTED:
    case PHASE_MAX:
        break;
    }
    if (m->run.phase != PHASE_FREEZING && m->run.phase != PHASE_SWITCHING)
        look(m);
    migration_poke(m);
}

/* An event no edge exists for is a bug: stop acting, say so, leave the nodes alone. */
static void no_edge(struct migration *m, enum fsm_event event)
{
    log_error(m->env->log, "job '%s': no edge from %s on %s; please report this", m->spec->id,
              phase_get(m->run.phase)->name, fsm_event_name(event));
    assert(!"no edge in the state machine");
}

static void step(struct migration *m, const struct decision *d)
{
    const struct edge *edge = fsm_next(m->run.phase, d->event);
    unsigned random = 0;
    struct run next;

    if (!edge) {
        no_edge(m, d->event);
        return;
    }
    uv_random(NULL, NULL, &random, sizeof(random), 0, NULL);
    next = run_after(m->spec, &m->run, edge, d, &m->seen, (double)random / (double)UINT_MAX);
    /* Before it is stored: a restart must not begin from the older text. */
    if (edge->to == PHASE_QUEUED || edge->to == PHASE_IDLE)
        begin_run(m, &next, d->event);
    if (edge->from == PHASE_CHECKING && edge->event != EV_ABORT && edge->event != EV_RESPEC)
        keep_report(m);
    count(m, edge, &next);
    if (d->event == EV_COMPLETE)
        next.force = m->options.force;
    m->options = (struct verb_options){0};
    m->last = *d;
    m->next_run = next;
    m->next_edge = edge;
    m->ticket = put(m, &next);
    if (edge->flags & E_HOT) {
        migration_durable(m, m->ticket);
        return;
    }
    migration_announce(m, edge, &next);
    migration_wait_durable(m);
}

/* The switch-over has been asked for: what is judged from here on must be newer. */
static void look_fresh(struct migration *m)
{
    m->fresh_since_ms = clock_boot_ms();
    m->seen.fresh = false;
    look(m);
    migration_poke(m);
}

void migration_durable(struct migration *m, uint64_t ticket)
{
    const struct edge *edge = m->next_edge;
    enum phase from = m->run.phase;

    if (m->forgotten)
        return;
    if (m->ticket == 0 || ticket < m->ticket) {
        settings_durable(m, ticket);
        if (m->ticket != 0 || m->settings.ticket != 0)
            migration_wait_durable(m);
        return;
    }
    m->ticket = 0;
    m->run = m->next_run;
    m->next_edge = NULL;
    if (edge->flags & E_HOT)
        migration_announce(m, edge, &m->run);
    if (edge->from != edge->to || edge->to == PHASE_IDLE)
        enter(m, from, false);
    else
        look_fresh(m);
}

/* A verb or a changed file, as a decision. */
static struct decision posted_decision(const struct migration *m)
{
    struct decision d = {.event = m->posted};

    if (m->posted == EV_ABORT) {
        d.reason = REASON_ABORTED;
        (void)str_copy(d.message, sizeof(d.message), "aborted by the operator");
    }
    return d;
}

static bool take_posted(struct migration *m)
{
    struct decision d;

    if (m->posted == EV_NONE || decide_verb_waits(&m->run, &m->seen, m->posted))
        return false;
    d = posted_decision(m);
    m->posted = EV_NONE;
    if (!fsm_next(m->run.phase, d.event)) {
        log_warn(m->env->log, "job '%s': '%s' came too late for phase %s, ignoring", m->spec->id,
                 fsm_event_name(d.event), phase_get(m->run.phase)->name);
        return false;
    }
    step(m, &d);
    return true;
}

void migration_obey(struct migration *m)
{
    if (m->ticket == 0 && m->acting == ACT_NONE)
        (void)take_posted(m);
    migration_poke(m);
}

static void look_again(struct migration *m, uint32_t poll_ms)
{
    if (poll_ms == POLL_NEVER) {
        uv_timer_stop(&m->timer);
        node_disconnect(&m->node[SIDE_SOURCE]);
        node_disconnect(&m->node[SIDE_TARGET]);
    } else if (poll_ms == 0) {
        /* Only inside the write pause: the target is what is waited for. */
        node_look(&m->node[SIDE_TARGET], all_info_ms(m));
        uv_timer_start(&m->timer, on_timer, 5, 0);
    } else {
        uv_timer_start(&m->timer, on_timer, poll_ms, 0);
    }
}

static uint64_t again_ms(const struct migration *m)
{
    return phase_get(m->run.phase)->flags & F_ENDED ? AGAIN_ENDED_MS : AGAIN_MS;
}

/* After a refusal there is a pause; and before the same action again, though it was acknowledged:
 * it did not show. */
static bool may_act(const struct migration *m, enum action action)
{
    bool again = m->seen.last_failed || action == m->seen.last_action;

    return !again || clock_boot_ms() >= m->act_again_ms;
}

void migration_decide(struct migration *m)
{
    struct decision d;

    if (m->forgotten || m->ticket != 0 || m->acting != ACT_NONE)
        return;
    want_slot(m);
    migration_observe(m);
    if (take_posted(m))
        return;
    d = decide(m->spec, &m->run, &m->seen);
    m->last = d;
    if (m->run.phase == PHASE_FAILED && m->run.attached && d.poll_ms == POLL_NEVER) {
        m->run.attached = false; /* the target has been seen to follow no more: nothing is owed */
        (void)put(m, &m->run);
    }
    if (d.event != EV_NONE)
        step(m, &d);
    else if (d.action != ACT_NONE && may_act(m, d.action))
        migration_act(m, &d);
    else
        look_again(m, d.action != ACT_NONE ? (uint32_t)again_ms(m) : d.poll_ms);
}

void migration_acted(struct migration *m, enum reason reason, const struct err *err)
{
    m->seen.last_action = m->acting;
    m->seen.last_failed = err && err->code != ERR_NONE;
    m->seen.last_reason = reason;
    m->seen.last_err = m->seen.last_failed ? *err : ERR_INIT;
    m->act_again_ms = clock_boot_ms() + again_ms(m);
    if (m->seen.last_failed) {
        log_debug(m->env->log, "job '%s': %s failed: %s", m->spec->id, action_name(m->acting),
                  err->msg);
    } else if (m->acting == ACT_PREPARE) {
        m->seen.prepared = true;
    } else if (m->acting == ACT_PREPARE_CUTOVER) {
        m->seen.prepared_cutover = true;
    }
    m->acting = ACT_NONE;
    migration_poke(m);
}

struct migration *migration_new(struct migration_env *env, struct spec *spec, const struct run *run)
{
    struct migration *m = xcalloc(1, sizeof(*m));

    m->env = env;
    m->spec = spec;
    if (run)
        m->run = *run;
    else
        m->run.since_wall_ms = clock_wall_ms();
    if (!run && spec->has_source)
        m->run.source = spec->source.endpoint;
    m->errors_base = m->stream_base = -1;
    m->progress = (struct progress){-1, -1, -1, -1, -1};
    list_init(&m->ready);
    list_init(&m->waiting);
    slot_init(&m->slot, slot_granted);
    settings_init(&m->settings);
    for (int side = 0; side < SIDE_MAX; side++)
        node_init(&m->node[side], m, (enum node_side)side, &m->seen.node[side]);
    uv_timer_init(env->loop, &m->timer);
    m->timer.data = m;
    return m;
}

void migration_load_setting(struct migration *m, const struct setting *setting)
{
    settings_load(&m->settings, setting);
}

void migration_begin(struct migration *m)
{
    bool resumed = m->run.number > 0;

    if (!(phase_get(m->run.phase)->flags & F_ENDED)) {
        m->run.epoch++;
        (void)put(m, &m->run);
    }
    enter(m, m->run.phase, resumed);
}

static void part_closed(void *arg)
{
    struct migration *m = arg;
    void (*freed)(void *) = m->freed;
    void *freed_arg = m->freed_arg;

    if (--m->closing > 0)
        return;
    check_report_free(m->checked);
    settings_deinit(&m->settings);
    redis_call_clear(&m->call);
    for (int side = 0; side < SIDE_MAX; side++)
        redis_call_clear(&m->node[side].look);
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
    list_remove(&m->ready);
    list_remove(&m->waiting);
    slots_release(&m->env->slots, &m->slot);
    m->closing = 3 + SIDE_MAX;
    if (m->settings.action != ACT_NONE && m->settings.ticket != 0)
        settings_cancel(&m->settings);
    uv_close((uv_handle_t *)&m->timer, timer_closed);
    node_close(&m->node[SIDE_SOURCE], part_closed, m);
    node_close(&m->node[SIDE_TARGET], part_closed, m);
    precheck_free(take(m->precheck), part_closed, m);
    if (m->probe)
        redis_client_free(take(m->probe), part_closed, m);
    else
        part_closed(m);
}
