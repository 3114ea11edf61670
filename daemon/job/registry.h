/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * All jobs of this daemon, by id, in order. Takes what the watcher reads, and what the store
 * remembers, and keeps one migration for each.
 *
 *   a new file                 -> a new job
 *   a changed file             -> migration_respec()
 *   a broken file              -> an event; the jobs it stood for go on with their last good text
 *   a renamed file             -> its job goes on, under the name it has
 *   a file that is gone        -> an idle or ended job is forgotten, a running one goes on and says
 * so the store knows, no file   -> the same, once the first scan has been through
 */
#include "daemon/migration/env.h"
#include "daemon/migration/migration.h"
#include "daemon/spec/jobfile.h"

struct registry;

/* env is borrowed. */
struct registry *registry_new(struct migration_env *env);
/* Ends all migrations, on the nodes nothing is changed; closed(arg) from the loop, or at once. */
void registry_free(struct registry *registry, void (*closed)(void *arg), void *arg);

/* Takes up what the store remembers; before the loop runs. */
int registry_restore(struct registry *registry, struct err *err) must_check;

/* The watcher's reports. */
void registry_file(struct registry *registry, const char *path, const struct jobfile *file);
void registry_file_gone(struct registry *registry, const char *path);
void registry_scanned(struct registry *registry);

struct migration *registry_find(struct registry *registry, const char *id); /* NULL: no such job */
void registry_each(struct registry *registry, void (*fn)(struct migration *m, void *arg),
                   void *arg);
unsigned registry_count(const struct registry *registry);
/* How many jobs are in each public state: for STATUS= and /healthz. */
void registry_count_states(const struct registry *registry, unsigned ret[STATE_MAX]);
