/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/sibling.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/core/chain.h"
#include "daemon/core/replicas.h"
#include "lib/base/base.h"

enum { ENDED = 1, PASTE = 2 }; /* a line to paste makes up for it */

static const struct {
    const char *name;
    unsigned ended;
} states[SIBLING_STATES] = {
    [SIBLING_NONE] = {"none", 0},           [SIBLING_WAITING] = {"waiting", 0},
    [SIBLING_MOVING] = {"moving", 0},       [SIBLING_RETURNING] = {"returning", 0},
    [SIBLING_FOLLOWS] = {"follows", ENDED}, [SIBLING_STAYS] = {"stays", ENDED | PASTE},
    [SIBLING_LEFT] = {"left", ENDED},       [SIBLING_UNREACHABLE] = {"unreachable", ENDED | PASTE},
};

static const char *const settings[SIBLING_SETTINGS] = {
    [SIBLING_USER] = "masteruser",
    [SIBLING_PASSWORD] = "masterauth",
    [SIBLING_TLS] = "tls-replication",
};

const char *sibling_state_name(enum sibling_state state)
{
    return states[state].name;
}

enum sibling_state sibling_state_parse(const char *name)
{
    int state = 0;

    while (state < SIBLING_STATES && strcmp(states[state].name, name) != 0)
        state++;
    return (enum sibling_state)state;
}

bool sibling_has_ended(const struct sibling *f)
{
    return states[f->state].ended != 0;
}

bool sibling_can_be_pasted(const struct sibling *f)
{
    return states[f->state].ended & PASTE;
}

const char *sibling_setting_name(enum sibling_setting setting)
{
    return settings[setting];
}

void sibling_clear(struct sibling *f)
{
    for (int i = 0; i < SIBLING_SETTINGS; i++) {
        secret_free(f->changed[i].from);
        secret_free(f->changed[i].to);
    }
    *f = (struct sibling){.state = SIBLING_NONE};
}

uint64_t sibling_link_ms(const struct spec *spec)
{
    return spec->attach.timeout_ms;
}

uint64_t sibling_patience_ms(const struct spec *spec)
{
    return 10 * spec->attach.timeout_ms;
}

/* --- which ones --- */

const struct sibling *sibling_at(const struct sibling *list, const struct endpoint *at)
{
    for (unsigned i = 0; list && i < SIBLINGS_MAX; i++)
        if (list[i].state != SIBLING_NONE && endpoint_equal(&list[i].at, at))
            return &list[i];
    return NULL;
}

bool siblings_any(const struct sibling *list)
{
    for (unsigned i = 0; list && i < SIBLINGS_MAX; i++)
        if (list[i].state != SIBLING_NONE)
            return true;
    return false;
}

unsigned siblings_of(const struct redis_info *primary, const struct endpoint *skip, unsigned n,
                     struct endpoint ret[SIBLINGS_MAX])
{
    bool skipped[REDIS_REPLICAS_MAX] = {false};
    unsigned found = 0;

    for (unsigned i = 0; i < n; i++) {
        const struct redis_info_replica *line = replica_exactly_at(primary, &skip[i]);

        if (line)
            skipped[line - primary->replicas] = true;
    }
    for (unsigned i = 0; i < primary->n_replicas; i++) {
        const struct redis_info_replica *line = &primary->replicas[i];

        if (skipped[i] || line->port == 0)
            continue;
        ret[found] = (struct endpoint){.port = line->port};
        (void)str_copy(ret[found++].host, sizeof(ret[0].host), line->ip);
    }
    return found;
}

/* A target that follows over TLS is listed with its port for that, which need not be known: it is
 * the only one on its host. */
static unsigned without_target(const struct endpoint *target, unsigned n,
                               struct endpoint ret[SIBLINGS_MAX])
{
    unsigned found = 0, at = 0;

    for (unsigned i = 0; i < n; i++) {
        if (strcasecmp(ret[i].host, target->host) != 0)
            continue;
        found++;
        at = i;
    }
    if (found != 1)
        return n;
    ret[at] = ret[n - 1];
    return n - 1;
}

