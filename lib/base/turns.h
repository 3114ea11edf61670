/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A queue of those that want to act, drained once per turn of the loop: nobody is ever entered from
 * inside himself, and whatever happened in one turn is answered by one action.
 */
#include <uv.h>

#include "lib/base/list.h"

/* Embedded in whoever waits. */
struct turn {
    struct list link;
    void (*on_turn)(struct turn *turn); /* from the loop only */
};

struct turns {
    /* private */
    struct list ready;
    uv_prepare_t drain;
    uv_idle_t again; /* keeps the loop from sleeping while somebody waits */
    unsigned closing;
    void (*closed)(void *arg);
    void *closed_arg;
};

void turns_init(struct turns *turns, uv_loop_t *loop);
/* Nobody may wait any more. closed(arg) comes from the loop. */
void turns_deinit(struct turns *turns, void (*closed)(void *arg), void *arg);

void turn_init(struct turn *turn, void (*on_turn)(struct turn *turn));
/* Asks for one turn; asked twice, it is one. */
void turn_ask(struct turns *turns, struct turn *turn);
void turn_cancel(struct turn *turn);
