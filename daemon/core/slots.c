/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/slots.h"

#include <strings.h>

#include "lib/base/base.h"

void slots_init(struct slots *slots, unsigned max, unsigned per_host)
{
    slots->max = max;
    slots->per_host = per_host;
    slots->used = 0;
    list_init(&slots->holders);
    list_init(&slots->waiters);
}

void slot_init(struct slot *slot, void (*granted)(struct slot *slot))
{
    list_init(&slot->link);
    slot->held = slot->waiting = false;
    slot->host = NULL;
    slot->granted = granted;
}

static bool host_has_room(const struct slots *slots, const char *host)
{
    unsigned n = 0;

    list_each (l, &slots->holders)
        n += strcasecmp(container_of(l, struct slot, link)->host, host) == 0;
    return n < slots->per_host;
}

static void hold(struct slots *slots, struct slot *slot)
{
    list_remove(&slot->link);
    list_push(&slots->holders, &slot->link);
    slot->waiting = false;
    slot->held = true;
    slots->used++;
}

void slots_want(struct slots *slots, struct slot *slot, const char *host)
{
    if (slot->held || slot->waiting)
        return;
    slot->host = host;
    if (slots->used < slots->max && host_has_room(slots, host)) {
        hold(slots, slot);
        return;
    }
    slot->waiting = true;
    list_push(&slots->waiters, &slot->link);
}

void slots_seize(struct slots *slots, struct slot *slot, const char *host)
{
    if (slot->held)
        return;
    slot->host = host;
    hold(slots, slot);
}

static void grant(struct slots *slots)
{
    list_each (l, &slots->waiters) {
        struct slot *slot = container_of(l, struct slot, link);

        if (slots->used >= slots->max)
            return;
        if (!host_has_room(slots, slot->host))
            continue;
        hold(slots, slot);
        slot->granted(slot);
    }
}

void slots_set_limits(struct slots *slots, unsigned max, unsigned per_host)
{
    slots->max = max;
    slots->per_host = per_host;
    grant(slots);
}

void slots_release(struct slots *slots, struct slot *slot)
{
    bool held = slot->held;

    list_remove(&slot->link);
    slot->held = slot->waiting = false;
    slot->host = NULL;
    if (held) {
        slots->used--;
        grant(slots);
    }
}
