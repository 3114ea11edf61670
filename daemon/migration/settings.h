/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Settings of the nodes that are changed for a migration, and put back.
 *
 *   CONFIG GET -> the old value is made durable -> CONFIG SET
 *   restore: CONFIG GET -> [still what we set] CONFIG SET old -> the record is deleted
 *                       -> [somebody else changed it] it is left alone, an event says so
 */
#include "daemon/core/action.h"
#include "daemon/core/reason.h"
#include "daemon/store/store.h"
#include "lib/redis/client.h"

struct migration;

#define SETTINGS_MAX 16

struct settings {
    struct setting record[SETTINGS_MAX]; /* mirrors the store's records of this job */
    unsigned n;

    /* private: the work under way */
    struct redis_call call;
    enum action action; /* ACT_NONE: none */
    enum node_side side;
    unsigned n_changes;
    struct change {
        const struct setting_row *row; /* changing */
        unsigned record;               /* restoring: index */
        char *value;                   /* to set; owned */
    } changes[SETTINGS_MAX];
    uint64_t ticket;
    struct err refused; /* restoring: the first refusal; the other settings are gone on with */
    enum reason refused_reason;
};

void settings_init(struct settings *s);
void settings_deinit(struct settings *s);
/* At boot: a record from the store. */
void settings_load(struct settings *s, const struct setting *record);
/* Begins ACT_PREPARE, ACT_PREPARE_CUTOVER or ACT_RESTORE; ends in migration_acted(). */
void settings_start(struct migration *m, enum action action);
/* The store has the records: sets the values. */
void settings_durable(struct migration *m, uint64_t ticket);
/* The job names another node now: what is owed to the old one is said, and no longer owed. */
void settings_disown(struct migration *m, enum node_side side);
/* Gives up work that waits for the store. */
void settings_cancel(struct settings *s);
/* Records of a side, of scope run only or of any scope. */
unsigned settings_count(const struct settings *s, enum node_side side, bool run_only);
/* The old value of a setting, or NULL. Borrowed. */
const char *settings_old(const struct settings *s, enum node_side side, const char *name);
