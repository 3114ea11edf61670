/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Notices a loop that stood still and a clock that stepped. What was seen before that may be old:
 * for a while the daemon looks on and does not act.
 */
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct event_bus;

struct tilt {
    /* private */
    struct event_bus *bus; /* borrowed */
    uv_timer_t heartbeat;
    uint64_t beat_boot_ms;
    int64_t beat_wall_ms;
    uint64_t until_ms;
    void (*closed)(void *arg);
    void *closed_arg;
};

void tilt_init(struct tilt *tilt, uv_loop_t *loop, struct event_bus *bus);
/* closed(arg) comes from the loop. */
void tilt_deinit(struct tilt *tilt, void (*closed)(void *arg), void *arg);
bool tilt_is_on(const struct tilt *tilt);
