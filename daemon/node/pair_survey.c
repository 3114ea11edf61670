/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks and a diagnosis go by: both nodes are asked, and what needs a connection of its
 * own is tried. */
#include "daemon/core/chain.h"
#include "daemon/core/dump.h"
#include "daemon/node/facts.h"
#include "daemon/node/pair_private.h"
#include "daemon/node/refusal.h"
#include "daemon/node/sample.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

#define PAUSE_LOGIN_MS 2000
#define PAUSE_ANSWER_MS 2000 /* the road there may be slow; a shorter pause is over then */
#define PAUSE_AGE_MS 1000
#define SURVEY_AGE_MS 10000

/* --- whether somebody has paused the writers' clients --- */

/* The servers between CLIENT PAUSE WRITE and those that say who has paused their clients. */
bool pair_pause_is_hidden(const struct pair *pair)
{
    const struct seen_node *writer = &pair->seen.node[pair->seen.writer];

    return writer->reachable && writer->info.redis_compat_num >= PAUSE_WRITE_SINCE &&
           writer->info.paused_reason[0] == '\0';
}

static void pause_tried(struct probe *probe, const struct err *err)
{
    struct pair *pair = container_of(probe, struct pair, pause);

    pair->seen.pause_held = probe->asked && err && err->code == ERR_TIMEOUT;
    pair->seen.pause_free = !err && probe->call->replies[0]->type == REDIS_REPLY_INTEGER;
    pair->pause_asked_ms = clock_boot_ms();
    pair_survey_on(pair);
    pair->owner->changed(pair);
}

/* Counting nothing is a write in the eyes of a server, because it might be cached. */
static void count_nothing(struct redis_call *call, const void *arg)
{
    (void)arg;
    redis_call_addv(call, "PFCOUNT", "ecmigrate:none");
}

void pair_try_pause(struct pair *pair)
{
    struct probe_config config = {.access =
                                      pair_access(pair, pair->seen.writer, NULL, PAUSE_LOGIN_MS),
                                  .ask = count_nothing,
                                  .answer_ms = PAUSE_ANSWER_MS,
                                  .done = pause_tried};
    bool known = pair->pause_asked_ms > pair->fresh_since_ms &&
                 clock_boot_ms() - pair->pause_asked_ms < PAUSE_AGE_MS;
    struct err err;

    if (!known && pair_pause_is_hidden(pair) && !probe_is_under_way(&pair->pause) &&
        probe_start(&pair->pause, pair->node[SIDE_SOURCE].loop, &config, &err)) {
        pair->pause_asked_ms = clock_boot_ms(); /* the next connection will say why */
        pair->seen.pause_free = false;
    }
}

/* --- the survey --- */

/* To ask for the right to end pauses may end one: that nobody has paused must be known, and new. */
static bool pause_is_settled(const struct pair *pair)
{
    const struct node *writer = &pair->node[pair->seen.writer];
    uint64_t at_ms = pair_pause_is_hidden(pair) ? pair->pause_asked_ms : writer->all_ms;

    return writer->seen->info.redis_compat_num < PAUSE_WRITE_SINCE ||
           (at_ms >= pair->fresh_since_ms && clock_boot_ms() - at_ms < PAUSE_AGE_MS);
}

/* Asks for what is not known of it; the answer comes back to pair_survey_on(). */
static void settle_pause(struct pair *pair)
{
    const struct node_ages all = {.all_ms = 0, .survey_ms = NODE_ANY_AGE};

    if (pair_pause_is_hidden(pair))
        pair_try_pause(pair);
    else if (pair->seen.node[pair->seen.writer].reachable)
        node_look(&pair->node[pair->seen.writer], &all);
}

static bool may_unpause(const struct pair *pair, const struct node *node)
{
    const char *reason = node->seen->info.paused_reason;

    return node->side == pair->seen.writer &&
           (pair_pause_is_hidden(pair) ? pair->seen.pause_free : strcmp(reason, "none") == 0);
}

/* --- keys --- */

static bool wants_sample(const struct pair *pair)
{
    const struct facts *s = pair->node[SIDE_SOURCE].facts, *t = pair->node[SIDE_TARGET].facts;

    /* Of a pair that is refused anyhow no key need be looked at. */
    return s && t && s->known && t->known && sample_is_wanted(s, t) &&
           dump_verdict(&pair->seen.node[SIDE_SOURCE].info, &pair->seen.node[SIDE_TARGET].info) !=
               DUMP_UNREADABLE;
}

