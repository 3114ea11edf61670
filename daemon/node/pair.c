/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/node/pair.h"

#include <stdio.h>

#include "daemon/node/actions.h"
#include "daemon/node/refusal.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

#define LOGIN_TIMEOUT_MS UINT64_C(5000) /* attach.timeout, where that is shorter */
/* Before an action that was refused, or did not show, is tried again; and when the run is over. */
#define AGAIN_MS 200
#define AGAIN_ENDED_MS 5000

/* --- what the parts ask and tell --- */

static void locate(const struct node *node, struct node_address *ret)
{
    const struct pair *pair = node->arg;
    const struct spec *spec = pair->spec;
    bool source = node->side == SIDE_SOURCE;

    *ret = (struct node_address){
        .endpoint = source ? &pair->run->source : &spec->target.endpoint,
        .auth = source ? &spec->source.auth : &spec->target.auth,
        .connect_timeout_ms = spec->attach.timeout_ms,
        .name = pair->name,
        .epoch = pair->acts ? pair->run->epoch : 0,
        .expel = pair->acts && pair->run->attached,
        .eager =
            pair->acts && pair->run->attached && !(phase_get(pair->run->phase)->flags & F_ENDED),
    };
}

static void node_changed(struct node *node)
{
    struct pair *pair = node->arg;

    pair->owner->changed(pair);
}

static const struct node_owner node_owner = {.locate = locate, .changed = node_changed};

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
        seen->prepared = true;
    else if (!failed && pair->acting == ACT_PREPARE_CUTOVER)
        seen->prepared_cutover = true;
    pair->acting = ACT_NONE;
    pair->owner->acted(pair, failed ? err : NULL);
}

static void settings_recorded(struct settings *s)
{
    struct pair *pair = container_of(s, struct pair, settings);

    pair->owner->recorded(pair);
}

static void settings_news(struct settings *s, enum setting_news news, enum node_side side,
                          const char *name)
{
    struct pair *pair = container_of(s, struct pair, settings);

    pair->owner->setting(pair, news, side, name);
}

static void settings_done(struct settings *s, enum reason reason, const struct err *err)
{
    acted(container_of(s, struct pair, settings), reason, err);
}

static const struct settings_owner settings_owner = {
    .recorded = settings_recorded, .news = settings_news, .done = settings_done};

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
    };
    observation_init(&pair->seen);
    (void)str_copy(pair->job, sizeof(pair->job), config->job);
    snprintf(pair->name, sizeof(pair->name), "%s:%s", config->name, config->job);
    for (int side = 0; side < SIDE_MAX; side++)
        node_init(&pair->node[side], config->loop, (enum node_side)side, &pair->seen.node[side],
                  &pair->number, &node_owner, pair);
    settings_init(&pair->settings, &settings_owner, config->store, pair->job, pair->node);
    link_watch_init(&pair->link);
    progress_reset(&pair->progress);
}

static void part_closed(void *arg)
{
    struct pair *pair = arg;

    if (--pair->closing > 0)
        return;
    settings_deinit(&pair->settings);
    redis_call_clear(&pair->call);
    for (int side = 0; side < SIDE_MAX; side++)
        node_deinit(&pair->node[side]);
    pair->freed(pair->freed_arg);
}

void pair_close(struct pair *pair, void (*freed)(void *arg), void *arg)
{
    pair->freed = freed;
    pair->freed_arg = arg;
    pair->closing = 1 + SIDE_MAX;
    settings_close(&pair->settings);
    for (int side = 0; side < SIDE_MAX; side++)
        node_close(&pair->node[side], part_closed, pair);
    login_probe_close(&pair->login, part_closed, pair);
}

void pair_enter(struct pair *pair, enum phase from, bool resumed)
{
    enum phase to = pair->run->phase;
    uint64_t now = clock_boot_ms();

    pair->phase_at_ms = pair->fresh_since_ms = now;
    pair->act_again_ms = 0;
    observation_enter(&pair->seen, from, to, resumed);
    if (lease_ends(from, to))
        lease_forget(&pair->lease);
    sync_watch_enter(&pair->sync, now);
    link_watch_enter(&pair->link, from, to, resumed);
    progress_reset(&pair->progress);
}

void pair_want_fresh(struct pair *pair)
{
    pair->fresh_since_ms = clock_boot_ms();
    pair->seen.fresh = false;
}

/* --- looking --- */

