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
#include "daemon/migration/private.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

#define SLOT_PATIENCE_MS 200

static void look(struct migration *m)
{
    if (phase_get(m->run.phase)->flags & F_OBSERVE)
        pair_look(&m->pair);
}

static void on_timer(uv_timer_t *timer)
{
    struct migration *m = timer->data;

    look(m);
    migration_poke(m); /* time itself may decide, also when no node answers */
}

static void wait_durable(struct migration *m)
{
    if (!m->forgotten)
        migration_env_wait(m->env, &m->wait);
}

uint64_t migration_keep(struct migration *m, const struct run *run)
{
    struct store_job job = {
        .file = m->spec->file,
        .spec_text = m->spec->text,
        .run = *run,
    };

    (void)str_copy(job.id, sizeof(job.id), m->spec->id);
    return store_put_job(m->env->store, &job);
}

static void keep_slot(struct migration *m)
{
    const struct phase_def *phase = phase_get(m->run.phase);

    if (!(phase->flags & F_SLOT))
        slots_release(&m->env->slots, &m->slot);
    else if (!m->slot.held && m->run.phase != PHASE_CHECKING)
        slots_seize(&m->env->slots, &m->slot, m->run.source.host);
}

/* Whose nodes do not answer does not stand in the way of those whose nodes do. */
static void check_slot(struct migration *m)
{
    const struct seen_node *node = m->pair.seen.node;
    bool met = node[SIDE_SOURCE].reachable && node[SIDE_TARGET].reachable;

    if (met)
        slots_want(&m->env->slots, &m->slot, m->run.source.host);
    else if (clock_boot_ms() - m->pair.phase_at_ms > SLOT_PATIENCE_MS)
        slots_release(&m->env->slots, &m->slot);
}

static void want_slot(struct migration *m)
{
    /* The second: a clock that was set back must not stretch the pause. */
    bool over = m->run.next_attempt_wall_ms <= clock_wall_ms() ||
                clock_boot_ms() - m->pair.phase_at_ms >= m->spec->attach.backoff_max_ms;
    bool due = m->run.phase == PHASE_QUEUED || (m->run.phase == PHASE_BACKOFF && over);

    if (m->run.phase == PHASE_CHECKING)
        check_slot(m);
    if (due && endpoint_is_set(&m->run.source))
        slots_want(&m->env->slots, &m->slot, m->run.source.host);
}

/* The run's own checks, for the record. */
static void keep_report(struct migration *m)
{
    check_report_free(m->checks.latest);
    m->checks.latest = check_report_of(m->spec, &m->run, &m->pair.seen, clock_wall_ms());
}

static void count(struct migration *m, const struct edge *edge, const struct run *next)
{
    struct migration_counters *counters = &m->env->counters;

    counters->transitions[edge->from][edge->to]++;
    if (edge->to == PHASE_BACKOFF)
        counters->retries[next->reason]++;
}

void migration_enter(struct migration *m, enum phase from, bool resumed)
{
    unsigned flags = phase_get(m->run.phase)->flags;

    pair_enter(&m->pair, from, resumed);
    keep_slot(m);
    if (flags & F_SURVEY)
        pair_survey(&m->pair);
    else
        pair_drop_facts(&m->pair);
    if (flags & F_EXPECT)
        pair_expect(&m->pair);
    /* A text that came while the run was on is its successor's; an aborted job waits for a word. */
    if (m->run.phase == PHASE_FAILED && m->next_spec && !m->run.aborted &&
        m->posted.event == EV_NONE)
        m->posted.event = EV_RESPEC;
    if (!(flags & F_PAUSE))
        look(m);
    migration_poke(m);
}

static void take_edge(struct migration *m, uint64_t ticket);

/* An event no edge exists for is a bug: stop acting, say so, leave the nodes alone. */
static void no_edge(struct migration *m, enum fsm_event event)
{
    log_error(m->env->log, "job '%s': no edge from %s on %s; please report this", m->spec->id,
              phase_get(m->run.phase)->name, fsm_event_name(event));
    assert(!"no edge in the state machine");
}

/* Who asked for the switch-over, how, and for how long. */
static void take_request(struct run *run, const struct verb_options *options)
{
    run->force = options->force;
    (void)str_copy(run->want_by, sizeof(run->want_by), options->by);
    if (options->within_ms > 0)
        run->want_until_wall_ms = run->want_since_wall_ms + (int64_t)options->within_ms;
}

