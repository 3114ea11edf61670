/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The checks without a run: both nodes are reached over connections of their own, surveyed once,
 * and judged as a run's own checks are. Nothing is changed on any node, and nothing of it is
 * durable.
 */
#include "daemon/core/check/report.h"
#include "lib/base/turns.h"

struct precheck;
struct tls_contexts;

struct precheck_config {
    uv_loop_t *loop;
    struct turns *turns;           /* borrowed */
    const struct spec *spec;       /* copied: the text that is judged, whatever the file becomes */
    const struct run *run;         /* copied: as it would begin, with its source */
    const char *instance;          /* of the daemon; borrowed */
    struct tls_contexts *contexts; /* borrowed */
    /* Adds to *seen what the nodes do not show. */
    void (*see_around)(const struct spec *spec, const struct run *run, struct observation *seen,
                       void *arg);
    /* In a turn of its own; report is taken over. */
    void (*done)(struct check_report *report, void *arg);
    void *arg;
};

struct precheck *precheck_new(const struct precheck_config *config);
void precheck_start(struct precheck *p);
/* Gives up, or lets go when it is over; freed(arg), if not NULL, from the loop or at once. NULL is
 * fine: freed is called at once. */
void precheck_free(struct precheck *p, void (*freed)(void *arg), void *arg);
