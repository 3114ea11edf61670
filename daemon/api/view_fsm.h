/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>

/* The tables of the state machine, as the API shows them: {"phases":[…],"transitions":[…]}. */
json_t *view_fsm(void);