/* That the target has taken over is remembered beyond this job, and as soon as of the job. */
static void keep_switch(struct migration *m, const struct edge *edge, const struct run *next)
{
    const struct observation *seen = &m->pair.seen;
    int64_t at_wall_ms = next->cutover.at_wall_ms;
    struct switched switched = {.source = next->source, .target = m->spec->target.endpoint};

    if (at_wall_ms == 0 && seen->node[SIDE_TARGET].reachable && seen->target_is_primary)
        at_wall_ms = clock_wall_ms(); /* the answer to its promotion was lost, or it was not ours */
    if (edge->from != PHASE_SWITCHING || edge->to == PHASE_REPLICATING || at_wall_ms == 0)
        return;
    switched.at_wall_ms = at_wall_ms;
    migration_env_switched(m->env, &switched);
    if (!endpoint_is_set(&next->writer) || endpoint_equal(&next->writer, &next->source))
        return;
    switched.source = next->writer; /* nor may a run begin there */
    migration_env_switched(m->env, &switched);
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
    next = run_after(m->spec, &m->run, edge, d, &m->pair.seen, (double)random / (double)UINT_MAX);
    /* Before it is stored: a restart must not begin from the older text. */
    if (edge->to == PHASE_QUEUED || edge->to == PHASE_IDLE)
        migration_begin_run(m, &next, d->event);
    if (edge->from == PHASE_CHECKING && edge->event != EV_ABORT && edge->event != EV_RESPEC)
        keep_report(m);
    count(m, edge, &next);
    if (d->event == EV_COMPLETE)
        take_request(&next, &m->posted.options);
    m->posted.options = (struct verb_options){0};
    m->last = *d;
    keep_switch(m, edge, &next);
    if (edge->to == PHASE_FREEZING) /* once it is demoted, the source lists them no more */
        pair_keep_siblings(&m->pair);
    m->transition = (struct transition){edge, next, migration_keep(m, &next)};
    if (edge->flags & E_HOT) {
        take_edge(m, m->transition.ticket);
        return;
    }
    migration_announce(m, edge, &next);
    wait_durable(m);
}

/* The switch-over has been asked for: what is judged from here on must be newer. */
static void look_fresh(struct migration *m)
{
    pair_want_fresh(&m->pair);
    look(m);
    migration_poke(m);
}

/* Takes the edge that is under way, if the store has got to it, or need not. */
static void take_edge(struct migration *m, uint64_t ticket)
{
    enum phase from = m->run.phase;
    const struct edge *edge = transition_take(&m->transition, ticket, &m->run);

    if (!edge)
        return;
    if (edge->flags & E_HOT)
        migration_announce(m, edge, &m->run);
    if (edge->from != edge->to || edge->to == PHASE_IDLE)
        migration_enter(m, from, false);
    else
        look_fresh(m);
}

void migration_reached(struct store_wait *wait, uint64_t ticket)
{
    struct migration *m = container_of(wait, struct migration, wait);

    if (m->forgotten)
        return;
    pair_durable(&m->pair, ticket);
    take_edge(m, ticket);
    if (transition_pending(&m->transition) || pair_waits_durable(&m->pair))
        wait_durable(m);
    migration_poke(m);
}

/* A verb or a changed file, as a decision. */
static struct decision posted_decision(const struct migration *m)
{
    struct decision d = {.event = run_verb_event(&m->run, m->posted.event)};

    if (m->posted.event == EV_ABORT) {
        d.reason = REASON_ABORTED;
        (void)str_copy(d.message, sizeof(d.message), "aborted by the operator");
    }
    return d;
}

static bool take_posted(struct migration *m)
{
    struct decision d;

    if (m->posted.event == EV_NONE || decide_verb_waits(&m->run, &m->pair.seen, m->posted.event))
        return false;
    d = posted_decision(m);
    m->posted.event = EV_NONE;
    if (!fsm_next(m->run.phase, d.event)) {
        log_warn(m->env->log, "job '%s': '%s' came too late for phase %s, ignoring", m->spec->id,
                 fsm_event_name(d.event), phase_get(m->run.phase)->name);
        return false;
    }
    step(m, &d);
    return true;
}

/* An edge is being made durable, or an action has been begun. */
static bool under_way(const struct migration *m)
{
    return transition_pending(&m->transition) || m->pair.acting != ACT_NONE;
}

