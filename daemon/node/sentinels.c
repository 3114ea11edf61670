/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/node/sentinels.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"
#include "lib/base/clock.h"

#define CONNECT_MS 2000
#define ANSWER_MS 2000
#define INFO_AGE_MS                                                                                \
    25000 /* a Sentinel passes over a replica that it has not heard from for 30 s                  \
           */

struct sentinel {
    struct probe probe;
    struct sentinels *all; /* borrowed */
    unsigned i;
    enum sentinel_ask ask; /* under way */
    uint64_t sent_ms;
};

/* --- what the answers tell --- */

/* "name", "pair", "ip", "10.0.0.9", …; "" where there is none. */
static const char *field(const redisReply *map, const char *name)
{
    for (size_t i = 0; map->type == REDIS_REPLY_ARRAY && i + 1 < map->elements; i += 2)
        if (map->element[i]->type == REDIS_REPLY_STRING &&
            map->element[i + 1]->type == REDIS_REPLY_STRING &&
            strcmp(map->element[i]->str, name) == 0)
            return map->element[i + 1]->str;
    return "";
}

static int64_t number(const redisReply *map, const char *name, int64_t unknown)
{
    const char *text = field(map, name);

    return *text ? strtoll(text, NULL, 10) : unknown;
}

static struct endpoint address(const redisReply *map)
{
    struct endpoint ep = {.port = (uint16_t)number(map, "port", 0)};

    (void)str_copy(ep.host, sizeof(ep.host), field(map, "ip"));
    return ep;
}

static bool is_target(const struct sentinels *s, const redisReply *replica)
{
    const struct spec_node *target = &s->spec->target;
    const char *run_id = s->of->node[SIDE_TARGET].info.run_id;
    struct endpoint at = address(replica);

    return (run_id[0] && strcmp(run_id, field(replica, "runid")) == 0) ||
           endpoint_equal(&at, &target->endpoint) || endpoint_equal(&at, &target->reachable_as);
}

/* It could be promoted, as far as its Sentinel knows. */
static bool is_fit(const redisReply *replica)
{
    const char *flags = field(replica, "flags");

    return !strstr(flags, "down") && !strstr(flags, "disconnected") &&
           number(replica, "info-refresh", INFO_AGE_MS) < INFO_AGE_MS;
}

static void learn_target(const struct sentinels *s, const redisReply *replicas,
                         struct seen_sentinel *ret)
{
    ret->lists_target = ret->target_fit = false;
    ret->target_priority = 0;
    for (size_t i = 0; replicas->type == REDIS_REPLY_ARRAY && i < replicas->elements; i++) {
        const redisReply *replica = replicas->element[i];

        if (!is_target(s, replica))
            continue;
        ret->lists_target = true;
        ret->target_fit = is_fit(replica);
        ret->target_priority = number(replica, "slave-priority", 0);
    }
}

/* The lowest wins, and 0 never does. The target has, or is about to have, 1 or what it has. */
static void learn_rival(const struct sentinels *s, const redisReply *replicas,
                        struct seen_sentinel *ret)
{
    int64_t best = ret->target_priority > 0 ? ret->target_priority : 1;

    ret->rival = false;
    for (size_t i = 0; replicas->type == REDIS_REPLY_ARRAY && i < replicas->elements; i++) {
        const redisReply *replica = replicas->element[i];
        int64_t priority = number(replica, "slave-priority", 100);

        if (is_target(s, replica) || !is_fit(replica) || priority == 0 || priority > best)
            continue;
        ret->rival = true;
        ret->rival_at = address(replica);
    }
}

/* Where it sends clients: a failover that is past its promotion shows here first. */
static bool learn_primary(const redisReply *at, struct seen_sentinel *ret)
{
    ret->primary = (struct endpoint){.port = 0};
    if (at->type != REDIS_REPLY_ARRAY || at->elements != 2 ||
        at->element[0]->type != REDIS_REPLY_STRING || at->element[1]->type != REDIS_REPLY_STRING)
        return false;
    (void)str_copy(ret->primary.host, sizeof(ret->primary.host), at->element[0]->str);
    ret->primary.port = (uint16_t)strtol(at->element[1]->str, NULL, 10);
    return true;
}

