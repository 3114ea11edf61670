/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/node/pair_private.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/core/chain.h"
#include "daemon/core/diagnosis.h"
#include "daemon/core/road.h"
#include "daemon/node/actions.h"
#include "daemon/node/refusal.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

#define BEGINNING_MS 2000 /* of a synchronisation */
/* Before an action that was refused, or did not show, is tried again; and when the run is over. */
#define RELOGIN_AFTER_MS 5000 /* of a link that is down */
#define RELOGIN_AGAIN_MS 10000
#define AGAIN_MS 200
#define AGAIN_ENDED_MS 5000

/* --- what the parts ask and tell --- */

static void locate(const struct node *node, struct node_address *ret)
{
    struct pair *pair = node->arg;
    const struct spec *spec = pair->spec;
    const struct access at = pair_access(pair, node->side, NULL, spec->attach.timeout_ms);

    if (pair->acts)
        snprintf(pair->name, sizeof(pair->name), "%s:%u:%s", pair->prefix, pair->run->epoch,
                 pair->instance);
    *ret = (struct node_address){
        .endpoint = at.endpoint,
        .auth = at.auth,
        .tls = at.tls,
        .contexts = pair->contexts,
        .connect_timeout_ms = spec->attach.timeout_ms,
        .name = pair->acts ? pair->name : pair->prefix,
        .instance = pair->instance,
        .former = pair->acts ? &pair->connection[node->side] : NULL,
        .eager =
            pair->acts && pair->run->attached && !(phase_get(pair->run->phase)->flags & F_ENDED),
    };
}

static void node_changed(struct node *node)
{
    struct pair *pair = node->arg;

    if (node->side != SIDE_TARGET)
        pair_climb(pair);
    pair_survey_on(pair);
    pair->owner->changed(pair);
}

static void node_met(struct node *node, int64_t id)
{
    struct pair *pair = node->arg;
    struct connection *c = &pair->connection[node->side];

    if (!pair->acts)
        return;
    c->side = node->side;
    c->id = id;
    (void)str_copy(c->job, sizeof(c->job), pair->job);
    (void)str_copy(c->run_id, sizeof(c->run_id), node->seen->info.run_id);
    pair->connection_ticket = store_put_connection(pair->settings.store, c);
    pair->owner->recorded(pair);
}

static const struct node_owner node_owner = {
    .locate = locate, .changed = node_changed, .met = node_met};

static void acted(struct pair *pair, enum reason reason, const struct err *err)
{
    struct observation *seen = &pair->seen;
    bool failed = err && err->code != ERR_NONE;

    seen->last_action = pair->acting;
    seen->last_failed = failed;
    seen->last_reason = reason;
    seen->last_err = failed ? *err : ERR_INIT;
    pair->act_again_ms = clock_boot_ms() + pair_again_ms(pair);
    if (!failed && pair->acting == ACT_PREPARE)
        observation_prepared(seen);
    else if (!failed && pair->acting == ACT_PREPARE_CUTOVER)
        seen->prepared_cutover = true;
    if (pair->acting == ACT_RELOGIN)
        seen->link_login = LOGIN_UNKNOWN; /* until it has been tried once more */
    pair->acting = ACT_NONE;
    pair->owner->acted(pair, failed ? err : NULL);
}

static void settings_recorded(struct settings *s)
{
    struct pair *pair = container_of(s, struct pair, settings);

    pair->owner->recorded(pair);
}

static void settings_news(struct settings *s, const struct setting_report *report)
{
    struct pair *pair = container_of(s, struct pair, settings);

    pair->owner->setting(pair, report);
}

static void settings_done(struct settings *s, enum reason reason, const struct err *err)
{
    acted(container_of(s, struct pair, settings), reason, err);
}

static const struct settings_owner settings_owner = {
    .recorded = settings_recorded, .news = settings_news, .done = settings_done};

static void sentinels_news(struct sentinels *s)
{
    struct pair *pair = container_of(s, struct pair, sentinels);

    pair_survey_on(pair);
    pair->owner->changed(pair);
}

/* --- life --- */