static void sample_done(struct probe *probe, const struct err *err)
{
    struct pair *pair = container_of(probe, struct pair, sample);
    struct facts *facts = pair->node[SIDE_SOURCE].facts;

    if (!facts)
        return; /* they matter no longer */
    facts->sample_tried = true;
    if (!err)
        sample_learn(facts, probe->call);
    pair_survey_on(pair);
    pair->owner->changed(pair);
}

static void ask_sample(struct redis_call *call, const void *arg)
{
    sample_ask(call, arg);
}

/* Over a connection of its own: it goes from database to database. */
static void take_sample(struct pair *pair)
{
    struct probe_config config = {.access = pair_access(pair, SIDE_SOURCE, NULL, LOGIN_TIMEOUT_MS),
                                  .ask = ask_sample,
                                  .arg = &pair->seen.node[SIDE_SOURCE].info,
                                  .answer_ms = LOGIN_TIMEOUT_MS,
                                  .done = sample_done};
    struct err err;

    if (!probe_is_under_way(&pair->sample) &&
        probe_start(&pair->sample, pair->node[SIDE_SOURCE].loop, &config, &err))
        pair->node[SIDE_SOURCE].facts->sample_tried = true;
}

/* --- Sentinel --- */

#define HELLO_MS 2500 /* each of them says it every two seconds */

static bool wants_hello(const struct pair *pair, enum node_side side)
{
    const struct facts *facts = pair->node[side].facts;

    return pair->spec->n_sentinels == 0 && facts && facts->known && facts_are_watched(facts) &&
           !facts->hello_tried;
}

static void hello_done(struct pair *pair, enum node_side side, const struct err *err)
{
    struct facts *facts = pair->node[side].facts;

    if (!facts)
        return; /* they matter no longer */
    facts->hello_tried = true;
    if (!err)
        facts_learn_hello(facts, pair->hello[side].call->replies[1]);
    pair_survey_on(pair);
    pair->owner->changed(pair);
}

static void source_hello_done(struct probe *probe, const struct err *err)
{
    hello_done(container_of(probe, struct pair, hello[SIDE_SOURCE]), SIDE_SOURCE, err);
}

static void target_hello_done(struct probe *probe, const struct err *err)
{
    hello_done(container_of(probe, struct pair, hello[SIDE_TARGET]), SIDE_TARGET, err);
}

static void ask_hello(struct redis_call *call, const void *arg)
{
    (void)arg;
    facts_ask_hello(call);
}

/* What it calls the node nobody else tells. */
static void hear_hello(struct pair *pair, enum node_side side)
{
    bool source = side == SIDE_SOURCE;
    struct probe_config config = {.access = pair_access(pair, side, NULL, LOGIN_TIMEOUT_MS),
                                  .ask = ask_hello,
                                  .answer_ms = HELLO_MS,
                                  .done = source ? source_hello_done : target_hello_done};
    struct err err;

    if (wants_hello(pair, side) && !probe_is_under_way(&pair->hello[side]) &&
        probe_start(&pair->hello[side], pair->node[side].loop, &config, &err))
        pair->node[side].facts->hello_tried = true;
}

void pair_survey_on(struct pair *pair)
{
    const struct node *writer = &pair->node[pair->seen.writer];

    if (!pair->surveying)
        return;
    if (writer->facts && !writer->facts->known && !pause_is_settled(pair))
        settle_pause(pair);
    for (int side = 0; side < SIDE_MAX; side++) {
        struct node *node = &pair->node[side];

        if (node->facts && (node != writer || pause_is_settled(pair)))
            node_ask_facts(node, may_unpause(pair, node));
    }
    if (wants_sample(pair))
        take_sample(pair);
    for (int side = 0; side < SIDE_ENDS; side++)
        hear_hello(pair, (enum node_side)side);
    if (pair_surveyed(pair)) {
        pair->surveying = false;
        pair->surveyed_ms = clock_boot_ms();
    }
}

static void login_tried(struct pair *pair, enum node_side side, enum reason why,
                        const struct err *err)
{
    struct facts *facts = pair->node[side].facts;

    if (!facts)
        return; /* they matter no longer */
    facts->replication.tried = true;
    facts->replication.why = why;
    facts->replication.err = err ? *err : ERR_INIT;
    pair_survey_on(pair);
}

static void login_done(struct pair *pair, enum node_side side, const struct err *err)
{
    struct facts *facts = pair->node[side].facts;

    if (facts && !err)
        facts_learn_login(&facts->replication, pair->login[side].call->replies);
    login_tried(pair, side, err ? refusal_reason(side, err) : REASON_NONE, err);
    pair->owner->changed(pair);
}

