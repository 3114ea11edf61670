/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Settings of the nodes that are changed for a migration and put back: which there are, what they
 * are to be, and what is remembered of a change.
 */
#include "daemon/core/action.h"
#include "daemon/core/facts.h"
#include "daemon/core/side.h"
#include "daemon/spec/spec.h"
#include "lib/redis/info.h"

/* From what is restored first to what is restored last. */
enum setting_scope {
    SCOPE_SYNC, /* restored once the target is in sync */
    SCOPE_RUN,  /* restored when the run ends, however it ends */
    SCOPE_LINK, /* needed by the reverse link: restored by a rollback, and when the link is cut */
    SCOPE_MAX
};

/* A setting of a node that was changed, and what it was. The values may be secrets. */
struct setting {
    char job[SPEC_ID_MAX + 1];
    enum node_side side;
    char name[64];
    char *old_value, *new_value; /* owned */
    enum setting_scope scope;
};

/* What the rows go by. */
struct setting_facts {
    bool tune;                 /* sync.tune */
    bool reverse;              /* cutover.reverse */
    bool watched;              /* the job names Sentinels */
    enum answer tls[SIDE_MAX]; /* the other node finds TLS spoken where it looks for this one */
    bool follow;               /* source.replicas */
    const struct redis_info *info[SIDE_MAX];
    /* What the other node logs in with to replicate from this one; "" where there is nothing. */
    char *user[SIDE_MAX], *password[SIDE_MAX];
};

enum setting_flag {
    S_REQUIRED = 1 << 0,    /* the migration cannot work without it */
    S_RECORD_ONLY = 1 << 1, /* another action sets it */
    S_SECRET = 1 << 2,      /* its values are not shown */
    S_LOGIN = 1 << 3,       /* the target's at the source: set anew by ACT_RELOGIN, too */
    S_TLS = 1 << 4,         /* refused by a server that cannot use its certificates */
};

/* At which nodes a setting is changed. Without a chain the source is the writer, too. */
enum setting_place {
    AT_SOURCE, /* what the target copies from */
    AT_TARGET,
    AT_WRITER,    /* what takes the writes */
    AT_FOLLOWERS, /* what follows the target in the end: the writer, and a chained source */
};

struct setting_row {
    enum action when; /* ACT_PREPARE or ACT_PREPARE_CUTOVER */
    enum setting_place at;
    const char *name;
    unsigned since, before; /* product versions that know it: [since, before), 0: no bound */
    enum setting_scope scope;
    /* The wanted value, fresh; NULL: leave it as it is. current is what the node has. *why says why
     * it is left, where another value would have been better. */
    char *(*want)(const struct setting_facts *facts, const char *current, const char **why);
    unsigned flags;
};

const struct setting_row *setting_rows(size_t *ret_n);
/* The row of a setting of this name, for a side; NULL: none. */
const struct setting_row *setting_row_of(enum node_side side, const char *name);
/* Whether row is one of those that action changes on a node of this side and version, where writer
 * takes the writes. */
bool setting_applies(const struct setting_row *row, enum action action, enum node_side side,
                     enum node_side writer, unsigned version_num);

/* What sync.tune raises a source's backlog and its buffer for replicas to, where there is memory.
 */
#define TUNED_BACKLOG (INT64_C(64) << 20)
#define TUNED_BUFFER (INT64_C(1) << 30)

/* The name of the setting that fences writes on servers without CLIENT PAUSE WRITE, by version. */
const char *fence_setting(unsigned version_num);
#define FENCE_VALUE "1000000"
/* From this version on CLIENT PAUSE has the mode WRITE. */
#define PAUSE_WRITE_SINCE 60200u
