/* SPDX-License-Identifier: Apache-2.0 */
/* The records, and what the two kinds of work have in common. */
#include "daemon/node/settings_private.h"
#include "lib/base/base.h"

#define CONFIG_TIMEOUT_MS 5000

void settings_init(struct settings *s, const struct settings_owner *owner, struct store *store,
                   const char *job, struct node *nodes)
{
    *s = (struct settings){
        .owner = owner, .store = store, .job = job, .node = nodes, .action = ACT_NONE};
}

void settings_clear_changes(struct settings *s)
{
    for (unsigned i = 0; i < s->n_changes; i++) {
        secret_free(s->changes[i].value);
        secret_free(s->changes[i].was);
    }
    s->n_changes = 0;
}

static void clear_facts(struct setting_facts *facts)
{
    for (int side = 0; side < SIDE_MAX; side++) {
        free(facts->user[side]);
        secret_free(facts->password[side]);
    }
    *facts = (struct setting_facts){.tune = false};
}

static void remove_record(struct settings *s, unsigned i)
{
    secret_free(s->record[i].old_value);
    secret_free(s->record[i].new_value);
    s->record[i] = s->record[--s->n];
}

void settings_close(struct settings *s)
{
    s->closing = true;
    if (s->ticket == 0)
        return;
    s->action = ACT_NONE;
    s->ticket = 0;
}

void settings_deinit(struct settings *s)
{
    assert(s->action == ACT_NONE);
    settings_clear_changes(s);
    clear_facts(&s->facts);
    redis_call_clear(&s->call);
    while (s->n > 0)
        remove_record(s, s->n - 1);
}

/* --- records --- */

static struct setting *find(const struct settings *s, enum node_side side, const char *name)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->record[i].side == side && strcmp(s->record[i].name, name) == 0)
            return (struct setting *)&s->record[i];
    return NULL;
}

bool settings_load(struct settings *s, const struct setting *record)
{
    struct setting *r = find(s, record->side, record->name);

    if (r) { /* the oldest old value is the one to go back to */
        secret_free(r->new_value);
        r->new_value = xstrdup(record->new_value);
        return true;
    }
    if (s->n == SETTINGS_MAX)
        return false;
    r = &s->record[s->n++];
    *r = *record;
    r->old_value = xstrdup(record->old_value);
    r->new_value = xstrdup(record->new_value);
    return true;
}

unsigned settings_count(const struct settings *s, enum node_side side, enum setting_scope scope)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->n; i++)
        n += s->record[i].side == side && s->record[i].scope <= scope;
    return n;
}

const char *settings_old(const struct settings *s, enum node_side side, const char *name)
{
    const struct setting *r = find(s, side, name);

    return r ? r->old_value : NULL;
}

void settings_tell(struct settings *s, enum setting_news news, const char *name, const char *from,
                   const char *to)
{
    const struct setting_row *row = setting_row_of(s->side, name);
    bool secret = !row || (row->flags & S_SECRET);

    s->owner->news(s, &(struct setting_report){.news = news,
                                               .side = s->side,
                                               .name = name,
                                               .from = secret ? NULL : from,
                                               .to = secret ? NULL : to});
}

void settings_drop(struct settings *s, unsigned record)
{
    const struct setting *r = &s->record[record];

    (void)store_delete_setting(s->store, r->job, r->side, r->name);
    remove_record(s, record);
}

void settings_disown(struct settings *s, enum node_side side)
{
    for (unsigned i = s->n; i-- > 0;) {
        if (s->record[i].side != side)
            continue;
        s->side = side;
        settings_tell(s, SETTING_DISOWNED, s->record[i].name, s->record[i].old_value,
                      s->record[i].new_value);
        settings_drop(s, i);
    }
}

void settings_forget(struct settings *s)
{
    while (s->n > 0)
        settings_drop(s, s->n - 1);
}

/* --- the work --- */

void settings_finish(struct settings *s, enum reason reason, const struct err *err)
{
    s->action = ACT_NONE;
    s->ticket = 0;
    settings_clear_changes(s);
    clear_facts(&s->facts);
    s->owner->done(s, reason, err);
}

void settings_send(struct settings *s, op_done_fn *done)
{
    redis_call_start(&s->call, s->node[s->side].client, CONFIG_TIMEOUT_MS, done);
}
