/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/rows.h"

#include "daemon/event/event.h"

/* How a member of struct store_job is kept. */
enum kind {
    KIND_UNSIGNED,
    KIND_INT64,
    KIND_BOOL,
    KIND_PORT,
    KIND_CHARS,  /* an array of char */
    KIND_STRING, /* an owned string, or NULL */
    KIND_PHASE,
    KIND_REASON,
};

struct column {
    const char *name; /* for messages */
    enum kind kind;
    size_t offset, size;
};

#define COLUMN(kind, member)                                                                       \
    {                                                                                              \
#member, kind, offsetof(struct store_job, member), sizeof(((struct store_job *)0)->member) \
    }

/* In the order of the columns in schema.c. */
static const struct column job_columns[] = {
    COLUMN(KIND_CHARS, id),
    COLUMN(KIND_STRING, file),
    COLUMN(KIND_STRING, spec_text),
    COLUMN(KIND_UNSIGNED, run.number),
    COLUMN(KIND_PHASE, run.phase),
    COLUMN(KIND_INT64, run.since_wall_ms),
    COLUMN(KIND_REASON, run.reason),
    COLUMN(KIND_CHARS, run.message),
    COLUMN(KIND_UNSIGNED, run.attempt),
    COLUMN(KIND_INT64, run.next_attempt_wall_ms),
    COLUMN(KIND_BOOL, run.checked),
    COLUMN(KIND_BOOL, run.attached),
    COLUMN(KIND_BOOL, run.synced),
    COLUMN(KIND_BOOL, run.want_cutover),
    COLUMN(KIND_BOOL, run.force),
    COLUMN(KIND_BOOL, run.keep_roles),
    COLUMN(KIND_BOOL, run.aborted),
    COLUMN(KIND_UNSIGNED, run.cutover_attempt),
    COLUMN(KIND_INT64, run.next_cutover_wall_ms),
    COLUMN(KIND_UNSIGNED, run.epoch),
    COLUMN(KIND_CHARS, run.source.host),
    COLUMN(KIND_PORT, run.source.port),
    COLUMN(KIND_CHARS, run.source_run_id),
    COLUMN(KIND_CHARS, run.target_run_id),
    COLUMN(KIND_INT64, run.cutover.at_wall_ms),
    COLUMN(KIND_INT64, run.cutover.gap_us),
    COLUMN(KIND_INT64, run.cutover.offset),
    COLUMN(KIND_BOOL, run.committed),
    COLUMN(KIND_INT64, run.given_keys),
    COLUMN(KIND_INT64, run.given_offset),
    COLUMN(KIND_CHARS, run.given_replid),
    COLUMN(KIND_INT64, run.want_since_wall_ms),
    COLUMN(KIND_INT64, run.want_until_wall_ms),
    COLUMN(KIND_CHARS, run.want_by),
    COLUMN(KIND_BOOL, run.again),
    COLUMN(KIND_BOOL, run.recopy),
    COLUMN(KIND_INT64, run.errors_base),
    COLUMN(KIND_INT64, run.evicted_base),
    COLUMN(KIND_UNSIGNED, run.copies),
    COLUMN(KIND_CHARS, run.writer.host),
    COLUMN(KIND_PORT, run.writer.port),
    COLUMN(KIND_CHARS, run.writer_run_id),
    COLUMN(KIND_INT64, run.cutover.told_ms),
    COLUMN(KIND_BOOL, run.sentinel_owed),
};
_Static_assert(array_len(job_columns) == JOB_COLUMNS_N, "columns of a job");

/* In the order of enum setting_scope. */
static const char *const scopes[] = {"sync", "run", "link"};

void row_of_job(const struct store_job *job, struct db_value ret[JOB_COLUMNS_N])
{
    for (unsigned i = 0; i < JOB_COLUMNS_N; i++) {
        const void *member = (const char *)job + job_columns[i].offset;

        switch (job_columns[i].kind) {
        case KIND_UNSIGNED:
            ret[i] = db_int(*(const unsigned *)member);
            break;
        case KIND_INT64:
            ret[i] = db_int(*(const int64_t *)member);
            break;
        case KIND_BOOL:
            ret[i] = db_int(*(const bool *)member);
            break;
        case KIND_PORT:
            ret[i] = db_int(*(const uint16_t *)member);
            break;
        case KIND_CHARS:
            ret[i] = db_text(member);
            break;
        case KIND_STRING:
            ret[i] = db_text(*(char *const *)member);
            break;
        case KIND_PHASE:
            ret[i] = db_text(phase_get(*(const enum phase *)member)->name);
            break;
        case KIND_REASON:
            ret[i] = db_text(reason_get(*(const enum reason *)member)->code);
            break;
        }
    }
}

