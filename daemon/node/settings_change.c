/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing: the old values are read and made durable, then the new ones are set. A record stays,
 * whatever a node answers to that: what needs no restoring is told from what it shows then.
 */
#include "daemon/node/config_value.h"
#include "daemon/node/settings_private.h"
#include "lib/base/base.h"

static void next_side(struct settings *s);

/* The connection failed, or the owner lets go: the whole work has failed. */
static bool call_failed(struct settings *s)
{
    const struct err *err = &s->call.op.err;

    /* One that is let go of begins nothing more, also when the answer was just in time. */
    if (err->code == ERR_NONE && !s->closing)
        return false;
    settings_finish(s, refusal_reason(s->side, err), err);
    return true;
}

/* The kind of an error reply ("NOPERM"); the rest of it may quote what was to be set. */
static struct err refusal(const struct settings *s, const char *what, const char *name,
                          const redisReply *reply)
{
    bool error = reply->type == REDIS_REPLY_ERROR;
    struct err err;

    err_set(&err, ERR_REPLY, "the %s refuses %s %s%s%.*s%s", side_name(s->side), what, name,
            error ? " (" : "", error ? (int)strcspn(reply->str, " ,") : 0, error ? reply->str : "",
            error ? ")" : "");
    return err;
}

static void set_done(struct op *op)
{
    struct settings *s = container_of(op, struct settings, call.op);
    struct err err;

    if (call_failed(s))
        return;
    for (unsigned i = 0, k = 0; i < s->n_changes; i++) {
        const struct setting_row *row = s->changes[i].row;
        const redisReply *reply;

        if (row->flags & S_RECORD_ONLY)
            continue;
        reply = s->call.replies[k++];
        if (reply->type != REDIS_REPLY_ERROR) {
            settings_tell(s, SETTING_CHANGED, row->name, s->changes[i].was, s->changes[i].value);
            continue;
        }
        if (row->flags & S_REQUIRED) {
            enum reason why;

            err = refusal(s, "CONFIG SET", row->name, reply);
            why = refusal_reason(s->side, &err);
            if ((row->flags & S_TLS) && why == REASON_COMMAND_REFUSED)
                why = REASON_TLS_UNPREPARED;
            settings_finish(s, why, &err);
            return;
        }
        settings_tell(s, SETTING_REFUSED, row->name, NULL, NULL);
    }
    settings_clear_changes(s);
    next_side(s);
}

void settings_durable(struct settings *s, uint64_t ticket)
{
    unsigned n = 0;

    if (s->action == ACT_NONE || s->ticket == 0 || ticket < s->ticket)
        return;
    s->ticket = 0;
    redis_call_init(&s->call);
    for (unsigned i = 0; i < s->n_changes; i++) {
        if (s->changes[i].row->flags & S_RECORD_ONLY)
            continue;
        redis_call_addv(&s->call, "CONFIG", "SET", s->changes[i].row->name, s->changes[i].value);
        n++;
    }
    if (n > 0) {
        settings_send(s, set_done);
        return;
    }
    settings_clear_changes(s);
    next_side(s);
}

/* False: there is no room for it. */
static bool record_change(struct settings *s, const struct setting_row *row, const char *old,
                          char *value)
{
    struct setting setting = {
        .side = s->side,
        .old_value = (char *)old,
        .new_value = value,
        .scope = row->scope,
    };

    (void)str_copy(setting.job, sizeof(setting.job), s->job);
    (void)str_copy(setting.name, sizeof(setting.name), row->name);
    s->changes[s->n_changes++] = (struct change){.row = row, .value = value, .was = xstrdup(old)};
    if (!settings_load(s, &setting))
        return false;
    s->ticket = store_put_setting(s->store, &setting);
    return true;
}

static void no_room(struct settings *s)
{
    struct err err;

    err_set(&err, ERR_LIMIT, "more than %u settings of the nodes are recorded already",
            SETTINGS_MAX);
    settings_finish(s, REASON_INTERNAL, &err);
}

static bool applies(const struct settings *s, const struct setting_row *row)
{
    return setting_applies(row, s->action, s->side, s->writer,
                           s->facts.info[s->side]->redis_compat_num);
}