void pair_init(struct pair *pair, const struct pair_config *config)
{
    *pair = (struct pair){
        .owner = config->owner,
        .arg = config->arg,
        .spec = config->spec,
        .run = config->run,
        .acting = ACT_NONE,
        .acts = config->store != NULL,
        .instance = config->instance,
        .contexts = config->contexts,
    };
    observation_init(&pair->seen);
    (void)str_copy(pair->job, sizeof(pair->job), config->job);
    snprintf(pair->prefix, sizeof(pair->prefix), "%s:%s", config->name, config->job);
    for (int side = 0; side < SIDE_MAX; side++)
        node_init(&pair->node[side], config->loop, (enum node_side)side, &pair->seen.node[side],
                  &pair->number, &node_owner, pair);
    settings_init(&pair->settings, &settings_owner, config->store, pair->job, pair->node);
    sentinels_init(&pair->sentinels, config->loop, config->contexts, sentinels_news);
    link_watch_init(&pair->link);
    progress_reset(&pair->progress);
}

static void part_closed(void *arg)
{
    struct pair *pair = arg;

    if (--pair->closing > 0)
        return;
    settings_deinit(&pair->settings);
    sentinels_deinit(&pair->sentinels);
    redis_call_clear(&pair->call);
    probe_deinit(&pair->pause);
    probe_deinit(&pair->sample);
    probe_deinit(&pair->relogin);
    for (int side = 0; side < SIDE_MAX; side++) {
        if (side < SIDE_ENDS)
            probe_deinit(&pair->login[side]);
        if (side < SIDE_ENDS)
            probe_deinit(&pair->hello[side]);
        node_deinit(&pair->node[side]);
    }
    pair->freed(pair->freed_arg);
}

void pair_close(struct pair *pair, void (*freed)(void *arg), void *arg)
{
    pair->freed = freed;
    pair->freed_arg = arg;
    pair->closing = 4 + SIDE_MAX + 2 * SIDE_ENDS + (pair->siblings != NULL);
    pair->surveying = false;
    settings_close(&pair->settings);
    for (int side = 0; side < SIDE_MAX; side++) {
        node_close(&pair->node[side], part_closed, pair);
        if (side < SIDE_ENDS)
            probe_close(&pair->login[side], part_closed, pair);
        if (side < SIDE_ENDS)
            probe_close(&pair->hello[side], part_closed, pair);
    }
    pair->seen.siblings = NULL;
    if (pair->siblings)
        siblings_free(take(pair->siblings), part_closed, pair);
    sentinels_close(&pair->sentinels, part_closed, pair);
    probe_close(&pair->pause, part_closed, pair);
    probe_close(&pair->sample, part_closed, pair);
    probe_close(&pair->relogin, part_closed, pair);
}

void pair_enter(struct pair *pair, enum phase from, bool resumed)
{
    enum phase to = pair->run->phase;
    uint64_t now = clock_boot_ms();

    pair->phase_at_ms = pair->fresh_since_ms = now;
    for (int side = 0; side < SIDE_MAX && to == PHASE_REPLICATING; side++)
        pair->node[side].all_ms = 0; /* what is counted from here on is counted from now */
    pair->act_again_ms = 0;
    observation_enter(&pair->seen, from, to, resumed);
    if (lease_ends(from, to))
        lease_forget(&pair->lease);
    sync_watch_enter(&pair->sync, now);
    link_watch_enter(&pair->link, from, to, resumed);
    if (resumed)
        chain_resume(pair->run, &pair->seen);
    if (resumed)
        link_watch_resume(&pair->link, pair->run->errors_base, pair->run->evicted_base);
    progress_reset(&pair->progress);
    if (pair->siblings)
        siblings_enter(pair->siblings);
}

void pair_want_fresh(struct pair *pair)
{
    pair->fresh_since_ms = clock_boot_ms();
    pair->seen.fresh = false;
    if (pair->siblings)
        siblings_want_fresh(pair->siblings);
}

/* --- looking --- */

void pair_load_connection(struct pair *pair, const struct connection *connection)
{
    pair->connection[connection->side] = *connection;
}

static void relogin_tried(struct probe *probe, const struct err *err)
{
    struct pair *pair = container_of(probe, struct pair, relogin);
    bool refused = err && err->code == ERR_AUTH;

    pair->seen.link_login = !err ? LOGIN_WORKS : refused ? LOGIN_REFUSED : LOGIN_UNKNOWN;
    pair->seen.link_login_err = err ? *err : ERR_INIT;
    pair->owner->changed(pair);
}

