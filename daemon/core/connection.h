/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The connection over which a job last could act on a node: what is on its way there is executed
 * until the server has been told to close it. */
#include "daemon/core/side.h"
#include "daemon/spec/spec.h"

struct connection {
    char job[SPEC_ID_MAX + 1];
    enum node_side side;
    char run_id[41]; /* of the server's process, which gives out the numbers */
    int64_t id;      /* CLIENT ID; 0: none */
};
