/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Items by their id, in its order. An item is a struct that begins with its id, an array of char;
 * it is its owner's. */

struct by_id {
    void **items;
    unsigned n;
    unsigned size; /* private */
};

/* Where an item of this id stands, or would have to. */
unsigned by_id_position(const struct by_id *set, const char *id);
/* NULL: there is none. */
void *by_id_find(const struct by_id *set, const char *id);
/* at: its position. */
void by_id_insert(struct by_id *set, unsigned at, void *item);
void by_id_remove(struct by_id *set, unsigned at);
/* The items are not touched. */
void by_id_deinit(struct by_id *set);
