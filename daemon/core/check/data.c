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
        if (c->target_facts->version_check_relaxed == YES)
            return CHECK_OK;
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

static bool gave_fields_an_expiry(const struct facts *facts)
{
    static const char *const giving[] = {"hexpire",    "hpexpire", "hexpireat",
                                         "hpexpireat", "hsetex",   "hgetex"};

    for (size_t i = 0; i < WRITE_COMMANDS; i++)
        for (size_t k = 0; k < array_len(giving); k++)
            if (facts->used_command[i] && strcmp(write_commands[i], giving[k]) == 0)
                return true;
    return false;
}

/* Each product dumps such hashes in a form of its own. */
enum check_severity check_field_ttl(const struct check_case *c)
{
    bool one = strcmp(c->source->product, c->target->product) == 0;

    if (!knows_field_ttl(c->source))
        return CHECK_OK;
    judge_value(c, SIDE_SOURCE, "%" PRId64 " hashes with such fields", c->source->field_ttls);
    judge_value(c, SIDE_TARGET, "%s %s", c->target->product, c->target->version);
    if (knows_field_ttl(c->target) && one)
        return CHECK_OK;
    if (c->source->field_ttls > 0)
        return judge(c, CHECK_ERROR,
                     "%" PRId64 " hashes have fields with an expiry, which %s %s cannot take in",
                     c->source->field_ttls, c->target->product, c->target->version);
    /* A small hash of Redis keeps the form that it was given when its last such field has gone. */
    return strcmp(c->source->product, "redis") == 0 && gave_fields_an_expiry(c->source_facts)
               ? judge(c, CHECK_WARNING,
                       "no hash has fields with an expiry now, but some had: those that are left "
                       "may keep a form that %s %s cannot take in",
                       c->target->product, c->target->version)
               : CHECK_OK;
}

enum check_severity check_vector_sets(const struct check_case *c)
{
    const struct facts *s = c->source_facts, *t = c->target_facts;

    if (!s->commands_known || !t->commands_known || !facts_have_command(s, "vadd") ||
        facts_have_command(t, "vadd"))
        return CHECK_OK;
    if (dump_verdict(c->source, c->target) == DUMP_UNREADABLE)
        return CHECK_OK; /* it reads none of it anyhow */
    if (!s->sampled) {
        if (strcmp(c->source->product, "redis") == 0)
            judge_rights(c, SIDE_SOURCE, "'+select' '+dbsize' '+scan'");
        return judge(
            c, CHECK_NOTICE,
            "the target knows no vector sets, and whether the source has any is not known");
    }
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

/* Names that are gathered for a message. */
struct names {
    char list[92];
    unsigned n, more;
};

static void add_name(struct names *names, const char *name)
{
    size_t used = strlen(names->list);

    names->n++;
    if (names->more == 0 && used + strlen(name) + 3 < sizeof(names->list))
        snprintf(names->list + used, sizeof(names->list) - used, "%s%s", used ? ", " : "", name);
    else
        names->more++;
}

/* " and 3 more"; empty where all are named. */
static const char *and_more(const struct names *names, char buf[24])
{
    snprintf(buf, 24, names->more ? " and %u more" : "", names->more);
    return buf;
}

/* Commands that one knows and the other does not; of them, those that have been called. */
static void compare(const struct facts *knows, const struct facts *lacks, bool used_only,
                    struct names *ret)
{
    if (!knows->commands_known || !lacks->commands_known)
        return;
    for (size_t i = 0; i < WRITE_COMMANDS; i++)
        if (knows->has_command[i] && !lacks->has_command[i] &&
            (!used_only || knows->used_command[i]))
            add_name(ret, write_commands[i]);
}

/* Whether a full copy can go back, from what is known. */
static bool copies_back(const struct check_case *c)
{
    enum dump_verdict verdict = dump_verdict(c->target, c->source);

    return verdict != DUMP_UNREADABLE &&
           (verdict != DUMP_RELAXED || c->source_facts->version_check_relaxed == YES);
}

#define SET_PXAT_SINCE 60200 /* then SET with EX or PX is sent to replicas with PXAT */

enum check_severity check_one_way(const struct check_case *c)
{
    struct names dropped = {.list = ""};
    bool set = c->source->redis_compat_num < SET_PXAT_SINCE &&
               c->target->redis_compat_num >= SET_PXAT_SINCE;
    bool copies = copies_back(c);
    char more[24];

