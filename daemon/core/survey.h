/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a node shows beyond INFO: asked for before a run, and before a switch-over. */
#include <stdbool.h>
#include <stdint.h>

#include "lib/net/endpoint.h"

struct survey {
    bool known;           /* the node has been asked, on this connection, and has answered */
    int64_t scripts;      /* calls of EVAL, EVALSHA and FCALL since it was started; -1: not known */
    int64_t min_replicas; /* min-replicas-to-write; -1: not known */
    bool saves;           /* it dumps its data set by itself now and then */
    bool stops_writes;    /* … and takes no writes after a dump that failed */
    /* What it tells its primary it is: replica-announce-ip and -port; "", 0: as it is. */
    struct endpoint announced;
    char stranger[160]; /* a connection of another ecmigrate: its name and address; "": none */
};
