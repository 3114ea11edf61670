/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at them, and doing what follows from it. */
#include <stdio.h>
#include <string.h>

#include "daemon/core/chain.h"
#include "daemon/core/road.h"
#include "daemon/node/config_value.h"
#include "daemon/node/rights.h"
#include "daemon/node/siblings_private.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

#define CONNECT_MS UINT64_C(5000) /* attach.timeout, where that is shorter */
#define ANSWER_MS 5000
#define AGAIN_FIRST_MS 100
#define NEVER UINT64_MAX

/* The longest time between two looks. */
static const uint64_t again_ms[SIBLING_STATES] = {
    [SIBLING_WAITING] = 5000, [SIBLING_MOVING] = 500, [SIBLING_RETURNING] = 30000};

static void turn(struct siblings *f);

static const struct spec *spec_of(const struct siblings *f)
{
    return *f->config.spec;
}

static unsigned index_of(const struct sibling_work *w)
{
    return (unsigned)(w - w->all->work);
}

static struct sibling *one_of(struct sibling_work *w)
{
    return &w->all->list[index_of(w)];
}

static void on_timer(uv_timer_t *timer)
{
    turn(timer->data);
}

static struct sibling *find(struct siblings *f, const struct endpoint *at)
{
    for (unsigned i = 0; i < SIBLINGS_MAX; i++)
        if (endpoint_equal(&f->list[i].at, at))
            return &f->list[i];
    return NULL;
}

/* --- another state --- */

static void schedule(struct sibling_work *w, uint64_t wait_ms)
{
    w->due_ms = clock_boot_ms() + wait_ms;
}

static void look_again(struct sibling_work *w, const struct sibling *one)
{
    uint64_t wait_ms = AGAIN_FIRST_MS;

    for (unsigned i = 0; i < w->tries && wait_ms < again_ms[one->state]; i++)
        wait_ms *= 2;
    w->tries++;
    schedule(w, min_of(wait_ms, again_ms[one->state]));
}

/* What is to be put back, and where. */
static void record(struct sibling *one, const struct sibling_look *look)
{
    for (int i = 0; i < SIBLING_SETTINGS; i++) {
        if (!look->has[i] || strcmp(look->has[i], look->wants[i]) == 0)
            continue;
        one->changed[i].from = xstrdup(look->has[i]);
        one->changed[i].to = xstrdup(look->wants[i]);
    }
    one->was = (struct endpoint){.port = look->info.master_port};
    (void)str_copy(one->was.host, sizeof(one->was.host), look->info.master_host);
}

/* What it was given for its link to the target stays with that link. */
static void forget_changes(struct sibling *one)
{
    struct sibling bare = *one;

    for (int i = 0; i < SIBLING_SETTINGS; i++) {
        secret_free(one->changed[i].from);
        secret_free(one->changed[i].to);
        bare.changed[i].from = bare.changed[i].to = NULL;
    }
    *one = bare;
}

static void change_state(struct sibling_work *w, const struct sibling_step *s,
                         const struct sibling_look *look)
{
    struct sibling *one = one_of(w);

    if (s->to == SIBLING_NONE) {
        siblings_drop(w->all, index_of(w));
        return;
    }
    one->state = s->to;
    w->since_ms = clock_boot_ms();
    w->tries = 0;
    schedule(w, 0);
    if (s->to == SIBLING_MOVING)
        record(one, look);
    else if (sibling_has_ended(one))
        forget_changes(one);
    siblings_put(w->all, index_of(w), s->to == SIBLING_MOVING);
    if (sibling_has_ended(one))
        w->all->config.owner->ended(w->all, one);
}

static void begin_act(struct sibling_work *w, enum sibling_act act,
                      const struct sibling_look *look);

static void apply(struct sibling_work *w, const struct sibling_step *s,
                  const struct sibling_look *look)
{
    struct sibling *one = one_of(w);

    (void)str_copy(one->message, sizeof(one->message), s->message);
    if (s->to != one->state)
        change_state(w, s, look);
    else if (s->act != SIBLING_LOOK && !w->all->config.seen->tilt)
        begin_act(w, s->act, look);
    else
        look_again(w, one);
    w->all->config.owner->changed(w->all);
    turn(w->all);
}

