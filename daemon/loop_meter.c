/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/loop_meter.h"

#include "lib/base/base.h"

/* Seconds. */
static const double bounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                0.025,  0.05,    0.1,    0.25,  0.5,    1};

/* The time from here to here, less what the loop has slept, was work. */
static void turn_ends(uv_prepare_t *prepare)
{
    struct loop_meter *meter = container_of(prepare, struct loop_meter, prepare);
    uint64_t now_ns = uv_hrtime(), idle_ns = uv_metrics_idle_time(prepare->loop);
    uint64_t passed = now_ns - meter->seen_ns, slept = idle_ns - meter->idle_ns;

    if (meter->seen_ns > 0)
        histogram_observe(&meter->lag, passed > slept ? (double)(passed - slept) / 1e9 : 0);
    meter->seen_ns = now_ns;
    meter->idle_ns = idle_ns;
}

void loop_meter_init(struct loop_meter *meter, uv_loop_t *loop)
{
    *meter = (struct loop_meter){.seen_ns = 0};
    histogram_init(&meter->lag, bounds, array_len(bounds));
    uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
    uv_prepare_init(loop, &meter->prepare);
    uv_prepare_start(&meter->prepare, turn_ends);
    uv_unref((uv_handle_t *)&meter->prepare);
}

void loop_meter_close(struct loop_meter *meter)
{
    uv_close((uv_handle_t *)&meter->prepare, NULL);
}
