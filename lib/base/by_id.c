/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/by_id.h"

#include "lib/base/base.h"

unsigned by_id_position(const struct by_id *set, const char *id)
{
    unsigned low = 0, high = set->n;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (strcmp(set->items[middle], id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void *by_id_find(const struct by_id *set, const char *id)
{
    unsigned at = by_id_position(set, id);

    return at < set->n && strcmp(set->items[at], id) == 0 ? set->items[at] : NULL;
}

void by_id_insert(struct by_id *set, unsigned at, void *item)
{
    if (set->n == set->size) {
        set->size = max_of(set->size * 2, 16u);
        set->items = xrealloc(set->items, set->size, sizeof(void *));
    }
    memmove(&set->items[at + 1], &set->items[at], (set->n - at) * sizeof(void *));
    set->items[at] = item;
    set->n++;
}

void by_id_remove(struct by_id *set, unsigned at)
{
    set->n--;
    memmove(&set->items[at], &set->items[at + 1], (set->n - at) * sizeof(void *));
}

void by_id_deinit(struct by_id *set)
{
    free(set->items);
    *set = (struct by_id){.items = NULL};
}