void pair_look(struct pair *pair, uint64_t all_ms)
{
    for (int side = 0; side < SIDE_MAX; side++)
        node_look(&pair->node[side], all_ms);
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

static void login_tried(struct pair *pair, enum reason why, const struct err *err)
{
    struct seen_node *source = &pair->seen.node[SIDE_SOURCE];

    source->replication_auth_tried = true;
    source->replication_auth_why = why;
    source->replication_auth_err = err ? *err : ERR_INIT;
}

static void login_done(struct login_probe *probe, const struct err *err)
{
    struct pair *pair = container_of(probe, struct pair, login);

    login_tried(pair, err ? refusal_reason(SIDE_SOURCE, err) : REASON_NONE, err);
    pair->owner->changed(pair);
}

/* Without a replication user of its own, the daemon's own log-in says it all. */
static void try_login(struct pair *pair)
{
    const struct spec *spec = pair->spec;
    struct err err;

    pair->seen.node[SIDE_SOURCE].replication_auth_tried = false;
    if (!spec->source.has_replication_user)
        login_tried(pair, REASON_NONE, NULL);
    else if (login_probe_start(&pair->login, pair->node[SIDE_SOURCE].loop, &pair->run->source,
                               spec_replication_auth(&spec->source),
                               min_of(spec->attach.timeout_ms, LOGIN_TIMEOUT_MS), login_done, &err))
        login_tried(pair, REASON_CREDENTIAL_UNREADABLE, &err);
}

void pair_survey(struct pair *pair)
{
    try_login(pair);
    pair_expect(pair);
    pair_look(pair, 0);
    pair->owner->changed(pair); /* that nothing has to be waited for may be all there is to know */
}

bool pair_surveyed(const struct pair *pair)
{
    const struct seen_node *node = pair->seen.node;

    return node[SIDE_SOURCE].tried && node[SIDE_TARGET].tried &&
           node[SIDE_SOURCE].replication_auth_tried;
}

static void observe_debts(struct pair *pair)
{
    for (int side = 0; side < SIDE_MAX; side++) {
        pair->seen.debts[side] = settings_count(&pair->settings, (enum node_side)side, false);
        pair->seen.run_debts[side] = settings_count(&pair->settings, (enum node_side)side, true);
    }
}

enum link_news pair_observe(struct pair *pair, const struct pair_moment *moment)
{
    struct observation *seen = &pair->seen;
    uint64_t now = clock_boot_ms();

    seen->wall_ms = (uint64_t)clock_wall_ms();
    seen->phase_ms = now - pair->phase_at_ms;
    seen->tilt = moment->tilt;
    seen->slot = moment->slot;
    seen->wanted_ms = now - pair->fresh_since_ms;
    seen->fresh = pair->node[SIDE_SOURCE].all_ms > pair->fresh_since_ms &&
                  pair->node[SIDE_TARGET].all_ms > pair->fresh_since_ms;
    for (int side = 0; side < SIDE_MAX; side++)
        node_tick(&pair->node[side], now);
    observe_debts(pair);
    observation_relate(seen, pair->spec, pair->run);
    observation_remember(seen, pair->run);
    sync_watch_update(&pair->sync, seen, now);
    if (pair->run->phase == PHASE_SYNCING)
        progress_update(&pair->progress, seen, pair->phase_at_ms, now);
    lease_observe(&pair->lease, pair->phase_at_ms, pair->spec->cutover.pause_ms, now, seen);
    return link_watch_update(&pair->link, seen, pair->run->phase, now);
}

/* --- acting --- */

bool pair_may_act(const struct pair *pair, enum action action)
{
    bool again = pair->seen.last_failed || action == pair->seen.last_action;

    return !again || clock_boot_ms() >= pair->act_again_ms;
}

uint32_t pair_again_ms(const struct pair *pair)
{
    return phase_get(pair->run->phase)->flags & F_ENDED ? AGAIN_ENDED_MS : AGAIN_MS;
}

void pair_act(struct pair *pair, const struct decision *d)
{
    pair->acting = d->action;
    if (d->action == ACT_RESTORE)
        settings_restore(&pair->settings, pair->run->phase == PHASE_COMPLETED);
    else if (d->action == ACT_PREPARE || d->action == ACT_PREPARE_CUTOVER)
        settings_change(&pair->settings, d->action, pair->spec);
    else
        action_start(pair, d, acted);
}

void pair_durable(struct pair *pair, uint64_t ticket)
{
    settings_durable(&pair->settings, ticket);
}

bool pair_waits_durable(const struct pair *pair)
{
    return pair->settings.ticket != 0;
}