unsigned siblings_of_writer(const struct spec *spec, const struct run *run,
                            const struct observation *seen, struct endpoint ret[SIBLINGS_MAX])
{
    enum { TARGET_NAMES = 3 };
    const struct endpoint skip[] = {
        spec->target.endpoint,
        spec->target.reachable_as,
        seen_announced(&seen->node[SIDE_TARGET], &spec->target.endpoint),
        run->source,
        run_source_for_target(spec, run),
        seen_announced(&seen->node[SIDE_SOURCE], &run->source),
    };

    const struct redis_info *writer = &seen->node[seen->writer].info;
    unsigned n = siblings_of(writer, skip, array_len(skip), ret);
    bool listed = false;

    for (size_t i = 0; i < TARGET_NAMES; i++)
        listed = listed || replica_exactly_at(writer, &skip[i]);
    return listed || !seen->linked || seen->writer != SIDE_SOURCE
               ? n
               : without_target(&spec->target.endpoint, n, ret);
}

bool siblings_may_move(const struct run *run, const struct observation *seen)
{
    const struct seen_node *writer = &seen->node[seen->writer];
    const struct seen_node *target = &seen->node[SIDE_TARGET];

    return run->phase == PHASE_COMPLETED && run->cutover.at_wall_ms != 0 && target->reachable &&
           seen->target_is_primary && writer->reachable && seen->writer_demoted;
}

/* --- what is seen of one --- */

static bool follows(const struct redis_info *info, const struct endpoint *at)
{
    return info->role == REDIS_ROLE_REPLICA && info->master_port == at->port &&
           strcasecmp(info->master_host, at->host) == 0;
}

/* Under a name of the target, or one that is not known here: then the target sees it. */
static bool follows_target(const struct sibling *f, const struct redis_info *info,
                           const struct sibling_case *c)
{
    const struct redis_info *target = &c->seen->node[SIDE_TARGET].info;
    bool seen = info->link_up && strcmp(info->replid, target->replid) == 0;

    return follows(info, &c->spec->target.reachable_as) ||
           follows(info, &c->spec->target.endpoint) || (seen && replica_exactly_at(target, &f->at));
}

/* It may know the old source by a name of its own: then by the one that was seen before. */
static bool follows_source(const struct sibling *f, const struct redis_info *info,
                           const struct sibling_case *c)
{
    const struct endpoint as = run_source_for_target(c->spec, c->run);

    if (f->was.host[0])
        return follows(info, &f->was);
    return follows(info, chain_writer(c->run, c->seen)) ||
           (c->seen->writer == SIDE_SOURCE && follows(info, &as));
}

