/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/migration/settings.h"

#include "daemon/migration/migration_private.h"
#include "daemon/migration/setting_rows.h"

#define CONFIG_TIMEOUT_MS 5000

static const char *const side_names[SIDE_MAX] = {
    [SIDE_SOURCE] = "source", [SIDE_TARGET] = "target"};

static void next_side(struct migration *m);

void settings_init(struct settings *s)
{
    *s = (struct settings){.action = ACT_NONE};
}

static void clear_changes(struct settings *s)
{
    for (unsigned i = 0; i < s->n_changes; i++)
        secret_free(s->changes[i].value);
    s->n_changes = 0;
}

static void remove_record(struct settings *s, unsigned i)
{
    secret_free(s->record[i].old_value);
    secret_free(s->record[i].new_value);
    s->record[i] = s->record[--s->n];
}

void settings_deinit(struct settings *s)
{
    assert(s->action == ACT_NONE);
    clear_changes(s);
    redis_call_clear(&s->call);
    while (s->n > 0)
        remove_record(s, s->n - 1);
}

void settings_cancel(struct settings *s)
{
    s->action = ACT_NONE;
    s->ticket = 0;
}

static struct setting *find(const struct settings *s, enum node_side side, const char *name)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->record[i].side == side && strcmp(s->record[i].name, name) == 0)
            return (struct setting *)&s->record[i];
    return NULL;
}

void settings_load(struct settings *s, const struct setting *record)
{
    struct setting *r = find(s, record->side, record->name);

    if (r) { /* the oldest old value is the one to go back to */
        secret_free(r->new_value);
        r->new_value = xstrdup(record->new_value);
        return;
    }
    assert(s->n < SETTINGS_MAX);
    r = &s->record[s->n++];
    *r = *record;
    r->old_value = xstrdup(record->old_value);
    r->new_value = xstrdup(record->new_value);
}

unsigned settings_count(const struct settings *s, enum node_side side, bool run_only)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->n; i++)
        n += s->record[i].side == side && (!run_only || s->record[i].scope == SCOPE_RUN);
    return n;
}

const char *settings_old(const struct settings *s, enum node_side side, const char *name)
{
    const struct setting *r = find(s, side, name);

    return r ? r->old_value : NULL;
}

static void finish(struct migration *m, enum reason reason, const struct err *err)
{
    struct settings *s = &m->settings;

    s->action = ACT_NONE;
    s->ticket = 0;
    clear_changes(s);
    migration_acted(m, reason, err);
}

/* The connection failed, or the loop is being torn down: the whole action has failed. */
static bool call_failed(struct migration *m)
{
    struct settings *s = &m->settings;

    /* A migration that is let go of begins nothing more, also when the answer was just in time. */
    if (s->call.op.err.code == ERR_NONE && !m->forgotten)
        return false;
    finish(m, node_reason(s->side, &s->call.op.err), &s->call.op.err);
    return true;
}

static void send_call(struct migration *m, op_done_fn *done)
{
    struct settings *s = &m->settings;

    redis_call_start(&s->call, m->node[s->side].client, CONFIG_TIMEOUT_MS, done);
}

/* A CONFIG GET's value, or NULL: the server does not know the setting, or refuses. */
static const char *config_value(const redisReply *reply)
{
    bool pairs = reply->type == REDIS_REPLY_ARRAY;

#ifdef REDIS_REPLY_MAP
    pairs = pairs || reply->type == REDIS_REPLY_MAP;
#endif
    if (!pairs || reply->elements < 2 || reply->element[1]->type != REDIS_REPLY_STRING)
        return NULL;
    return reply->element[1]->str;
}

static void say(struct migration *m, enum event_name event, enum node_side side, const char *name,
                const char *what)
{
    struct event_context context = migration_context(m);

    event_emit(m->env->bus, event, &context,
               json_pack("{s:s,s:s}", "node", side_names[side], "setting", name),
               "'%s' of the %s %s", name, side_names[side], what);
}

static void drop_record(struct migration *m, unsigned i)
{
    const struct setting *r = &m->settings.record[i];

    (void)store_delete_setting(m->env->store, r->job, r->side, r->name);
    remove_record(&m->settings, i);
}

void settings_disown(struct migration *m, enum node_side side)
{
    struct settings *s = &m->settings;

    for (unsigned i = s->n; i-- > 0;) {
        if (s->record[i].side != side)
            continue;
        say(m, EVENT_SETTING_KEPT, side, s->record[i].name,
            "stays changed: the job names another node now, restore it by hand");
        drop_record(m, i);
    }
}

/* The kind of an error reply ("NOPERM"); the rest of it may quote what was to be set. */
static struct err refusal(const struct settings *s, const char *what, const char *name,
                          const redisReply *reply)
{
    bool error = reply->type == REDIS_REPLY_ERROR;
    struct err err;

    err_set(&err, ERR_REPLY, "the %s refuses %s %s%s%.*s%s", side_names[s->side], what, name,
            error ? " (" : "", error ? (int)strcspn(reply->str, " ,") : 0, error ? reply->str : "",
            error ? ")" : "");
    return err;
}