/* CONFIG GET has been answered: what is to change is recorded. */
static void get_done(struct op *op)
{
    struct settings *s = container_of(op, struct settings, call.op);
    const struct setting_row *rows;
    struct err err;
    unsigned k = 0;
    size_t n;

    if (call_failed(s))
        return;
    rows = setting_rows(&n);
    for (size_t i = 0; i < n; i++) {
        const redisReply *reply;
        const char *current, *why = NULL;
        char *value;

        if (!applies(s, &rows[i]))
            continue;
        reply = s->call.replies[k++];
        current = config_value(reply);
        value = rows[i].want(&s->facts, current ? current : "", &why);
        if (why && current)
            s->owner->news(s, &(struct setting_report){.news = SETTING_LEFT,
                                                       .side = s->side,
                                                       .name = rows[i].name,
                                                       .from = current,
                                                       .why = why});
        if (value && current && strcmp(value, current) != 0) {
            if (!record_change(s, &rows[i], current, value)) {
                no_room(s);
                return;
            }
            continue;
        }
        /* Not to be read, but needed: an empty log-in is what a server has by default. */
        if (value && !current && (rows[i].flags & S_REQUIRED) && value[0] != '\0') {
            secret_free(value);
            err = refusal(s, "CONFIG GET", rows[i].name, reply);
            settings_finish(s, refusal_reason(s->side, &err), &err);
            return;
        }
        secret_free(value);
    }
    if (s->n_changes == 0)
        next_side(s);
    else
        s->owner->recorded(s);
}

/* The settings of one side after the other; then the work is done. */
static void next_side(struct settings *s)
{
    const struct setting_row *rows;
    unsigned asked = 0;
    size_t n;

    rows = setting_rows(&n);
    while (++s->side < SIDE_MAX) {
        /* A source below the writer follows by way of that, too, if it is gone now. */
        if (s->action == ACT_PREPARE_CUTOVER && s->side == SIDE_SOURCE &&
            s->writer != SIDE_SOURCE && !s->node[s->side].seen->reachable)
            continue;
        redis_call_init(&s->call);
        for (size_t i = 0; i < n; i++) {
            if (!applies(s, &rows[i]))
                continue;
            redis_call_addv(&s->call, "CONFIG", "GET", rows[i].name);
            asked++;
        }
        if (asked > 0) {
            settings_send(s, get_done);
            return;
        }
    }
    settings_finish(s, REASON_NONE, NULL);
}

/* What is set must be at hand before anything is: an unreadable password is no empty one. */
static int gather_facts(struct settings *s, const struct spec *spec,
                        const enum answer tls[SIDE_MAX], struct err *err)
{
    const struct spec_node *nodes[] = {
        [SIDE_SOURCE] = &spec->source, [SIDE_TARGET] = &spec->target};

    s->facts = (struct setting_facts){.tune = spec->sync.tune,
                                      .reverse = spec->cutover.reverse,
                                      .follow = !spec->source.leave_replicas,
                                      .watched = spec->n_sentinels > 0};
    for (int side = 0; side < SIDE_MAX; side++)
        s->facts.info[side] = &s->node[side].seen->info;
    for (size_t side = 0; side < array_len(nodes); side++) {
        const struct spec_auth *auth = spec_replication_auth(nodes[side]);
        char *password = NULL;

        if (spec_auth_read(auth, &password, err))
            return (int)err->code;
        s->facts.tls[side] = tls[side];
        s->facts.user[side] = xstrdup(auth->username ? auth->username : "");
        s->facts.password[side] = password ? password : xstrdup("");
    }
    return 0;
}

void settings_change(struct settings *s, enum action action, enum node_side writer,
                     const struct spec *spec, const enum answer tls[SIDE_MAX])
{
    struct err err;

    assert(s->action == ACT_NONE && s->n_changes == 0);
    s->action = action;
    s->writer = writer;
    s->side = (enum node_side) - 1; /* the first side is the next one */
    s->ticket = 0;
    if (gather_facts(s, spec, tls, &err))
        settings_finish(s, REASON_CREDENTIAL_UNREADABLE, &err);
    else
        next_side(s);
}
