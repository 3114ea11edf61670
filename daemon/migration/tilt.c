/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/migration/tilt.h"

#include "daemon/bus/bus.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

#define HEARTBEAT_MS 500
/* A turn that came this much late, or a wall clock that moved this much more than time did. */
#define TRIGGER_MS 2000
#define LASTS_MS 5000

static void on_heartbeat(uv_timer_t *timer)
{
    struct tilt *tilt = container_of(timer, struct tilt, heartbeat);
    uint64_t boot = clock_boot_ms();
    int64_t wall = clock_wall_ms();
    int64_t gap = (int64_t)(boot - tilt->beat_boot_ms);
    int64_t step = wall - tilt->beat_wall_ms - gap;
    bool stalled = gap > HEARTBEAT_MS + TRIGGER_MS;

    if (stalled || step > TRIGGER_MS || step < -TRIGGER_MS) {
        tilt->until_ms = boot + LASTS_MS;
        if (stalled)
            event_emit(tilt->bus, EVENT_TILT, NULL, NULL,
                       "the daemon stood still for %lld ms; looking on for %d ms before acting",
                       (long long)gap, LASTS_MS);
        else
            event_emit(tilt->bus, EVENT_TILT, NULL, NULL,
                       "the clock stepped by %lld ms; looking on for %d ms before acting",
                       (long long)step, LASTS_MS);
    }
    tilt->beat_boot_ms = boot;
    tilt->beat_wall_ms = wall;
}

void tilt_init(struct tilt *tilt, uv_loop_t *loop, struct event_bus *bus)
{
    *tilt = (struct tilt){.bus = bus};
    tilt->beat_boot_ms = clock_boot_ms();
    tilt->beat_wall_ms = clock_wall_ms();
    uv_timer_init(loop, &tilt->heartbeat);
    uv_timer_start(&tilt->heartbeat, on_heartbeat, HEARTBEAT_MS, HEARTBEAT_MS);
}

static void heartbeat_closed(uv_handle_t *handle)
{
    struct tilt *tilt = container_of((uv_timer_t *)handle, struct tilt, heartbeat);

    tilt->closed(tilt->closed_arg);
}

void tilt_deinit(struct tilt *tilt, void (*closed)(void *arg), void *arg)
{
    tilt->closed = closed;
    tilt->closed_arg = arg;
    uv_close((uv_handle_t *)&tilt->heartbeat, heartbeat_closed);
}

bool tilt_is_on(const struct tilt *tilt)
{
    return clock_boot_ms() < tilt->until_ms;
}
