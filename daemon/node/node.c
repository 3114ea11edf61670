/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/node/node.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/node/facts.h"
#include "daemon/node/refusal.h"
#include "daemon/node/survey.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

#define CONNECT_TIMEOUT_MS UINT64_C(5000)
#define LOOK_TIMEOUT_MS 5000
#define RECONNECT_FIRST_MS 100
#define RECONNECT_MAX_MS 5000
#define RECONNECT_EAGER_MS 200

void node_init(struct node *node, uv_loop_t *loop, enum node_side side, struct seen_node *seen,
               uint64_t *number, const struct node_owner *owner, void *arg)
{
    *node = (struct node){
        .owner = owner, .arg = arg, .loop = loop, .side = side, .seen = seen, .number = number};
    node->lost_at_ms = clock_boot_ms();
}

static void lost(struct node *node, enum reason why, const struct err *err)
{
    uint64_t now = clock_boot_ms();
    uint64_t pause = RECONNECT_FIRST_MS;
    struct node_address address;
    uint64_t most;

    node->owner->locate(node, &address);
    most = address.eager ? RECONNECT_EAGER_MS : RECONNECT_MAX_MS;
    for (unsigned i = 0; i < node->failures && pause < most; i++)
        pause *= 2;
    node->failures++;
    node->connect_at_ms = now + min_of(pause, most);
    if (node->seen->reachable)
        node->lost_at_ms = now;
    node->seen->reachable = false;
    node->seen->tried = true;
    node->seen->why = why;
    node->seen->err = *err;
    node->all_ms = node->survey_ms = 0;
    node->seen->survey.known = false;
    if (node->facts)
        node->facts->known = false;
    node->owner->changed(node);
}

/* False: it is no INFO. */
static bool learn(struct node *node, const redisReply *reply, uint64_t number, uint64_t sent_ms)
{
    struct err err;

    if (!reply || reply->type != REDIS_REPLY_STRING)
        return false;
    if (!seen_learns(node->seen, number))
        return true;
    if (redis_info_parse(&node->seen->info, reply->str, reply->len, &err))
        return false;
    node->seen->looked = number;
    node->learnt_sent_ms = sent_ms;
    return true;
}

bool node_acted(struct node *node, const redisReply *info, uint64_t sent_ms)
{
    node->seen->acted = ++*node->number;
    return learn(node, info, ++*node->number, sent_ms);
}

static void reached(struct node *node)
{
    node->looking = false;
    node->seen->reachable = node->seen->tried = true;
    node->seen->err = ERR_INIT;
    node->seen->why = REASON_NONE;
    node->failures = 0;
    node->owner->changed(node);
}

static void met(struct node *node)
{
    if (node->id != 0)
        node->owner->met(node, node->id);
    reached(node);
}

/* A server that does not let us close it leaves us without: then its commands may come late. */
static void former_closed(struct op *op)
{
    struct node *node = container_of(op, struct node, look.op);

    node->looking = false;
    if (op->err.code != ERR_NONE)
        return;                          /* on_state tells */
    node->seen->acted = ++*node->number; /* what has been seen may have been before its last act */
    redis_call_clear(&node->look);
    met(node);
}

/* The first look at a node that had not been reachable. */
static void meet(struct node *node)
{
    struct node_address address;
    const struct connection *former;
    char id[24];

    node->owner->locate(node, &address);
    former = address.former;
    /* Numbers are given out anew by each process of a server. */
    if (!former || former->id == 0 || former->id == node->id || node->id == 0 ||
        strcmp(former->run_id, node->seen->info.run_id) != 0) {
        met(node);
        return;
    }
    snprintf(id, sizeof(id), "%" PRId64, former->id);
    node->looking = true;
    redis_call_init(&node->look);
    redis_call_addv(&node->look, "CLIENT", "KILL", "ID", id);
    redis_call_start(&node->look, node->client, LOOK_TIMEOUT_MS, former_closed);
}

static struct facts_question question_of(struct node *node)
{
    struct node_address address;

    node->owner->locate(node, &address);
    return (struct facts_question){
        .side = node->side,
        .name = address.name,
        .id = node->id,
        .may_unpause = node->may_unpause,
        .old = node->seen->info.redis_compat_num < 50000,
    };
}

