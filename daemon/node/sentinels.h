/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The Sentinels of a job: each is asked over a connection of its own, made for that question. They
 * go beside what is done to the two nodes, and never hold it up; core/sentinel.h says what to ask
 * and when, and what the answers mean.
 */
#include "daemon/core/sentinel.h"
#include "daemon/node/probe.h"

struct sentinels;

/* One of them has answered, or not: what is seen has changed. */
typedef void sentinels_changed_fn(struct sentinels *s);

struct sentinels {
    struct seen_sentinels seen; /* one: owned */

    /* private */
    struct endpoint *at; /* owned: where they are, as many */
    uv_loop_t *loop;     /* borrowed, as contexts */
    struct tls_contexts *contexts;
    sentinels_changed_fn *changed;
    const struct spec *spec; /* as of the last turn */
    const struct observation *of;
    struct sentinel *asked[SPEC_SENTINELS_MAX]; /* owned; NULL: not yet */
    unsigned closing;
    void (*freed)(void *arg);
    void *freed_arg;
};

void sentinels_init(struct sentinels *s, uv_loop_t *loop, struct tls_contexts *contexts,
                    sentinels_changed_fn *changed);
/* Asks those that are due, and gives seen what is known of them. */
void sentinels_turn(struct sentinels *s, const struct spec *spec, const struct run *run,
                    struct observation *seen);
/* Asks each of them once, for the checks; … which has ended. */
void sentinels_survey(struct sentinels *s, const struct spec *spec, struct observation *seen);
bool sentinels_surveyed(const struct sentinels *s);
/* Closes for good; freed(arg) from the loop, or at once where there is nothing to close. After
 * that: sentinels_deinit(). */
void sentinels_close(struct sentinels *s, void (*freed)(void *arg), void *arg);
void sentinels_deinit(struct sentinels *s);
