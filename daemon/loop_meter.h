/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How long the turns of an event loop are. A turn begins when the loop has been told of events and
 * ends when it asks for more; what happens in between has to wait for so long. Wakes nothing, and
 * does not keep the loop running.
 */
#include <uv.h>

#include "lib/base/histogram.h"

struct loop_meter {
    struct histogram lag;
    /* private */
    uv_prepare_t prepare;
    uint64_t seen_ns, idle_ns; /* at the end of the turn before; 0: there was none */
};

/* Before the loop runs. Closed by loop_meter_close(), and gone when the loop has turned. */
void loop_meter_init(struct loop_meter *meter, uv_loop_t *loop);
void loop_meter_close(struct loop_meter *meter);