static void learn(const struct sentinels *s, const redisReply *at, const redisReply *primary,
                  const redisReply *replicas, struct seen_sentinel *ret)
{
    struct endpoint known = address(primary);

    ret->knows = learn_primary(at, ret);
    (void)str_copy(ret->primary_run_id, sizeof(ret->primary_run_id),
                   endpoint_equal(&known, &ret->primary) ? field(primary, "runid") : "");
    ret->failing_over = strstr(field(primary, "flags"), "failover_in_progress") != NULL;
    ret->others = (unsigned)number(primary, "num-other-sentinels", 0);
    ret->quorum = (unsigned)number(primary, "quorum", 0);
    learn_target(s, replicas, ret);
    learn_rival(s, replicas, ret);
}

static void unanswered(struct seen_sentinel *s, const char *why)
{
    s->answers = false;
    snprintf(s->said, sizeof(s->said), "%.*s", (int)sizeof(s->said) - 1, why);
}

/* What it was told comes first, then how it sees the nodes after that. */
static void answered(struct sentinels *all, const struct sentinel *one, struct seen_sentinel *seen)
{
    redisReply *const *replies = one->probe.call->replies;
    const redisReply *told = one->ask == SENTINEL_LOOK ? NULL : *replies++;

    if (replies[0]->type == REDIS_REPLY_ERROR) {
        unanswered(seen, replies[0]->str);
        return;
    }
    if (!seen->answers)
        seen->said[0] = '\0';
    if (told)
        snprintf(seen->said, sizeof(seen->said), "%s",
                 told->type == REDIS_REPLY_ERROR ? told->str : "");
    seen->answers = true;
    seen->heard_ms = one->sent_ms;
    learn(all, replies[0], replies[1], replies[2], seen);
}

static void probe_done(struct probe *probe, const struct err *err)
{
    struct sentinel *one = container_of(probe, struct sentinel, probe);
    struct sentinels *all = one->all;
    struct seen_sentinel *seen;

    if (one->i >= all->seen.n)
        return; /* the job names it no longer */
    seen = &all->seen.one[one->i];
    seen->tried = true;
    if (err)
        unanswered(seen, err->msg);
    else
        answered(all, one, seen);
    all->seen.now_ms = clock_boot_ms();
    all->changed(all);
}

/* --- asking --- */

