/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What pair.c, pair_survey.c and pair_siblings.c share. */
#include "daemon/node/pair.h"

#define LOGIN_TIMEOUT_MS UINT64_C(5000) /* attach.timeout, where that is shorter */

/* How we get at a node, in what time; auth NULL: with our own log-in. */
struct access pair_access(const struct pair *pair, enum node_side side,
                          const struct spec_auth *auth, uint64_t timeout_ms);
/* The servers between CLIENT PAUSE WRITE and those that say who has paused their clients. */
bool pair_pause_is_hidden(const struct pair *pair);
/* There, tries a harmless write, unless it is known already. */
void pair_try_pause(struct pair *pair);
/* The way up from a source that is a replica goes on where the last looks lead. */
void pair_climb(struct pair *pair);
/* A survey that is under way goes on with whatever has become possible. */
void pair_survey_on(struct pair *pair);
/* pair_siblings.c: after each look. */
void pair_observe_siblings(struct pair *pair);
/* What was asked is asked again when it has got old, and dropped when it matters no longer. */
void pair_survey_again(struct pair *pair);
