/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/job/entries.h"

static unsigned bucket_of(const char *name)
{
    uint32_t hash = 5381;

    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash % ENTRIES_BUCKETS;
}

struct entry *entries_find(const struct entries *entries, const char *name)
{
    for (struct entry *e = entries->buckets[bucket_of(name)]; e; e = e->next)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}

struct entry *entries_add(struct entries *entries, const char *name)
{
    struct entry **bucket = &entries->buckets[bucket_of(name)];
    size_t size = strlen(name) + 1;
    struct entry *e = xcalloc(1, sizeof(*e) + size);

    memcpy(e->name, name, size);
    list_init(&e->link);
    e->next = *bucket;
    *bucket = e;
    entries->n++;
    return e;
}

void entries_remove(struct entries *entries, struct entry *e)
{
    struct entry **at = &entries->buckets[bucket_of(e->name)];

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    list_remove(&e->link);
    entries->n--;
    free(e);
}

void entries_each(struct entries *entries, void (*fn)(struct entry *e, void *arg), void *arg)
{
    for (unsigned i = 0; i < ENTRIES_BUCKETS; i++) {
        for (struct entry *e = entries->buckets[i], *next; e; e = next) {
            next = e->next;
            fn(e, arg);
        }
    }
}

static void free_entry(struct entry *e, void *arg)
{
    (void)arg;
    free(e);
}

void entries_clear(struct entries *entries)
{
    entries_each(entries, free_entry, NULL);
    *entries = (struct entries){.n = 0};
}
