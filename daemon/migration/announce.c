/* SPDX-License-Identifier: Apache-2.0 */
/* What the world hears of a transition: one table, edge to event. */
#include <stdio.h>

#include "daemon/core/alarm.h"
#include "daemon/migration/private.h"
#include "lib/base/base.h"

struct announcement {
    enum phase from;   /* PHASE_MAX: any */
    enum fsm_event on; /* EV_NONE: any */
    enum phase to;
    enum event_name event;
    const char *text; /* NULL: the decision's own words */
};

static const struct announcement announcements[] = {
    {PHASE_MAX, EV_NONE, PHASE_QUEUED, EVENT_RUN_STARTED, NULL},
    {PHASE_IDLE, EV_STOP, PHASE_IDLE, EVENT_START_HELD, NULL},
    {PHASE_CHECKING, EV_OK, PHASE_ATTACHING, EVENT_CHECK_PASSED, NULL},
    {PHASE_CHECKING, EV_FAIL, PHASE_BACKOFF, EVENT_CHECK_FAILED, NULL},
    {PHASE_CHECKING, EV_FATAL, PHASE_FAILED, EVENT_CHECK_FAILED, NULL},
    {PHASE_MAX, EV_NONE, PHASE_ATTACHING, EVENT_ATTACH_STARTED,
     "the target is told to follow the source"},
    {PHASE_ATTACHING, EV_FAIL, PHASE_BACKOFF, EVENT_ATTACH_FAILED, NULL},
    {PHASE_SYNCING, EV_FAIL, PHASE_BACKOFF, EVENT_ATTACH_FAILED, NULL},
    {PHASE_ATTACHING, EV_FATAL, PHASE_ROLLING_BACK, EVENT_ATTACH_FAILED, NULL},
    {PHASE_SYNCING, EV_FATAL, PHASE_ROLLING_BACK, EVENT_ATTACH_FAILED, NULL},
    {PHASE_BACKOFF, EV_SETTLED, PHASE_BACKOFF, EVENT_CAUSE_FOUND, NULL},
    {PHASE_BACKOFF, EV_FATAL, PHASE_ROLLING_BACK, EVENT_CAUSE_FOUND, NULL},
    {PHASE_MAX, EV_NONE, PHASE_SYNCING, EVENT_SYNC_STARTED, NULL},
    {PHASE_MAX, EV_LINKED, PHASE_REPLICATING, EVENT_IN_SYNC,
     "in sync: the target holds the data set and follows every write"},
    {PHASE_MAX, EV_COMPLETE, PHASE_MAX, EVENT_CUTOVER_REQUESTED, NULL},
    {PHASE_MAX, EV_CANCEL, PHASE_MAX, EVENT_CUTOVER_WITHDRAWN, "the switch-over is withdrawn"},
    {PHASE_MAX, EV_LAPSE, PHASE_MAX, EVENT_CUTOVER_WITHDRAWN, NULL},
    {PHASE_MAX, EV_CUTOVER, PHASE_FREEZING, EVENT_CUTOVER_STARTED,
     "the switch-over begins: the source's writes are paused"},
    {PHASE_MAX, EV_RETREAT, PHASE_REPLICATING, EVENT_CUTOVER_ABORTED, NULL},
    {PHASE_MAX, EV_SLIPPED, PHASE_REPLICATING, EVENT_CUTOVER_ABORTED, NULL},
    {PHASE_ROLLING_BACK, EV_OK, PHASE_FAILED, EVENT_ROLLED_BACK, "the rollback is over"},
    {PHASE_MAX, EV_NONE, PHASE_FAILED, EVENT_MIGRATION_FAILED, NULL},
    {PHASE_MAX, EV_NONE, PHASE_HALTED, EVENT_JOB_HALTED, NULL},
    {PHASE_SWITCHING, EV_OK, PHASE_COMPLETED, EVENT_CUTOVER_COMPLETED, NULL},
    {PHASE_MAX, EV_NONE, PHASE_COMPLETED, EVENT_MIGRATION_COMPLETED, NULL},
};