/* CONFIG SET has been answered. A record stays, whatever was answered: what needs no restoring is
 * told from what the node shows then. */
static void set_done(struct op *op)
{
    struct settings *s = container_of(op, struct settings, call.op);
    struct migration *m = container_of(s, struct migration, settings);
    struct err err;

    if (call_failed(m))
        return;
    for (unsigned i = 0, k = 0; i < s->n_changes; i++) {
        const struct setting_row *row = s->changes[i].row;
        const redisReply *reply;

        if (row->record_only)
            continue;
        reply = s->call.replies[k++];
        if (reply->type != REDIS_REPLY_ERROR) {
            say(m, EVENT_SETTING_CHANGED, s->side, row->name, "was changed for the migration");
            continue;
        }
        if (row->required) {
            err = refusal(s, "CONFIG SET", row->name, reply);
            finish(m, node_reason(s->side, &err), &err);
            return;
        }
        log_warn(m->env->log, "job '%s': the %s refuses CONFIG SET %s, ignoring", m->spec->id,
                 side_names[s->side], row->name);
    }
    clear_changes(s);
    next_side(m);
}

void settings_durable(struct migration *m, uint64_t ticket)
{
    struct settings *s = &m->settings;
    unsigned n = 0;

    if (s->action == ACT_NONE || s->ticket == 0 || ticket < s->ticket)
        return;
    s->ticket = 0;
    redis_call_init(&s->call);
    for (unsigned i = 0; i < s->n_changes; i++) {
        if (s->changes[i].row->record_only)
            continue;
        redis_call_addv(&s->call, "CONFIG", "SET", s->changes[i].row->name, s->changes[i].value);
        n++;
    }
    if (n > 0) {
        send_call(m, set_done);
        return;
    }
    clear_changes(s);
    next_side(m);
}

static bool applies(const struct migration *m, const struct setting_row *row, enum action action,
                    enum node_side side)
{
    unsigned version = m->seen.node[side].info.redis_compat_num;

    return row->when == action && row->side == side && version >= row->since &&
           (row->before == 0 || version < row->before);
}

static void record_change(struct migration *m, const struct setting_row *row, const char *old,
                          char *value)
{
    struct settings *s = &m->settings;
    struct setting setting = {
        .side = s->side,
        .old_value = (char *)old,
        .new_value = value,
        .scope = row->scope,
    };

    (void)str_copy(setting.job, sizeof(setting.job), m->spec->id);
    (void)str_copy(setting.name, sizeof(setting.name), row->name);
    s->changes[s->n_changes++] = (struct change){.row = row, .value = value};
    s->ticket = store_put_setting(m->env->store, &setting);
    settings_load(s, &setting);
}

/* CONFIG GET has been answered: what is to change is recorded. */
static void get_done(struct op *op)
{
    struct settings *s = container_of(op, struct settings, call.op);
    struct migration *m = container_of(s, struct migration, settings);
    const struct setting_row *rows;
    struct err err;
    unsigned k = 0;
    size_t n;

    if (call_failed(m))
        return;
    rows = setting_rows(&n);
    for (size_t i = 0; i < n; i++) {
        const redisReply *reply;
        const char *current;
        char *value;

        if (!applies(m, &rows[i], s->action, s->side))
            continue;
        reply = s->call.replies[k++];
        current = config_value(reply);
        value = current ? rows[i].want(m, current) : rows[i].want(m, "");
        if (value && current && strcmp(value, current) != 0) {
            record_change(m, &rows[i], current, value);
            continue;
        }
        /* Not to be read, but needed: an empty log-in is what a server has by default. */
        if (value && !current && rows[i].required && value[0] != '\0') {
            secret_free(value);
            err = refusal(s, "CONFIG GET", rows[i].name, reply);
            finish(m, node_reason(s->side, &err), &err);
            return;
        }
        secret_free(value);
    }
    if (s->n_changes == 0)
        next_side(m);
    else
        migration_wait_durable(m);
}

/* The settings of one side after the other; then the action is done. */
static void next_side(struct migration *m)
{
    struct settings *s = &m->settings;
    const struct setting_row *rows;
    unsigned asked = 0;
    size_t n;

    rows = setting_rows(&n);
    while (++s->side < SIDE_MAX) {
        redis_call_init(&s->call);
        for (size_t i = 0; i < n; i++) {
            if (!applies(m, &rows[i], s->action, s->side))
                continue;
            redis_call_addv(&s->call, "CONFIG", "GET", rows[i].name);
            asked++;
        }
        if (asked > 0) {
            send_call(m, get_done);
            return;
        }
    }
    finish(m, REASON_NONE, NULL);
}

/* --- restoring --- */

static void restore_side(struct migration *m);

/* Goes on with the other side: what is owed there must not wait for this one. */
static void side_refused(struct migration *m, const struct err *err)
{
    struct settings *s = &m->settings;

    if (s->refused.code == ERR_NONE) {
        s->refused = *err;
        s->refused_reason = node_reason(s->side, err);
    }
    clear_changes(s);
    restore_side(m);
}