/* A link that stays down may lack a password that was changed. */
static void try_relogin(struct pair *pair)
{
    const struct seen_node *target = &pair->seen.node[SIDE_TARGET];
    struct probe_config config = {.access = pair_access(pair, SIDE_SOURCE,
                                                        spec_replication_auth(&pair->spec->source),
                                                        LOGIN_TIMEOUT_MS),
                                  .done = relogin_tried};
    uint64_t now = clock_boot_ms();
    struct err err;

    if (pair->seen.linked || !target->reachable || !pair->seen.target_follows) {
        pair->relogin_at_ms = now + RELOGIN_AFTER_MS;
        pair->seen.link_login = LOGIN_UNKNOWN;
        return;
    }
    if (now < pair->relogin_at_ms || !pair->seen.node[SIDE_SOURCE].reachable ||
        probe_is_under_way(&pair->relogin))
        return;
    pair->relogin_at_ms = now + RELOGIN_AGAIN_MS;
    if (probe_start(&pair->relogin, pair->node[SIDE_SOURCE].loop, &config, &err)) {
        pair->seen.link_login = LOGIN_REFUSED;
        pair->seen.link_login_err = err;
    }
}

/* What is judged now must be new; the rest is for those who look on. */
static struct node_ages ages_of(const struct pair *pair, const struct node *node)
{
    enum phase phase = pair->run->phase;
    bool wanted = phase == PHASE_REPLICATING && pair->run->want_cutover;
    struct node_ages ages = {.all_ms = 5000, .survey_ms = NODE_ANY_AGE};

    if (phase == PHASE_CHECKING)
        ages.all_ms = 0;
    else if (phase == PHASE_ATTACHING || phase == PHASE_SYNCING || wanted)
        ages.all_ms = 250;
    /* A copy that fails at once is begun anew ten times a second; only the source counts them. */
    if ((phase == PHASE_ATTACHING || phase == PHASE_SYNCING) && node->side == SIDE_SOURCE &&
        clock_boot_ms() - pair->phase_at_ms < BEGINNING_MS)
        ages.all_ms = 0;
    if (wanted)
        ages.survey_ms = node->survey_ms > pair->fresh_since_ms ? 2000 : 0;
    else if (phase == PHASE_REPLICATING)
        ages.survey_ms = 30000;
    return ages;
}

void pair_look_at(struct pair *pair, enum node_side side, bool whole)
{
    struct node_ages ages = ages_of(pair, &pair->node[side]);

    if (whole)
        ages.all_ms = 0;
    node_look(&pair->node[side], &ages);
}

void pair_look(struct pair *pair)
{
    for (int side = 0; side < SIDE_MAX; side++)
        /* What the checks go by comes of itself; elsewhere the nodes must be looked at, too. */
        if (!pair->surveying || pair->run->phase != PHASE_CHECKING ||
            !pair->seen.node[side].reachable)
            pair_look_at(pair, (enum node_side)side, false);
    pair_survey_again(pair);
    if (!pair->acts || pair->run->phase != PHASE_REPLICATING)
        return;
    try_relogin(pair);
    if (pair->run->want_cutover)
        pair_try_pause(pair);
}

void pair_expect(struct pair *pair)
{
    for (int side = 0; side < SIDE_MAX; side++)
        node_expect(&pair->node[side]);
}

void pair_disconnect(struct pair *pair)
{
    for (int side = 0; side < SIDE_MAX; side++)
        node_disconnect(&pair->node[side]);
}

/* Up to the switch-over, and from then on it stays as it was. */
static bool may_climb(const struct pair *pair)
{
    unsigned flags = phase_get(pair->run->phase)->flags;

    return !pair->acts ||
           (flags & F_ABORTABLE && !(flags & F_PAUSE) && pair->run->phase != PHASE_HALTED);
}

void pair_climb(struct pair *pair)
{
    bool owed = settings_count(&pair->settings, SIDE_PRIMARY, SCOPE_LINK) > 0;
    struct node *node = &pair->node[SIDE_PRIMARY];

    if (!may_climb(pair) || !chain_follow(pair->spec, pair->run, &pair->seen))
        return;
    node_forget(node);
    if (owed)
        settings_disown(&pair->settings, SIDE_PRIMARY);
    observation_relate(&pair->seen, pair->spec, pair->run);
    if (pair->surveying)
        node_want_facts(node);
    node_expect(node);
    pair_look_at(pair, SIDE_PRIMARY, true);
}

static void observe_debts(struct pair *pair)
{
    for (int side = 0; side < SIDE_MAX; side++) {
        for (int scope = 0; scope < SCOPE_MAX; scope++)
            pair->seen.debts[side][scope] =
                settings_count(&pair->settings, (enum node_side)side, (enum setting_scope)scope);
    }
}