static void add_source(json_t *data, const struct endpoint *source)
{
    char text[ENDPOINT_STR_MAX];

    json_object_set_new(data, "source", json_string(endpoint_format(source, text)));
}

/* What would have held it back, had the job file not waived it. */
static void add_waived(json_t *data, const struct migration *m)
{
    struct blocker blockers[BLOCKERS_MAX];
    unsigned n = gate_all(m->spec, &m->pair.seen, blockers);
    json_t *waived = json_array();

    for (unsigned i = 0; i < n; i++)
        if (blockers[i].waived)
            json_array_append_new(waived, json_pack("{s:s, s:s}", "code",
                                                    reason_get(blockers[i].reason)->code, "message",
                                                    blockers[i].message));
    json_object_set_new(data, "waived", waived);
}

static json_t *transition_data(const struct migration *m, enum event_name event,
                               const struct edge *edge, const struct run *after)
{
    bool checks = event == EVENT_CHECK_PASSED || event == EVENT_CHECK_FAILED;
    json_t *data = json_pack("{s:s,s:s,s:I}", "from", phase_get(edge->from)->name, "to",
                             phase_get(edge->to)->name, "attempt", (json_int_t)after->attempt);

    if (after->reason != REASON_NONE)
        json_object_set_new(data, "reason", json_string(reason_get(after->reason)->code));
    if (event == EVENT_CUTOVER_REQUESTED && after->want_by[0])
        json_object_set_new(data, "by", json_string(after->want_by));
    if (event == EVENT_RUN_STARTED || checks)
        add_source(data, &after->source);
    if (event == EVENT_CUTOVER_STARTED)
        add_waived(data, m);
    if (checks && m->checks.latest)
        json_object_set_new(data, "checks", check_report_json(m->checks.latest));
    return data;
}

static json_t *cutover_data(const struct migration *m, const struct run *after)
{
    const struct observation *seen = &m->pair.seen;
    json_t *gap =
        after->cutover.gap_us < 0 ? json_null() : json_real((double)after->cutover.gap_us / 1000.0);

    return json_pack("{s:o,s:o,s:I,s:I,s:I}", "write_gap_ms", gap, "clients_told_ms",
                     after->cutover.told_ms ? json_integer(after->cutover.told_ms) : json_null(),
                     "offset", (json_int_t)after->cutover.offset, "source_offset",
                     (json_int_t)seen->node[seen->writer].info.master_repl_offset, "target_offset",
                     (json_int_t)seen->node[SIDE_TARGET].info.master_repl_offset);
}

struct event_context migration_context(const struct migration *m)
{
    const struct phase_def *phase = phase_get(m->run.phase);

    return (struct event_context){
        .job = m->spec->id,
        .run = m->run.number,
        .state = public_state_name(phase->state),
        .phase = phase->name,
        .reason = m->run.reason == REASON_NONE ? NULL : reason_get(m->run.reason)->code,
    };
}

static void announce_one(struct migration *m, enum event_name event, const char *text,
                         const struct event_context *context, const struct edge *edge,
                         const struct run *after)
{
    const char *code = text || after->reason == REASON_NONE ? "" : reason_get(after->reason)->code;
    const char *why = text ? text : after->message[0] ? after->message : edge->why;

    if (event == EVENT_CUTOVER_COMPLETED && after->cutover.gap_us < 0)
        event_emit(m->env->bus, event, context, cutover_data(m, after),
                   "the target is the primary; how long writes stood still is not known");
    else if (event == EVENT_CUTOVER_COMPLETED)
        event_emit(m->env->bus, event, context, cutover_data(m, after),
                   "the target is the primary; writes stood still for %.3f ms",
                   (double)after->cutover.gap_us / 1000.0);
    else if (event == EVENT_PHASE_CHANGED)
        event_emit(m->env->bus, event, context, transition_data(m, event, edge, after),
                   "%s -> %s: %s", phase_get(edge->from)->name, phase_get(edge->to)->name,
                   edge->why);
    else
        event_emit(m->env->bus, event, context, transition_data(m, event, edge, after), "%s%s%s",
                   code, code[0] ? ": " : "", why);
}

