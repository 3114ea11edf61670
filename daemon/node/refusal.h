/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Why a node does not do what it is asked to, as a reason. */
#include "daemon/core/reason.h"
#include "daemon/core/side.h"
#include "lib/base/err.h"

/* The reason an operation on this side failed with err. */
enum reason refusal_reason(enum node_side side, const struct err *err);
