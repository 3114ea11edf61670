/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/migration/precheck.h"

#include <stdio.h>

#include "daemon/core/check/report.h"
#include "daemon/migration/migration_private.h"
#include "lib/base/clock.h"

#define TIMEOUT_MS UINT64_C(5000) /* attach.timeout, where that is shorter */

/* One log-in: the daemon's at either node, or the replication user's at the source. */
struct leg {
    struct precheck *p;
    enum node_side side;
    bool replication;
    bool settled;
    struct redis_client *client; /* owned; NULL: its password could not be read */
    struct redis_call look;
};

enum { LEG_SOURCE, LEG_TARGET, LEG_REPLICATION, LEG_MAX };

struct precheck {
    struct migration *m;     /* borrowed */
    struct spec *spec;       /* owned: the text that is judged, whatever the file becomes */
    struct run run;          /* as it would begin */
    struct observation seen; /* of this check alone */
    struct leg legs[LEG_MAX];
    unsigned unsettled;
    bool over;
    unsigned closing;
    void (*freed)(void *arg);
    void *freed_arg;
};

static void finish(struct precheck *p)
{
    p->over = true;
    observation_relate(&p->seen, p->spec, &p->run);
    migration_checked(p->m, check_report_of(p->spec, &p->run, &p->seen, clock_wall_ms()));
}

/* why NULL: what this leg was for has been reached. */
static void settle(struct leg *leg, enum reason reason, const struct err *why)
{
    struct precheck *p = leg->p;
    struct seen_node *node = &p->seen.node[leg->side];

    if (leg->settled || p->over)
        return;
    leg->settled = true;
    if (leg->replication) {
        node->replication_auth_tried = true;
        node->replication_auth_why = why ? reason : REASON_NONE;
        node->replication_auth_err = why ? *why : ERR_INIT;
    } else {
        node->tried = true;
        node->reachable = !why;
        node->why = why ? reason : REASON_NONE;
        node->err = why ? *why : ERR_INIT;
    }
    if (--p->unsettled == 0)
        finish(p);
}

static void looked(struct op *op)
{
    struct leg *leg = container_of(op, struct leg, look.op);
    struct redis_info *info = &leg->p->seen.node[leg->side].info;
    const redisReply *reply = leg->look.replies[0];
    struct err err = op->err;

    if (err.code == ERR_NONE && redis_call_reply_err(&leg->look, &err) == 0) {
        if (reply->type == REDIS_REPLY_STRING &&
            redis_info_parse(info, reply->str, reply->len, &err) == 0) {
            settle(leg, REASON_NONE, NULL);
            return;
        }
        err_set(&err, ERR_PROTOCOL, "what answers does not look like a Redis server");
    }
    settle(leg, node_reason(leg->side, &err), &err);
}

static void state_changed(struct redis_client *client, enum redis_client_state state,
                          const struct err *why, void *arg)
{
    struct leg *leg = arg;

    if (state == REDIS_DISCONNECTED) {
        settle(leg, node_reason(leg->side, why), why);
    } else if (state == REDIS_READY && leg->replication) {
        settle(leg, REASON_NONE, NULL);
    } else if (state == REDIS_READY) {
        redis_call_init(&leg->look);
        redis_call_addv(&leg->look, "INFO");
        redis_call_start(&leg->look, client, TIMEOUT_MS, looked);
    }
}

static void start(struct precheck *p, unsigned index, enum node_side side,
                  const struct endpoint *endpoint, const struct spec_auth *auth)
{
    struct leg *leg = &p->legs[index];
    char name[SPEC_ID_MAX + 32];
    char *password = NULL;
    struct err err;

    leg->p = p;
    leg->side = side;
    leg->replication = index == LEG_REPLICATION;
    if (spec_auth_read(auth, &password, &err)) {
        settle(leg, REASON_CREDENTIAL_UNREADABLE, &err);
        return;
    }
    /* Not the name of a run's connections: those are closed by the run's next one. */
    snprintf(name, sizeof(name), "ecmigrate-check:%s", p->spec->id);
    leg->client = redis_client_new(
        p->m->env->loop, &(struct redis_client_config){
                             .endpoint = *endpoint,
                             .username = auth->username,
                             .password = password,
                             .name = leg->replication ? NULL : name,
                             .connect_timeout_ms = min_of(p->spec->attach.timeout_ms, TIMEOUT_MS),
                             .on_state = state_changed,
                             .arg = leg});
    secret_free(password);
    redis_client_connect(leg->client);
}

struct precheck *precheck_new(struct migration *m, const struct endpoint *source)
{
    struct precheck *p = xcalloc(1, sizeof(*p));

    p->m = m;
    p->spec = spec_dup(m->next_spec ? m->next_spec : m->spec);
    p->run = m->run;
    p->run.source = *source;
    return p;
}

void precheck_start(struct precheck *p)
{
    const struct spec_node *source = &p->spec->source, *target = &p->spec->target;
    bool replication = source->has_replication_user;

    p->unsettled = replication ? 3 : 2; /* all of them, before the first may end at once */
    start(p, LEG_SOURCE, SIDE_SOURCE, &p->run.source, &source->auth);
    start(p, LEG_TARGET, SIDE_TARGET, &target->endpoint, &target->auth);
    if (replication)
        start(p, LEG_REPLICATION, SIDE_SOURCE, &p->run.source, spec_replication_auth(source));
}

static void part_closed(void *arg)
{
    struct precheck *p = arg;
    void (*freed)(void *) = p->freed;
    void *freed_arg = p->freed_arg;

    if (--p->closing > 0)
        return;
    for (int i = 0; i < LEG_MAX; i++)
        redis_call_clear(&p->legs[i].look);
    spec_free(p->spec);
    free(p);
    if (freed)
        freed(freed_arg);
}

void precheck_free(struct precheck *p, void (*freed)(void *arg), void *arg)
{
    if (!p) {
        if (freed)
            freed(arg);
        return;
    }
    p->over = true;
    p->freed = freed;
    p->freed_arg = arg;
    p->closing = 1; /* this function */
    for (int i = 0; i < LEG_MAX; i++) {
        if (!p->legs[i].client)
            continue;
        p->closing++;
        redis_client_free(take(p->legs[i].client), part_closed, p);
    }
    part_closed(p);
}