static void add(struct redis_call *call, const void *arg)
{
    const struct sentinel *one = arg;
    const char *name = one->all->spec->sentinel_name;

    if (one->ask == SENTINEL_FAILOVER)
        redis_call_addv(call, "SENTINEL", "FAILOVER", name);
    else if (one->ask == SENTINEL_RESET)
        redis_call_addv(call, "SENTINEL", "RESET", name);
    redis_call_addv(call, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", name);
    redis_call_addv(call, "SENTINEL", "MASTER", name);
    redis_call_addv(call, "SENTINEL", "REPLICAS", name);
}

static void ask(struct sentinels *s, unsigned i, enum sentinel_ask what)
{
    struct seen_sentinel *seen = &s->seen.one[i];
    struct sentinel *one = s->asked[i];
    struct probe_config config = {.access = {.endpoint = &s->spec->sentinels[i],
                                             .auth = &s->spec->sentinel_auth.auth,
                                             .tls = &s->spec->sentinel_auth.tls,
                                             .contexts = s->contexts,
                                             .timeout_ms = CONNECT_MS},
                                  .ask = add,
                                  .arg = one,
                                  .answer_ms = ANSWER_MS,
                                  .done = probe_done};
    struct err err;

    one->ask = what;
    one->sent_ms = seen->asked_ms = clock_boot_ms();
    if (what != SENTINEL_LOOK) {
        seen->told = what;
        seen->told_ms = one->sent_ms;
        seen->said[0] = '\0';
    }
    if (probe_start(&one->probe, s->loop, &config, &err)) {
        seen->tried = true;
        unanswered(seen, err.msg);
    }
}

static bool same_list(const struct sentinels *s, const struct spec *spec)
{
    if (s->spec == spec)
        return true;
    if (!s->spec || s->seen.n != spec->n_sentinels)
        return false;
    for (unsigned i = 0; i < spec->n_sentinels; i++)
        if (!endpoint_equal(&s->at[i], &spec->sentinels[i]))
            return false;
    return true;
}

/* What was known of others is not of these. */
static void take_list(struct sentinels *s, const struct spec *spec, struct observation *seen)
{
    bool same = same_list(s, spec);

    s->spec = spec;
    s->of = seen;
    if (!same) {
        free(s->seen.one);
        free(s->at);
        s->seen.n = spec->n_sentinels;
        s->seen.one = s->seen.n ? xcalloc(s->seen.n, sizeof(*s->seen.one)) : NULL;
        s->at = s->seen.n ? xcalloc(s->seen.n, sizeof(*s->at)) : NULL;
    }
    for (unsigned i = 0; i < s->seen.n; i++) {
        s->at[i] = spec->sentinels[i];
        if (s->asked[i])
            continue;
        s->asked[i] = xcalloc(1, sizeof(*s->asked[i]));
        s->asked[i]->all = s;
        s->asked[i]->i = i;
    }
    s->seen.now_ms = clock_boot_ms();
    seen->sentinels = s->seen.n ? &s->seen : NULL;
}

void sentinels_turn(struct sentinels *s, const struct spec *spec, const struct run *run,
                    struct observation *seen)
{
    uint32_t period;

    take_list(s, spec, seen);
    period = sentinel_period(spec, run, seen);
    for (unsigned i = 0; i < s->seen.n && period > 0; i++) {
        enum sentinel_ask what = sentinel_next(spec, run, seen, i);

        if (probe_is_under_way(&s->asked[i]->probe))
            continue;
        if (what != SENTINEL_LOOK || s->seen.now_ms - s->seen.one[i].asked_ms >= period)
            ask(s, i, what);
    }
}

void sentinels_survey(struct sentinels *s, const struct spec *spec, struct observation *seen)
{
    take_list(s, spec, seen);
    for (unsigned i = 0; i < s->seen.n; i++) {
        s->seen.one[i].tried = false;
        if (!probe_is_under_way(&s->asked[i]->probe))
            ask(s, i, SENTINEL_LOOK);
    }
}

bool sentinels_surveyed(const struct sentinels *s)
{
    for (unsigned i = 0; i < s->seen.n; i++)
        if (!s->seen.one[i].tried)
            return false;
    return true;
}

/* --- life --- */

void sentinels_init(struct sentinels *s, uv_loop_t *loop, struct tls_contexts *contexts,
                    sentinels_changed_fn *changed)
{
    *s = (struct sentinels){.loop = loop, .contexts = contexts, .changed = changed};
}

static void part_closed(void *arg)
{
    struct sentinels *s = arg;

    if (--s->closing == 0)
        s->freed(s->freed_arg);
}

void sentinels_close(struct sentinels *s, void (*freed)(void *arg), void *arg)
{
    s->freed = freed;
    s->freed_arg = arg;
    s->closing = 1 + SPEC_SENTINELS_MAX;
    for (unsigned i = 0; i < SPEC_SENTINELS_MAX; i++) {
        if (s->asked[i])
            probe_close(&s->asked[i]->probe, part_closed, s);
        else
            part_closed(s);
    }
    part_closed(s);
}

void sentinels_deinit(struct sentinels *s)
{
    for (unsigned i = 0; i < SPEC_SENTINELS_MAX; i++) {
        if (s->asked[i])
            probe_deinit(&s->asked[i]->probe);
        free(s->asked[i]);
    }
    free(s->seen.one);
    free(s->at);
}
