/* SPDX-License-Identifier: Apache-2.0 */
/* What the nodes let us do, and each other. */
#include <stdio.h>

#include "daemon/core/check/judge.h"
#include "daemon/core/road.h"
#include "daemon/core/setting.h"
#include "lib/base/base.h"

/* --- log-ins --- */

static const struct spec_node *node_of(const struct check_case *c, enum node_side side)
{
    return side == SIDE_SOURCE ? &c->spec->source : &c->spec->target;
}

static const struct spec_auth *auth_of(const struct check_case *c, enum node_side side)
{
    return side == SIDE_PRIMARY ? spec_primary_auth(c->spec) : &node_of(c, side)->auth;
}

/* Of two failures, the one that another try cannot cure gives the reason. */
enum check_severity check_replication_login(const struct check_case *c)
{
    const struct login_facts *login[SIDE_ENDS];
    int failed = SIDE_ENDS;

    for (int side = 0; side < SIDE_ENDS; side++) {
        login[side] = &judge_facts(c, (enum node_side)side)->replication;
        if (login[side]->why == REASON_NONE)
            continue;
        judge_value(c, (enum node_side)side, "%s", reason_get(login[side]->why)->code);
        if (failed == SIDE_ENDS || reason_get(c->ret->reason)->retry)
            c->ret->reason = login[side]->why;
        failed = side;
    }
    if (failed == SIDE_ENDS)
        return CHECK_OK;
    if (login[SIDE_SOURCE]->why != REASON_NONE && login[SIDE_TARGET]->why != REASON_NONE)
        return judge(c, CHECK_ERROR, "neither node could log in to the other: %.75s; %.75s",
                     login[SIDE_SOURCE]->err.msg, login[SIDE_TARGET]->err.msg);
    return judge(c, CHECK_ERROR, "the %s could not log in to the %s: %s",
                 failed == SIDE_SOURCE ? "target" : "source", side_name((enum node_side)failed),
                 login[failed]->err.msg);
}

/* --- rights --- */

enum need {
    R_NEVER,
    R_WANTED, /* a safety net */
    R_DRAIN,  /* needed where clients are drained, wanted elsewhere */
    R_SET,    /* needed where something must be set at the source, wanted elsewhere */
    R_PAUSE,  /* where writes are fenced by CLIENT PAUSE WRITE */
    R_NEEDED,
};

