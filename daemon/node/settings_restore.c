/* SPDX-License-Identifier: Apache-2.0 */
/* Restoring: only what still is what we set gets its old value back. */
#include "daemon/node/config_value.h"
#include "daemon/node/settings_private.h"
#include "lib/base/base.h"

static void next_side(struct settings *s);

/* Goes on with the other side: what is owed there must not wait for this one. */
static void side_refused(struct settings *s, const struct err *err)
{
    if (s->refused.code == ERR_NONE) {
        s->refused = *err;
        s->refused_reason = refusal_reason(s->side, err);
    }
    settings_clear_changes(s);
    next_side(s);
}

/* The connection failed: what the node is owed stays recorded, and is tried again. Or the owner
 * lets go: then all of it ends. */
static bool call_failed(struct settings *s)
{
    const struct err *err = &s->call.op.err;

    if (s->closing)
        settings_finish(s, refusal_reason(s->side, err), err);
    else if (err->code != ERR_NONE)
        side_refused(s, err);
    else
        return false;
    return true;
}

static bool due(const struct settings *s, const struct setting *r)
{
    return r->side == s->side && r->scope <= s->scope;
}

static void set_done(struct op *op)
{
    struct settings *s = container_of(op, struct settings, call.op);
    struct err err;

    if (call_failed(s))
        return;
    /* From the highest index down: removing moves the last record into the gap. */
    for (unsigned k = s->n_changes; k-- > 0;) {
        const struct setting *r = &s->record[s->changes[k].record];

        if (s->call.replies[k]->type == REDIS_REPLY_ERROR)
            continue; /* stays owed, and is tried again */
        settings_tell(s, SETTING_RESTORED, r->name, r->new_value, r->old_value);
        settings_drop(s, s->changes[k].record);
    }
    if (redis_call_reply_err(&s->call, &err)) {
        err_wrap(&err, "the %s refuses to restore a setting", side_name(s->side));
        side_refused(s, &err);
        return;
    }
    settings_clear_changes(s);
    next_side(s);
}

/* Drops the records of what is not what we set any more. */
static void drop_foreign(struct settings *s)
{
    for (unsigned k = s->n_changes; k-- > 0;) {
        const struct setting *r = &s->record[s->changes[k].record];
        const char *current = config_value(s->call.replies[k]);

        if (current && strcmp(current, r->new_value) == 0)
            continue;
        if (!current || strcmp(current, r->old_value) != 0)
            settings_tell(s, SETTING_KEPT, r->name, r->old_value, current);
        settings_drop(s, s->changes[k].record);
    }
    s->n_changes = 0;
}

static void get_done(struct op *op)
{
    struct settings *s = container_of(op, struct settings, call.op);
    struct err err;

    if (call_failed(s))
        return;
    if (redis_call_reply_err(&s->call, &err)) { /* busy, say: nothing can be concluded from that */
        err_wrap(&err, "the %s refuses CONFIG GET", side_name(s->side));
        side_refused(s, &err);
        return;
    }
    drop_foreign(s);
    redis_call_init(&s->call);
    for (unsigned i = 0; i < s->n; i++) {
        if (!due(s, &s->record[i]))
            continue;
        redis_call_addv(&s->call, "CONFIG", "SET", s->record[i].name, s->record[i].old_value);
        s->changes[s->n_changes++] = (struct change){.record = i};
    }
    if (s->n_changes > 0)
        settings_send(s, set_done);
    else
        next_side(s);
}

static void next_side(struct settings *s)
{
    while (++s->side < SIDE_MAX) {
        if (!s->node[s->side].seen->reachable)
            continue;
        redis_call_init(&s->call);
        for (unsigned i = 0; i < s->n; i++) {
            if (!due(s, &s->record[i]))
                continue;
            redis_call_addv(&s->call, "CONFIG", "GET", s->record[i].name);
            s->changes[s->n_changes++] = (struct change){.record = i};
        }
        if (s->n_changes > 0) {
            settings_send(s, get_done);
            return;
        }
    }
    settings_finish(s, s->refused_reason, s->refused.code ? &s->refused : NULL);
}

void settings_restore(struct settings *s, enum setting_scope scope)
{
    assert(s->action == ACT_NONE && s->n_changes == 0);
    s->action = ACT_RESTORE;
    s->scope = scope;
    s->side = (enum node_side) - 1; /* the first side is the next one */
    s->ticket = 0;
    s->refused = ERR_INIT;
    s->refused_reason = REASON_NONE;
    next_side(s);
}