void migration_announce(struct migration *m, const struct edge *edge, const struct run *after)
{
    const struct phase_def *phase = phase_get(after->phase);
    struct event_context context = {
        .job = m->spec->id,
        .run = after->number,
        .state = public_state_name(phase->state),
        .phase = phase->name,
        .reason = after->reason == REASON_NONE ? NULL : reason_get(after->reason)->code,
    };
    unsigned n = 0;

    for (size_t i = 0; i < array_len(announcements); i++) {
        const struct announcement *a = &announcements[i];

        if ((a->from != PHASE_MAX && a->from != edge->from) ||
            (a->on != EV_NONE && a->on != edge->event) || (a->to != PHASE_MAX && a->to != edge->to))
            continue;
        announce_one(m, a->event, a->text, &context, edge, after);
        n++;
    }
    if (n == 0)
        announce_one(m, EVENT_PHASE_CHANGED, NULL, &context, edge, after);
    if (edge->to == PHASE_COMPLETED && m->pair.seen.writer_follows_target &&
        m->pair.seen.node[m->pair.seen.writer].info.link_up)
        event_emit(m->env->bus, EVENT_REVERSE_ATTACHED, &context, NULL,
                   "the old source follows the new primary");
}

void migration_announce_check(struct migration *m, const struct check_report *report, bool ahead)
{
    struct event_context context = migration_context(m);
    json_t *data =
        json_pack("{s:b, s:o}", ahead ? "queued" : "test", 1, "checks", check_report_json(report));

    context.reason = report->passed ? NULL : reason_get(report->reason)->code;
    add_source(data, &report->source);
    if (!report->passed) {
        json_object_set_new(data, "reason", json_string(context.reason));
        event_emit(m->env->bus, EVENT_CHECK_FAILED, &context, data, "%s: %s", context.reason,
                   report->message);
    } else {
        event_emit(m->env->bus, EVENT_CHECK_PASSED, &context, data,
                   "no check stands in the way (%u warnings, %u notices%s); %s",
                   report->count[CHECK_WARNING], report->count[CHECK_NOTICE],
                   report->count[CHECK_ERROR] ? ", errors that are waived" : "",
                   ahead ? "the job waits for its turn" : "nothing has been started");
    }
}

/* SETTING_REFUSED is no event: nothing came of it. */
static const struct {
    enum event_name event;
    const char *what;
} setting_words[] = {
    [SETTING_CHANGED] = {EVENT_SETTING_CHANGED, "was changed for the migration"},
    [SETTING_RESTORED] = {EVENT_SETTING_RESTORED, "has its old value again"},
    [SETTING_KEPT] = {EVENT_SETTING_KEPT, "is left as it is: somebody else has changed it since"},
    [SETTING_DISOWNED] = {EVENT_SETTING_KEPT,
                          "stays changed: the job names another node now, restore it by hand"},
    [SETTING_LEFT] = {EVENT_SETTING_LEFT, "is left as it is"},
};

static void format_values(const struct setting_report *report, char *buf, size_t size)
{
    buf[0] = '\0';
    if (report->from && report->to)
        snprintf(buf, size, " (%s -> %s)", report->from, report->to);
    else if (report->why)
        snprintf(buf, size, " (%s): %s", report->from, report->why);
}

void migration_announce_setting(struct migration *m, const struct setting_report *report)
{
    struct event_context context = migration_context(m);
    char values[160];
    json_t *data;

    if (report->news == SETTING_REFUSED) {
        log_warn(m->env->log, "job '%s': the %s refuses CONFIG SET %s, ignoring", m->spec->id,
                 side_name(report->side), report->name);
        return;
    }
    format_values(report, values, sizeof(values));
    data = json_pack("{s:s,s:s,s:s?,s:s?}", "node", side_name(report->side), "setting",
                     report->name, "old", report->from, "new", report->to);
    if (!data) /* a value that is no text */
        data = json_pack("{s:s,s:s}", "node", side_name(report->side), "setting", report->name);
    event_emit(m->env->bus, setting_words[report->news].event, &context, data,
               "'%s' of the %s %s%s", report->name, side_name(report->side),
               setting_words[report->news].what, values);
}