/* The connection failed, or the node refuses: what it is owed stays recorded, and is tried again.
 */
static bool restore_call_failed(struct migration *m)
{
    struct settings *s = &m->settings;

    if (m->forgotten)
        return call_failed(m);
    if (s->call.op.err.code == ERR_NONE)
        return false;
    side_refused(m, &s->call.op.err);
    return true;
}

static bool due(const struct migration *m, const struct setting *r)
{
    return m->run.phase != PHASE_COMPLETED || r->scope == SCOPE_RUN;
}

static void restored(struct op *op)
{
    struct settings *s = container_of(op, struct settings, call.op);
    struct migration *m = container_of(s, struct migration, settings);
    struct err err;

    if (restore_call_failed(m))
        return;
    /* From the highest index down: removing moves the last record into the gap. */
    for (unsigned k = s->n_changes; k-- > 0;) {
        struct setting *r = &s->record[s->changes[k].record];

        if (s->call.replies[k]->type == REDIS_REPLY_ERROR)
            continue; /* stays owed, and is tried again */
        say(m, EVENT_SETTING_RESTORED, r->side, r->name, "has its old value again");
        drop_record(m, s->changes[k].record);
    }
    if (redis_call_reply_err(&s->call, &err)) {
        err_wrap(&err, "the %s refuses to restore a setting", side_names[s->side]);
        side_refused(m, &err);
        return;
    }
    clear_changes(s);
    restore_side(m);
}

static void restore_read(struct op *op)
{
    struct settings *s = container_of(op, struct settings, call.op);
    struct migration *m = container_of(s, struct migration, settings);
    unsigned n = s->n_changes;
    struct change asked[SETTINGS_MAX];
    bool set[SETTINGS_MAX];
    struct err err;

    if (restore_call_failed(m))
        return;
    if (redis_call_reply_err(&s->call, &err)) { /* busy, say: nothing can be concluded from that */
        err_wrap(&err, "the %s refuses CONFIG GET", side_names[s->side]);
        side_refused(m, &err);
        return;
    }
    memcpy(asked, s->changes, sizeof(asked));
    for (unsigned k = 0; k < n; k++) {
        const char *current = config_value(s->call.replies[k]);

        set[k] = current && strcmp(current, s->record[asked[k].record].new_value) == 0;
    }
    for (unsigned k = n; k-- > 0;) {
        struct setting *r = &s->record[asked[k].record];
        const char *current = config_value(s->call.replies[k]);

        if (set[k])
            continue;
        if (!current || strcmp(current, r->old_value) != 0)
            say(m, EVENT_SETTING_KEPT, r->side, r->name,
                "is left as it is: somebody else has changed it since");
        drop_record(m, asked[k].record);
    }
    s->n_changes = 0;
    redis_call_init(&s->call);
    for (unsigned i = 0; i < s->n; i++) {
        if (s->record[i].side != s->side || !due(m, &s->record[i]))
            continue;
        redis_call_addv(&s->call, "CONFIG", "SET", s->record[i].name, s->record[i].old_value);
        s->changes[s->n_changes++] = (struct change){.record = i};
    }
    if (s->n_changes > 0)
        send_call(m, restored);
    else
        restore_side(m);
}

static void restore_side(struct migration *m)
{
    struct settings *s = &m->settings;

    while (++s->side < SIDE_MAX) {
        if (!m->seen.node[s->side].reachable)
            continue;
        redis_call_init(&s->call);
        for (unsigned i = 0; i < s->n; i++) {
            if (s->record[i].side != s->side || !due(m, &s->record[i]))
                continue;
            redis_call_addv(&s->call, "CONFIG", "GET", s->record[i].name);
            s->changes[s->n_changes++] = (struct change){.record = i};
        }
        if (s->n_changes > 0) {
            send_call(m, restore_read);
            return;
        }
    }
    finish(m, s->refused_reason, s->refused.code ? &s->refused : NULL);
}

void migration_forget_settings(struct migration *m)
{
    while (m->settings.n > 0)
        drop_record(m, m->settings.n - 1);
}

/* What is set must be at hand before anything is: an unreadable password is no empty one. */
static int passwords_readable(const struct migration *m, struct err *err)
{
    const struct spec_node *nodes[] = {&m->spec->source, &m->spec->target};
    char *password = NULL;

    for (size_t i = 0; i < array_len(nodes); i++) {
        if (spec_auth_read(spec_replication_auth(nodes[i]), &password, err))
            return (int)err->code;
        secret_free(take(password));
    }
    return 0;
}

void settings_start(struct migration *m, enum action action)
{
    struct settings *s = &m->settings;
    struct err err;

    assert(s->action == ACT_NONE && s->n_changes == 0);
    s->action = action;
    s->side = (enum node_side) - 1; /* the first side is the next one */
    s->ticket = 0;
    s->refused = ERR_INIT;
    s->refused_reason = REASON_NONE;
    if (action == ACT_RESTORE)
        restore_side(m);
    else if (passwords_readable(m, &err))
        finish(m, REASON_CREDENTIAL_UNREADABLE, &err);
    else
        next_side(m);
}