static int bad(const char *id, const char *column, struct err *err)
{
    return err_set(err, ERR_INVALID, "job '%s': unexpected value in column '%s'", id, column);
}

static int integer_of(const struct db_row *row, unsigned i, int64_t max, int64_t *ret)
{
    int64_t value = db_row_int(row, i);

    if (value < 0 || value > max)
        return -1;
    *ret = value;
    return 0;
}

/* Puts column i into its member; false when the member cannot hold it. */
static bool put_member(const struct db_row *row, unsigned i, void *member)
{
    const char *text = db_row_text(row, i);
    int64_t value;

    switch (job_columns[i].kind) {
    case KIND_UNSIGNED:
        if (integer_of(row, i, UINT32_MAX, &value))
            return false;
        *(unsigned *)member = (unsigned)value;
        return true;
    case KIND_INT64:
        *(int64_t *)member = db_row_int(row, i);
        return true;
    case KIND_BOOL:
        *(bool *)member = db_row_int(row, i) != 0;
        return true;
    case KIND_PORT:
        if (integer_of(row, i, UINT16_MAX, &value))
            return false;
        *(uint16_t *)member = (uint16_t)value;
        return true;
    case KIND_CHARS:
        return text && str_copy(member, job_columns[i].size, text);
    case KIND_STRING:
        *(char **)member = xstrdup(text);
        return true;
    case KIND_PHASE:
        *(enum phase *)member = text ? phase_parse(text) : PHASE_MAX;
        return *(enum phase *)member != PHASE_MAX;
    case KIND_REASON:
        /* Only says why; one that is no longer known must not keep the daemon from starting. */
        *(enum reason *)member = text ? reason_parse(text) : REASON_NONE;
        return true;
    }
    return false;
}

int job_of_row(const struct db_row *row, struct store_job *ret, struct err *err)
{
    struct store_job job = {.file = NULL};

    for (unsigned i = 0; i < JOB_COLUMNS_N; i++) {
        const char *id = db_row_text(row, 0), *text = db_row_text(row, i);

        if (put_member(row, i, (char *)&job + job_columns[i].offset))
            continue;
        free(job.file);
        secret_free(job.spec_text);
        if (job_columns[i].kind == KIND_PHASE)
            return err_set(
                err, ERR_INVALID,
                "job '%s': phase '%s' is not known; was this written by a newer version?", id,
                text ? text : "");
        return bad(id ? id : "", job_columns[i].name, err);
    }
    *ret = job;
    return 0;
}

void row_of_setting(const struct setting *setting, struct db_value ret[SETTING_COLUMNS_N])
{
    ret[0] = db_text(setting->job);
    ret[1] = db_text(side_name(setting->side));
    ret[2] = db_text(setting->name);
    ret[3] = db_text(setting->old_value);
    ret[4] = db_text(setting->new_value);
    ret[5] = db_text(scopes[setting->scope]);
}