static struct sibling_step step(enum sibling_state to, enum sibling_act act, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static struct sibling_step step(enum sibling_state to, enum sibling_act act, const char *fmt, ...)
{
    struct sibling_step s = {.to = to, .act = act};
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(s.message, sizeof(s.message), fmt, ap);
    va_end(ap);
    return s;
}

/* What it logs in with cannot be read, though the target wants something. */
static const char *hides(const struct sibling_look *look)
{
    for (int i = 0; i < SIBLING_SETTINGS; i++) {
        bool old = look->info.redis_compat_num < 60000;

        /* A server that speaks no TLS has no such setting. */
        if (!look->has[i] && (i == SIBLING_PASSWORD || (i == SIBLING_USER && !old)))
            return "CONFIG GET";
    }
    return look->refuses;
}

/* Why pointing it to the target would do harm: it has something that the target lacks, or would
 * have to copy everything. "": it would not. */
static void harm(const struct sibling_look *look, const struct observation *seen, char *ret,
                 size_t size)
{
    const struct redis_info *t = &seen->node[SIDE_TARGET].info, *i = &look->info;
    bool old = strcmp(i->replid, t->replid2) == 0, now = strcmp(i->replid, t->replid) == 0;

    ret[0] = '\0';
    if (!old && !now)
        snprintf(ret, size, "it does not hold what the old source gave it, but another history");
    else if (!now && i->replica_offset > t->second_repl_offset - 1)
        snprintf(ret, size,
                 "it has writes that the target lacks (its offset is %" PRId64
                 ", the target took over at %" PRId64 ")",
                 i->replica_offset, t->second_repl_offset - 1);
    else if (i->replica_offset < 0 || i->replica_offset + 1 < t->backlog_first)
        snprintf(ret, size,
                 "what it lacks is no longer in the target's backlog, so that it would have to "
                 "copy everything");
}

static bool needs_log_in(const struct sibling_look *look)
{
    for (int i = 0; i < SIBLING_SETTINGS; i++)
        if (look->has[i] && strcmp(look->has[i], look->wants[i]) != 0)
            return true;
    return false;
}

static bool is_one_of_the_pair(const struct redis_info *info, const struct observation *seen)
{
    for (int side = 0; side < SIDE_MAX; side++)
        if (info->run_id[0] && strcmp(info->run_id, seen->node[side].info.run_id) == 0)
            return true;
    return false;
}

/* --- before the switch-over --- */

struct sibling_step sibling_prepare(struct sibling *f, const struct sibling_look *look,
                                    const struct sibling_case *c)
{
    const struct redis_info *info = &look->info;
    const char *refuses;

    if (!look->reachable)
        return step(SIBLING_WAITING, SIBLING_LOOK, "%s", look->err.msg);
    if (is_one_of_the_pair(info, c->seen))
        return step(SIBLING_NONE, SIBLING_LOOK, "%s", "");
    if (!c->listed && !follows_source(f, info, c))
        return step(SIBLING_NONE, SIBLING_LOOK, "%s", "");
    if (info->role == REDIS_ROLE_REPLICA && info->link_up) {
        f->was = (struct endpoint){.port = info->master_port};
        (void)str_copy(f->was.host, sizeof(f->was.host), info->master_host);
    }
    refuses = hides(look);
    if (refuses)
        return step(SIBLING_WAITING, SIBLING_LOOK,
                    "it does not let the daemon's user use %s, and so cannot be pointed to the "
                    "target",
                    refuses);
    return step(SIBLING_WAITING, SIBLING_LOOK, "%s", "");
}

/* --- after it --- */

static struct sibling_step elsewhere(const struct redis_info *info)
{
    if (info->role != REDIS_ROLE_REPLICA)
        return step(
            SIBLING_LEFT, SIBLING_LOOK,
            "it is a primary: somebody has promoted it, or it was restarted, and it may have "
            "taken writes");
    return step(SIBLING_LEFT, SIBLING_LOOK, "somebody has pointed it to '%.100s:%u'",
                info->master_host, info->master_port);
}

/* As long as there is hope, else where it ends. */
static struct sibling_step hope(const struct sibling_case *c, enum sibling_state end,
                                const char *words)
{
    bool over = c->waited_ms > sibling_patience_ms(c->spec);

    return step(over ? end : SIBLING_WAITING, SIBLING_LOOK, "%s", words);
}

static struct sibling_step next_waiting(const struct sibling *f, const struct sibling_look *look,
                                        const struct sibling_case *c)
{
    const struct redis_info *info = &look->info;
    char words[RUN_MESSAGE_MAX];
    const char *refuses;

    if (!look->reachable)
        return c->waited_ms > sibling_patience_ms(c->spec)
                   ? step(SIBLING_UNREACHABLE, SIBLING_LOOK,
                          "%.120s; paste only once it answers, and is a replica still",
                          look->err.msg)
                   : step(SIBLING_WAITING, SIBLING_LOOK, "%s", look->err.msg);
    if (is_one_of_the_pair(info, c->seen))
        return step(SIBLING_NONE, SIBLING_LOOK, "%s", "");
    if (follows_target(f, info, c))
        return info->link_up ? step(SIBLING_FOLLOWS, SIBLING_LOOK, "%s", "")
                             : hope(c, SIBLING_LEFT,
                                    "somebody has pointed it to the target, and its link there is "
                                    "down");
    if (!follows_source(f, info, c))
        return elsewhere(info);
    if (info->loading || info->sync_in_progress)
        return hope(c, SIBLING_STAYS, "it loads a data set");
    refuses = hides(look);
    if (refuses)
        return step(SIBLING_STAYS, SIBLING_LOOK, "it does not let the daemon's user use %s",
                    refuses);
    harm(look, c->seen, words, sizeof(words));
    if (words[0] && !info->link_up) /* it was restarted, say, and comes to itself */
        return hope(c, SIBLING_LEFT, words);
    if (words[0])
        return step(SIBLING_LEFT, SIBLING_LOOK, "%s", words);
    return step(SIBLING_MOVING, SIBLING_LOOK, "%s", "");
}

/* Pointed to the target, and not there yet. */
static struct sibling_step next_linking(const struct redis_info *info, const struct sibling_case *c)
{
    uint64_t link_ms = sibling_link_ms(c->spec);

    if (info->link_up)
        return step(SIBLING_FOLLOWS, SIBLING_LOOK, "%s", "");
    if (info->sync_in_progress || info->loading || c->waited_ms <= link_ms ||
        !siblings_may_move(c->run, c->seen))
        return step(SIBLING_MOVING, SIBLING_LOOK, "%s", "");
    return step(SIBLING_RETURNING, SIBLING_LOOK,
                "its link to the target did not come up within %" PRIu64
                " s: it may not get there, or not be let in",
                link_ms / 1000);
}

static struct sibling_step next_moving(const struct sibling *f, const struct sibling_look *look,
                                       const struct sibling_case *c)
{
    const struct redis_info *info = &look->info;
    char words[RUN_MESSAGE_MAX];

    if (!look->reachable)
        return step(c->waited_ms > sibling_patience_ms(c->spec) ? SIBLING_RETURNING
                                                                : SIBLING_MOVING,
                    SIBLING_LOOK, "%s", look->err.msg);
    if (follows_target(f, info, c))
        return next_linking(info, c);
    if (!follows_source(f, info, c)) {
        struct sibling_step left = elsewhere(info);

        return step(SIBLING_RETURNING, SIBLING_LOOK, "%s", left.message);
    }
    /* After a restart the pair itself may not have been seen yet. */
    if (!siblings_may_move(c->run, c->seen))
        return step(SIBLING_MOVING, SIBLING_LOOK, "%s", "");
    harm(look, c->seen, words, sizeof(words));
    if (words[0])
        return step(SIBLING_RETURNING, SIBLING_LOOK, "%s", words);
    if (c->waited_ms > sibling_link_ms(c->spec))
        return step(SIBLING_RETURNING, SIBLING_LOOK, "it does not do what it is told");
    return step(SIBLING_MOVING, needs_log_in(look) ? SIBLING_SET : SIBLING_POINT, "%s", "");
}

/* A setting of it is still as we set it. */
static bool owes(const struct sibling *f, const struct sibling_look *look)
{
    for (int i = 0; i < SIBLING_SETTINGS; i++)
        if (f->changed[i].to && look->has[i] && strcmp(look->has[i], f->changed[i].to) == 0)
            return true;
    return false;
}

/* What is owed is owed until it can be given. */
static struct sibling_step next_returning(const struct sibling *f, const struct sibling_look *look,
                                          const struct sibling_case *c)
{
    const struct redis_info *info = &look->info;
    char words[RUN_MESSAGE_MAX];

    if (!look->reachable)
        return step(SIBLING_RETURNING, SIBLING_LOOK, "%s", f->message);
    if (follows_target(f, info, c) && info->link_up)
        return step(SIBLING_FOLLOWS, SIBLING_LOOK, "%s", "");
    if (follows_target(f, info, c))
        return step(SIBLING_RETURNING,
                    info->sync_in_progress || info->loading ? SIBLING_LOOK : SIBLING_POINT_BACK,
                    "%s", f->message);
    if (owes(f, look))
        return step(SIBLING_RETURNING, SIBLING_RESTORE, "%s", f->message);
    harm(look, c->seen, words, sizeof(words));
    return step(follows_source(f, info, c) && siblings_may_move(c->run, c->seen) && !words[0]
                    ? SIBLING_STAYS
                    : SIBLING_LEFT,
                SIBLING_LOOK, "%s", f->message);
}

struct sibling_step sibling_next(const struct sibling *f, const struct sibling_look *look,
                                 const struct sibling_case *c)
{
    switch (f->state) {
    case SIBLING_WAITING:
        return next_waiting(f, look, c);
    case SIBLING_MOVING:
        return next_moving(f, look, c);
    case SIBLING_RETURNING:
        return next_returning(f, look, c);
    case SIBLING_NONE:
    case SIBLING_FOLLOWS:
    case SIBLING_STAYS:
    case SIBLING_LEFT:
    case SIBLING_UNREACHABLE:
    case SIBLING_STATES:
        break;
    }
    return step(f->state, SIBLING_LOOK, "%s", f->message);
}

struct sibling_step sibling_refused(const struct sibling *f, enum sibling_act act,
                                    const char *words)
{
    switch (act) {
    case SIBLING_SET:
    case SIBLING_POINT:
        return step(SIBLING_RETURNING, SIBLING_LOOK, "it refuses what it is told: %s", words);
    case SIBLING_RESTORE:
        return step(SIBLING_STAYS, SIBLING_LOOK, "it refuses to have its log-in put back: %s",
                    words);
    case SIBLING_POINT_BACK:
        return step(SIBLING_LEFT, SIBLING_LOOK,
                    "it has no link to the target, and refuses to be pointed back: %s", words);
    case SIBLING_LOOK:
        break;
    }
    return step(f->state, SIBLING_LOOK, "%s", f->message);
}