static const enum need needs[RIGHT_MAX][SIDE_ENDS] = {
#define RIGHT(id, acl, command, need_source, need_target)                                          \
    [RIGHT_##id] = {[SIDE_SOURCE] = need_source, [SIDE_TARGET] = need_target},
#include "daemon/core/right_table.h"
#undef RIGHT
};

#define COMMANDS_SINCE 50000u /* REPLICAOF and CLIENT ID: what is older does not miss them */

static bool has_login(const struct spec_auth *auth)
{
    return auth->username || auth->password || auth->password_file || auth->credential;
}

/*
 * Without its fence, or open to writes as a replica, a source cannot be switched over; and without
 * the log-in for the target, it does not come back to it once it has been.
 */
static bool source_must_be_set(const struct check_case *c)
{
    enum answer back = road_speaks_tls(c->spec, c->run, c->seen, SIDE_TARGET);
    enum answer speaks = c->writer_facts->tls_replication;

    return fence_setting(c->writer->redis_compat_num) || c->writer_facts->read_only == NO ||
           (c->spec->cutover.reverse && back != NOT_KNOWN && speaks != NOT_KNOWN &&
            back != speaks) ||
           (c->spec->cutover.reverse && has_login(spec_replication_auth(&c->spec->target)));
}

static bool is_needed(const struct check_case *c, enum need need)
{
    switch (need) {
    case R_NEVER:
    case R_WANTED:
        break;
    case R_DRAIN:
        return wants_drain(c->spec, c->seen);
    case R_SET:
        return source_must_be_set(c);
    case R_PAUSE:
    case R_NEEDED:
        return true;
    }
    return false;
}

/* What is missing, as it is gathered. */
struct missing {
    char names[160]; /* "+psync, +ping" */
    char acl[300];   /* as the shell takes them: '+psync' '+ping' */
    char renamed[160];
    bool needed; /* one of them is, strictly */
};

static void append(char *list, size_t size, const char *before, const char *text, const char *after)
{
    size_t used = strlen(list);

    snprintf(list + used, size - used, "%s%s%s", before, text, after);
}

static void miss(struct missing *m, enum right right, enum right_state state, bool needed)
{
    const char *comma = m->names[0] ? ", " : "";

    if (state == RIGHT_DENIED) {
        append(m->names, sizeof(m->names), comma, right_acl(right), "");
        append(m->acl, sizeof(m->acl), m->acl[0] ? " '" : "'", right_acl(right), "'");
    } else if (state == RIGHT_RENAMED) {
        append(m->renamed, sizeof(m->renamed), m->renamed[0] ? ", " : "", right_command(right), "");
    } else {
        return;
    }
    m->needed = m->needed || needed;
}

static void remedy(const struct check_case *c, enum node_side side, const char *user,
                   const char *rights)
{
    char word[CHECK_REMEDY_MAX];

    judge_remedy(c, side, "ACL SETUSER %s %s", judge_word(user, word), rights);
}

static const char *user_of(const struct spec_auth *auth)
{
    return auth->username ? auth->username : "default";
}

void judge_rights(const struct check_case *c, enum node_side side, const char *rights)
{
    remedy(c, side, user_of(auth_of(c, side)), rights);
}

/* Renamed commands come first: no right lets anybody use them. */
static enum check_severity say_missing(const struct check_case *c, enum node_side side,
                                       const char *user, const struct missing *m)
{
    enum check_severity severity = m->needed ? CHECK_ERROR : CHECK_WARNING;

    if (m->names[0])
        remedy(c, side, user, m->acl);
    if (m->renamed[0]) {
        c->ret->reason = REASON_COMMAND_REFUSED;
        judge_value(c, side, "no %s", m->renamed);
        return judge(c, severity,
                     "the %s does not know %s: renamed or disabled (rename-command in its "
                     "configuration file)%s%s",
                     side_name(side), m->renamed, m->names[0] ? "; and its user lacks " : "",
                     m->names);
    }
    if (!m->names[0])
        return CHECK_OK;
    c->ret->reason = REASON_ACL_DENIED;
    judge_value(c, side, "'%s' without %s", user, m->names);
    return judge(c, severity, "user '%s' at the %s may not: %s", user, side_name(side), m->names);
}

/* What is needed of a source for the switch-over is asked of the primary above it. */
static enum need below_the_writer(enum need need)
{
    switch (need) {
    case R_NEVER:
    case R_PAUSE:
    case R_DRAIN:
        return R_NEVER;
    case R_WANTED:
    case R_SET:
        return R_WANTED;
    case R_NEEDED:
        return R_NEEDED;
    }
    return need;
}

static enum check_severity daemon_rights(const struct check_case *c, enum node_side side)
{
    const struct facts *facts = judge_facts(c, side);
    const char *user = user_of(auth_of(c, side));
    const struct redis_info *info = &c->seen->node[side].info;
    bool pauses = !fence_setting(c->writer->redis_compat_num);
    bool chained = side == SIDE_SOURCE && c->seen->writer != SIDE_SOURCE;
    struct missing m = {.names = ""};

    if (facts->known)
        judge_value(c, side, "'%s'", user);
    for (int r = 0; r < RIGHT_MAX; r++) {
        enum need need = needs[r][side == SIDE_TARGET ? SIDE_TARGET : SIDE_SOURCE];

        if (chained) /* it is not switched over from; settings only make the copy quicker */
            need = below_the_writer(need);
        if (need == R_NEVER || (need == R_PAUSE && !pauses) ||
            ((r == RIGHT_REPLICAOF || r == RIGHT_CLIENT_ID) &&
             info->redis_compat_num < COMMANDS_SINCE))
            continue;
        miss(&m, (enum right)r, facts->right[r], is_needed(c, need));
    }
    return say_missing(c, side, user, &m);
}

/* Where a server does not say whether its clients are paused, that has to be tried by a write. */
static bool unpause_is_unknown(const struct check_case *c)
{
    return c->writer_facts->known &&
           c->writer_facts->right[RIGHT_CLIENT_UNPAUSE] == RIGHT_UNKNOWN &&
           !fence_setting(c->writer->redis_compat_num) && !writer_is_paused(c->seen) &&
           !c->writer->paused_reason[0] && !c->writer->cluster_enabled;
}

static enum check_severity old_rights(const struct check_case *c, enum node_side side)
{
    enum check_severity severity = daemon_rights(c, side);
    const char *user = user_of(auth_of(c, side));

    if (severity != CHECK_OK || side != c->seen->writer || !unpause_is_unknown(c))
        return severity;
    remedy(c, side, user, "'+pfcount' '~ecmigrate:none'");
    return judge(c, CHECK_NOTICE,
                 "whether '%s' may end a pause, and whether somebody has paused the %s's "
                 "clients, is not known: it may not try PFCOUNT ecmigrate:none",
                 user, side_name(side));
}

enum check_severity check_source_rights(const struct check_case *c)
{
    return old_rights(c, SIDE_SOURCE);
}

enum check_severity check_primary_rights(const struct check_case *c)
{
    return c->seen->writer == SIDE_PRIMARY ? old_rights(c, SIDE_PRIMARY) : CHECK_OK;
}

enum check_severity check_target_rights(const struct check_case *c)
{
    return daemon_rights(c, SIDE_TARGET);
}

/* What whoever copies from this node has to be allowed there. */
static enum check_severity copy_rights(const struct check_case *c, enum node_side side)
{
    static const enum right needed[] = {RIGHT_PING, RIGHT_REPLCONF, RIGHT_PSYNC};
    const struct login_facts *login = &judge_facts(c, side)->replication;
    const char *user = user_of(spec_replication_auth(node_of(c, side)));
    bool dual_channel =
        c->source_facts->dual_channel == YES && c->target_facts->dual_channel == YES;
    struct missing m = {.names = ""};

    for (size_t i = 0; i < array_len(needed); i++)
        miss(&m, needed[i], login->right[needed[i]], true);
    if (dual_channel)
        miss(&m, RIGHT_SYNC, login->right[RIGHT_SYNC], true);
    return say_missing(c, side, user, &m);
}

enum check_severity check_replication_rights(const struct check_case *c)
{
    return copy_rights(c, SIDE_SOURCE);
}

enum check_severity check_reverse_rights(const struct check_case *c)
{
    return c->spec->cutover.reverse ? copy_rights(c, SIDE_TARGET) : CHECK_OK;
}

/* --- modes --- */

enum check_severity check_target_cluster_mode(const struct check_case *c)
{
    return c->target->cluster_enabled ? judge(c, CHECK_ERROR, "the target runs in cluster mode")
                                      : CHECK_OK;
}

enum check_severity check_source_cluster_mode(const struct check_case *c)
{
    return c->source->cluster_enabled
               ? judge(c, CHECK_ERROR,
                       "the source runs in cluster mode: it is one shard of several")
               : CHECK_OK;
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "localhost") == 0;
}

enum check_severity check_protected_mode(const struct check_case *c)
{
    const struct endpoint named = run_source_for_target(c->spec, c->run);
    const struct spec_auth *auth = &c->spec->source.auth;
    bool password = auth->password || auth->password_file || auth->credential;

    if (c->source_facts->protected_mode != YES || password || !is_loopback(c->run->source.host) ||
        is_loopback(named.host))
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "protected-mode yes");
    judge_remedy(c, SIDE_SOURCE, "CONFIG SET protected-mode no");
    return judge(c, CHECK_WARNING,
                 "the source is in protected mode, and the target will not come from its own host");
}
