/* SPDX-License-Identifier: Apache-2.0 */
/* The roads between the two nodes: whether what speaks TLS meets what speaks TLS. The setting that
 * says so is changed for the migration, and put back. */
#include "daemon/core/check/judge.h"
#include "daemon/core/road.h"
#include "lib/base/base.h"

/* Whom it follows: the target the source, all others the target. */
static enum node_side other(enum node_side side)
{
    return side == SIDE_TARGET ? SIDE_SOURCE : SIDE_TARGET;
}

/* The worst of what a look at each node that will follow finds: of the target last. */
static enum check_severity each(const struct check_case *c,
                                enum check_severity (*look)(const struct check_case *c,
                                                            enum node_side follower))
{
    enum check_severity worst = CHECK_OK, found;

    if (c->spec->cutover.reverse) {
        worst = look(c, SIDE_SOURCE);
        if (c->seen->writer == SIDE_PRIMARY) {
            found = look(c, SIDE_PRIMARY);
            worst = max_of(worst, found);
        }
    }
    found = look(c, SIDE_TARGET);
    return max_of(worst, found);
}

/* It is left as it is where nobody knows what speaks behind the port. */
static enum check_severity mismatch_of(const struct check_case *c, enum node_side follower)
{
    enum node_side followed = other(follower);
    const struct endpoint named = road_to(c->spec, c->run, followed);
    enum answer tls = road_speaks_tls(c->spec, c->run, c->seen, followed);
    enum answer speaks = judge_facts(c, follower)->tls_replication;

    if (tls != NOT_KNOWN)
        judge_value(c, followed, "port %u speaks %s", named.port, tls == YES ? "TLS" : "plain");
    if (tls != NOT_KNOWN && speaks != NOT_KNOWN && speaks != tls)
        judge_value(c, follower, "tls-replication %s, for the migration %s",
                    speaks == YES ? "yes" : "no", tls == YES ? "yes" : "no");
    if (tls != NOT_KNOWN || speaks != YES)
        return CHECK_OK;
    judge_value(c, follower, "tls-replication yes");
    return judge(c, CHECK_NOTICE,
                 "the %s will speak TLS to port %u of the %s; make sure that this port does, too",
                 side_name(follower), named.port, side_name(followed));
}

enum check_severity check_tls_mismatch(const struct check_case *c)
{
    return each(c, mismatch_of);
}

/* What a server wants before it lets tls-replication be set. */
static enum check_severity unprepared(const struct check_case *c, enum node_side follower)
{
    const struct facts *facts = judge_facts(c, follower);
    const char *lacks = facts->tls_authorities == NO && facts->tls_certificate == NO
                            ? "tls-ca-cert-file, tls-cert-file and tls-key-file are not set"
                        : facts->tls_authorities == NO ? "tls-ca-cert-file is not set"
                        : facts->tls_certificate == NO
                            ? "tls-cert-file and tls-key-file are not set"
                            : NULL;

    if (road_speaks_tls(c->spec, c->run, c->seen, other(follower)) != YES ||
        facts->tls_replication == YES)
        return CHECK_OK;
    if (facts->tls_built == NO) {
        judge_value(c, follower, "no tls-port");
        return judge(c, CHECK_ERROR,
                     "the %s is to follow the %s over TLS, and is a server without TLS",
                     side_name(follower), side_name(other(follower)));
    }
    if (!lacks)
        return CHECK_OK;
    judge_value(c, follower, "%s", lacks);
    return judge(c, CHECK_ERROR, "the %s is to follow the %s over TLS, and %s there",
                 side_name(follower), side_name(other(follower)), lacks);
}

enum check_severity check_tls_unprepared(const struct check_case *c)
{
    return each(c, unprepared);
}
