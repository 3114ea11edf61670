/* SPDX-License-Identifier: Apache-2.0 */
/* Whether each node can take in what the other has. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/core/check/judge.h"
#include "daemon/core/dump.h"
#include "lib/base/base.h"

static void say_versions(const struct check_case *c)
{
    judge_value(c, SIDE_SOURCE, "%s %s", c->source->product, c->source->version);
    judge_value(c, SIDE_TARGET, "%s %s", c->target->product, c->target->version);
}

enum check_severity check_rdb_version(const struct check_case *c)
{
    say_versions(c);
    switch (dump_verdict(c->source, c->target)) {
    case DUMP_READABLE:
        return CHECK_OK;
    case DUMP_RELAXED:
        if (c->target_facts->known && c->target_facts->version_check_relaxed == NOT_KNOWN)
            break;
        return judge(c, CHECK_NOTICE,
                     "the target reads this dump with rdb-version-check relaxed, which is set for "
                     "the time of the migration");
    case DUMP_UNKNOWN:
        return judge(c, CHECK_NOTICE, "whether the target reads this dump is not known here");
    case DUMP_UNREADABLE:
        break;
    }
    return judge(c, CHECK_ERROR, "%s %s cannot read the dump of %s %s", c->target->product,
                 c->target->version, c->source->product, c->source->version);
}

enum check_severity check_field_ttl(const struct check_case *c)
{
    bool one = strcmp(c->source->product, c->target->product) == 0;

    if (!knows_field_ttl(c->source))
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "%" PRId64 " hashes with such fields", c->source->field_ttls);
    if (c->source->field_ttls == 0 || (knows_field_ttl(c->target) && one))
        return CHECK_OK;
    return judge(c, CHECK_ERROR,
                 "%" PRId64 " hashes have fields with an expiry, which %s %s cannot take in",
                 c->source->field_ttls, c->target->product, c->target->version);
}

enum check_severity check_vector_sets(const struct check_case *c)
{
    const struct facts *s = c->source_facts, *t = c->target_facts;

    if (!s->commands_known || !t->commands_known || !facts_have_command(s, "vadd") ||
        facts_have_command(t, "vadd"))
        return CHECK_OK;
    if (!s->sampled)
        return judge(
            c, CHECK_NOTICE,
            "the target knows no vector sets, and whether the source has any is not known");
    judge_value(c, SIDE_SOURCE, "%" PRId64 " among %" PRId64 " keys", s->sample_vector_sets,
                s->sample_keys);
    if (s->sample_vector_sets > 0)
        return judge(c, CHECK_ERROR,
                     "among %" PRId64 " keys of the source that were looked at, %" PRId64
                     " are vector sets ('%s'), which the target does not know",
                     s->sample_keys, s->sample_vector_sets, s->sample_key);
    return s->sample_keys < c->source->keys
               ? judge(c, CHECK_NOTICE,
                       "the target knows no vector sets; none is among %" PRId64
                       " keys of the source that were looked at, of %" PRId64,
                       s->sample_keys, c->source->keys)
               : CHECK_OK;
}

/* Commands that one knows and the other does not, of which some have been used. */
struct difference {
    char names[140];
    unsigned n, more;
};

static void differ(struct difference *d, const char *name)
{
    size_t used = strlen(d->names);

    d->n++;
    if (used + strlen(name) + 3 < sizeof(d->names))
        snprintf(d->names + used, sizeof(d->names) - used, "%s%s", used ? ", " : "", name);
    else
        d->more++;
}

static void compare(const struct facts *knows, const struct facts *lacks, bool used_only,
                    struct difference *ret)
{
    *ret = (struct difference){.names = ""};
    if (!knows->commands_known || !lacks->commands_known)
        return;
    for (size_t i = 0; i < WRITE_COMMANDS; i++)
        if (knows->has_command[i] && !lacks->has_command[i] &&
            (!used_only || knows->used_command[i]))
            differ(ret, write_commands[i]);
}

/* "…, and 3 more"; empty where all are named. */
static const char *and_more(const struct difference *d, char buf[24])
{
    snprintf(buf, 24, d->more ? " and %u more" : "", d->more);
    return buf;
}

