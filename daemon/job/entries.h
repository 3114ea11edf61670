/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The names a watcher knows of in its directory, and what it knows of each. */
#include "daemon/job/look.h"
#include "lib/base/list.h"

enum entry_place { PLACE_RESTING, PLACE_SETTLING, PLACE_QUEUED };

struct entry {
    struct list link;   /* in settling or queue */
    struct entry *next; /* private: in its bucket */
    enum entry_place place;
    bool reported;   /* on_file has been called */
    bool broken;     /* as it was last read */
    bool must_read;  /* even if its key is the same */
    bool open;       /* somebody writes into it, as far as events tell */
    bool first_scan; /* the first scan waits for it */
    unsigned scan;   /* the last scan that saw it */
    uint64_t due_ms, settling_since_ms, broken_since_ms;
    struct look_key key;
    uint64_t signature; /* of what was reported */
    char name[];
};

#define ENTRIES_BUCKETS 2048

struct entries {
    struct entry *buckets[ENTRIES_BUCKETS];
    unsigned n;
};

struct entry *entries_find(const struct entries *entries, const char *name); /* NULL: none */
/* It must not be there yet. */
struct entry *entries_add(struct entries *entries, const char *name);
void entries_remove(struct entries *entries, struct entry *e); /* and frees it */
void entries_each(struct entries *entries, void (*fn)(struct entry *e, void *arg), void *arg);
void entries_clear(struct entries *entries);
