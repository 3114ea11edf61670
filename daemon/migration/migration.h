/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One job in motion: its spec, its durable run, and the pair of nodes it moves between.
 *
 * Everything happens in one place and in one order: observe -> decide() -> one edge made durable,
 * or one action -> observe. Other modules read the fields below; only daemon/migration/ writes
 * them.
 */
#include <jansson.h>

#include "daemon/core/connection.h"
#include "daemon/core/fsm.h"
#include "daemon/core/gate.h"
#include "daemon/core/observation.h"
#include "daemon/core/progress.h"
#include "daemon/core/run.h"
#include "daemon/core/setting.h"
#include "daemon/spec/spec.h"

struct check_report;
struct sibling;
struct migration;
struct migration_env;

/* What is shown of one; borrowed, valid until the loop turns. */
struct migration_view {
    const struct spec *spec; /* the text in force */
    const struct run *run;
    const struct observation *seen; /* NULL before the first look */
    bool file_gone;
    enum reason reason; /* why it waits or failed; REASON_NONE */
    char message[RUN_MESSAGE_MAX];
    int64_t link_since_wall_ms; /* 0: link not up */
    struct progress progress;
    const struct check_report *checks; /* the latest; NULL: none since the daemon started */
    unsigned alarms;                   /* alarm_bits() */
};

/*
 * A migration for a job. spec and record's strings are taken over / copied: spec becomes m's;
 * record NULL: a new job; else what the store knows of it. settings are loaded with
 * migration_load_setting before the loop runs.
 */
struct migration *migration_new(struct migration_env *env, struct spec *spec,
                                const struct run *run);
void migration_load_setting(struct migration *m, const struct setting *setting);
void migration_load_sibling(struct migration *m, const struct sibling *sibling);
void migration_load_connection(struct migration *m, const struct connection *connection);
/* Begins to look and act. */
void migration_begin(struct migration *m);
/* Lets go of everything, on the nodes nothing is changed; freed(arg) from the loop. */
void migration_free(struct migration *m, void (*freed)(void *arg), void *arg);

/* A newer text of the job's file; taken over. What happens to it: */
enum respec {
    RESPEC_SAME,
    RESPEC_RESTARTED,
    RESPEC_TAKEN,
    RESPEC_KEPT_FOR_LATER,
    RESPEC_LEFT_ALONE
};
enum respec migration_respec(struct migration *m, struct spec *spec);
/* The same text is in another file now. */
void migration_set_file(struct migration *m, const char *path);
/* The file is gone, or back. */
void migration_set_file_gone(struct migration *m, bool gone);
/* True when the job is in no run and owes no node anything: it may be forgotten with its file. */
bool migration_forgettable(const struct migration *m);

/* The job is forgotten: what is recorded for its reverse link goes with it. */
void migration_forget_settings(struct migration *m);

/* Whether a job file's text is this job's, or the one that waits to be. */
bool migration_has_text(const struct migration *m, const char *text);
const char *migration_id(const struct migration *m);
void migration_view(const struct migration *m, struct migration_view *ret);

/* Verbs. 0, or ERR_BUSY (not possible in this phase; the message says what is), ERR_EXISTS (against
 * an earlier switch-over, and again is not set) or ERR_INVALID. */
struct verb_options {
    bool has_source;
    struct endpoint source; /* start, check: the source, instead of the file's */
    bool force;             /* complete */
    uint64_t within_ms;     /* complete: it lapses when it has not begun in this time; 0: never */
    char by[RUN_WHO_MAX];   /* complete: who asks */
    bool again;             /* start: though the target took over from the source before */
};
/* VERB_CHECK goes through the checks without a run; their outcome comes as the view's report, and
 * as an event. */
enum verb {
#define VERB(id, name, event, needs) VERB_##id,
#include "daemon/migration/verb_table.h"
#undef VERB
    VERB_MAX
};
const char *verb_name(enum verb verb);
enum verb verb_parse(const char *name); /* VERB_MAX: none */
int migration_verb(struct migration *m, enum verb verb, const struct verb_options *options,
                   struct err *err) must_check;

/* A verb waits for its turn, or an edge for the store: what was asked for last is not durable yet.
 */
bool migration_busy(const struct migration *m);

/* complete --dry-run: what would hold the switch-over back now; returns the number of blockers. */
unsigned migration_dry_run(const struct migration *m, struct blocker ret[BLOCKERS_MAX]);
