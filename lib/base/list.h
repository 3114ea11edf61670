/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A doubly linked list whose links live inside its members. A link that is in no list points at
 * itself. */
#include <stdbool.h>

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Appends link to the list whose head is l. */
static inline void list_push(struct list *l, struct list *link)
{
    link->prev = l->prev;
    link->next = l;
    l->prev->next = link;
    l->prev = link;
}

/* Takes link out of its list, if it is in one. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* Moves all links of the list from into to, which need not be initialised. */
static inline void list_move(struct list *to, struct list *from)
{
    list_init(to);
    if (list_empty(from))
        return;
    *to = *from;
    to->next->prev = to->prev->next = to;
    list_init(from);
}

/* The body may remove the current link, and no other. */
#define list_each(pos, head)                                                                       \
    for (struct list *pos = (head)->next, *pos##_next = pos->next; pos != (head);                  \
         pos = pos##_next, pos##_next = pos->next)