/* Where one of the old source's other replicas may end. */
static const struct {
    enum event_name event;
    const char *what;
} sibling_words[SIBLING_STATES] = {
    [SIBLING_FOLLOWS] = {EVENT_SIBLING_ATTACHED, "follows the new primary"},
    [SIBLING_STAYS] = {EVENT_SIBLING_RETURNED, "stays with the old source, as it was"},
    [SIBLING_LEFT] = {EVENT_SIBLING_LEFT, "is left alone"},
    [SIBLING_UNREACHABLE] = {EVENT_SIBLING_LEFT, "could not be reached"},
};

void migration_announce_sibling(struct migration *m, const struct sibling *one)
{
    struct event_context context = migration_context(m);
    char at[ENDPOINT_STR_MAX];

    endpoint_format(&one->at, at);
    event_emit(m->env->bus, sibling_words[one->state].event, &context,
               json_pack("{s:s, s:s}", "replica", at, "state", sibling_state_name(one->state)),
               "the old source's replica '%s' %s%s%s", at, sibling_words[one->state].what,
               one->message[0] ? ": " : "", one->message);
}

void migration_announce_told(struct migration *m)
{
    const struct seen_sentinels *all = m->pair.seen.sentinels;
    struct event_context context = migration_context(m);
    unsigned named = 0;

    for (unsigned i = 0; i < all->n; i++)
        named += all->one[i].answers;
    event_emit(m->env->bus, EVENT_CLIENTS_TOLD, &context,
               json_pack("{s:I, s:i, s:i}", "clients_told_ms", (json_int_t)m->run.cutover.told_ms,
                         "sentinels", (int)named, "silent", (int)(all->n - named)),
               "the Sentinels name the target, %.3f s after it took over%s",
               (double)m->run.cutover.told_ms / 1000.0,
               named < all->n ? "; some do not answer, and hear of it from the others" : "");
}

void migration_announce_link(struct migration *m, enum link_news news)
{
    const struct seen_node *target = &m->pair.seen.node[SIDE_TARGET];
    struct event_context context = migration_context(m);

    if (news == LINK_LOST)
        event_emit(m->env->bus, EVENT_LINK_LOST, &context, NULL, "the link is down%s%s",
                   target->reachable ? "" : ": the target does not answer: ",
                   target->reachable ? "" : target->err.msg);
    else
        event_emit(m->env->bus, EVENT_LINK_RESTORED, &context, NULL, "the link is up again");
}

static void announce_alarm(struct migration *m, enum event_name event, enum reason reason,
                           bool holds, const char *message)
{
    struct event_context context = migration_context(m);

    context.reason = reason_get(reason)->code;
    event_emit(m->env->bus, event, &context,
               json_pack("{s:s, s:b}", "reason", context.reason, "holds_cutover", holds), "%s%s%s",
               context.reason, event == EVENT_ALARM_RAISED ? ": " : "", message);
}

/* An alarm of a phase that was left is not over: nobody looks any more. One that names its cause
 * may go on with another. */
void migration_announce_alarms(struct migration *m)
{
    unsigned bits = alarm_bits(&m->pair.seen, m->run.phase);

    m->alarms = bits;
    for (unsigned row = 0; row < ALARMS_MAX; row++) {
        enum reason *told = &m->alarm_told[row];
        struct blocker alarm = {.reason = REASON_NONE};
        bool on = bits & 1u << row;
        bool holds = on && alarm_says(row, &m->pair.seen, &alarm);

        if (alarm.reason == *told)
            continue;
        if (*told != REASON_NONE && alarm_is_of(row, m->run.phase))
            announce_alarm(m, EVENT_ALARM_CLEARED, *told, false, " is over");
        if (on)
            announce_alarm(m, EVENT_ALARM_RAISED, alarm.reason, holds, alarm.message);
        *told = alarm.reason;
    }
}
