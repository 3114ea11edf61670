/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The decision core: from what is wanted, what is durable and what has been seen, to what is done
 * next. Pure: no I/O, no clock, no memory of its own.
 */
#include "daemon/core/decision.h"

struct decision decide(const struct spec *spec, const struct run *run,
                       const struct observation *seen);

/* A verb that must wait until the nodes have been seen: after a restart during the switch-over
 * nobody knows yet whether it has already happened, and aborting it then would make a second
 * primary. */
bool decide_verb_waits(const struct run *run, const struct observation *seen, enum fsm_event verb);
