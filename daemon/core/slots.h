/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Slots for full synchronisations: so many at a time, and so many per source host (each costs the
 * host a fork and its network). First come, first served, but a host that is full holds nobody else
 * up.
 */
#include <stdbool.h>

#include "lib/base/list.h"

struct slot {
    struct list link;
    bool held, waiting;
    const char *host; /* borrowed while held or waiting */
    void (*granted)(struct slot *slot);
};

struct slots {
    unsigned max, per_host;
    struct list holders, waiters;
    unsigned used;
};

void slots_init(struct slots *slots, unsigned max, unsigned per_host);
/* New limits; what they let in is granted at once, what is held stays held. */
void slots_set_limits(struct slots *slots, unsigned max, unsigned per_host);
void slot_init(struct slot *slot, void (*granted)(struct slot *slot));
/* Queues for one; it may be held on return already, else granted() is called later. */
void slots_want(struct slots *slots, struct slot *slot, const char *host);
/* Takes one beyond the limits: for a synchronisation that runs already. */
void slots_seize(struct slots *slots, struct slot *slot, const char *host);
/* Gives it back, or leaves the queue. */
void slots_release(struct slots *slots, struct slot *slot);
