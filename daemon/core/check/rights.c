/* SPDX-License-Identifier: Apache-2.0 */
/* What the nodes let us do, and each other. */
#include <stdio.h>

#include "daemon/core/check/judge.h"
#include "daemon/core/setting.h"
#include "lib/base/base.h"

/* --- log-ins --- */

enum check_severity check_replication_login(const struct check_case *c)
{
    for (int side = 0; side < SIDE_MAX; side++) {
        const struct login_facts *login = &judge_facts(c, (enum node_side)side)->replication;

        if (login->why == REASON_NONE)
            continue;
        c->ret->reason = login->why;
        return judge(c, CHECK_ERROR, "the %s could not log in to the %s: %s",
                     side == SIDE_SOURCE ? "target" : "source", side_name((enum node_side)side),
                     login->err.msg);
    }
    return CHECK_OK;
}

/* --- rights --- */

enum need {
    R_NEVER,
    R_WANTED, /* a safety net */
    R_PAUSE,  /* where writes are fenced by CLIENT PAUSE WRITE */
    R_NEEDED,
};

static const enum need needs[RIGHT_MAX][SIDE_MAX] = {
#define RIGHT(id, acl, command, need_source, need_target)                                          \
    [RIGHT_##id] = {[SIDE_SOURCE] = need_source, [SIDE_TARGET] = need_target},
#include "daemon/core/right_table.h"
#undef RIGHT
};

static const char *user_of(const struct spec_auth *auth)
{
    return auth->username ? auth->username : "default";
}

/* What is missing, as it is gathered. */
struct missing {
    char names[160]; /* "+psync, +ping" */
    char acl[300];   /* as the shell takes them: '+psync' '+ping' */
    char renamed[120];
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
        append(m->acl, sizeof(m->acl), " '", right_acl(right), "'");
    } else if (state == RIGHT_RENAMED) {
        append(m->renamed, sizeof(m->renamed), m->renamed[0] ? ", " : "", right_command(right), "");
    } else {
        return;
    }
    m->needed = m->needed || needed;
}

/* Renamed commands come first: no right lets anybody use them. */
static enum check_severity say_missing(const struct check_case *c, enum node_side side,
                                       const char *user, const struct missing *m)
{
    enum check_severity severity = m->needed ? CHECK_ERROR : CHECK_WARNING;

    if (m->names[0])
        judge_remedy(c, side, "ACL SETUSER %s%s", user, m->acl);
    if (m->renamed[0]) {
        c->ret->reason = REASON_COMMAND_REFUSED;
        judge_value(c, side, "no %s", m->renamed);
        return judge(c, severity, "the %s does not know %s: renamed or disabled", side_name(side),
                     m->renamed);
    }
    if (!m->names[0])
        return CHECK_OK;
    c->ret->reason = REASON_ACL_DENIED;
    judge_value(c, side, "'%s' without %s", user, m->names);
    return judge(c, severity, "user '%s' at the %s may not: %s", user, side_name(side), m->names);
}

static enum check_severity daemon_rights(const struct check_case *c, enum node_side side)
{
    const struct facts *facts = judge_facts(c, side);
    const struct spec_node *node = side == SIDE_SOURCE ? &c->spec->source : &c->spec->target;
    bool pauses = !fence_setting(c->source->redis_compat_num);
    struct missing m = {.names = ""};

    if (facts->known)
        judge_value(c, side, "'%s'", user_of(&node->auth));
    for (int r = 0; r < RIGHT_MAX; r++) {
        enum need need = needs[r][side];

        if (need == R_NEVER || (need == R_PAUSE && !pauses))
            continue;
        miss(&m, (enum right)r, facts->right[r], need != R_WANTED);
    }
    return say_missing(c, side, user_of(&node->auth), &m);
}

/* Where a server does not say whether its clients are paused, that has to be tried by a write. */
static bool unpause_is_unknown(const struct check_case *c)
{
    return c->source_facts->known &&
           c->source_facts->right[RIGHT_CLIENT_UNPAUSE] == RIGHT_UNKNOWN &&
           !fence_setting(c->source->redis_compat_num) && !source_is_paused(c->seen);
}

enum check_severity check_source_rights(const struct check_case *c)
{
    enum check_severity severity = daemon_rights(c, SIDE_SOURCE);
    const char *user = user_of(&c->spec->source.auth);

    if (severity != CHECK_OK || !unpause_is_unknown(c))
        return severity;
    judge_remedy(c, SIDE_SOURCE, "ACL SETUSER %s '+pfcount' '~ecmigrate:none'", user);
    return judge(c, CHECK_NOTICE,
                 "whether '%s' may end a pause, and whether somebody has paused the source's "
                 "clients, is not known: it may not try PFCOUNT ecmigrate:none",
                 user);
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
    const struct spec_node *node = side == SIDE_SOURCE ? &c->spec->source : &c->spec->target;
    const char *user = user_of(spec_replication_auth(node));
    struct missing m = {.names = ""};

    for (size_t i = 0; i < array_len(needed); i++)
        miss(&m, needed[i], login->right[needed[i]], true);
    if (judge_facts(c, side)->dual_channel == YES)
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

enum check_severity check_tls_mismatch(const struct check_case *c)
{
    const struct endpoint named = run_source_for_target(c->spec, c->run);
    bool known = endpoint_equal(&named, &c->run->source);

    if (c->target_facts->tls_replication != YES)
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "port %u speaks plain", c->run->source.port);
    judge_value(c, SIDE_TARGET, "tls-replication yes");
    judge_remedy(c, SIDE_TARGET, "CONFIG SET tls-replication no");
    return judge(c, known ? CHECK_ERROR : CHECK_WARNING,
                 "the target will speak TLS to port %u of the source%s", named.port,
                 known ? ", which speaks plain" : "; make sure that this port does, too");
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