static int64_t ahead(const struct node *node)
{
    int64_t us = node->seen->info.time_us;

    if (us < 0)
        us = node->facts->clock_us;
    return us < 0 ? AHEAD_UNKNOWN : us / 1000 - clock_wall_ms();
}

/* replies: a survey, which begins with INFO everything, and what else the checks go by. */
static void learn_facts(struct node *node, redisReply *const *replies)
{
    const struct facts_question question = question_of(node);

    if (!node->facts)
        return; /* they were dropped meanwhile */
    facts_learn_info(node->facts, replies[0]);
    facts_learn_clients(node->facts, survey_clients(replies));
    facts_learn(node->facts, replies + survey_size(), &question);
    node->seen->databases = node->facts->databases;
    node->seen->tls_port = node->facts->tls_port;
    node->seen->ahead_ms = ahead(node);
}

/* What an answer tells beyond replication. */
static void learn_more(struct node *node, redisReply *const *replies)
{
    uint64_t now = clock_boot_ms();
    struct node_address address;

    if (node->depth == DEPTH_LINK)
        return;
    node->all_ms = now;
    node->whole_sent_ms = node->look_sent_ms;
    node->seen->looked_whole = node->look_number;
    node->seen->whole_learnt = *node->number;
    if (node->depth == DEPTH_FIRST) {
        node->id = replies[1]->type == REDIS_REPLY_INTEGER ? replies[1]->integer : 0;
        survey_learn_scripts(&node->seen->survey, replies[2]);
    }
    if (node->depth != DEPTH_SURVEY && node->depth != DEPTH_FACTS)
        return;
    node->owner->locate(node, &address);
    survey_learn(&node->seen->survey, replies + (node->depth == DEPTH_SURVEY), address.instance);
    node->survey_ms = now;
    if (node->depth == DEPTH_FACTS)
        learn_facts(node, replies);
}

static void looked(struct op *op)
{
    struct node *node = container_of(op, struct node, look.op);
    struct redis_call *call = &node->look;
    struct err err;

    node->looking = false;
    if (op->err.code != ERR_NONE)
        return; /* on_state tells, when the connection ended; otherwise we ended the look */
    /* INFO comes first; what else is refused is not known then. */
    if (call->replies[0]->type == REDIS_REPLY_ERROR && redis_call_reply_err(call, &err)) {
        lost(node, refusal_reason(node->side, &err), &err);
        return;
    }
    if (!learn(node, call->replies[0], node->look_number, node->look_sent_ms)) {
        err_set(&err, ERR_PROTOCOL, "what answers does not look like a Redis server");
        lost(node, REASON_NOT_REDIS, &err);
        return;
    }
    learn_more(node, call->replies);
    redis_call_clear(call);
    if (node->seen->reachable)
        node->owner->changed(node);
    else
        meet(node);
}

static void look(struct node *node, enum node_depth depth)
{
    const char *section = depth == DEPTH_LINK    ? "replication"
                          : depth == DEPTH_FACTS ? "everything"
                                                 : "default";

    redis_call_init(&node->look);
    redis_call_addv(&node->look, "INFO", section);
    if (depth == DEPTH_FIRST) {
        redis_call_addv(&node->look, "CLIENT", "ID");
        survey_ask_scripts(&node->look);
    } else if (depth == DEPTH_SURVEY || depth == DEPTH_FACTS) {
        survey_ask(&node->look, &node->seen->info, depth == DEPTH_FACTS);
    }
    if (depth == DEPTH_FACTS) {
        const struct facts_question question = question_of(node);

        facts_ask(&node->look, &question);
    }
    node->looking = true;
    node->depth = depth;
    node->look_number = ++*node->number;
    node->look_sent_ms = clock_boot_ms();
    redis_call_start(&node->look, node->client, LOOK_TIMEOUT_MS, looked);
}

static void state_changed(struct redis_client *client, enum redis_client_state state,
                          const struct err *why, void *arg)
{
    struct node *node = arg;

    (void)client;
    switch (state) {
    case REDIS_READY:
        if (!node->looking)
            look(node, DEPTH_FIRST);
        break;
    case REDIS_DISCONNECTED:
        if (why->code != ERR_CANCELED)
            lost(node, refusal_reason(node->side, why), why);
        break;
    case REDIS_CONNECTING:
        break;
    }
}