    if (!c->spec->cutover.reverse)
        return CHECK_OK;
    say_versions(c);
    if (set)
        add_name(&dropped, "SET with EX or PX");
    compare(c->target_facts, c->source_facts, false, &dropped);
    if (!copies && dump_verdict(c->target, c->source) == DUMP_RELAXED)
        judge_remedy(c, SIDE_SOURCE, "CONFIG SET rdb-version-check relaxed");
    if (copies && !dropped.n)
        return CHECK_OK;
    return judge(c, copies && !set ? CHECK_NOTICE : CHECK_WARNING, "%s%s%s%s%s",
                 copies ? "" : "no full copy can go back to the source",
                 copies || !dropped.n ? "" : "; ",
                 dropped.n ? "on the way back the old source drops: " : "", dropped.list,
                 and_more(&dropped, more));
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
    struct names lacking = {.list = ""};
    char name[48], more[24];

    judge_value(c, SIDE_SOURCE, "%s", c->source->modules);
    judge_value(c, SIDE_TARGET, "%s", c->target->modules);
    for (const char *p = c->source->modules; *p; p += strcspn(p, ","), p += *p == ',') {
        size_t len = strcspn(p, ",");

        if (is_built_in(p, len) || has_module(c->target->modules, p, len))
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)len, p);
        add_name(&lacking, name);
    }
    return lacking.n ? judge(c, CHECK_ERROR, "the target lacks modules of the source: %s%s",
                             lacking.list, and_more(&lacking, more))
                     : CHECK_OK;
}

/* Called, and not to be found under its name: it has another one there, which the target is sent.
 */
static void find_renamed(const struct facts *source, const struct facts *target, struct names *ret)
{
    for (size_t i = 0; i < WRITE_COMMANDS; i++)
        if (source->used_command[i] && !source->has_command[i] && target->has_command[i])
            add_name(ret, write_commands[i]);
}

enum check_severity check_commands_missing(const struct check_case *c)
{
    struct names used = {.list = ""}, renamed = used, known = used;
    const struct facts *s = c->source_facts, *t = c->target_facts;
    char more[24];

    if (!s->commands_known || !t->commands_known) {
        if (!s->known || !t->known)
            return CHECK_OK;
        for (int side = 0; side < SIDE_ENDS; side++)
            if (!judge_facts(c, (enum node_side)side)->commands_known)
                judge_rights(c, (enum node_side)side, "'+command|info'");
        return judge(c, CHECK_NOTICE, "which commands the nodes know could not be asked");
    }
    say_versions(c);
    compare(s, t, true, &used);
    find_renamed(s, t, &renamed);
    compare(s, t, false, &known);
    if (used.n)
        return judge(c, CHECK_ERROR, "in use at the source, and unknown at the target: %s%s",
                     used.list, and_more(&used, more));
    if (renamed.n)
        return judge(
            c, CHECK_ERROR,
            "in use at the source under another name, which the target does not know: %s%s",
            renamed.list, and_more(&renamed, more));
    return known.n
               ? judge(c, CHECK_WARNING,
                       "known at the source, though not in use, and unknown at the target: %s%s",
                       known.list, and_more(&known, more))
               : CHECK_OK;
}

enum check_severity check_databases_too_few(const struct check_case *c)
{
    int64_t s = c->source_facts->databases, t = c->target_facts->databases;

    if (t < 0)
        return CHECK_OK;
    if (s >= 0 && c->source->last_database >= 0)
        judge_value(c, SIDE_SOURCE, "%" PRId64 ", with keys up to database %" PRId64, s,
                    c->source->last_database);
    else if (s >= 0)
        judge_value(c, SIDE_SOURCE, "%" PRId64, s);
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
