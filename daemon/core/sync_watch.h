/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Whether a full synchronisation moves. */
#include <stdbool.h>
#include <stdint.h>

struct observation;

struct sync_watch {
    uint64_t moved_at_ms; /* it last moved on */
    uint64_t seen_at_ms;  /* a synchronisation or a link was last seen */
    bool syncing;
    int64_t full_base;        /* the source's sync_full before this one; -1: not known */
    unsigned starts, counted; /* as the target showed them; as the source counts them */
    struct sync_position {    /* where it was last seen to be */
        int64_t read_bytes, left_bytes, loaded_bytes, saved_keys;
        double loaded_percent;
        bool syncing, loading;
    } position;
};

/* A phase begins: time counts from here. */
void sync_watch_enter(struct sync_watch *watch, uint64_t now_ms);
/* Brings sync_starts, stalled_ms and sync_idle_ms of *seen up to date. */
void sync_watch_update(struct sync_watch *watch, struct observation *seen, uint64_t now_ms);
