/* SPDX-License-Identifier: Apache-2.0 */
/* halted: only a human can decide. Looks on, so that the view stays fresh, and touches nothing. */
#include "daemon/core/phase.h"

void phase_halted_decide(const struct spec *spec, const struct run *run,
                         const struct observation *seen, struct decision *d)
{
    (void)spec;
    (void)seen;
    decide_wait(d, run->reason, 1000, "%s", run->message);
}
