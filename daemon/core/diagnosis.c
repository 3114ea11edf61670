/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/diagnosis.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "daemon/core/dump.h"
#include "daemon/core/road.h"
#include "lib/base/base.h"

/* What a row looks at. */
struct inquiry {
    const struct spec *spec;
    const struct run *run;
    const struct observation *seen;
    const struct redis_info *source, *target;
    const struct facts *source_facts, *target_facts; /* nothing is known in them, if need be */
    const struct attach_base *base;                  /* counted by this very source, or not known */
    struct endpoint road;                            /* where the target looks for the source */
    char *message;
};

static bool found(const struct inquiry *q, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Always true. */
static bool found(const struct inquiry *q, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(q->message, RUN_MESSAGE_MAX, fmt, ap);
    va_end(ap);
    return true;
}

#define ROW(name) static bool name(const struct inquiry *q)

static bool reachable(const struct inquiry *q, enum node_side side)
{
    return q->seen->node[side].reachable;
}

/* How much a counter of the source has grown. */
#define GREW(member) (q->base->known ? q->source->member - q->base->member : 0)

static bool target_died(const struct inquiry *q)
{
    return q->run->reason == REASON_TARGET_DIED;
}

static bool expects_link(const struct inquiry *q)
{
    return q->run->reason == REASON_LINK_TIMEOUT ||
           (q->run->phase == PHASE_REPLICATING && !q->seen->linked);
}

/* The source has not begun to serve the target since. */
static bool saw_nothing(const struct inquiry *q)
{
    return reachable(q, SIDE_SOURCE) && q->base->known && GREW(sync_full) == 0 &&
           GREW(sync_partial_ok) == 0 && !source_sees_target(q->spec, q->seen);
}

/* --- the nodes themselves --- */

ROW(source_loading)
{
    return reachable(q, SIDE_SOURCE) && q->source->loading &&
           found(q, "the source was restarted, and loads its data set (%.0f %%)",
                 q->source->loading_percent);
}

ROW(source_link_down)
{
    return reachable(q, SIDE_SOURCE) && q->source->role == REDIS_ROLE_REPLICA &&
           !q->source->link_up && !q->seen->writer_demoted &&
           found(q, "the source is a replica of '%s:%u', that link is down, and it serves no copy",
                 q->source->master_host, q->source->master_port);
}

/* --- what the target is let do --- */

ROW(login_refused)
{
    const struct login_facts *login = &q->source_facts->replication;

    return login->tried &&
           (login->why == REASON_AUTH_REFUSED || login->why == REASON_CREDENTIAL_UNREADABLE) &&
           found(q, "the target cannot log in to the source: %s", login->err.msg);
}

/* They may be anybody's: it counts only where nothing else came. */
ROW(logins_counted)
{
    return expects_link(q) && saw_nothing(q) && GREW(refused_logins) > 0 &&
           found(q,
                 "the source has refused %" PRId64 " log-ins (WRONGPASS, NOAUTH) since the "
                 "target was told to follow it",
                 GREW(refused_logins));
}

ROW(right_missing)
{
    static const enum right needed[] = {RIGHT_PSYNC, RIGHT_REPLCONF, RIGHT_PING};
    const struct spec_auth *auth = spec_replication_auth(&q->spec->source);
    const char *user = auth->username ? auth->username : "default";

    for (size_t i = 0; i < array_len(needed); i++)
        if (q->source_facts->replication.right[needed[i]] == RIGHT_DENIED)
            return found(q,
                         "user '%s', as which the target logs in to the source, lacks %s; there: "
                         "ACL SETUSER %s +psync +replconf +ping",
                         user, right_acl(needed[i]), user);
    if (q->source_facts->dual_channel == YES && q->target_facts->dual_channel == YES &&
        q->source_facts->replication.right[RIGHT_SYNC] == RIGHT_DENIED)
        return found(q, "user '%s' lacks +sync, which dual-channel replication needs", user);
    return false;
}

ROW(turned_away)
{
    return q->source_facts->replication.why == REASON_TOO_MANY_CLIENTS &&
           found(q, "the source lets nobody in: %s", q->source_facts->replication.err.msg);
}

static int64_t maxclients(const struct inquiry *q)
{
    return q->source->maxclients >= 0 ? q->source->maxclients : q->source_facts->maxclients;
}

ROW(full_house)
{
    int64_t max = maxclients(q);

    return GREW(rejected_connections) > 0 && max > 0 &&
           (int64_t)min_of(q->source->connected_clients, (uint64_t)INT32_MAX) >= max - max / 10 &&
           found(q,
                 "the source has turned away %" PRId64
                 " connections (rejected_connections): it has %" PRIu64
                 " clients, and maxclients is %" PRId64,
                 GREW(rejected_connections), q->source->connected_clients, max);
}

/* With a password it protects nothing; and who was turned away may be somebody else. */
ROW(protected_mode)
{
    const struct spec_auth *auth = &q->spec->source.auth;

    return GREW(rejected_connections) > 0 && q->source_facts->protected_mode != NO &&
           !auth->password && !auth->password_file && !auth->credential && saw_nothing(q) &&
           found(q,
                 "the source has turned away %" PRId64
                 " connections: protected-mode is yes, and it has no password",
                 GREW(rejected_connections));
}

/* --- the road --- */

/* What is behind a port that we do not use, nobody knows. */
ROW(tls_to_plain)
{
    enum answer tls = road_speaks_tls(q->spec, q->run, q->seen, SIDE_SOURCE);

    return q->target_facts->tls_replication == YES &&
           (tls == NO || (tls == NOT_KNOWN && expects_link(q))) &&
           found(q,
                 "the target speaks TLS on the link (tls-replication yes), and port %u of the "
                 "source speaks plain",
                 q->road.port);
}

ROW(plain_to_tls)
{
    return road_speaks_tls(q->spec, q->run, q->seen, SIDE_SOURCE) == YES &&
           q->target_facts->tls_replication != YES &&
           found(q,
                 "port %u of the source speaks TLS, and the target speaks plain "
                 "(tls-replication no)",
                 q->road.port);
}

/* Neither server says it but in its log. */
ROW(handshake_fails)
{
    return expects_link(q) && saw_nothing(q) &&
           road_speaks_tls(q->spec, q->run, q->seen, SIDE_SOURCE) == YES &&
           GREW(rejected_connections) == 0 && q->base->known &&
           found(q,
                 "nothing of the target has arrived at '%s:%u', where the source speaks TLS: the "
                 "road is closed, or one of them does not accept the other's certificate",
                 q->road.host, q->road.port);
}

/* --- the data set --- */

ROW(unreadable)
{
    enum dump_verdict verdict = dump_verdict(q->source, q->target);

    if (verdict == DUMP_RELAXED && q->target_facts->version_check_relaxed != NO)
        return false;
    return (verdict == DUMP_UNREADABLE || verdict == DUMP_RELAXED) &&
           found(q, "%s %s cannot read the dump of %s %s", q->target->product, q->target->version,
                 q->source->product, q->source->version);
}

ROW(field_ttl)
{
    bool one = strcmp(q->source->product, q->target->product) == 0;

    return q->source->field_ttls > 0 && !(one && knows_field_ttl(q->target)) &&
           found(q,
                 "the source has %" PRId64 " hashes with fields that expire, which %s %s cannot "
                 "take in",
                 q->source->field_ttls, q->target->product, q->target->version);
}

/* A target that is gone has taken its settings with it. */
ROW(few_databases)
{
    int64_t has = q->seen->node[SIDE_TARGET].databases;

    return has >= 0 && q->source->last_database >= has &&
           found(q,
                 "the source has keys in database %" PRId64 ", and the target has %" PRId64
                 " databases",
                 q->source->last_database, has);
}

ROW(died)
{
    return target_died(q) && found(q, "%s", q->run->message);
}

/* --- the copy --- */

ROW(cannot_save)
{
    return reachable(q, SIDE_SOURCE) && q->source->save_failed &&
           GREW(sync_full) > (q->base->save_failed ? 1 : 0) && /* that one may be of long ago */
           found(q,
                 "the source's last dump failed (rdb_last_bgsave_status), and it was asked for "
                 "%" PRId64 " copies",
                 GREW(sync_full));
}

/* Who was asked once may only wait, for other replicas to come or for a dump to end. */
ROW(cannot_fork)
{
    return GREW(sync_full) > 1 && q->source->forks >= 0 && GREW(forks) == 0 &&
           !q->source->bgsave_in_progress &&
           found(q,
                 "the source was asked for %" PRId64 " copies, and has started no process for one "
                 "(total_forks)",
                 GREW(sync_full));
}

static bool over(int64_t limit, int64_t written)
{
    return limit > 0 && written > limit;
}

/* Before 7.2 such cuts are not counted. */
ROW(buffer_overrun)
{
    const struct facts *facts = q->source_facts;
    int64_t written = GREW(master_repl_offset);

    if (GREW(buffer_cuts) > 0 && q->source->buffer_cuts >= 0 && GREW(sync_full) > 1)
        return found(q,
                     "the source has closed %" PRId64
                     " clients for their output buffer; client-output-buffer-limit for replicas "
                     "is %" PRId64 " %" PRId64 " %" PRId64,
                     GREW(buffer_cuts), facts->buffer_hard, facts->buffer_soft,
                     facts->buffer_seconds);
    return q->source->buffer_cuts < 0 && GREW(sync_full) > 1 &&
           (over(facts->buffer_hard, written) || over(facts->buffer_soft, written)) &&
           found(q,
                 "%" PRId64 " bytes were written at the source during the copy, and "
                 "client-output-buffer-limit for replicas is %" PRId64 " %" PRId64 " %" PRId64,
                 written, facts->buffer_hard, facts->buffer_soft, facts->buffer_seconds);
}

ROW(timed_out)
{
    int64_t timeout = q->target_facts->repl_timeout, ping = q->source_facts->ping_period;

    return timeout > 0 && ping > 0 && timeout <= ping && GREW(sync_partial_ok) > 0 &&
           found(q,
                 "repl-timeout of the target is %" PRId64
                 " s, and the source says a word each %" PRId64 " s (repl-ping-replica-period)",
                 timeout, ping);
}

ROW(short_backlog)
{
    return q->run->synced && GREW(sync_full) > 0 && GREW(sync_partial_err) > 0 &&
           found(q,
                 "the link broke, and more was written meanwhile than the source's backlog of "
                 "%" PRId64 " bytes holds: all is copied again",
                 q->source->backlog_bytes);
}

ROW(flapping)
{
    return GREW(sync_partial_ok) > 2 &&
           found(q, "the link was taken up again %" PRId64 " times", GREW(sync_partial_ok));
}

/* What is left. */
ROW(nothing_arrives)
{
    return expects_link(q) && saw_nothing(q) && GREW(rejected_connections) == 0 &&
           found(q,
                 "nothing of the target has arrived at the source, which it looks for at '%s:%u'",
                 q->road.host, q->road.port);
}

/* What hides something else comes first. */
static const struct {
    enum reason reason;
    bool (*is)(const struct inquiry *q);
} rows[] = {
    {REASON_SOURCE_LOADING, source_loading},
    {REASON_SOURCE_LINK_DOWN, source_link_down},
    {REASON_AUTH_REFUSED, login_refused},
    {REASON_ACL_DENIED, right_missing},
    {REASON_TOO_MANY_CLIENTS, full_house},
    {REASON_TOO_MANY_CLIENTS, turned_away},
    {REASON_TLS_EXPECTED, tls_to_plain},
    {REASON_TLS_EXPECTED, plain_to_tls},
    {REASON_PROTECTED_MODE, protected_mode},
    {REASON_RDB_VERSION, unreadable},
    {REASON_FIELD_TTL, field_ttl},
    {REASON_DATABASES_TOO_FEW, few_databases},
    {REASON_TARGET_DIED, died},
    {REASON_SOURCE_CANNOT_SAVE, cannot_save},
    {REASON_SOURCE_CANNOT_FORK, cannot_fork},
    {REASON_OUTPUT_BUFFER_OVERRUN, buffer_overrun},
    {REASON_REPL_TIMEOUT, timed_out},
    {REASON_BACKLOG_TOO_SMALL, short_backlog},
    {REASON_AUTH_REFUSED, logins_counted},
    {REASON_LINK_FLAPPING, flapping},
    {REASON_TLS_LINK, handshake_fails},
    {REASON_UNREACHABLE_FROM_TARGET, nothing_arrives},
};

bool is_certain(enum reason cause)
{
    return cause == REASON_AUTH_REFUSED || cause == REASON_ACL_DENIED ||
           cause == REASON_TLS_EXPECTED;
}

bool is_symptom(enum reason reason)
{
    return reason == REASON_LINK_TIMEOUT || reason == REASON_SYNC_FAILED ||
           reason == REASON_SYNC_STALLED || reason == REASON_TARGET_DIED;
}

enum reason diagnose(const struct spec *spec, const struct run *run, const struct observation *seen,
                     char message[RUN_MESSAGE_MAX])
{
    static const struct attach_base no_base = {.known = false};
    const struct seen_node *source = &seen->node[SIDE_SOURCE];
    const struct seen_node *target = &seen->node[SIDE_TARGET];
    bool counted = seen->base.known && strcmp(seen->base.run_id, source->info.run_id) == 0;
    struct facts unknown;
    struct inquiry q = {.spec = spec,
                        .run = run,
                        .seen = seen,
                        .source = &source->info,
                        .target = &target->info,
                        .source_facts = source->facts ? source->facts : &unknown,
                        .target_facts = target->facts ? target->facts : &unknown,
                        .base = counted ? &seen->base : &no_base,
                        .road = run_source_for_target(spec, run),
                        .message = message};

    facts_init(&unknown);
    for (size_t i = 0; i < array_len(rows); i++)
        if (rows[i].is(&q))
            return rows[i].reason;
    return REASON_NONE;
}

void diagnose_link(const struct spec *spec, const struct run *run, struct observation *seen)
{
    if (run->phase != PHASE_REPLICATING || !link_is_troubled(seen))
        seen->link_cause = REASON_NONE;
    else if (seen->surveyed)
        seen->link_cause = diagnose(spec, run, seen, seen->link_cause_message);
}