/* Before the switch-over: one that is none of them any more goes; one of the pair is kept in mind.
 */
static void apply_prepared(struct sibling_work *w, const struct sibling_step *s, bool reachable)
{
    struct sibling *one = one_of(w);

    (void)str_copy(one->message, sizeof(one->message), s->message);
    w->due_ms = NEVER;
    if (!reachable)
        schedule(w, again_ms[SIBLING_RETURNING]);
    if (s->to == SIBLING_NONE && w->listed)
        one->state = SIBLING_NONE;
    else if (s->to == SIBLING_NONE)
        siblings_drop(w->all, index_of(w));
    w->all->config.owner->changed(w->all);
    turn(w->all);
}

/* --- looking --- */

#define LOOK_ANSWERS (3 + SIBLING_SETTINGS)

static void ask_look(struct redis_call *call, const void *arg)
{
    const struct siblings *f = arg;
    bool old = f->config.seen->node[SIDE_SOURCE].info.redis_compat_num < 50000;

    redis_call_addv(call, "INFO");
    for (int i = 0; i < SIBLING_SETTINGS; i++)
        redis_call_addv(call, "CONFIG", "GET", sibling_setting_name((enum sibling_setting)i));
    /* Wrong in a way that shows only to whoever may use them. */
    redis_call_addv(call, old ? "SLAVEOF" : "REPLICAOF", "127.0.0.1", "x");
    redis_call_addv(call, "CONFIG", "SET", "no-such-setting", "1");
}

static bool is_denied(const redisReply *reply)
{
    enum right_state right = rights_judge(reply);

    return right == RIGHT_DENIED || right == RIGHT_RENAMED || right == RIGHT_CLUSTER;
}

static void read_look(const struct probe *probe, const struct err *err, struct sibling_look *look)
{
    redisReply *const *replies = probe->call->replies;

    look->reachable = !err;
    if (err) {
        look->err = *err;
        return;
    }
    if (replies[0]->type != REDIS_REPLY_STRING ||
        redis_info_parse(&look->info, replies[0]->str, replies[0]->len, &look->err)) {
        look->reachable = false;
        err_set(&look->err, ERR_PROTOCOL, "it does not answer INFO: %.100s",
                replies[0]->type == REDIS_REPLY_ERROR ? replies[0]->str : "");
        return;
    }
    for (int i = 0; i < SIBLING_SETTINGS; i++)
        look->has[i] = config_value(replies[1 + i]);
    if (is_denied(replies[LOOK_ANSWERS - 2]))
        look->refuses = "REPLICAOF";
    else if (is_denied(replies[LOOK_ANSWERS - 1]))
        look->refuses = "CONFIG SET";
}

/* As the target's port is; left as it is where nobody knows. */
static const char *wanted_tls(const struct sibling_case *c, const char *has)
{
    enum answer tls = road_speaks_tls(c->spec, c->run, c->seen, SIDE_TARGET);

    return !has || tls == NOT_KNOWN ? has : tls == YES ? "yes" : "no";
}

static void looked(struct probe *probe, const struct err *err)
{
    struct sibling_work *w = container_of(probe, struct sibling_work, probe);
    const struct spec_auth *auth = spec_replication_auth(&spec_of(w->all)->target);
    struct sibling_case c = {.spec = spec_of(w->all),
                             .run = w->all->config.run,
                             .seen = w->all->config.seen,
                             .waited_ms = clock_boot_ms() - w->since_ms,
                             .listed = w->listed};
    struct sibling_look look = {.reachable = false};
    struct sibling *one = one_of(w);
    struct sibling_step s;
    char *password = NULL;

    read_look(probe, err, &look);
    if (look.reachable && spec_auth_read(auth, &password, &look.err))
        look.reachable = false; /* what it is to log in with is not known */
    look.wants[SIBLING_USER] = auth->username ? auth->username : "";
    look.wants[SIBLING_PASSWORD] = password ? password : "";
    look.wants[SIBLING_TLS] = wanted_tls(&c, look.has[SIBLING_TLS]);
    if (one->state == SIBLING_WAITING && !w->all->ready) {
        s = sibling_prepare(one, &look, &c);
        apply_prepared(w, &s, look.reachable);
    } else if (one->state != SIBLING_NONE) {
        s = sibling_next(one, &look, &c);
        apply(w, &s, &look);
    }
    secret_free(password);
}