static void source_login_done(struct probe *probe, const struct err *err)
{
    login_done(container_of(probe, struct pair, login[SIDE_SOURCE]), SIDE_SOURCE, err);
}

static void target_login_done(struct probe *probe, const struct err *err)
{
    login_done(container_of(probe, struct pair, login[SIDE_TARGET]), SIDE_TARGET, err);
}

static void ask_login(struct redis_call *call, const void *arg)
{
    (void)arg;
    facts_ask_login(call);
}

/* Without a way back, nobody replicates from the target. */
static void try_login(struct pair *pair, enum node_side side)
{
    const struct spec *spec = pair->spec;
    bool source = side == SIDE_SOURCE;
    uint64_t timeout_ms = min_of(spec->attach.timeout_ms, LOGIN_TIMEOUT_MS);
    const struct spec_auth *auth = spec_replication_auth(source ? &spec->source : &spec->target);
    struct probe_config config = {.access = pair_access(pair, side, auth, timeout_ms),
                                  .ask = ask_login,
                                  .answer_ms = LOGIN_TIMEOUT_MS,
                                  .done = source ? source_login_done : target_login_done};
    struct err err;

    if (!source && !spec->cutover.reverse)
        login_tried(pair, side, REASON_NONE, NULL);
    else if (!probe_is_under_way(&pair->login[side]) && /* one is, of a survey that was dropped */
             probe_start(&pair->login[side], pair->node[side].loop, &config, &err))
        login_tried(pair, side, REASON_CREDENTIAL_UNREADABLE, &err);
}

void pair_survey(struct pair *pair)
{
    const struct node_ages any = {.all_ms = NODE_ANY_AGE, .survey_ms = NODE_ANY_AGE};

    pair->surveying = true;
    pair->fresh_since_ms = clock_boot_ms();
    for (int side = 0; side < SIDE_MAX; side++)
        if (side < SIDE_ENDS || pair->seen.writer == SIDE_PRIMARY)
            node_want_facts(&pair->node[side]);
    for (int side = 0; side < SIDE_ENDS; side++)
        try_login(pair, (enum node_side)side);
    sentinels_survey(&pair->sentinels, pair->spec, &pair->seen);
    for (int side = 0; side < SIDE_MAX; side++)
        node_expect(&pair->node[side]);
    for (int side = 0; side < SIDE_MAX; side++)
        if (!pair->seen.node[side].reachable)
            node_look(&pair->node[side], &any);
    pair_survey_on(pair);
    pair->owner->changed(pair); /* that nothing has to be waited for may be all there is to know */
}

void pair_ask(struct pair *pair)
{
    if (!pair->surveying)
        pair_survey(pair);
}

/* Nothing of the primary above a source stops a survey but its silence. */
static bool primary_surveyed(const struct pair *pair)
{
    const struct seen_node *primary = &pair->seen.node[SIDE_PRIMARY];

    return !endpoint_is_set(&pair->seen.primary) ||
           (primary->tried && (!primary->reachable || (primary->facts && primary->facts->known)));
}

bool pair_surveyed(const struct pair *pair)
{
    for (int side = 0; side < SIDE_ENDS; side++) {
        const struct seen_node *node = &pair->seen.node[side];

        if (!node->tried || !node->facts || !node->facts->replication.tried ||
            (node->reachable && (!node->facts->known || wants_hello(pair, (enum node_side)side))))
            return false;
    }
    return primary_surveyed(pair) && !wants_sample(pair) && sentinels_surveyed(&pair->sentinels);
}

void pair_drop_facts(struct pair *pair)
{
    pair->surveying = false;
    for (int side = 0; side < SIDE_MAX; side++)
        node_drop_facts(&pair->node[side]);
}

/* Who waits for a slot with its checks passed, is checked anew; and so is a link that is not well,
 * until it is. */
void pair_survey_again(struct pair *pair)
{
    bool old = clock_boot_ms() - pair->surveyed_ms > SURVEY_AGE_MS;
    enum phase phase = pair->run->phase;

    if (pair->surveying || !pair->node[SIDE_SOURCE].facts)
        return;
    if (phase == PHASE_REPLICATING && !link_is_troubled(&pair->seen))
        pair_drop_facts(pair);
    else if (old && (phase == PHASE_CHECKING || phase == PHASE_REPLICATING))
        pair_survey(pair);
}
