/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The checks without a run: both nodes are reached over connections of their own, looked at once,
 * and judged. Nothing is changed on any node, and nothing of it is durable.
 */
#include "daemon/migration/migration.h"

struct precheck;

/* To check m's target against source. */
struct precheck *precheck_new(struct migration *m, const struct endpoint *source);
/* Ends in migration_checked(), from the loop or from inside this. */
void precheck_start(struct precheck *p);
/* Gives up, or lets go when it is over; freed(arg), if not NULL, from the loop. NULL is fine:
 * freed is called at once. */
void precheck_free(struct precheck *p, void (*freed)(void *arg), void *arg);