/* --- acting --- */

struct act {
    enum sibling_act act;
    const struct sibling *one;
    const struct sibling_look *look;
    const struct endpoint *target;
};

static void add_replicaof(struct redis_call *call, const struct endpoint *to, unsigned version)
{
    char port[8];

    snprintf(port, sizeof(port), "%u", to->port);
    redis_call_addv(call, version < 50000 ? "SLAVEOF" : "REPLICAOF", to->host, port);
}

static void ask_act(struct redis_call *call, const void *arg)
{
    const struct act *a = arg;
    bool back = a->act == SIBLING_RESTORE || a->act == SIBLING_POINT_BACK;

    for (int i = 0; i < SIBLING_SETTINGS && a->act != SIBLING_POINT; i++) {
        const char *from = a->one->changed[i].from, *to = a->one->changed[i].to;
        bool ours = to && a->look->has[i] && strcmp(a->look->has[i], to) == 0;

        if (to && (back ? ours : !ours))
            redis_call_addv(call, "CONFIG", "SET", sibling_setting_name((enum sibling_setting)i),
                            back ? from : to);
    }
    if (a->act == SIBLING_POINT)
        add_replicaof(call, a->target, a->look->info.redis_compat_num);
    else if (a->act == SIBLING_POINT_BACK)
        add_replicaof(call, &a->one->was, a->look->info.redis_compat_num);
}

static void acted(struct probe *probe, const struct err *err)
{
    struct sibling_work *w = container_of(probe, struct sibling_work, probe);
    struct sibling *one = one_of(w);
    struct sibling_step s;
    struct err words;

    if (!err && probe->call && redis_call_reply_err(probe->call, &words)) {
        s = sibling_refused(one, w->act, words.msg);
        apply(w, &s, &(struct sibling_look){.reachable = false});
        return;
    }
    look_again(w, one); /* what came of it shows then */
    turn(w->all);
}

static void begin(struct sibling_work *w, void (*ask)(struct redis_call *call, const void *arg),
                  const void *arg, void (*done)(struct probe *probe, const struct err *err))
{
    struct siblings *f = w->all;
    const struct spec *spec = spec_of(f);
    struct sibling *one = one_of(w);
    struct probe_config config = {
        .access = f->config.owner->access(f, min_of(spec->attach.timeout_ms, CONNECT_MS)),
        .ask = ask,
        .arg = arg,
        .answer_ms = ANSWER_MS,
        .done = done};
    struct err err;

    config.access.endpoint = &one->at;
    if (!probe_start(&w->probe, f->config.loop, &config, &err))
        return;
    (void)str_copy(one->message, sizeof(one->message), err.msg); /* the password cannot be read */
    look_again(w, one);
}

static void begin_act(struct sibling_work *w, enum sibling_act act, const struct sibling_look *look)
{
    struct act a = {.act = act,
                    .one = one_of(w),
                    .look = look,
                    .target = &spec_of(w->all)->target.reachable_as};

    w->act = act;
    begin(w, ask_act, &a, acted);
}

/* --- when --- */

/* Nothing is begun inside the write pause. */
static bool is_active(const struct siblings *f, const struct sibling *one)
{
    enum phase phase = f->config.run->phase;

    if (phase_get(phase)->flags & F_PAUSE)
        return false;
    if (one->state == SIBLING_WAITING)
        return phase == PHASE_REPLICATING || f->ready;
    return one->state == SIBLING_MOVING || one->state == SIBLING_RETURNING;
}

