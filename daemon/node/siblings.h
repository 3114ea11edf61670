/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The old source's other replicas: looked at and pointed to the target, each over connections of
 * its own, beside whatever the pair does. What follows from a look is decided in core/sibling.
 *
 *   before the switch-over  those that the source lists are kept in mind, and looked at once
 *   as it begins            they are made durable: a demoted source lists them no more
 *   after it                look -> [another state] durable -> look -> act -> look …
 */
#include "daemon/core/sibling.h"
#include "daemon/node/probe.h"
#include "daemon/store/store.h"

struct siblings;

/* What the owner is told. */
struct siblings_owner {
    /* How they are got at, but for where each is. */
    struct access (*access)(const struct siblings *f, uint64_t timeout_ms);
    void (*changed)(struct siblings *f);  /* the list has */
    void (*recorded)(struct siblings *f); /* siblings_durable() is waited for */
    void (*ended)(struct siblings *f, const struct sibling *one);
};

struct siblings_config {
    uv_loop_t *loop;
    struct store *store; /* borrowed, as all of these */
    const char *job;
    const struct spec *const *spec; /* may be replaced */
    const struct run *run;
    const struct observation *seen;
    const struct siblings_owner *owner;
    void *arg; /* the owner's */
};

struct siblings {
    struct sibling list[SIBLINGS_MAX]; /* with free places */
    struct siblings_config config;
    /* private */
    struct sibling_work {
        struct siblings *all;
        struct probe probe;
        enum sibling_act act; /* what the probe is about */
        uint64_t since_ms;    /* in this state */
        uint64_t due_ms;      /* to be looked at */
        uint64_t ticket;      /* of the store, waited for; 0: none */
        unsigned tries;       /* in this state */
        bool listed, stored;
    } work[SIBLINGS_MAX];
    uv_timer_t timer;
    bool ready, closing;
    unsigned open;
    void (*freed)(void *arg);
    void *freed_arg;
};

struct siblings *siblings_new(const struct siblings_config *config);
/* Begins nothing more; freed(arg) from the loop. */
void siblings_free(struct siblings *f, void (*freed)(void *arg), void *arg);
/* At boot: one from the store. */
void siblings_load(struct siblings *f, const struct sibling *one);
/* The run has gone to another phase: what belongs to an earlier run is dropped, or given back. */
void siblings_enter(struct siblings *f);
/* After each look at the pair. */
void siblings_observe(struct siblings *f);
/* They are looked at anew: the switch-over has been asked for. */
void siblings_want_fresh(struct siblings *f);
/* The switch-over begins with the next commit: they are to be durable with it. */
void siblings_keep(struct siblings *f);
/* The store has reached ticket. */
void siblings_durable(struct siblings *f, uint64_t ticket);
bool siblings_wait_durable(const struct siblings *f);
/* One has been changed, and may have to be put back. */
bool siblings_owe(const struct siblings *f);
/* The job is forgotten: their records go with it. */
void siblings_forget(struct siblings *f);
