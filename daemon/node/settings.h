/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Settings of the nodes that are changed for a migration, and put back.
 *
 *   change:  CONFIG GET -> the old value is made durable -> CONFIG SET
 *   restore: CONFIG GET -> [still what we set] CONFIG SET old -> the record is deleted
 *                       -> [somebody else changed it] it is left alone, and that is told
 *
 * One such piece of work at a time; it goes through one side after the other.
 */
#include "daemon/core/setting.h"
#include "daemon/node/node.h"
#include "daemon/store/store.h"

#define SETTINGS_MAX 32

struct settings;

enum setting_news {
    SETTING_CHANGED,  /* for the migration */
    SETTING_RESTORED, /* it has its old value again */
    SETTING_KEPT,     /* somebody else has changed it since; it is ours no longer */
    SETTING_DISOWNED, /* it stays changed: the job names another node now */
    SETTING_REFUSED,  /* the node does not let it be changed; nothing depends on it */
    SETTING_LEFT,     /* another value would have been better, but would have done harm */
};

struct setting_report {
    enum setting_news news;
    enum node_side side;
    const char *name;
    const char *from, *to; /* its value before and now; NULL: not to be shown, or does not matter */
    const char *why;       /* of SETTING_LEFT */
};

/* What the owner is told. */
struct settings_owner {
    /* The records are on their way into the store: settings_durable() is waited for. */
    void (*recorded)(struct settings *s);
    void (*news)(struct settings *s, const struct setting_report *report);
    /* The work is over; err NULL or of ERR_NONE: well. */
    void (*done)(struct settings *s, enum reason reason, const struct err *err);
};

struct settings {
    struct setting record[SETTINGS_MAX]; /* mirrors the store's records of this job */
    unsigned n;

    /* private */
    const struct settings_owner *owner; /* borrowed, as the next three */
    const char *job;
    struct store *store;
    struct node *node; /* [SIDE_MAX] */
    struct redis_call call;
    enum action action; /* the work under way; ACT_NONE: none */
    enum node_side side;
    enum node_side writer; /* changing */
    unsigned n_changes;
    struct change {
        const struct setting_row *row; /* changing */
        unsigned record;               /* restoring: index */
        char *value;                   /* to set; owned */
        char *was;                     /* what it is; owned */
    } changes[SETTINGS_MAX];
    struct setting_facts facts; /* changing; owns its strings */
    uint64_t ticket;            /* of the store, waited for; 0: none */
    enum setting_scope scope;   /* restoring: up to this one */
    struct err refused; /* restoring: the first refusal; the other settings are gone on with */
    enum reason refused_reason;
    bool closing;
};

/* nodes: [SIDE_MAX]. All are borrowed. */
void settings_init(struct settings *s, const struct settings_owner *owner, struct store *store,
                   const char *job, struct node *nodes);
/* Begins nothing more; work that waits for the store is given up, a call under way ends with its
 * connection. */
void settings_close(struct settings *s);
void settings_deinit(struct settings *s);
/* At boot: a record from the store. False: there is no room for it. */
bool settings_load(struct settings *s, const struct setting *record);

/* Begins to change what the rows of ACT_PREPARE or ACT_PREPARE_CUTOVER say; writer takes the
 * writes. tls: what is spoken where the other of source and target looks for this one. */
void settings_change(struct settings *s, enum action action, enum node_side writer,
                     const struct spec *spec, const enum answer tls[SIDE_MAX]);
/* The store has reached ticket: sets the values that were recorded. */
void settings_durable(struct settings *s, uint64_t ticket);
/* Begins to restore what is recorded, up to this scope. */
void settings_restore(struct settings *s, enum setting_scope scope);

/* The job names another node now: what is owed to the old one is said, and no longer owed. */
void settings_disown(struct settings *s, enum node_side side);
/* Drops all records: the job is forgotten. */
void settings_forget(struct settings *s);
/* Records of a side, up to this scope. */
unsigned settings_count(const struct settings *s, enum node_side side, enum setting_scope scope);
/* The old value of a setting, or NULL. Borrowed. */
const char *settings_old(const struct settings *s, enum node_side side, const char *name);