static void turn(struct siblings *f)
{
    uint64_t now = clock_boot_ms(), next = NEVER;

    if (f->closing)
        return;
    for (unsigned i = 0; i < SIBLINGS_MAX; i++) {
        struct sibling_work *w = &f->work[i];

        if (!is_active(f, &f->list[i]) || w->ticket != 0 || probe_is_under_way(&w->probe))
            continue;
        if (w->due_ms <= now)
            begin(w, ask_look, f, looked);
        if (!probe_is_under_way(&w->probe))
            next = min_of(next, w->due_ms);
    }
    if (next == NEVER)
        uv_timer_stop(&f->timer);
    else
        uv_timer_start(&f->timer, on_timer, next > now ? next - now : 1, 0);
}

/* Those the source lists, and those it listed and does not any more until it is known why. */
static void track(struct siblings *f)
{
    struct endpoint listed[SIBLINGS_MAX];
    bool leave = spec_of(f)->source.leave_replicas;
    unsigned n = leave ? 0 : siblings_of_writer(spec_of(f), f->config.run, f->config.seen, listed);

    for (unsigned i = 0; i < SIBLINGS_MAX; i++) {
        bool there = false;

        for (unsigned k = 0; k < n; k++)
            there = there || endpoint_equal(&f->list[i].at, &listed[k]);
        if (f->list[i].state == SIBLING_WAITING ? leave
                                                : !there && f->list[i].state == SIBLING_NONE)
            siblings_drop(f, i);
        else if (f->work[i].listed && !there)
            f->work[i].due_ms = 0;
        f->work[i].listed = there;
    }
    for (unsigned k = 0; k < n; k++)
        if (!find(f, &listed[k]))
            (void)siblings_add(f, &listed[k]);
}

/* Nobody has seen the old source demoted in all the time: perhaps it is gone, and nobody knows what
 * it took last. */
static void leave_all(struct siblings *f)
{
    const struct sibling_step left = {
        .to = SIBLING_LEFT,
        .message = "the old source has not been seen to be demoted, so that it is not known "
                   "whether the target has all that this one has"};

    for (unsigned i = 0; i < SIBLINGS_MAX; i++)
        if (f->list[i].state == SIBLING_WAITING)
            apply(&f->work[i], &left, NULL);
}

void siblings_observe(struct siblings *f)
{
    const struct observation *seen = f->config.seen;
    const struct run *run = f->config.run;
    bool ready = siblings_may_move(run, seen);

    if (run->phase == PHASE_REPLICATING && chain_is_known(seen))
        track(f);
    if (ready && !f->ready)
        for (unsigned i = 0; i < SIBLINGS_MAX; i++) {
            f->work[i].since_ms = clock_boot_ms();
            f->work[i].due_ms = f->work[i].tries = 0;
        }
    f->ready = ready;
    if (run->phase == PHASE_COMPLETED && !ready && seen->phase_ms > sibling_patience_ms(spec_of(f)))
        leave_all(f);
    turn(f);
}

void siblings_want_fresh(struct siblings *f)
{
    for (unsigned i = 0; i < SIBLINGS_MAX; i++)
        if (f->list[i].state == SIBLING_WAITING)
            f->work[i].due_ms = 0;
    turn(f);
}

void siblings_enter(struct siblings *f)
{
    static const unsigned going_on = 1u << PHASE_REPLICATING | 1u << PHASE_FREEZING |
                                     1u << PHASE_SWITCHING | 1u << PHASE_COMPLETED |
                                     1u << PHASE_HALTED;

    for (unsigned i = 0; i < SIBLINGS_MAX && !(going_on & 1u << f->config.run->phase); i++) {
        struct sibling *one = &f->list[i];

        if (one->state == SIBLING_MOVING) {
            one->state = SIBLING_RETURNING;
            siblings_put(f, i, false);
        } else if (one->state != SIBLING_RETURNING) {
            siblings_drop(f, i);
        }
    }
    f->ready = false;
    turn(f);
}

void siblings_durable(struct siblings *f, uint64_t ticket)
{
    for (unsigned i = 0; i < SIBLINGS_MAX; i++)
        if (ticket >= f->work[i].ticket)
            f->work[i].ticket = 0;
    turn(f);
}