static bool parse_name(const char *text, const char *const *names, size_t n, unsigned *ret)
{
    for (unsigned i = 0; text && i < n; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

int setting_of_row(const struct db_row *row, struct setting *ret, struct err *err)
{
    struct setting setting = {.side = SIDE_SOURCE};
    const char *job = db_row_text(row, 0), *name = db_row_text(row, 2);
    const char *side = db_row_text(row, 1);
    unsigned scope;

    if (!job || !str_copy(setting.job, sizeof(setting.job), job))
        return bad("", "setting.job", err);
    if (!name || !str_copy(setting.name, sizeof(setting.name), name))
        return bad(job, "setting.name", err);
    setting.side = side ? side_parse(side) : SIDE_MAX;
    if (setting.side == SIDE_MAX)
        return bad(job, "setting.side", err);
    if (!parse_name(db_row_text(row, 5), scopes, array_len(scopes), &scope))
        return bad(job, "setting.scope", err);
    setting.scope = (enum setting_scope)scope;
    setting.old_value = xstrdup(db_row_text(row, 3));
    setting.new_value = xstrdup(db_row_text(row, 4));
    *ret = setting;
    return 0;
}

void row_of_connection(const struct connection *c, struct db_value ret[CONNECTION_COLUMNS_N])
{
    ret[0] = db_text(c->job);
    ret[1] = db_text(side_name(c->side));
    ret[2] = db_text(c->run_id);
    ret[3] = db_int(c->id);
}

int connection_of_row(const struct db_row *row, struct connection *ret, struct err *err)
{
    const char *job = db_row_text(row, 0), *side = db_row_text(row, 1);
    const char *run_id = db_row_text(row, 2);
    struct connection c = {.side = side ? side_parse(side) : SIDE_MAX, .id = db_row_int(row, 3)};

    if (!job || !str_copy(c.job, sizeof(c.job), job))
        return bad("", "connection.job", err);
    if (c.side == SIDE_MAX)
        return bad(job, "connection.side", err);
    if (!run_id || !str_copy(c.run_id, sizeof(c.run_id), run_id))
        return bad(job, "connection.run_id", err);
    *ret = c;
    return 0;
}

int switched_of_row(const struct db_row *row, struct switched *ret, struct err *err)
{
    const char *source = db_row_text(row, 0), *target = db_row_text(row, 1);

    if (!source || !target || endpoint_parse(source, &ret->source, err) ||
        endpoint_parse(target, &ret->target, err))
        return err_set(err, ERR_INVALID, "the table 'switched' names no endpoint: '%s', '%s'",
                       source ? source : "", target ? target : "");
    ret->at_wall_ms = db_row_int(row, 2);
    return 0;
}

void row_of_sibling(const struct sibling *f, struct sibling_texts *texts,
                    struct db_value ret[SIBLING_COLUMNS_N])
{
    texts->was[0] = '\0';
    if (endpoint_is_set(&f->was))
        endpoint_format(&f->was, texts->was);
    ret[0] = db_text(f->job);
    ret[1] = db_text(endpoint_format(&f->at, texts->at));
    ret[2] = db_text(sibling_state_name(f->state));
    ret[3] = db_text(texts->was);
    ret[4] = db_text(f->message);
    for (int i = 0; i < SIBLING_SETTINGS; i++) {
        ret[5 + 2 * i] = db_text(f->changed[i].from);
        ret[6 + 2 * i] = db_text(f->changed[i].to);
    }
}

int sibling_of_row(const struct db_row *row, struct sibling *ret, struct err *err)
{
    const char *job = db_row_text(row, 0), *at = db_row_text(row, 1), *state = db_row_text(row, 2);
    const char *was = db_row_text(row, 3), *message = db_row_text(row, 4);
    struct sibling f = {.state = state ? sibling_state_parse(state) : SIBLING_STATES};

    if (!job || !str_copy(f.job, sizeof(f.job), job))
        return bad("", "sibling.job", err);
    if (!at || endpoint_parse(at, &f.at, err))
        return bad(job, "sibling.endpoint", err);
    if (f.state == SIBLING_STATES)
        return bad(job, "sibling.state", err);
    if (was && was[0] && endpoint_parse(was, &f.was, err))
        return bad(job, "sibling.was", err);
    (void)str_copy(f.message, sizeof(f.message), message ? message : "");
    for (int i = 0; i < SIBLING_SETTINGS; i++) {
        f.changed[i].from = xstrdup(db_row_text(row, 5 + 2 * (unsigned)i));
        f.changed[i].to = xstrdup(db_row_text(row, 6 + 2 * (unsigned)i));
    }
    *ret = f;
    return 0;
}

void row_of_event(const struct event *event, const char *data, struct db_value ret[EVENT_COLUMNS_N])
{
    ret[0] = db_int((int64_t)event->seq);
    ret[1] = db_int(event->time_ms);
    ret[2] = db_text(event->job);
    ret[3] = db_int(event->run);
    ret[4] = db_text(event->level);
    ret[5] = db_text(event->name);
    ret[6] = db_text(event->message);
    ret[7] = db_text(data);
}

void event_of_row(const struct db_row *row, struct event *ret)
{
    const char *level = db_row_text(row, 4), *data = db_row_text(row, 7);
    enum log_level parsed = LEVEL_INFO;

    ret->seq = (uint64_t)db_row_int(row, 0);
    ret->time_ms = db_row_int(row, 1);
    ret->job = xstrdup(db_row_text(row, 2));
    ret->run = (unsigned)db_row_int(row, 3);
    if (level)
        log_level_parse(level, &parsed);
    ret->level = log_level_name(parsed);
    ret->name = xstrdup(db_row_text(row, 5));
    ret->message = xstrdup(db_row_text(row, 6));
    ret->data = data ? json_loads(data, 0, NULL) : NULL;
    if (!json_is_object(ret->data)) {
        json_decref(ret->data);
        ret->data = json_object();
    }
}
