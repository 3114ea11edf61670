/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Why a link does not come up, or does not stay: servers do not say, but what they count and how
 * they are set does.
 */
#include "daemon/core/observation.h"
#include "daemon/core/run.h"
#include "daemon/spec/spec.h"

/* An attempt that failed with this says what was seen, not why: that is to be found out. */
bool is_symptom(enum reason reason);
/* A cause that was tried at the node, not concluded from what an attempt has led to: it needs no
 * symptom. */
bool is_certain(enum reason cause);
/* The cause, with its evidence in message; REASON_NONE: nothing that is known here. Goes by the
 * facts of both nodes where they are known, and by what the source has counted since the target was
 * told to follow. */
enum reason diagnose(const struct spec *spec, const struct run *run, const struct observation *seen,
                     char message[RUN_MESSAGE_MAX]);
/* … of a link that had come up: into *seen, for as long as it is not well. */
void diagnose_link(const struct spec *spec, const struct run *run, struct observation *seen);