enum link_news pair_observe(struct pair *pair, const struct pair_moment *moment)
{
    struct observation *seen = &pair->seen;
    uint64_t now = clock_boot_ms();
    enum link_news news;

    seen->wall_ms = (uint64_t)clock_wall_ms();
    seen->phase_ms = now - pair->phase_at_ms;
    seen->tilt = moment->tilt;
    seen->unrecorded = pair->connection_ticket != 0;
    seen->slot = moment->slot;
    seen->surveyed = !pair->surveying && pair_surveyed(pair);
    seen->wanted_ms = now - pair->fresh_since_ms;
    observation_relate(seen, pair->spec, pair->run);
    /* A primary that does not answer is a gate's to judge. */
    seen->fresh = (!seen->node[SIDE_PRIMARY].reachable ||
                   pair->node[SIDE_PRIMARY].survey_ms > pair->fresh_since_ms) &&
                  pair->node[SIDE_SOURCE].survey_ms > pair->fresh_since_ms &&
                  pair->node[SIDE_TARGET].survey_ms > pair->fresh_since_ms &&
                  (!pair_pause_is_hidden(pair) || pair->pause_asked_ms > pair->fresh_since_ms);
    for (int side = 0; side < SIDE_MAX; side++)
        node_tick(&pair->node[side], now);
    observe_debts(pair);
    observation_remember(seen, pair->run);
    sync_watch_update(&pair->sync, seen, now);
    if (pair->run->phase == PHASE_SYNCING)
        progress_update(&pair->progress, seen, pair->phase_at_ms, now);
    lease_observe(&pair->lease, pair->phase_at_ms, pair->spec->cutover.pause_ms, now, seen);
    news = link_watch_update(&pair->link, seen, pair->run->phase, now);
    diagnose_link(pair->spec, pair->run, seen);
    pair_observe_siblings(pair);
    if (pair->acts)
        sentinels_turn(&pair->sentinels, pair->spec, pair->run, seen);
    sentinels_watch(pair->spec, pair->run, seen);
    return news;
}

/* --- acting --- */

bool pair_may_act(const struct pair *pair, enum action action)
{
    bool again = pair->seen.last_failed || action == pair->seen.last_action;

    if (pair->connection_ticket != 0 && !(action_flags(action) & A_RETURNS))
        return false;
    return !again || clock_boot_ms() >= pair->act_again_ms;
}

uint32_t pair_again_ms(const struct pair *pair)
{
    return phase_get(pair->run->phase)->flags & F_ENDED ? AGAIN_ENDED_MS : AGAIN_MS;
}

/* While the run goes on, what only the copy needed; while the reverse link does, all but its own.
 */
static enum setting_scope restores_up_to(enum phase phase)
{
    return phase == PHASE_REPLICATING ? SCOPE_SYNC
           : phase == PHASE_COMPLETED ? SCOPE_RUN
                                      : SCOPE_LINK;
}

static void change_settings(struct pair *pair, enum action action)
{
    const enum answer tls[SIDE_MAX] = {
        [SIDE_SOURCE] = road_speaks_tls(pair->spec, pair->run, &pair->seen, SIDE_SOURCE),
        [SIDE_TARGET] = road_speaks_tls(pair->spec, pair->run, &pair->seen, SIDE_TARGET),
    };

    settings_change(&pair->settings, action, pair->seen.writer, pair->spec, tls);
}

void pair_act(struct pair *pair, const struct decision *d)
{
    pair->acting = d->action;
    pair->acting_since_ms = clock_boot_ms();
    if (d->action == ACT_RESTORE)
        settings_restore(&pair->settings, restores_up_to(pair->run->phase));
    else if (d->action == ACT_PREPARE || d->action == ACT_PREPARE_CUTOVER ||
             d->action == ACT_RELOGIN)
        change_settings(pair, d->action);
    else
        action_start(pair, d, acted);
}

void pair_durable(struct pair *pair, uint64_t ticket)
{
    if (ticket >= pair->connection_ticket)
        pair->connection_ticket = 0;
    settings_durable(&pair->settings, ticket);
    if (pair->siblings)
        siblings_durable(pair->siblings, ticket);
}

bool pair_waits_durable(const struct pair *pair)
{
    return pair->settings.ticket != 0 || pair->connection_ticket != 0 ||
           (pair->siblings && siblings_wait_durable(pair->siblings));
}