enum check_severity check_one_way(const struct check_case *c)
{
    struct difference d;
    char more[24];

    if (!c->spec->cutover.reverse)
        return CHECK_OK;
    say_versions(c);
    compare(c->target_facts, c->source_facts, false, &d);
    if (dump_verdict(c->target, c->source) == DUMP_UNREADABLE)
        return judge(c, CHECK_WARNING,
                     "no full copy goes back, and by the stream the old source drops: %s%s%s",
                     c->source->redis_compat_num < 60200 ? "SET with EX or PX, " : "",
                     d.n ? d.names : "what it does not know", and_more(&d, more));
    return d.n ? judge(c, CHECK_NOTICE, "on the way back the old source drops: %s%s", d.names,
                       and_more(&d, more))
               : CHECK_OK;
}

/* Part of every server that has them; their types have checks of their own. */
static bool is_built_in(const char *name, size_t len)
{
    return (len == 3 && strncmp(name, "lua", len) == 0) ||
           (len == 9 && strncmp(name, "vectorset", len) == 0);
}

static bool has_module(const char *list, const char *name, size_t len)
{
    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
        if (strcspn(p, ",") == len && strncasecmp(p, name, len) == 0)
            return true;
    return false;
}

enum check_severity check_modules_missing(const struct check_case *c)
{
    struct difference d = {.names = ""};
    char name[48], more[24];

    judge_value(c, SIDE_SOURCE, "%s", c->source->modules);
    judge_value(c, SIDE_TARGET, "%s", c->target->modules);
    for (const char *p = c->source->modules; *p; p += strcspn(p, ","), p += *p == ',') {
        size_t len = strcspn(p, ",");

        if (is_built_in(p, len) || has_module(c->target->modules, p, len))
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)len, p);
        differ(&d, name);
    }
    return d.n ? judge(c, CHECK_ERROR, "the target lacks modules of the source: %s%s", d.names,
                       and_more(&d, more))
               : CHECK_OK;
}

static void ask_for_commands(const struct check_case *c, enum node_side side)
{
    const struct spec_node *node = side == SIDE_SOURCE ? &c->spec->source : &c->spec->target;
    const char *user = node->auth.username;

    if (!judge_facts(c, side)->commands_known)
        judge_remedy(c, side, "ACL SETUSER %s '+command|info'", user ? user : "default");
}

enum check_severity check_commands_missing(const struct check_case *c)
{
    struct difference used, known;
    char more[24];

    if (!c->source_facts->commands_known || !c->target_facts->commands_known) {
        if (!c->source_facts->known || !c->target_facts->known)
            return CHECK_OK;
        for (int side = 0; side < SIDE_MAX; side++)
            ask_for_commands(c, (enum node_side)side);
        return judge(c, CHECK_NOTICE, "which commands the nodes know could not be asked");
    }
    compare(c->source_facts, c->target_facts, true, &used);
    compare(c->source_facts, c->target_facts, false, &known);
    if (used.n)
        return judge(c, CHECK_ERROR, "in use at the source, and unknown at the target: %s%s",
                     used.names, and_more(&used, more));
    return known.n
               ? judge(c, CHECK_WARNING,
                       "known at the source, though not in use, and unknown at the target: %s%s",
                       known.names, and_more(&known, more))
               : CHECK_OK;
}

enum check_severity check_databases_too_few(const struct check_case *c)
{
    int64_t s = c->source_facts->databases, t = c->target_facts->databases;

    if (t < 0)
        return CHECK_OK;
    if (s >= 0)
        judge_value(c, SIDE_SOURCE, "%" PRId64 ", the last with keys is %" PRId64, s,
                    c->source->last_database);
    judge_value(c, SIDE_TARGET, "%" PRId64, t);
    if (c->source->last_database >= t)
        return judge(c, CHECK_ERROR,
                     "the source has keys in database %" PRId64 ", and the target has %" PRId64
                     " databases",
                     c->source->last_database, t);
    return s > t ? judge(c, CHECK_WARNING,
                         "the source has %" PRId64 " databases, the target %" PRId64
                         ": what is written to the others would go into database 0",
                         s, t)
                 : CHECK_OK;
}