void migration_obey(struct migration *m)
{
    if (!under_way(m))
        (void)take_posted(m);
    migration_poke(m);
}

static void look_again(struct migration *m, const struct decision *d, uint32_t poll_ms)
{
    if (poll_ms == POLL_NEVER) {
        uv_timer_stop(&m->timer);
        pair_disconnect(&m->pair);
        return;
    }
    if (d->ask)
        pair_ask(&m->pair);
    for (int side = 0; side < SIDE_MAX; side++)
        if (d->look & 1u << side)
            pair_look_at(&m->pair, (enum node_side)side, d->look_whole);
    uv_timer_start(&m->timer, on_timer, poll_ms, 0);
}

/* They all name the target: how long that has taken is kept. */
static void keep_told(struct migration *m)
{
    int64_t ms = clock_wall_ms() - m->run.cutover.at_wall_ms;

    if (!sentinels_told(m->spec, &m->run, &m->pair.seen) || transition_pending(&m->transition))
        return;
    m->run.cutover.told_ms = max_of(ms, (int64_t)1);
    (void)migration_keep(m, &m->run);
    migration_announce_told(m);
}

static void observe(struct migration *m)
{
    struct pair_moment moment = {.tilt = tilt_is_on(&m->env->tilt), .slot = m->slot.held};
    enum link_news news = pair_observe(&m->pair, &moment);

    migration_see_around(m, m->spec, &m->run, &m->pair.seen);
    keep_told(m);

    if (news != LINK_NO_NEWS)
        migration_announce_link(m, news);
    migration_announce_alarms(m);
}

void migration_take_turn(struct turn *turn)
{
    struct migration *m = container_of(turn, struct migration, turn);
    struct decision d;

    if (m->forgotten || under_way(m))
        return;
    want_slot(m);
    migration_check_ahead(m);
    observe(m);
    if (take_posted(m))
        return;
    d = decide(m->spec, &m->run, &m->pair.seen);
    m->last = d;
    if (m->run.phase == PHASE_FAILED && d.poll_ms == POLL_NEVER &&
        (m->run.attached || m->run.sentinel_owed)) {
        /* The target has been seen to follow no more, and nobody to make it: nothing is owed. */
        m->run.attached = m->run.sentinel_owed = false;
        (void)migration_keep(m, &m->run);
    }
    if (d.event != EV_NONE)
        step(m, &d);
    else if (d.action != ACT_NONE && pair_may_act(&m->pair, d.action))
        pair_act(&m->pair, &d);
    else
        look_again(m, &d, d.action != ACT_NONE ? pair_again_ms(&m->pair) : d.poll_ms);
}

/* --- what the pair tells --- */

static struct migration *owner_of(struct pair *pair)
{
    return container_of(pair, struct migration, pair);
}

static void pair_changed(struct pair *pair)
{
    migration_poke(owner_of(pair));
}

/* The write gap ends with the acknowledged promotion. */
static void keep_result(struct migration *m)
{
    if (m->run.cutover.at_wall_ms)
        return;
    m->run.cutover.at_wall_ms = clock_wall_ms();
    m->run.cutover.offset = m->pair.seen.node[SIDE_TARGET].info.second_repl_offset - 1;
    m->run.cutover.gap_us = lease_gap_us(&m->pair.lease, m->pair.call.done_us);
}

static void pair_acted(struct pair *pair, const struct err *err)
{
    struct migration *m = owner_of(pair);
    enum action action = pair->seen.last_action;

    if (err)
        log_debug(m->env->log, "job '%s': %s failed: %s", m->spec->id, action_name(action),
                  err->msg);
    else if (action == ACT_PROMOTE)
        keep_result(m);
    migration_poke(m);
}

static void pair_recorded(struct pair *pair)
{
    wait_durable(owner_of(pair));
}

static void pair_setting(struct pair *pair, const struct setting_report *report)
{
    migration_announce_setting(owner_of(pair), report);
}

static void pair_sibling(struct pair *pair, const struct sibling *one)
{
    migration_announce_sibling(owner_of(pair), one);
}

const struct pair_owner migration_pair_owner = {.changed = pair_changed,
                                                .acted = pair_acted,
                                                .recorded = pair_recorded,
                                                .setting = pair_setting,
                                                .sibling = pair_sibling};
