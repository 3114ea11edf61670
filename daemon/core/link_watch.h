/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The link between target and source: since when it is up, whether the source sends its writes, and
 * whether the target has counted errors while it applied them. */
#include <stdbool.h>
#include <stdint.h>

#include "daemon/core/fsm.h"

struct observation;

enum link_news { LINK_NO_NEWS, LINK_LOST, LINK_RESTORED };

struct link_watch {
    bool up;
    int64_t since_wall_ms; /* 0: it is down */
    uint64_t down_at_ms;   /* 0: it is up, or the target does not follow */
    /* private */
    int64_t errors_base;  /* unexpected_error_replies when it came up; -1: not known */
    int64_t evicted_base; /* evicted_keys, the same */
    int64_t stream_base;  /* the target's offset when it came up; -1: it is down */
    uint64_t stream_base_ms;
    char source_run_id[41];             /* whose counters these are */
    int64_t breaks_base, breaks_before; /* sync_partial_ok at the begin of this minute; what came
                                           in the one before */
    uint64_t breaks_base_ms;
    bool source_was_primary;
    unsigned replicas_most;             /* of the target, online at once */
    int64_t copies_base;                /* sync_full; -1: not known */
    int64_t keys_before;                /* the source's, at the last look */
    int64_t still_offset;               /* the source's, at the last look */
    uint64_t still_at_ms;               /* and when it grew by more than a PING */
    int64_t reverse_base, primary_base; /* after the switch-over; -1: not known */
};

void link_watch_init(struct link_watch *watch);
/* The job goes from one phase to another; resumed: an earlier process did. */
void link_watch_enter(struct link_watch *watch, enum phase from, enum phase to, bool resumed);
/* An earlier process saw the link come up, and what the target had counted by then; -1: not known.
 */
void link_watch_resume(struct link_watch *watch, int64_t errors, int64_t evicted);
/* Brings what *seen tells of the link, and of the keys on both sides of it, up to date, and tells
 * what is news in phase. */
enum link_news link_watch_update(struct link_watch *watch, struct observation *seen,
                                 enum phase phase, uint64_t now_ms);
