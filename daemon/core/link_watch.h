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
    /* private */
    int64_t errors_base;  /* unexpected_error_replies when it came up; -1: not known */
    int64_t evicted_base; /* evicted_keys, the same */
    int64_t stream_base;  /* the target's offset when it came up; -1: it is down */
    uint64_t stream_base_ms;
};

void link_watch_init(struct link_watch *watch);
/* The job goes from one phase to another; resumed: an earlier process did. */
void link_watch_enter(struct link_watch *watch, enum phase from, enum phase to, bool resumed);
/* An earlier process saw the link come up, and what the target had counted by then; -1: not known.
 */
void link_watch_resume(struct link_watch *watch, int64_t errors, int64_t evicted);
/* Brings streaming, errors_grew, evictions_grew and keys_differ of *seen up to date, and tells what
 * is news in phase. */
enum link_news link_watch_update(struct link_watch *watch, struct observation *seen,
                                 enum phase phase, uint64_t now_ms);