static void connect_node(struct node *node, const struct node_address *address)
{
    const struct access access = {
        .endpoint = address->endpoint,
        .auth = address->auth,
        .tls = address->tls,
        .contexts = address->contexts,
        .name = address->name,
        .timeout_ms = min_of(address->connect_timeout_ms, CONNECT_TIMEOUT_MS),
    };
    struct redis_client_config config;
    struct err err;

    if (access_config(&access, &config, &err)) {
        lost(node, REASON_CREDENTIAL_UNREADABLE, &err);
        return;
    }
    if (node->client && !endpoint_equal(&node->connected_to, address->endpoint)) {
        redis_client_free(node->client, NULL, NULL);
        node->client = NULL;
    }
    if (!node->client) {
        node->connected_to = *address->endpoint;
        config.on_state = state_changed;
        config.arg = node;
        node->client = redis_client_new(node->loop, &config);
    } else {
        redis_client_set_access(node->client, &config);
    }
    access_clear(&config);
    redis_client_connect(node->client);
}

static bool older(uint64_t at_ms, uint64_t age_ms, uint64_t now)
{
    return age_ms != NODE_ANY_AGE && (at_ms == 0 || now - at_ms >= age_ms);
}

void node_look(struct node *node, const struct node_ages *ages)
{
    uint64_t now = clock_boot_ms();
    struct node_address address;

    node->owner->locate(node, &address);
    if (node->looking || !endpoint_is_set(address.endpoint))
        return;
    if (!node->client || redis_client_state(node->client) == REDIS_DISCONNECTED) {
        if (now >= node->connect_at_ms)
            connect_node(node, &address);
    } else if (redis_client_state(node->client) == REDIS_READY) {
        look(node, !node->seen->reachable                         ? DEPTH_FIRST
                   : older(node->survey_ms, ages->survey_ms, now) ? DEPTH_SURVEY
                   : older(node->all_ms, ages->all_ms, now)       ? DEPTH_ALL
                                                                  : DEPTH_LINK);
    }
}

void node_ask_facts(struct node *node, bool may_unpause)
{
    if (node->looking || !node->seen->reachable || node->facts->known)
        return;
    node->may_unpause = may_unpause;
    look(node, DEPTH_FACTS);
}

void node_want_facts(struct node *node)
{
    if (!node->facts)
        node->facts = xmalloc(sizeof(*node->facts));
    facts_init(node->facts);
    node->seen->facts = node->facts;
}

void node_drop_facts(struct node *node)
{
    node->seen->facts = NULL;
    free(take(node->facts));
}

void node_expect(struct node *node)
{
    if (!node->seen->reachable) {
        node->seen->tried = false;
        node->connect_at_ms = 0;
        node->lost_at_ms = clock_boot_ms();
    }
}

void node_tick(struct node *node, uint64_t now_ms)
{
    node->seen->lost_ms = node->seen->reachable ? 0 : now_ms - node->lost_at_ms;
    node->seen->age_ms = now_ms - node->learnt_sent_ms;
    node->seen->whole_age_ms = now_ms - node->whole_sent_ms;
}

void node_disconnect(struct node *node)
{
    if (!node->client)
        return;
    redis_client_close(node->client, NULL);
    if (node->seen->reachable)
        node->lost_at_ms = clock_boot_ms();
    node->seen->reachable = node->seen->tried = false;
    node->all_ms = node->survey_ms = 0;
    node->seen->survey.known = false;
    node->connect_at_ms = 0;
}

void node_forget(struct node *node)
{
    const struct seen_node *seen = node->seen;
    uint64_t looked = seen->looked, acted = seen->acted;

    node_disconnect(node);
    seen_init(node->seen);
    node->seen->looked = looked; /* what is on its way is the other's */
    node->seen->acted = acted;
    node->seen->facts = node->facts;
    if (node->facts)
        facts_init(node->facts);
    node->lost_at_ms = clock_boot_ms();
    node->failures = 0;
    node->id = 0;
}

void node_close(struct node *node, void (*freed)(void *arg), void *arg)
{
    if (node->client)
        redis_client_free(take(node->client), freed, arg);
    else
        freed(arg);
}

void node_deinit(struct node *node)
{
    node_drop_facts(node);
    redis_call_clear(&node->look);
}
