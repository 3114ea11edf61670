/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The Sentinels a job names: what each has said, what that means, and what to tell it.
 *
 *   while the target copies   it may not be promoted: replica-priority 0
 *   before the switch-over    … 1, the best there is; the gate waits until they have noticed
 *   once the target takes     FAILOVER at one of them: the others hear of it from that one
 *   writes
 *   once it is given up       RESET at each: else it is made a replica again, and loses what it has
 */
#include "daemon/core/observation.h"
#include "daemon/core/run.h"
#include "daemon/spec/spec.h"

#define SENTINEL_SAID_MAX 120

enum sentinel_ask {
    SENTINEL_LOOK, /* what it knows under the name */
    SENTINEL_FAILOVER,
    SENTINEL_RESET,
};

/* How one Sentinel sees the nodes; what it says of the target is of the entry in its list of
 * replicas that is the target. */
struct seen_sentinel {
    bool tried;                   /* it has been asked, and that has ended */
    bool answers;                 /* … with an answer, if only that it does not know the name */
    bool knows;                   /* it watches something under the name */
    char said[SENTINEL_SAID_MAX]; /* why it does not answer, or what it has refused */
    uint64_t asked_ms;            /* when it was asked last, on the clock of now_ms */
    uint64_t heard_ms;            /* when the question was sent that was answered last */

    struct endpoint primary; /* whom it names */
    char primary_run_id[41];
    bool failing_over;
    unsigned others; /* Sentinels that it knows besides */
    unsigned quorum;

    bool lists_target;
    bool target_fit;         /* it would be taken */
    int64_t target_priority; /* replica-priority, as it has noticed it */
    bool rival;              /* another replica would be taken before the target, or as soon */
    struct endpoint rival_at;

    enum sentinel_ask told; /* what it was told last, but for looks */
    uint64_t told_ms;       /* … and when; 0: nothing */
};

struct seen_sentinels {
    unsigned n; /* as the spec has them */
    uint64_t now_ms;
    struct seen_sentinel *one;
};

enum sentinel_names { NAMES_NOBODY, NAMES_SOURCE, NAMES_TARGET, NAMES_ANOTHER };
/* Whom it names as the primary. */
enum sentinel_names sentinel_names(const struct spec *spec, const struct run *run,
                                   const struct observation *seen, const struct seen_sentinel *s);

/* How often they are looked at now, in milliseconds; 0: not at all. */
uint32_t sentinel_period(const struct spec *spec, const struct run *run,
                         const struct observation *seen);
/* What to ask of Sentinel i when it is its turn. */
enum sentinel_ask sentinel_next(const struct spec *spec, const struct run *run,
                                const struct observation *seen, unsigned i);
/* The target has taken over, and they have not all been seen to say so. */
bool sentinels_untold(const struct spec *spec, const struct run *run,
                      const struct observation *seen);
/* They name it, and one is still pointing the other replicas to it. */
bool sentinels_at_it(const struct run *run, const struct observation *seen);
/* All that answer, and one does, name the target. */
bool sentinels_told(const struct spec *spec, const struct run *run, const struct observation *seen);
/* The target is given up: none of them has it any more among the replicas it looks after. False,
 * and *ret says which one may: it does not answer, or has not let go of it. */
bool sentinels_let_go(const struct spec *spec, const struct run *run,
                      const struct observation *seen, char ret[RUN_MESSAGE_MAX]);
/* What holds a switch-over back, in words; ready: also that they have noticed its priority. */
bool sentinels_hold(const struct spec *spec, const struct run *run, const struct observation *seen,
                    bool ready, char ret[RUN_MESSAGE_MAX]);
/* Puts what is not as it should be into seen. */
void sentinels_watch(const struct spec *spec, const struct run *run, struct observation *seen);
